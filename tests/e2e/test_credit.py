"""The credit window and the cursor: section 5 of docs/PROTOCOL.md."""

import time

import pytest

from protocol import PLENTY, Refused, encode, kind


@pytest.fixture
def backlog(server, people):
    """Bob has ten messages waiting; their seqs."""
    with server.login(people.bob_desk) as bob:
        bob.sync()  # His cursor exists before the messages.
    with server.login(people.alice_laptop) as alice:
        return [alice.post("bob", f"message {i}").seq for i in range(10)]


@pytest.fixture
def bob(server, people, backlog):
    with server.login(people.bob_desk) as bob:
        yield bob


def seqs(frames):
    return [f.seq for f in frames]


def test_no_credit_no_delivery(bob):
    bob.sync(frames=0, bytes=0)
    assert bob.held() == []


def test_frames_are_delivered_as_far_as_their_credit(bob, backlog):
    bob.sync(frames=3, bytes=PLENTY)
    assert seqs(bob.held()) == backlog[:3]
    bob.send("CREDIT", 5, PLENTY)
    assert seqs(bob.held()) == backlog[3:5]
    bob.send("CREDIT", 4, PLENTY)  # Smaller: ignored.
    assert bob.held() == []
    bob.send("CREDIT", 10, PLENTY)
    assert seqs(bob.held()) == backlog[5:]


def test_live_messages_wait_for_credit_too(server, people, bob, backlog):
    bob.sync(frames=11, bytes=PLENTY)
    assert seqs(bob.deliveries(10)) == backlog
    with server.login(people.alice_laptop) as alice:
        live = [alice.post("bob", f"live {i}").seq for i in range(3)]
        assert seqs(bob.held()) == live[:1]
        bob.send("CREDIT", 13, PLENTY)
        assert seqs(bob.held()) == live[1:]


def test_bytes_are_those_of_whole_frames(bob, backlog):
    """The frame that passes the limit is sent, and none after it."""
    bob.sync(frames=PLENTY, bytes=1)
    assert seqs(bob.held()) == backlog[:1]
    first = delivered_size(bob)
    bob.send("CREDIT", PLENTY, first)  # All used up: not fewer than.
    assert bob.held() == []
    bob.send("CREDIT", PLENTY, first + 1)
    assert seqs(bob.held()) == backlog[1:2]


def delivered_size(session):
    """The length of bob's first frame, from a second look at it."""
    items, _ = session.history("alice", after=0, limit=1)
    *fields, expires = items[0][1:]
    assert expires == 0  # Left out of the frame of what never does.
    return len(encode(20, *fields))


def test_a_larger_credit_of_bytes_does_not_widen_that_of_frames(bob, backlog):
    bob.sync(frames=2, bytes=10)
    bob.held()
    bob.send("CREDIT", 2, PLENTY)
    bob.held()
    bob.send("CREDIT", 1, PLENTY)
    assert bob.held() == []


def test_a_second_sync_is_refused(bob):
    bob.sync()
    with pytest.raises(Refused, match="bad-state"):
        bob.sync("other")
    bob.ping()


def test_what_was_not_acknowledged_comes_again(server, people, bob, backlog):
    bob.sync()
    assert seqs(bob.until(backlog[-1])) == backlog
    bob.close()
    with server.login(people.bob_desk) as again:
        again.sync()
        assert seqs(again.until(backlog[-1])) == backlog


@pytest.mark.parametrize("end", ["close", "restart", "kill"])
def test_what_was_acknowledged_does_not_come_again(
        server, people, bob, backlog, end):
    bob.sync()
    bob.until(backlog[-1])
    bob.send("ACK", backlog[6])
    bob.send("ACK", backlog[2])  # Backwards: nothing is forgotten.
    bob.ping()
    if end == "close":
        bob.close()
    elif end == "restart":
        server.restart()
    else:
        time.sleep(1.5)  # All but the last second.
        server.kill()
        server.start()
    with server.login(people.bob_desk) as again:
        synced = again.sync()
        assert synced.cursor == backlog[6]
        assert synced.head >= backlog[-1]
        assert seqs(again.until(backlog[-1])) == backlog[7:]


def test_an_ack_ahead_of_delivery_skips_nothing(server, people, bob, backlog):
    bob.sync(frames=2)
    bob.deliveries(2)
    bob.send("ACK", 1 << 60)
    bob.ping()
    bob.close()
    with server.login(people.bob_desk) as again:
        again.sync()
        assert seqs(again.until(backlog[-1])) == backlog[2:]


def test_an_ack_or_credit_before_sync_is_refused(bob, backlog):
    bob.send("ACK", backlog[-1])
    bob.send("CREDIT", PLENTY, PLENTY)
    assert [(kind(f), f.code) for f in (bob.receive(), bob.receive())] == [
        ("ERROR", "bad-state")] * 2
    bob.sync("fresh", frames=PLENTY)
    assert seqs(bob.until(backlog[-1]))[-10:] == backlog


def test_consumers_of_a_device_are_independent(server, people, bob, backlog):
    bob.sync("main")
    bob.until(backlog[-1])
    bob.send("ACK", backlog[-1])
    bob.ping()
    bob.close()
    with server.login(people.bob_desk) as other:
        assert other.sync("archive").cursor < backlog[0]
        assert seqs(other.until(backlog[-1]))[-10:] == backlog


def test_a_server_may_allow_fewer_or_more_consumers(make_server, people):
    server = make_server({"account": {"consumers_max": 1}})
    with server.login(people.bob_desk) as bob:
        bob.sync("one")
    with server.login(people.bob_desk) as bob:
        with pytest.raises(Refused, match="limit") as refused:
            bob.sync("two")
        assert "consumers" in refused.value.frame.text
        assert server.reached("account.consumers_max") == 1
    server.write_config(account={"consumers_max": 2})
    server.reload()
    with server.login(people.bob_desk) as bob:
        bob.sync("two")


def test_a_device_has_at_most_eight_consumers(server, people):
    for i in range(8):
        with server.login(people.bob_desk) as bob:
            bob.sync(f"c{i}")
    with server.login(people.bob_desk) as bob:
        with pytest.raises(Refused, match="limit"):
            bob.sync("c8")
        bob.ping()
    with server.login(people.bob_desk) as bob:
        bob.sync("c3")
    with server.login(people.bob_phone) as phone:
        phone.sync("c8")


def test_a_consumer_in_use_is_refused(server, people, bob):
    bob.sync("main")
    with server.login(people.bob_desk) as second:
        with pytest.raises(Refused, match="in-use"):
            second.sync("main")
        second.sync("other")  # The refusal cost nothing.
    with server.login(people.bob_phone) as phone:
        phone.sync("main")  # Another device's is another one.
    bob.ping()


def test_a_takeover_ends_the_older_session(server, people, bob, backlog):
    bob.sync("main")
    bob.until(backlog[-1])
    bob.send("ACK", backlog[4])
    bob.ping()
    with server.login(people.bob_desk) as second:
        synced = second.sync("main", takeover=True)
        assert synced.cursor == backlog[4]
        assert [(kind(f), f.code) for f in bob.ending()] == [
            ("BYE", "takeover")]
        assert seqs(second.until(backlog[-1])) == backlog[5:]


def test_a_takeover_of_a_free_consumer_is_a_sync(server, people, bob):
    bob.sync("main", takeover=True)
    bob.ping()


def test_a_consumer_is_free_as_soon_as_its_session_ended(server, people, bob):
    bob.sync("main")
    bob.send("BYE", "", "")
    bob.ending()
    bob.close()
    with server.login(people.bob_desk) as again:
        again.sync("main")


def test_a_new_device_starts_with_the_recent_messages(server, people, backlog):
    with server.login(people.bob_phone) as phone:
        phone.sync()
        assert seqs(phone.until(backlog[-1])) == backlog


def test_a_new_device_starts_with_none_where_the_server_says_so(
        make_server, people):
    server = make_server({"account": {"new_device_history": "0s"}})
    with server.login(people.alice_laptop) as alice:
        alice.post("bob", "old")
        with server.login(people.bob_phone) as phone:
            phone.sync()
            live = alice.post("bob", "new").seq
            assert seqs(phone.until(live)) == [live]
