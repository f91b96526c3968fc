"""kill -9: what was acknowledged is there, and what was not hit goes on."""

import os
import random
import signal
import time

import pytest

from load import Load, torture
from protocol import Refused, encode, kind, new_id
from server import wait_group_gone

KILLS = 12  # scripts/torture does a hundred and more.


def test_nothing_acknowledged_is_lost_when_all_is_killed(server, people):
    load, slowest = torture(server, people, KILLS, random.Random())
    assert load.acknowledged() >= 20 * KILLS
    assert slowest < 5


def test_an_acknowledgement_means_that_it_is_on_the_disk(server, people):
    """Killed at the very STORED: no time to write anything afterwards."""
    server.rough = True
    for i in range(5):
        with server.login(people.alice_laptop) as alice:
            id = new_id()
            alice.post("bob", f"at once {i}", id)
            server.kill()
        server.start()
        with server.login(people.bob_desk) as bob:
            assert id in [item.id for item in bob.history("alice")[0]]


def test_a_killed_net_is_restarted_and_loses_nothing(server, people):
    server.rough = True
    with Load(server, [people.alice_laptop, people.carol_desk],
              people.bob_desk, "bob") as load:
        for _ in range(2):
            load.wait_acknowledged(load.acknowledged() + 50)
            before = server.ctl("status")
            since = server.now()
            os.kill(before["net"]["pid"], signal.SIGKILL)
            server.wait_line("child.restarted", since=since, name="net")
            after = server.ctl("status")
            assert after["net"]["pid"] != before["net"]["pid"]
            assert after["keeper"]["pid"] == before["keeper"]["pid"]
    load.verify()


def test_a_killed_keeper_is_restarted_and_sessions_go_on(server, people):
    server.rough = True
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        bob.sync()
        before = server.ctl("status")
        since = server.now()
        os.kill(before["keeper"]["pid"], signal.SIGKILL)
        seq = alice.post("bob", "did you notice?").seq
        assert bob.until(seq)[-1].seq == seq
        server.wait_line("child.restarted", since=since, name="keeper")
        assert server.ctl("status")["net"]["pid"] == before["net"]["pid"]
        retry(lambda: server.login(people.carol_desk).close())
        with server.session(people.alice_laptop) as again:
            again.hello()
            again.resume(alice.token)  # The MAC key was not lost.
        alice.ping()


def test_a_login_during_the_keepers_death_is_told_to_come_back(
        make_server, people):
    server = make_server({"password": {"answer_time": "1s"}})
    server.rough = True
    with server.session(people.alice_laptop) as alice:
        alice.hello()
        alice.send("AUTH", b"wrong")
        os.kill(server.child("keeper"), signal.SIGKILL)
        frame = alice.receive()
        assert kind(frame) in ("ERROR", "BYE")
        assert frame.code in ("busy", "internal", "auth-failed")
    retry(lambda: server.login(people.alice_laptop).close())


def retry(act, wait=10):
    limit = time.monotonic() + wait
    while True:
        try:
            return act()
        except (Refused, OSError):
            if time.monotonic() > limit:
                raise
            time.sleep(0.05)


@pytest.mark.parametrize("child", ["net", "keeper"])
def test_a_child_that_keeps_dying_stops_the_server_with_an_alarm(
        server, people, child):
    server.rough = True
    for _ in range(3):
        since = server.now()
        os.kill(server.child(child), signal.SIGKILL)
        if server.wait_either("child.restarted", "child.given_up",
                              since=since).event == "child.given_up":
            break
    assert server.process.wait(15) != 0
    assert any(line.event == "child.given_up" and line.level == "alarm"
               for line in server.lines)
    wait_group_gone(server.process.pid)


def test_no_child_outlives_its_parent(server, people):
    server.rough = True
    with server.login(people.alice_laptop):
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(10)
        wait_group_gone(server.process.pid)
    server.start()
    server.login(people.alice_laptop).close()


@pytest.mark.parametrize("size", [1, 61440])
def test_a_sender_killed_in_the_middle_harms_nobody(server, people, size):
    """The client dies with half a frame sent and answers unread."""
    with server.login(people.bob_desk) as bob:
        for _ in range(10):
            alice = server.login(people.alice_laptop)
            alice.write(b"".join(
                encode("SEND", i, "bob", new_id(), "text/plain", b"x" * size)
                for i in range(20)) + b"\x00\x00\x01")
            alice.close()
        bob.ping()
        bob.sync()
        bob.fence("carol")
