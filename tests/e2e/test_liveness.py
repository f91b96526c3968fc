"""PING, PONG, BYE and the timers: section 8 of docs/PROTOCOL.md."""

import socket
import ssl
import time

import pytest

from protocol import Truncated, kind
from server import PASSWORD


def test_a_ping_is_answered_with_its_nonce(shared, people):
    with shared.login(people.alice_laptop) as alice:
        for nonce in (0, 1, (1 << 64) - 1):
            alice.send("PING", nonce)
            assert alice.expect("PONG").nonce == nonce


def test_a_bye_of_the_client_ends_with_close_notify(shared, people):
    with shared.login(people.alice_laptop) as alice:
        alice.send("BYE", "done", "see you")
        assert all(kind(f) == "BYE" for f in alice.ending())


def test_a_client_that_shuts_down_its_side_is_answered_so(shared, people):
    with shared.login(people.alice_laptop) as alice:
        alice.tls.unwrap()  # Sends close_notify and waits for theirs.


def test_silence_ends_the_session_with_timeout(make_server, people):
    server = make_server({"limits": {"idle_time": "2s"}})
    with server.login(people.bob_desk) as bob, \
            server.login(people.alice_laptop) as alice:
        alice.ping()
        begin = time.monotonic()
        frames = []
        while not frames and time.monotonic() - begin < 8:
            bob.ping()  # Who is heard stays.
            try:
                frames = [alice.receive(0.2)]
            except Exception:
                pass
        assert [(kind(f), f.code) for f in frames] == [("BYE", "timeout")]
        assert 1.5 <= time.monotonic() - begin < 6
        assert alice.ending() == []
        bob.ping()
    assert server.reached("limits.idle_time") == 1


@pytest.mark.parametrize("state", ["hello", "auth"])
def test_a_login_that_takes_too_long_ends_with_timeout(
        make_server, people, state):
    server = make_server({"limits": {"handshake_time": "1s"}})
    with server.session(people.alice_laptop) as alice:
        begin = time.monotonic()
        if state == "auth":
            alice.hello()
        frames = alice.ending()
        assert [(kind(f), f.code) for f in frames] == [("BYE", "timeout")]
        assert 0.8 <= time.monotonic() - begin < 4
    assert server.reached("limits.handshake_time") == 1


def test_a_login_ends_at_its_limit_and_not_at_the_next_tick(
        make_server, people):
    """One of these need not be held up by the machine; where they end at the
    tick of a second, each but the first waits for all of it."""
    server = make_server({"loops": 1, "limits": {"handshake_time": "100ms"}})
    took = []
    for _ in range(5):
        with socket.create_connection(server.address, timeout=10) as silent:
            begin = time.monotonic()
            assert silent.recv(1) == b""
            took.append(time.monotonic() - begin)
    assert 0.05 < min(took[1:]) < 0.5, took


def test_pings_do_not_prolong_the_login(make_server, people):
    server = make_server({"limits": {"handshake_time": "1s"}})
    with server.session(people.alice_laptop) as alice:
        alice.hello()
        begin = time.monotonic()
        last = None
        try:
            while time.monotonic() - begin < 5:
                alice.send("PING", 1)
                last = alice.receive(3)
                time.sleep(0.05)
                if kind(last) == "BYE":
                    break
        except (OSError, ssl.SSLError):
            pass
        assert kind(last) == "BYE" and last.code == "timeout"


def test_a_connection_that_says_nothing_is_closed(make_server, people):
    server = make_server({"limits": {"handshake_time": "1s"}})
    with socket.create_connection(server.address, timeout=10) as raw:
        begin = time.monotonic()
        assert raw.recv(100) == b""
        assert 0.8 <= time.monotonic() - begin < 4
    assert server.reached("limits.handshake_time") == 1
    server.login(people.alice_laptop).close()


def test_a_handshake_by_the_byte_is_not_given_more_time(make_server, people):
    server = make_server({"limits": {"handshake_time": "1s"}})
    with socket.create_connection(server.address, timeout=10) as raw:
        begin = time.monotonic()
        try:
            for _ in range(100):
                raw.sendall(b"\x16")
                time.sleep(0.1)
        except OSError:
            pass
        assert time.monotonic() - begin < 5


def test_the_check_of_a_password_does_not_count_as_login_time(
        make_server, people):
    """Refusals take 700 ms each, of a login time of one second."""
    server = make_server({"limits": {"handshake_time": "1s"},
                          "password": {"answer_time": "700ms"}})
    with server.session(people.alice_laptop) as alice:
        alice.hello()
        for _ in range(3):
            alice.send("AUTH", b"wrong")
            assert alice.receive().code == "auth-failed"
        time.sleep(0.2)
        assert kind(alice.auth(PASSWORD)) == "READY"


def test_a_server_that_is_killed_is_no_orderly_end(server, people):
    """The client can tell: there is no close_notify."""
    with server.login(people.alice_laptop) as alice:
        server.kill()
        with pytest.raises(Truncated):
            alice.receive()
