"""What is removed, when, and what may be stored."""

import json
import time

import cbor2
import pytest

from protocol import Refused, new_id, wrap

SECOND = 1000


def until(condition, wait=10):
    """Retention has no event that a client sees."""
    limit = time.monotonic() + wait
    while not (found := condition()):
        assert time.monotonic() < limit, "it did not come true in time"
        time.sleep(0.02)
    return found


def bodies(session, target):
    return [item.body for item in session.history(target)[0]]


def test_a_message_with_a_ttl_is_gone_after_it_and_others_stay(server, people):
    with server.login(people.alice_laptop) as alice:
        id = new_id()
        first = alice.post("bob", "the code is 1234", id, ttl=SECOND)
        alice.post("bob", "in an hour", ttl=3600 * SECOND)
        alice.post("bob", "no ttl at all")
        alice.post("bob", "nor a zero one", ttl=0)
        until(lambda: len(bodies(alice, "bob")) == 3)
        assert time.time() * 1000 >= first.time + SECOND
        items, end = alice.history("bob")
        assert end.count == len(items) == 3
        # It is still known that it was sent.
        assert alice.post("bob", "the code is 1234", id).duplicate
        with server.login(people.bob_desk) as bob:
            bob.sync()
            got = [frame.body for frame in bob.fence("carol")]
            assert got == [b"in an hour", b"no ttl at all", b"nor a zero one"]


def test_who_gets_a_message_is_told_when_it_expires(server, people):
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        bob.sync()
        bob.fence("carol")
        sent = [alice.post("bob", "an hour", ttl=3600 * SECOND),
                alice.post("bob", "for good")]
        expected = [sent[0].time + 3600 * SECOND, 0]
        assert [d.expires for d in bob.until(sent[1].seq)] == expected  # Live.
        assert [i.expires for i in alice.history("bob")[0]] == expected
        alice.sync()
        stored = alice.until(sent[1].seq)
        assert [d.expires for d in stored] == expected
        assert alice.size == len(encode_as_before(stored[1]))


def encode_as_before(message):
    """One that does not expire has no field more than it ever had."""
    return wrap(cbor2.dumps([20, *message[:8]]))


def test_a_live_reader_gets_a_message_whatever_its_ttl(server, people):
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        bob.sync()
        bob.fence("carol")
        seq = alice.post("bob", "now or never", ttl=1).seq
        assert bob.until(seq)[-1].body == b"now or never"


def test_a_ttl_is_a_number(shared, people):
    with shared.login(people.alice_laptop) as alice:
        for bad in ("soon", -1, None, 1.5):
            ref = alice.ask("SEND", "bob", new_id(), "text/plain", b"x", bad)
            with pytest.raises(Refused) as refused:
                alice.expect("STORED", ref=None)
            assert refused.value.code == "bad-frame", (ref, bad)
        alice.post("bob", "the longest", ttl=(1 << 64) - 1)


def test_what_is_too_old_is_removed_and_the_space_used_again(
        make_server, people):
    server = make_server()
    with server.login(people.alice_laptop) as alice:
        first = None
        for _ in range(3):
            # All of them are there before the first one goes.
            server.write_config(retention={"age": "1d"})
            server.reload()
            for _ in range(200):
                alice.post("bob", b"x" * 8000)
            server.write_config(retention={"age": "1ms"})
            server.reload()
            until(lambda: server.ctl("store")["messages"] == 0)
            assert bodies(alice, "bob") == []
            store = server.ctl("store")
            assert store["bytes"] == 0
            whole = store["store_used"] + store["store_free"]
            first = first or whole
            # What a transaction gives back can be used in the one after the
            # next, so that the second time needs some more.  All of it anew
            # would be 1.9 times as much.
            assert whole < 1.6 * first


def test_above_the_bytes_the_oldest_are_removed(make_server, people):
    server = make_server({"retention": {"bytes": "50KiB"}})
    with server.login(people.alice_laptop) as alice:
        for number in range(20):
            alice.post("bob", b"%02d" % number + b"x" * 8000)
        until(lambda: server.ctl("store")["bytes"] <= 50 * 1024)
        left = [body[:2] for body in bodies(alice, "bob")]
        assert left == [b"%02d" % number for number in range(14, 20)]


def test_a_room_keeps_what_its_own_limit_says(make_server, people):
    server = make_server()
    with server.login(people.alice_laptop) as alice:
        alice.call("DONE", "ROOM_CREATE", "#brief", True, "")
        alice.call("DONE", "ROOM_CREATE", "#long", True, "")
        for room in ("#brief", "#long"):
            alice.post(room, "said")
        server.command("store", "limit", "#brief", "--age", "1ms")
        # Rooms are looked at at the start, and each minute.
        server.restart()
    with server.login(people.alice_laptop) as alice:
        until(lambda: bodies(alice, "#brief") == [])
        assert bodies(alice, "#long") == [b"said"]


def test_a_quota_is_told_to_the_sender_and_harms_nobody_else(
        make_server, people):
    server = make_server({"limits": {"account_bytes": "20KiB"}})
    with server.login(people.alice_laptop) as alice, \
            server.login(people.carol_desk) as carol:
        with pytest.raises(Refused) as refused:
            for _ in range(4):
                alice.post("bob", b"x" * 8000)
        assert refused.value.code == "limit"
        assert server.reached("limits.account_bytes") == 1
        assert len(bodies(alice, "bob")) == 2
        carol.post("bob", b"x" * 8000)
        # The administrator gives her more.
        server.command("store", "limit", "alice", "--bytes", "1MiB")
        alice.post("bob", b"x" * 8000)
        server.command("store", "limit", "alice", "--none")
        with pytest.raises(Refused) as refused:
            alice.post("bob", b"x" * 8000)
        assert refused.value.code == "limit"
        # Or a reload gives more to all.
        server.write_config(limits={"account_bytes": "0"})
        server.reload()
        until(lambda: posts(alice))


def posts(session):
    try:
        session.post("bob", b"x" * 8000)
        return True
    except Refused:
        return False


def test_an_id_is_known_across_restarts_and_after_its_message_is_removed(
        make_server, people):
    server = make_server({"retention": {"age": "1ms"}})
    ids = [new_id() for _ in range(5)]
    with server.login(people.alice_laptop) as alice:
        first = [alice.post("bob", "once", id) for id in ids]
    until(lambda: server.ctl("store")["messages"] == 0)
    server.restart()
    with server.login(people.alice_laptop) as alice:
        again = [alice.post("bob", "twice", id) for id in ids]
        assert [a.seq for a in again] == [f.seq for f in first]
        assert all(a.duplicate for a in again)
        assert bodies(alice, "bob") == []
        # Another's same id is another message.
    with server.login(people.carol_desk) as carol:
        assert not carol.post("bob", "mine", ids[0]).duplicate


def test_store_shows_who_uses_what(make_server, people):
    server = make_server()
    with server.login(people.alice_laptop) as alice:
        alice.post("bob", b"x" * 5000)
        alice.post("carol", b"x" * 100)
    server.command("store", "limit", "alice", "--bytes", "1GiB")
    shown = server.command("store").stdout
    assert "alice and bob" in shown and "log" in shown
    store = json.loads(server.command("store", "--json").stdout)
    assert store["messages"] == 2
    assert [a["name"] for a in store["accounts"]] == ["alice"]
    assert store["accounts"][0]["limit_bytes"] == 1 << 30
    assert [r["name"] for r in store["rooms"]] == [
        "alice and bob", "alice and carol"]
    assert store["rooms"][0]["bytes"] > store["rooms"][1]["bytes"]
    assert store["store_used"] > 0


@pytest.mark.parametrize("words, says", [
    (("nobody", "--bytes", "1MiB"), "no account or room"),
    (("#nowhere", "--bytes", "1MiB"), "no account or room"),
    (("alice", "--age", "1d"), "a limit of bytes alone"),
    (("alice", "--bytes", "much"), "a size is such as"),
    (("alice",), "--none"),
    (("alice", "--none", "--bytes", "1MiB"), "--none"),
])
def test_a_limit_that_makes_no_sense_is_refused(shared, words, says):
    answer = shared.command("store", "limit", *words, ok=False)
    assert answer.returncode != 0
    assert says in answer.stderr


@pytest.mark.parametrize("fields", [
    {"bytes": "1GiB"}, {"bytes": 1.5}, {"bytes": -1}, {"age": "1d"},
    {"age": True}, {"none": "yes"}], ids=str)
def test_a_limit_that_is_not_understood_does_not_read_as_none(shared, fields):
    answer = shared.ask("store.limit", name="carol", **fields)
    assert (answer["ok"], answer["error"]) == (False, "invalid")
