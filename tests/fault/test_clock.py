"""Wall time goes back or leaps: order and dedupe hold, nothing is removed."""

import pathlib
import time

import pytest

from protocol import new_id

HOUR = 3600
FAKE = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


@pytest.fixture
def fake():
    """fake("+365d"): the environment of a server whose wall time is that far
    from ours; monotonic time is left alone."""
    found = [FAKE, *pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")]
    library = next((path for path in found if path.exists()), None)
    if library is None:
        pytest.skip("needs libfaketime")
    return lambda offset: {"LD_PRELOAD": str(library), "FAKETIME": offset,
                           "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                           "DONT_FAKE_MONOTONIC": "1",
                           "ASAN_OPTIONS": "verify_asan_link_order=0"}


def until(condition, wait=10):
    limit = time.monotonic() + wait
    while not condition():
        assert time.monotonic() < limit, "it did not come true in time"
        time.sleep(0.02)  # Retention has no event that a client sees.


def test_an_hour_back_changes_neither_order_nor_dedupe(
        make_server, people, fake):
    server = make_server({"tls": {"clock_tolerance": "1h"}})
    ids = [new_id() for _ in range(3)]
    with server.login(people.alice_laptop) as alice:
        first = [alice.post("bob", f"before {i}", id).seq
                 for i, id in enumerate(ids)]
    server.stop()
    server.start(env=fake(f"-{HOUR - 60}"))
    with server.login(people.alice_laptop) as alice:
        back = alice.post("bob", "back then")
        assert back.time < time.time() * 1000 - 0.9 * HOUR * 1000
        assert back.seq > first[-1]
        again = [alice.post("bob", "again", id) for id in ids]
        assert all(a.duplicate for a in again)
        assert [a.seq for a in again] == first
        assert [item.seq for item in alice.history("bob")[0]] == [
            *first, back.seq]
        with server.login(people.bob_desk) as bob:
            bob.sync()
            assert [m.seq for m in bob.until(back.seq)] == [*first, back.seq]
    assert server.ctl("store")["clock_held"] is False
    server.restart()
    with server.login(people.alice_laptop) as alice:
        assert alice.post("bob", "now").seq > back.seq
        assert alice.post("bob", "again", ids[0]).duplicate


def test_a_year_ahead_removes_nothing_until_an_administrator_agrees(
        make_server, people, fake):
    server = make_server({"retention": {"age": "30d"}})
    id = new_id()
    with server.login(people.alice_laptop) as alice:
        alice.post("bob", "with a ttl", ttl=HOUR * 1000)
        alice.post("bob", "without", id)
    server.stop()
    # A certificate's end is another matter: here only the control socket.
    server.start(env=fake("+365d"))
    leapt = server.wait_line("clock.leapt", since=server.mark)
    assert leapt.level == "alarm" and "accept-clock" in leapt.text
    held = server.ctl("store")
    assert held["clock_held"] is True and held["messages"] == 2
    assert "leapt" in server.command("store").stdout
    server.restart()
    # It was set right again: all is there, and is known.
    with server.login(people.alice_laptop) as alice:
        assert len(alice.history("bob")[0]) == 2
        assert alice.post("bob", "again", id).duplicate
    assert server.ctl("store")["clock_held"] is False
    server.stop()
    server.start(env=fake("+365d"))
    assert "go on" in server.command("store", "accept-clock").stdout
    until(lambda: server.ctl("store")["messages"] == 0)
    assert server.ctl("store")["clock_held"] is False
