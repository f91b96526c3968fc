"""SEND, STORED, DELIVER: section 4 and 5 of docs/PROTOCOL.md."""

import time

import pytest

from protocol import MAX_BODY, Refused, new_id

def test_a_message_arrives_as_it_was_sent_with_the_senders_true_name(
        server, people):
    with server.login(people.bob_desk) as bob, \
            server.login(people.alice_laptop) as alice:
        bob.sync()
        id = new_id()
        stored = alice.post("bob", b"\x00\xffhello", id, "application/x-any")
        assert not stored.duplicate
        got, = bob.deliveries(1)
        assert got == (stored.seq, stored.time, "bob", "alice", "laptop", id,
                       "application/x-any", b"\x00\xffhello", 0)
        assert abs(got.time - time.time() * 1000) < 60_000


def test_own_messages_reach_all_own_devices_and_the_sender(server, people):
    with server.login(people.alice_laptop) as laptop, \
            server.login(people.alice_phone) as phone:
        laptop.sync()
        phone.sync()
        seq = laptop.post("bob", "mine").seq
        for session in (laptop, phone):
            got, = session.until(seq)
            assert (got.to, got.sender, got.device) == ("bob", "alice", "laptop")


def test_a_message_to_oneself_is_delivered_once_to_each_session(
        server, people):
    with server.login(people.alice_laptop) as laptop, \
            server.login(people.alice_phone) as phone:
        laptop.sync()
        phone.sync()
        seq = laptop.post("alice", "note to myself").seq
        for session in (laptop, phone):
            assert [d.seq for d in session.fence("bob")][:1] == [seq]
        assert [i.seq for i in phone.history("alice")[0]] == [seq]


def test_a_server_may_set_a_lower_limit_of_bodies(make_server, people):
    server = make_server({"limits": {"body_max": 100}})
    with server.login(people.alice_laptop) as alice:
        alice.post("bob", b"x" * 100)
        with pytest.raises(Refused, match="limit"):
            alice.post("bob", b"x" * 101)
        alice.ping()


def test_both_devices_get_a_message(server, people):
    with server.login(people.alice_laptop) as laptop, \
            server.login(people.alice_phone) as phone, \
            server.login(people.bob_desk) as bob:
        laptop.sync()
        phone.sync()
        seq = bob.post("alice", "to both").seq
        assert [d.body for d in laptop.until(seq)] == [b"to both"]
        assert [d.body for d in phone.until(seq)] == [b"to both"]


def test_a_device_that_was_away_gets_what_it_missed_in_order_once(
        server, people):
    with server.login(people.alice_phone) as phone:
        phone.sync()
    with server.login(people.bob_desk) as bob, \
            server.login(people.alice_laptop) as laptop:
        laptop.sync()
        seqs = [bob.post("alice", f"missed {i}").seq for i in range(300)]
        assert [d.seq for d in laptop.until(seqs[-1])] == seqs
        with server.login(people.alice_phone) as phone:
            synced = phone.sync()
            assert synced.head >= seqs[-1]
            live = bob.post("alice", "now live").seq
            assert [d.seq for d in phone.until(live)] == seqs + [live]
            phone.send("ACK", live)
            assert phone.fence("bob") == []
        time.sleep(1.2)  # An acknowledged position is durable after a second.
        with server.login(people.alice_phone) as phone:
            assert phone.sync().cursor >= live
            assert live not in [d.seq for d in phone.fence("bob")]


def test_everybody_sees_one_order(server, people):
    names = ["alice_laptop", "alice_phone", "bob_desk", "bob_phone"]
    sessions = [server.login(getattr(people, n)) for n in names]
    for session in sessions:
        session.sync()
    for i in range(50):
        for session, other in zip(sessions, ("bob", "bob", "alice", "alice")):
            session.ask("SEND", other, new_id(), "text/plain", b"%d" % i)
    seqs = [[session.expect("STORED", ref=session._ref - 49 + i).seq
             for i in range(50)] for session in sessions]
    last = max(s[-1] for s in seqs)
    seen = [[d.seq for d in session.until(last)] for session in sessions]
    assert seen[0] == sorted(sum(seqs, []))
    assert all(s == seen[0] for s in seen)
    for session in sessions:
        session.close()


def test_nobody_else_sees_a_conversation(server, people):
    with server.login(people.carol_desk) as carol, \
            server.login(people.alice_laptop) as alice:
        carol.sync()
        alice.post("bob", "between us")
        assert carol.fence("dave") == []
        assert carol.history("alice")[0] == []
        assert carol.history("bob")[0] == []


@pytest.mark.parametrize("body", [b"", b"x", b"y" * MAX_BODY])
def test_bodies_of_any_length_up_to_the_limit(shared, people, body):
    with shared.login(people.alice_laptop) as alice:
        alice.sync("bodies")
        seq = alice.post("bob", body).seq
        assert alice.until(seq)[-1].body == body


def test_the_same_id_is_stored_once(server, people):
    with server.login(people.bob_desk) as bob, \
            server.login(people.alice_laptop) as alice:
        bob.sync()
        id = new_id()
        first = alice.post("bob", "once", id)
        again = alice.post("bob", "other words", id)
        assert (again.seq, again.time, again.duplicate) == (
            first.seq, first.time, True)
        assert [d.body for d in bob.fence("carol")] == [b"once"]


def test_the_same_id_is_stored_once_across_devices_and_restarts(
        server, people):
    id = new_id()
    with server.login(people.alice_laptop) as alice:
        first = alice.post("bob", "once", id)
    with server.login(people.alice_phone) as phone:
        assert phone.post("bob", "once", id).seq == first.seq
    for restart in (server.restart, lambda: (server.kill(), server.start())):
        restart()
        with server.login(people.alice_laptop) as alice:
            again = alice.post("bob", "once", id)
            assert (again.seq, again.time, again.duplicate) == (
                first.seq, first.time, True)
            assert len(alice.history("bob")[0]) == 1


def test_an_id_belongs_to_its_account(server, people):
    id = new_id()
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        first = alice.post("bob", "hers", id)
        second = bob.post("alice", "his", id)
        assert second.seq > first.seq and not second.duplicate


def test_an_id_replayed_a_thousand_times_is_stored_once(shared, people):
    id = new_id()
    with shared.login(people.alice_laptop) as alice:
        refs = [alice.ask("SEND", "dave", id, "text/plain", b"again")
                for _ in range(1000)]
        stored = [alice.expect("STORED", ref=ref) for ref in refs]
        assert len({s.seq for s in stored}) == 1
        assert [s.duplicate for s in stored] == [False] + [True] * 999
    with shared.login(people.dave_desk) as dave:
        assert len(dave.history("alice")[0]) == 1


def test_targets_that_cannot_be_reached_answer_alike(server, people):
    with server.login(people.bob_desk) as bob:
        bob.call("DONE", "ROOM_CREATE", "#bobs", True, "")
        bob.call("DONE", "ROOM_CREATE", "#closed", False, "")
    server.ctl("account.disable", "carol")
    server.ctl("account.delete", "dave")
    with server.login(people.alice_laptop) as alice:
        answers = set()
        for target in ("nobody", "carol", "dave", "#none", "#bobs", "#closed"):
            with pytest.raises(Refused) as refused:
                alice.post(target, "hello?")
            frame = refused.value.frame
            answers.add((frame.code, frame.text, frame.retry_ms))
        assert len(answers) == 1
        assert answers.pop()[0] == "unknown-target"
        alice.post("bob", "still here")


def test_nothing_is_stored_of_a_refused_message(server, people):
    with server.login(people.alice_laptop) as alice:
        alice.sync()
        with pytest.raises(Refused):
            alice.post("nobody", "lost")
        assert alice.fence("bob") == []


def test_messages_survive_a_restart(server, people):
    with server.login(people.alice_laptop) as alice:
        seqs = [alice.post("bob", f"kept {i}").seq for i in range(20)]
    server.restart()
    with server.login(people.bob_desk) as bob:
        bob.sync()
        assert [d.seq for d in bob.until(seqs[-1])] == seqs
    with server.login(people.alice_laptop) as alice:
        assert alice.post("bob", "later").seq > seqs[-1]


def test_answers_carry_the_ref_of_their_request(shared, people):
    with shared.login(people.alice_laptop) as alice:
        for ref in (0, 1, (1 << 32) - 1):
            alice.send("SEND", ref, "bob", new_id(), "text/plain", b"x")
            assert alice.expect("STORED", ref=ref)
            alice.send("SEND", ref, "nobody", new_id(), "text/plain", b"x")
            assert alice.receive().ref == ref


def test_a_slow_reader_neither_loses_nor_delays(server, people):
    """Bob's socket is full; carol gets hers meanwhile; bob gets all later."""
    with server.login(people.bob_desk) as bob, \
            server.login(people.carol_desk) as carol, \
            server.login(people.alice_laptop) as alice:
        bob.sync()
        carol.sync()
        seqs = [alice.post("bob", b"z" * MAX_BODY).seq for _ in range(200)]
        begin = time.monotonic()
        for i in range(20):
            seq = alice.post("carol", "quick").seq
            assert carol.until(seq)
        assert time.monotonic() - begin < 5
        assert [d.seq for d in bob.until(seqs[-1], wait=30)] == seqs


@pytest.mark.parametrize("end", ["deleted", "disabled", "removed"])
def test_what_was_stored_is_told_again_though_its_target_is_gone(
        server, people, end):
    """The answer may have been lost, and the target have gone meanwhile."""
    target = "#there" if end == "removed" else "carol"
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        bob.call("DONE", "ROOM_CREATE", "#there", True, "")
        alice.call("DONE", "ROOM_JOIN", "#there")
        id = new_id()
        first = alice.post(target, "once", id)
        if end == "removed":
            bob.call("DONE", "ROOM_REMOVE", "#there", "alice")
        else:
            server.ctl("account", end[:-1], "carol")
        again = alice.post(target, "once", id)
        assert (again.seq, again.time, again.duplicate) == (
            first.seq, first.time, True)
        for session, other in ((alice, new_id()), (bob, id)):
            with pytest.raises(Refused, match="unknown-target"):
                session.post("carol" if end != "removed" else "#nowhere",
                             "another's id, or one that is new", other)
