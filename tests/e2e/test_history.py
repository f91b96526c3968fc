"""HISTORY: pages of one conversation or room, section 6 of the page."""

import socket

import pytest

from protocol import Refused, encode, new_id


@pytest.fixture
def talk(server, people):
    """A conversation of 25 between two others' messages; its seqs."""
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        seqs = []
        for i in range(25):
            alice.post("carol", f"beside {i}")
            seqs.append((alice if i % 2 else bob).post(
                "bob" if i % 2 else "alice", f"line {i}").seq)
        return seqs


@pytest.fixture
def alice(server, people, talk):
    with server.login(people.alice_laptop) as alice:
        yield alice


def page(session, target, **where):
    items, end = session.history(target, **where)
    assert end.count == len(items)
    return [item.seq for item in items], end.more


def test_the_newest_come_without_before_and_after(alice, talk):
    assert page(alice, "bob", limit=10) == (talk[-10:], True)
    assert page(alice, "bob", limit=25) == (talk, False)
    assert page(alice, "bob") == (talk, False)


def test_pages_backwards_meet_without_gap_or_overlap(alice, talk):
    found, before, more = [], None, True
    while more:
        seqs, more = page(alice, "bob", before=before, limit=7)
        found = seqs + found
        before = seqs[0]
    assert found == talk


def test_pages_forwards_meet_without_gap_or_overlap(alice, talk):
    found, after, more = [], 0, True
    while more:
        seqs, more = page(alice, "bob", after=after, limit=7)
        found += seqs
        after = seqs[-1]
    assert found == talk


def test_before_and_after_exclude_their_own(alice, talk):
    assert page(alice, "bob", before=talk[5], limit=2) == (talk[3:5], True)
    assert page(alice, "bob", after=talk[5], limit=2) == (talk[6:8], True)
    assert page(alice, "bob", before=talk[0]) == ([], False)
    assert page(alice, "bob", after=talk[-1]) == ([], False)
    assert page(alice, "bob", before=1 << 62, limit=1) == (talk[-1:], True)


def test_a_page_of_none_says_whether_there_is_any(alice, talk):
    assert page(alice, "bob", limit=0) == ([], True)
    assert page(alice, "bob", before=talk[1], limit=0) == ([], True)
    assert page(alice, "bob", before=talk[0], limit=0) == ([], False)
    assert page(alice, "bob", after=talk[-2], limit=0) == ([], True)
    assert page(alice, "bob", after=talk[-1], limit=0) == ([], False)
    assert page(alice, "dave", limit=0) == ([], False)


def test_both_ends_see_the_same_conversation(server, people, alice, talk):
    with server.login(people.bob_desk) as bob:
        assert page(bob, "alice") == (talk, False)
        ours, _ = alice.history("bob")
        theirs, _ = bob.history("alice")
        assert [i[1:] for i in ours] == [i[1:] for i in theirs]


def test_an_item_is_the_message_as_delivered(server, people, alice, talk):
    alice.sync("compare")
    delivered = [d for d in alice.until(talk[-1]) if d.seq in talk]
    items, _ = alice.history("bob")
    assert [tuple(i[1:]) for i in items] == [tuple(d) for d in delivered]


def test_times_part_a_conversation_as_sequences_do(alice, talk):
    items, _ = alice.history("bob")
    for item in items[::6]:
        earlier = [i.seq for i in items if i.time < item.time]
        later = [i.seq for i in items if i.time >= item.time]
        assert page(alice, "bob", before_time=item.time) == (earlier, False)
        assert page(alice, "bob", after_time=item.time) == (later, False)
        assert page(alice, "bob", after_time=item.time, limit=2) == (
            later[:2], len(later) > 2)
    assert page(alice, "bob", after_time=(1 << 64) - 1) == ([], False)
    assert page(alice, "bob", before_time=0) == ([], False)


def test_absent_times_are_null_times(alice, talk):
    assert page(alice, "bob", before_time=None, limit=3) == page(
        alice, "bob", limit=3)


def test_giving_both_ends_is_a_bad_frame(alice, talk):
    with pytest.raises(Refused, match="bad-frame"):
        alice.history("bob", before=talk[9], after=talk[3])
    with pytest.raises(Refused, match="bad-frame"):
        alice.history("bob", before=talk[9], after_time=1)
    alice.ping()


def test_a_page_has_at_most_200(shared, people):
    with shared.login(people.carol_desk) as carol:
        carol.write(b"".join(
            encode("SEND", i, "dave", i.to_bytes(16, "big"), "text/plain", b"")
            for i in range(250)))
        seqs = [carol.expect("STORED", ref=i).seq for i in range(250)]
        found, more = page(carol, "dave", limit=100_000)
        assert (len(found), more) == (200, True)
        assert page(carol, "dave", after=seqs[0] - 1, limit=1 << 63)[0] == (
            seqs[:200])


def test_a_conversation_that_never_was_is_empty(alice):
    assert page(alice, "dave") == ([], False)


def test_a_room_one_is_not_in_is_unknown(server, people, alice):
    with server.login(people.bob_desk) as bob:
        bob.call("DONE", "ROOM_CREATE", "#secret", False, "")
    answers = set()
    for room in ("#secret", "#never-was"):
        with pytest.raises(Refused, match="unknown-target") as refused:
            alice.history(room)
        answers.add((refused.value.frame.text, refused.value.frame.code))
    assert len(answers) == 1


def test_a_rooms_history_begins_where_one_joined(server, people):
    with server.login(people.bob_desk) as bob, \
            server.login(people.alice_laptop) as alice:
        bob.call("DONE", "ROOM_CREATE", "#open", True, "")
        bob.post("#open", "before she came")
        alice.call("DONE", "ROOM_JOIN", "#open")
        seq = bob.post("#open", "after").seq
        assert page(alice, "#open") == ([seq], False)
        assert page(alice, "#open", after=0) == ([seq], False)
        assert len(page(bob, "#open")[0]) == 2


def test_history_of_large_messages_comes_whole(server, people):
    with server.login(people.alice_laptop) as alice:
        seqs = [alice.post("bob", b"h" * 61440).seq for _ in range(60)]
        assert page(alice, "bob") == (seqs, False)
        alice.ping()


@pytest.mark.parametrize("end", ["ROOM_REMOVE", "ROOM_LEAVE", "ROOM_DELETE",
                                 None])
def test_a_page_that_is_read_late_ends_where_the_membership_did(
        make_server, people, end):
    """12 MB are more than the sockets hold: what they do not is looked up
    when it is read, and by then is no longer hers."""
    server = make_server({"loops": 1})
    with server.login(people.bob_desk) as bob, \
            server.login(people.alice_laptop) as slow, \
            server.login(people.alice_phone) as alice:
        slow.tls.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        bob.call("DONE", "ROOM_CREATE", "#late", True, "", True)
        alice.call("DONE", "ROOM_JOIN", "#late")
        for i in range(200):
            bob.send("SEND", i, "#late", new_id(), "text/plain", bytes(61440))
        for i in range(200):
            bob.expect("STORED", ref=i)
        ref = slow.ask("HISTORY", "#late", None, None, 200)
        first = slow.expect("ITEM", ref=ref)
        if end == "ROOM_LEAVE":
            alice.call("DONE", end, "#late")
        elif end:
            bob.call("DONE", end, "#late",
                     *["alice"] * (end == "ROOM_REMOVE"))
        if end is None:
            items, last = slow.items("ITEM", ref)
            assert len(items) == last.count - 1 == 199
            return
        items = [first]
        with pytest.raises(Refused, match="unknown-target") as refused:
            while True:
                items.append(slow.expect("ITEM", ref=ref))
        assert refused.value.frame.ref == ref
        assert len(items) < 200
        slow.ping()
