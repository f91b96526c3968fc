"""Full disks and failing ones: the sender is told, nothing is acknowledged
that is not there, reading goes on."""

import os
import pathlib
import signal
import subprocess
import time

import pytest

from protocol import Refused, encode, kind, new_id
from server import PASSWORD, Server


def fill(session, limit=20000, size=8000):
    """Post until the server says that it cannot; the acknowledged ids and
    the refusal."""
    stored = []
    for _ in range(limit):
        id = new_id()
        try:
            session.post("bob", b"f" * size, id)
            stored.append(id)
        except Refused as refused:
            return stored, refused.frame
    raise AssertionError("it never got full")


def everything(session, target):
    found, after = [], 0
    while True:
        items, end = session.history(target, after=after)
        found += [item.id for item in items]
        if not end.more:
            return found
        after = items[-1].seq


def test_a_full_map_is_told_and_reading_goes_on(make_server, people):
    server = make_server({"store": {"map_size": "4MiB"}})
    with server.login(people.alice_laptop) as alice:
        stored, frame = fill(alice)
        assert (kind(frame), frame.code) == ("ERROR", "full")
        assert server.reached("store.map_size") > 0
        assert stored
        assert everything(alice, "bob") == stored
        with server.login(people.bob_desk) as bob:
            assert everything(bob, "alice") == stored
    server.restart(store={"map_size": "1GiB"})
    with server.login(people.alice_laptop) as alice:
        assert everything(alice, "bob") == stored
        alice.post("bob", "there is room")


def test_a_full_map_is_emptied_by_retention_without_a_restart(
        make_server, people):
    server = make_server({"store": {"map_size": "4MiB"}})
    with server.login(people.alice_laptop) as alice:
        stored, _ = fill(alice)
        filling = server.wait_line("store.filling")
        assert filling.level == "alarm"
        # The rest of the room is for removing, and for administrators.
        server.ctl("account", "add", "newcomer")
        assert everything(alice, "bob") == stored
        server.write_config(retention={"age": "1ms"})
        server.reload()
        post_when_there_is_room(alice)
        # There may be before the last of them is gone.
        limit = time.monotonic() + 20
        while set(stored) & set(everything(alice, "bob")):
            assert time.monotonic() < limit
            time.sleep(0.1)


def post_when_there_is_room(session):
    limit = time.monotonic() + 20
    while True:
        try:
            return session.post("bob", "room again")
        except Refused as refused:
            assert refused.code == "full"
            assert time.monotonic() < limit
            time.sleep(0.1)


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of a few megabytes; grow() gives it more."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.getuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=6m,mode=700", "tmpfs", folder],
            capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")

    def grow():
        subprocess.run(["mount", "-o", "remount,size=64m", folder], check=True)

    yield folder, grow
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_told_and_sending_works_again_when_there_is_room(
        house, people, small_disk):
    folder, grow = small_disk
    server = Server(folder / "s", house.authority, {}, house.seed)
    try:
        server.start()
        with server.login(people.alice_laptop) as alice, \
                server.login(people.bob_desk) as bob:
            stored, frame = fill(alice)
            assert (kind(frame), frame.code) == ("ERROR", "full")
            assert everything(bob, "alice") == stored
            alice.ping()
            grow()
            limit = time.monotonic() + 20
            while True:  # Without a restart.
                try:
                    id = new_id()
                    alice.post("bob", "room again", id)
                    break
                except Refused as refused:
                    assert refused.code == "full"
                    assert time.monotonic() < limit
                    time.sleep(0.1)
            assert everything(bob, "alice") == stored + [id]
    finally:
        server.close()


@pytest.fixture
def failing_disk(tmp_path):
    """(environment, fail): fail("sync") or fail("write") breaks the disk of a
    server that was started in this environment, fail("stall") lets it take
    its time, fail("full") leaves no room for the tables, fail(None) mends
    it."""
    library, orders = tmp_path / "failing.so", tmp_path / "orders"
    subprocess.run(
        [os.environ.get("CC", "gcc"), "-D_GNU_SOURCE", "-shared", "-fPIC",
         "-O1", "-o", library, pathlib.Path(__file__).parent / "failing.c"],
        check=True)
    orders.write_bytes(b"\0\0\0\0\0\0\0")

    def fail(what):
        with open(orders, "r+b") as f:
            f.write(bytes([what == "sync", what == "write", what == "meta",
                           what == "stall"]))
            f.seek(6)
            f.write(bytes([what == "full"]))

    fail.orders = orders
    asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return {"LD_PRELOAD": str(library), "FAILING": str(orders),
            "ASAN_OPTIONS": asan}, fail


def test_a_disk_that_takes_its_time_is_told_and_nothing_is_lost(
        make_server, people, failing_disk):
    """What waits for it has a limit; above it senders come back later."""
    environment, fail = failing_disk
    server = make_server({"limits": {"queue_bytes": "1MiB"}}, start=False)
    server.start(env=environment)
    sessions = [server.login(people.alice_laptop) for _ in range(14)]
    fail("stall")
    sessions[0].write(encode("SEND", 3, "bob", new_id(), "text/plain", b"."))
    limit = time.monotonic() + 20
    while fail.orders.read_bytes()[4] == 0:  # Until it keeps the log.
        assert time.monotonic() < limit
    body = b"m" * 61440
    for session in sessions:
        session.write(encode("SEND", 1, "bob", new_id(), "text/plain", body)
                      + encode("SEND", 2, "bob", new_id(), "text/plain", body))
    while server.reached("limits.queue_bytes") == 0:
        assert time.monotonic() < limit
    with server.login(people.bob_desk) as bob:  # Reading goes on.
        assert everything(bob, "alice") == []
    fail(None)
    stored, busy = 0, 0
    for session in sessions:
        first = session is sessions[0]
        answers = [session.receive() for _ in range(3 if first else 2)]
        assert {answer.ref for answer in answers} == \
            ({1, 2, 3} if first else {1, 2})
        for answer in answers:
            if kind(answer) == "STORED":
                stored += 1
            else:
                assert answer.code == "busy" and answer.retry_ms > 0
                busy += 1
    assert stored > 0 and busy == server.reached("limits.queue_bytes")
    assert len(everything(sessions[0], "bob")) == stored
    sessions[0].post("bob", "there is room")
    for session in sessions:
        session.close()


def test_a_disk_that_stalls_keeps_nobody_from_reading_what_there_is(
        make_server, people, failing_disk):
    """Not even where the tables are behind what was told."""
    environment, fail = failing_disk
    server = make_server(start=False)
    server.start(env=environment)
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        first = new_id()
        alice.post("bob", "first", first)
        limit = time.monotonic() + 20
        while fail.orders.read_bytes()[4] == 0:
            # Until it stalls between what is told and the tables.
            assert time.monotonic() < limit
            fail(None)
            alice.post("bob", "told")
            fail("stall")
            soon = time.monotonic() + 0.2
            while fail.orders.read_bytes()[4] == 0 and \
                    time.monotonic() < soon:
                pass
        assert first in everything(bob, "alice")
        bob.ping()
        fail(None)
        last = new_id()
        alice.post("bob", "and on", last)
        assert last in everything(bob, "alice")


@pytest.mark.parametrize("what", ["sync", "write"])
def test_a_failing_disk_stops_writing_until_restart(
        make_server, people, failing_disk, what):
    """A commit after a failed fsync happily succeeds: it is not believed."""
    environment, fail = failing_disk
    server = make_server(start=False)
    server.start(env=environment)
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        kept, lost = new_id(), new_id()
        alice.post("bob", "before", kept)
        fail(what)
        with pytest.raises(Refused) as refused:
            alice.post("bob", "during", lost)
        assert refused.value.code in ("full", "internal")
        fail(None)
        # The disk is well again, and still nothing is believed.
        with pytest.raises(Refused) as refused:
            alice.post("bob", "after")
        assert refused.value.code in ("full", "internal")
        assert kept in everything(bob, "alice")
    server.stop()
    server.start()
    with server.login(people.alice_laptop) as alice:
        found = everything(alice, "bob")
        assert kept in found
        alice.post("bob", "restarted")
        again = alice.post("bob", "during", lost)
        assert again.duplicate == (lost in found)


def test_a_net_that_dies_does_not_forget_that_the_disk_failed(
        make_server, people, failing_disk):
    environment, fail = failing_disk
    server = make_server(start=False)
    server.rough = True
    server.start(env=environment)
    kept = new_id()
    with server.login(people.alice_laptop) as alice:
        alice.post("bob", "before", kept)
        fail("sync")
        with pytest.raises(Refused):
            alice.post("bob", "during")
        assert server.ctl("status")["reading_only"] is True
    fail(None)
    since = server.now()
    os.kill(server.child("net"), signal.SIGKILL)
    server.wait_line("child.restarted", since=since, name="net")
    assert server.wait_line("store.reading_only", since=since).level == "alarm"
    with server.login(people.alice_laptop) as alice:
        assert everything(alice, "bob") == [kept]
        with pytest.raises(Refused) as refused:
            alice.post("bob", "after")
        assert refused.value.code == "full"
    server.restart()
    assert server.ctl("status")["reading_only"] is False
    with server.login(people.alice_laptop) as alice:
        alice.post("bob", "restarted")


def test_a_keeper_that_dies_does_not_forget_it_either(
        make_server, people, failing_disk):
    environment, fail = failing_disk
    server = make_server(start=False)
    server.rough = True
    server.start(env=environment)
    server.login(people.alice_laptop).close()
    fail("sync")
    assert not server.ask("account.passwd", account="alice")["ok"]
    assert server.ctl("status")["reading_only"] is True
    fail(None)
    since = server.now()
    os.kill(server.child("keeper"), signal.SIGKILL)
    server.wait_line("child.restarted", since=since, name="keeper")
    assert not server.ask("account.passwd", account="alice")["ok"]
    # Who has a password goes on.
    with server.login(people.alice_laptop) as alice:
        alice.post("bob", "that disk is well")
    server.restart()
    assert server.ctl("status")["reading_only"] is False
    assert server.ask("account.passwd", account="alice")["ok"]


def test_a_start_on_a_disk_that_still_fails_is_refused_and_changes_nothing(
        make_server, people, failing_disk):
    environment, fail = failing_disk
    server = make_server(start=False)
    server.start()
    kept = new_id()
    with server.login(people.alice_laptop) as alice:
        alice.post("bob", "before", kept)
    server.stop()
    files = [server.data / part / "data.mdb" for part in ("net", "keeper")]
    before = [f.read_bytes() for f in files]
    for what in "meta", "sync":
        fail(what)
        server.start(env=environment, wait=False)
        line = server.wait_line("not_started", since=server.mark)
        assert "Input/output error" in line.fields["why"]
        assert server.process.wait(10) != 0
        assert [f.read_bytes() for f in files] == before
    fail(None)
    server.start(env=environment)
    with server.login(people.alice_laptop) as alice:
        assert everything(alice, "bob") == [kept]
        alice.post("bob", "restarted")


def test_after_a_failed_meta_page_the_database_is_read_and_not_written(
        make_server, people, failing_disk):
    """LMDB answers nothing any more: net is started again, only to read.  What
    was stored meanwhile is in the journal, and there after a restart."""
    environment, fail = failing_disk
    server = make_server(start=False)
    server.rough = True
    server.start(env=environment)
    kept, during = new_id(), new_id()
    with server.login(people.alice_laptop) as alice:
        alice.post("bob", "before", kept)
        since = server.now()
        fail("meta")
        alice.post("bob", "during", during)
    alarm = server.wait_line("store.reading_only", since=since)
    assert alarm.level == "alarm"
    server.wait_line("child.restarted", since=since, name="net")
    assert server.wait_line("journal.pending", since=since).level == "alarm"
    fail(None)
    with server.login(people.alice_laptop) as alice:
        assert everything(alice, "bob") == [kept]
        with pytest.raises(Refused) as refused:
            alice.post("bob", "after")
        assert refused.value.code == "full"
    assert server.ctl("status")["reading_only"] is True
    assert "TROUBLE" in server.command("status").stdout
    server.restart()
    with server.login(people.alice_laptop) as alice:
        assert everything(alice, "bob") == [kept, during]
        assert alice.post("bob", "during", during).duplicate
        alice.post("bob", "restarted")
    assert server.ctl("status")["reading_only"] is False


def test_a_net_that_cannot_start_all_its_threads_ends_with_the_reason(
        make_server, failing_disk):
    """Those that it could start are told to stop, and it waits for them."""
    environment, fail = failing_disk
    server = make_server({"loops": 4}, start=False)
    # The log has one and the sandbox tries one; so there are two loops.
    fail.orders.write_bytes(b"\0\0\0\0\0\5")
    server.start(env=environment, wait=False)
    line = server.wait_line("not_started", since=server.mark)
    assert "cannot start threads" in line.fields["why"]
    assert server.process.wait(10) != 0
    assert server.ended.wait(10)
    assert not [l.text for l in server.lines if l.event == "child.killed"]


def test_what_the_journal_held_at_the_start_is_delivered_when_there_is_room(
        make_server, people, failing_disk):
    """To those as well who logged in meanwhile, and before what comes later."""
    environment, fail = failing_disk
    server = make_server(start=False)
    server.rough = True
    server.start(env=environment)
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        bob.sync()
        alice.post("bob", "before")
        alice.history("bob")  # The tables have it.
        fail("full")
        during = alice.post("bob", "during").seq
        server.wait_line("store.full", of="disk")
    server.kill()
    server.start(env=environment)
    assert server.wait_line("journal.pending", since=server.mark)
    with server.session(people.bob_desk) as again, \
            server.session(people.alice_laptop) as alice:
        again.hello()  # At once, before the log has said anything.
        again.resume(bob.token)
        again.sync()
        assert again.deliveries(1)[0].body == b"before"
        again.ping()
        alice.login(PASSWORD)
        fail(None)
        post_when_there_is_room(alice)
        came = again.deliveries(2)
        assert [m.body for m in came] == [b"during", b"room again"]
        assert came[0].seq == during
