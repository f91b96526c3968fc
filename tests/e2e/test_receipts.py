"""Delivered and read: section 5 of the page."""

import time

import pytest

from protocol import Refused, TooLate, encode, new_id


@pytest.fixture
def alice(server, people):
    with server.login(people.alice_laptop, features=["receipts"]) as session:
        yield session


@pytest.fixture
def bob(server, people):
    with server.login(people.bob_desk, features=["receipts"]) as session:
        session.sync()
        yield session


def receive(session, seq):
    """Read up to ${seq} and acknowledge it."""
    session.until(seq)
    session.send("ACK", seq)
    session.ping()


def told(frame):
    return frame.target, frame.account, frame.kind, frame.seq


def test_an_acknowledged_message_is_told_as_delivered(alice, bob):
    seq = alice.post("bob", "hello").seq
    bob.until(seq)
    assert alice.unheard() == []  # It is there, and not acknowledged.
    bob.send("ACK", seq)
    assert told(alice.hear("RECEIPT")) == ("bob", "bob", "delivered", seq)
    assert bob.unheard() == []


def test_both_kinds_reach_every_device_of_the_sender(server, people, bob):
    with server.login(people.alice_laptop, features=["receipts"]) as laptop, \
            server.login(people.alice_phone, features=["receipts"]) as phone:
        seq = laptop.post("bob", "from the laptop").seq
        receive(bob, seq)
        bob.ask("READ", "alice", seq)
        for session in (laptop, phone):
            assert told(session.hear("RECEIPT")) == (
                "bob", "bob", "delivered", seq)
            assert told(session.hear("RECEIPT")) == ("bob", "bob", "read", seq)


def test_who_did_not_ask_is_told_nothing(server, people, bob):
    with server.login(people.alice_laptop) as alice:
        seq = alice.post("bob", "hello").seq
        receive(bob, seq)
        bob.ask("READ", "alice", seq)
        bob.ping()
        assert alice.unheard() == []
        assert alice.receipts("bob") == {
            ("bob", "delivered"): seq, ("bob", "read"): seq}


def test_nobody_else_is_told(server, people, alice, bob):
    with server.login(people.carol_desk, features=["receipts"]) as carol:
        carol.post("bob", "hers")
        seq = alice.post("bob", "mine").seq
        first = bob.deliveries(2)[0].seq
        bob.send("ACK", seq)
        alice.hear("RECEIPT", seq=seq)
        # Each is told of her own message, and of no other's.
        assert told(carol.hear("RECEIPT")) == ("bob", "bob", "delivered", first)
        assert alice.unheard() == [] and carol.unheard() == []
        assert carol.receipts("alice") == {}


def test_a_read_mark_never_goes_back(alice, bob):
    first = alice.post("bob", "one").seq
    second = alice.post("bob", "two").seq
    receive(bob, second)
    bob.ask("READ", "alice", second)
    assert alice.hear("RECEIPT", kind="read").seq == second
    bob.ask("READ", "alice", first)
    bob.ping()
    assert alice.unheard() == []
    assert alice.receipts("bob")[("bob", "read")] == second


def test_what_was_not_sent_cannot_have_been_read(alice, bob):
    seq = alice.post("bob", "the last so far").seq
    bob.until(seq)
    bob.ask("READ", "alice", (1 << 64) - 1)
    assert alice.hear("RECEIPT", kind="read").seq == seq
    later = alice.post("bob", "later").seq
    assert alice.receipts("bob")[("bob", "read")] < later


def test_ones_own_devices_hear_what_one_has_read(server, people, alice, bob):
    with server.login(people.bob_phone, features=["receipts"]) as phone:
        seq = alice.post("bob", "hello").seq
        receive(bob, seq)
        bob.ask("READ", "alice", seq)
        assert told(phone.hear("RECEIPT")) == ("alice", "bob", "read", seq)
        assert phone.receipts("alice") == {("bob", "read"): seq}


def test_receipts_survive_a_restart(server, people):
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        bob.sync()
        seq = alice.post("bob", "hello").seq
        receive(bob, seq)
        bob.ask("READ", "alice", seq)
        bob.ping()
    server.restart()
    with server.login(people.alice_laptop) as alice:
        assert alice.receipts("bob") == {
            ("bob", "delivered"): seq, ("bob", "read"): seq}


def test_a_read_mark_is_durable_after_a_second(server, people):
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        seq = alice.post("bob", "hello").seq
        bob.ask("READ", "alice", seq)
        bob.ping()
        time.sleep(2.2)  # The promise is about this time.
        server.kill()
    server.start()
    with server.login(people.alice_laptop) as alice:
        assert alice.receipts("bob") == {("bob", "read"): seq}


def test_a_message_sent_while_he_was_away_is_delivered_when_he_comes(
        server, people, alice):
    seq = alice.post("bob", "for later").seq
    assert alice.receipts("bob") == {}
    with server.login(people.bob_desk) as bob:
        bob.sync()
        assert alice.receipts("bob") == {}  # Its cursor is not there yet.
        receive(bob, seq)
        assert told(alice.hear("RECEIPT")) == ("bob", "bob", "delivered", seq)
    assert alice.receipts("bob") == {("bob", "delivered"): seq}


def test_a_device_that_began_later_has_not_got_what_was_before(
        make_server, people):
    server = make_server({"account": {"new_device_history": "0s"}})
    with server.login(people.alice_laptop) as alice:
        first = alice.post("bob", "before the device").seq
        with server.login(people.bob_desk) as bob:
            assert bob.sync().cursor >= first
            assert alice.receipts("bob") == {}
            second = alice.post("bob", "after").seq
            receive(bob, second)
            assert alice.receipts("bob") == {("bob", "delivered"): second}


def test_many_acknowledgements_are_few_receipts(alice, bob):
    """At once, and then at most once a second."""
    for _ in range(100):
        seq = alice.post("bob", "x").seq
        bob.until(seq)
        bob.send("ACK", seq)
    begin = time.monotonic()
    count = 1
    while told(alice.hear("RECEIPT"))[3] < seq:
        count += 1
    assert count <= 2 + (time.monotonic() - begin) + 5
    assert alice.receipts("bob")[("bob", "delivered")] == seq


def test_many_marks_are_few_receipts(alice, bob):
    seqs = [alice.post("bob", "x").seq for _ in range(50)]
    bob.until(seqs[-1])
    for seq in seqs:
        bob.ask("READ", "alice", seq)
    assert alice.hear("RECEIPT", kind="read").seq == seqs[0]
    assert alice.hear("RECEIPT", kind="read").seq == seqs[-1]
    assert alice.unheard() == []


def test_a_room_tells_each_sender_and_all_who_read(server, people, alice, bob):
    with server.login(people.carol_desk, features=["receipts"]) as carol:
        carol.sync()
        alice.call("DONE", "ROOM_CREATE", "#ops", True, "")
        for session in (bob, carol):
            session.call("DONE", "ROOM_JOIN", "#ops")
        mine = alice.post("#ops", "hers").seq
        his = bob.post("#ops", "his").seq
        receive(carol, his)
        assert told(alice.hear("RECEIPT")) == ("#ops", "carol", "delivered", mine)
        assert told(bob.hear("RECEIPT")) == ("#ops", "carol", "delivered", his)
        carol.ask("READ", "#ops", his)
        for session in (alice, bob, carol):
            assert told(session.hear("RECEIPT")) == ("#ops", "carol", "read", his)
        assert alice.receipts("#ops") == {
            ("carol", "delivered"): his, ("carol", "read"): his}


def test_who_has_left_is_told_nothing_more_of_the_room(
        server, people, alice, bob):
    with server.login(people.carol_desk) as carol:
        alice.call("DONE", "ROOM_CREATE", "#ops", True, "")
        for session in (bob, carol):
            session.call("DONE", "ROOM_JOIN", "#ops")
        there = alice.post("#ops", "while she was there").seq
        alice.call("DONE", "ROOM_LEAVE", "#ops")
        seq = alice.post("bob", "and one between them").seq
        receive(bob, seq)
        assert there < seq
        assert told(alice.hear("RECEIPT")) == ("bob", "bob", "delivered", seq)
        assert alice.unheard() == []


def test_who_joined_later_has_not_got_what_was_before(alice, bob):
    alice.call("DONE", "ROOM_CREATE", "#ops", True, "")
    before = alice.post("#ops", "before").seq
    bob.call("DONE", "ROOM_JOIN", "#ops")
    seq = alice.post("bob", "moves his cursor").seq
    receive(bob, seq)
    assert told(alice.hear("RECEIPT")) == ("bob", "bob", "delivered", seq)
    assert alice.receipts("#ops") == {}
    after = alice.post("#ops", "after").seq
    receive(bob, after)
    assert told(alice.hear("RECEIPT")) == ("#ops", "bob", "delivered", after)
    assert before < after


def test_large_rooms_have_none(make_server, people):
    server = make_server({"limits": {"small_room": 2}})
    with server.login(people.alice_laptop, features=["receipts"]) as alice, \
            server.login(people.bob_desk) as bob, \
            server.login(people.carol_desk) as carol:
        bob.sync()
        alice.call("DONE", "ROOM_CREATE", "#ops", True, "")
        bob.call("DONE", "ROOM_JOIN", "#ops")
        seq = alice.post("#ops", "two are few enough").seq
        receive(bob, seq)
        alice.hear("RECEIPT", target="#ops", seq=seq)
        carol.call("DONE", "ROOM_JOIN", "#ops")
        seq = alice.post("#ops", "three are too many").seq
        receive(bob, seq)
        bob.ask("READ", "#ops", seq)  # Without effect, and no error.
        bob.ping()
        with pytest.raises(Refused, match="limit"):
            alice.receipts("#ops")
        assert server.reached("limits.small_room") == 1
        time.sleep(1.1)  # Longer than any of them is held back.
        assert alice.unheard() == []


@pytest.mark.parametrize("target", ["nobody", "#never-was", "#closed", "#", ""])
def test_receipts_of_others_are_unknown(server, people, alice, bob, target):
    with server.login(people.carol_desk) as carol:
        carol.call("DONE", "ROOM_CREATE", "#closed", False, "")
    for ask in (lambda: alice.receipts(target),
                lambda: alice.call("DONE", "READ", target, 1)):
        with pytest.raises(Refused) as refused:
            ask()
        assert refused.value.code == ("unknown-target" if target else "bad-frame")


def test_those_who_never_spoke_have_none(alice):
    assert alice.receipts("dave") == {}
    alice.ask("READ", "dave", 1)
    alice.ping()


def test_a_message_to_oneself_makes_no_receipt_of_delivery(alice):
    alice.sync()
    seq = alice.post("alice", "note").seq
    receive(alice, seq)
    with pytest.raises(TooLate):
        alice.hear("RECEIPT", wait=0.3)
    alice.ask("READ", "alice", seq)
    assert told(alice.hear("RECEIPT")) == ("alice", "alice", "read", seq)


def test_a_takeover_and_a_lost_session_still_tell_what_was_acknowledged(
        server, people, alice):
    with server.login(people.bob_desk) as bob:
        bob.sync()
        first = alice.post("bob", "one").seq
        receive(bob, first)
        alice.hear("RECEIPT", seq=first)
        second = alice.post("bob", "two").seq
        bob.until(second)
        bob.send("ACK", second)  # Within the second: it waits,
        bob.ping()
    # and does not get lost with the session.
    assert alice.hear("RECEIPT").seq == second


def test_who_goes_before_the_tables_hold_it_is_still_told_of(
        server, people, alice):
    with server.login(people.carol_desk) as carol:
        for n in range(8):
            bob = server.login(people.bob_desk)
            bob.sync()
            # So much that the tables are not committed in a quiet moment.
            carol.write(b"".join(
                encode("SEND", i, "alice", new_id(), "text/plain", b"much")
                for i in range(100)))
            seq = alice.post("bob", f"visit {n}").seq
            bob.until(seq)
            bob.send("ACK", seq)
            bob.close()
            assert told(alice.hear("RECEIPT", seq=seq)) == (
                "bob", "bob", "delivered", seq)


def test_the_same_id_makes_no_second_delivery(alice, bob):
    id = new_id()
    seq = alice.post("bob", "once", id).seq
    receive(bob, seq)
    alice.hear("RECEIPT", seq=seq)
    assert alice.post("bob", "once", id).duplicate
    bob.ping()
    assert alice.unheard() == []
