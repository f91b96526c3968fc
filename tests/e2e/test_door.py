"""Whose turn it is to log in, and that nobody is kept out by those who never
do: server/net/door.h."""

import select
import socket
import ssl
import threading
import time

import pytest

from protocol import Closed, Refused
from server import PASSWORD
from test_gate_tls import client_hello
from test_limits import retry


@pytest.fixture
def knock(people, request):
    """Connections from an address of the loopback that say this much."""
    hello = client_hello(people)
    held = []

    def begin(server, count, source, said=hello):
        for _ in range(count):
            one = socket.create_connection(
                server.address, timeout=10, source_address=(source, 0))
            held.append(one)
            one.sendall(said)
        return held[len(held) - count:]

    yield begin
    for one in held:
        one.close()


def until(server, wait=10.0, **wanted):
    end = time.monotonic() + wait
    while True:
        status = server.ctl("status")
        found = {key: status[key] for key in wanted}
        if found == wanted:
            return
        assert time.monotonic() < end, found
        time.sleep(0.02)


def let_in_at_once(server, identity, times=4):
    """How many of these logins had a place in the turn they asked for it.

    The first is a fence: behind it all of the attackers have been seen in
    line, and who is counted from then on is one of ours.  One that comes in
    the very turn in which others begin may be.
    """
    server.login(identity).close()
    before = server.reached("limits.logging_in")
    for _ in range(times):
        server.login(identity).close()
    return times - (server.reached("limits.logging_in") - before)


def attacked(make_server, **limits):
    return make_server({"loops": 1, "limits": {"handshake_time": "60s",
                                               **limits}})


def test_who_says_nothing_takes_no_place(make_server, people, knock):
    server = attacked(make_server, logging_in=1)
    knock(server, 50, "127.0.0.2", said=b"")
    knock(server, 50, "127.0.0.1", said=b"")
    until(server, connections=100, logging_in=0, waiting_to_log_in=0)
    server.login(people.alice_laptop).close()
    assert server.reached("limits.logging_in") == 0


def test_one_address_has_a_share_of_the_places_and_no_more(
        make_server, people, knock):
    server = attacked(make_server, logging_in=8)
    knock(server, 60, "127.0.0.2")
    until(server, logging_in=2, waiting_to_log_in=58)
    assert "wait for their turn" in server.command("status").stdout
    server.write_config(limits={"logging_in": 16})
    server.reload()
    until(server, logging_in=4)
    assert let_in_at_once(server, people.alice_laptop) > 0
    assert server.reached("limits.logging_in") >= 58


def test_an_address_that_has_no_place_need_not_wait_for_those_that_have(
        make_server, people, knock):
    server = attacked(make_server, logging_in=16)
    for i in range(6):
        knock(server, 12, f"127.0.0.{10 + i}")
    until(server, logging_in=12)
    assert let_in_at_once(server, people.alice_laptop) > 0


def test_addresses_take_turns_and_a_place_is_had_for_a_second(
        make_server, people, knock):
    """Sixteen turns are before her, of eight addresses: she has the ninth."""
    server = attacked(make_server, logging_in=4)
    crowd = [one for i in range(8)
             for one in knock(server, 6, f"127.0.0.{10 + i}")]
    until(server, logging_in=4, waiting_to_log_in=44)
    server.session(people.alice_laptop, wait=30).close()
    # Who had a turn has heard the server's part of the handshake.  One after
    # the other all 48 had theirs before her.
    assert len(select.select(crowd, [], [], 0)[0]) < 36
    assert server.ctl("status")["waiting_to_log_in"] > 0


def test_the_time_in_line_is_no_login_time(make_server, knock):
    server = make_server({"loops": 1, "limits": {
        "handshake_time": "2s", "logging_in": 1}})
    begin = time.monotonic()
    for i in range(3):
        last, = knock(server, 1, f"127.0.0.{10 + i}")
    while last.recv(4096):
        pass
    # Two had the place before it, a second each, and then its own time ran.
    # Else it ends with its first two seconds, looked at every second.
    assert time.monotonic() - begin > 3.5


def test_who_lost_the_place_may_still_log_in(make_server, people, knock):
    server = attacked(make_server, logging_in=1)
    slow = server.session(people.alice_laptop)
    until(server, logging_in=1)
    knock(server, 1, "127.0.0.2")
    until(server, connections=2, waiting_to_log_in=0)
    slow.hello()
    slow.auth(PASSWORD)
    slow.ping()
    slow.close()


def test_who_left_the_line_is_not_answered(make_server, people, knock):
    server = attacked(make_server, logging_in=1)
    since = server.now()
    knock(server, 1, "127.0.0.2")
    for one in knock(server, 20, "127.0.0.3"):
        one.close()
    server.login(people.alice_laptop).close()
    until(server, waiting_to_log_in=0)
    begun = [line for line in server.lines[since:]
             if line.event == "tls.failed" and "127.0.0.3" in line.text]
    assert begun == []


def test_all_who_come_at_once_get_in(make_server, people):
    server = attacked(make_server, logging_in=1)
    failed = []

    def come():
        try:
            with server.login(people.alice_laptop, wait=30) as one:
                one.ping()
        except Exception as error:  # pylint: disable=broad-except
            failed.append(error)

    crowd = [threading.Thread(target=come) for _ in range(16)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert failed == []
    assert server.reached("limits.logging_in") > 0
    until(server, logging_in=0, waiting_to_log_in=0)


def test_a_full_server_lets_go_of_those_who_say_nothing(
        make_server, people, knock):
    server = attacked(make_server, connections=16)
    with server.login(people.bob_desk) as bob:
        few = knock(server, 3, "127.0.0.2", said=b"")
        many = knock(server, 12, "127.0.0.3", said=b"")
        until(server, connections=16)
        # For a second they might be slow.
        with pytest.raises((OSError, ssl.SSLError, Closed, Refused)):
            server.session(people.alice_laptop, wait=3).hello()
        with retry(lambda: server.login(people.alice_laptop)) as alice:
            alice.ping()
            until(server, connections=16)
            # Of the address with most of them, the one that waited longest.
            assert many[0].recv(1) == b""
            for one in few + many[1:]:
                with pytest.raises(BlockingIOError):
                    one.setblocking(False)
                    one.recv(1)
            bob.ping()
    assert server.reached("limits.connections") >= 2
