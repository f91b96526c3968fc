"""A backlog costs the server no memory, and a full database no time."""

import subprocess
import time

import pytest

from authority import BUILD

MESSAGES = 200_000  # scripts/bench restart takes ten million.
MIB = 1024


def resident(server):
    """Anonymous resident memory of net, KiB."""
    with open(f"/proc/{server.child('net')}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f
                    if line.startswith("RssAnon:"))


@pytest.fixture
def full(make_server):
    server = make_server({"store": {"map_size": "4GiB"}}, start=False)
    subprocess.run([BUILD / "e2e" / "fill", server.data, str(MESSAGES)],
                   check=True)
    return server.start()


def test_a_backlog_costs_the_server_no_memory(full, people):
    with full.login(people.bob_desk) as bob:
        bob.ping()
        before = resident(full)
        # All of it lies before a new device; it takes a little, then stops.
        bob.sync(frames=10)
        assert len(bob.deliveries(10)) == 10
        assert len(bob.held()) == 0
        assert resident(full) < before + 4 * MIB
        # It reads a great part.
        bob.send("CREDIT", 20_010, 1 << 40)
        bob.deliveries(20_000, wait=60)
        assert resident(full) < before + 4 * MIB
        # And from now on does not read at all.
        bob.send("CREDIT", 1 << 40, 1 << 40)
        with full.login(people.carol_desk) as carol:
            for _ in range(20):
                carol.ping()
            assert resident(full) < before + 8 * MIB


def test_a_start_takes_no_longer_for_what_is_stored(full, people):
    full.rough = True
    slowest = 0
    for _ in range(3):
        full.kill()
        begin = time.monotonic()
        full.start()
        slowest = max(slowest, time.monotonic() - begin)
    assert slowest < 2
    with full.login(people.alice_laptop) as alice:
        items, end = alice.history("bob", limit=50)
        assert len(items) == 50 and end.more
