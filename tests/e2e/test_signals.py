"""SIGNAL: passed on to those who are there, and never kept."""

import time

import pytest

from protocol import Refused, encode, kind


@pytest.fixture
def people_there(server, people):
    """alice's two devices, bob and carol, who hear signals."""
    sessions = [server.login(getattr(people, who), features=["signals"])
                for who in ("alice_laptop", "alice_phone", "bob_desk",
                            "carol_desk")]
    sessions[0].post("bob", "we know each other")
    yield sessions
    for session in sessions:
        session.close()


def test_a_signal_reaches_the_other_one_and_nobody_else(people_there):
    laptop, phone, bob, carol = people_there
    laptop.ask("SIGNAL", "bob", "typing", b"")
    assert tuple(bob.hear("SIGNALED")) == ("bob", "alice", "laptop", "typing", b"")
    for session in (laptop, phone, carol):
        assert session.unheard() == []


def test_data_goes_through_as_it_is(people_there):
    laptop, _, bob, _ = people_there
    for data in (b"\x00\xff", b"x" * 256):
        laptop.ask("SIGNAL", "bob", "k" * 32, data)
        heard = bob.hear("SIGNALED")
        assert (heard.kind, heard.data) == ("k" * 32, data)


def test_a_rooms_members_hear_it_and_the_sender_does_not(people_there):
    laptop, phone, bob, carol = people_there
    laptop.call("DONE", "ROOM_CREATE", "#ops", True, "")
    bob.call("DONE", "ROOM_JOIN", "#ops")
    laptop.ask("SIGNAL", "#ops", "typing", b"")
    assert bob.hear("SIGNALED").to == "#ops"
    for session in (laptop, phone, carol):
        assert session.unheard() == []


@pytest.mark.parametrize("target", [
    "carol", "nobody", "#closed", "#open", "#never-was"])
def test_who_shares_no_conversation_is_unknown(people_there, target):
    laptop, _, _, carol = people_there
    carol.call("DONE", "ROOM_CREATE", "#closed", False, "")
    carol.call("DONE", "ROOM_CREATE", "#open", True, "")
    ref = laptop.ask("SIGNAL", target, "typing", b"")
    with pytest.raises(Refused, match="unknown-target") as refused:
        laptop.ping()
    assert refused.value.frame.ref == ref
    assert carol.unheard() == []


def test_who_was_removed_is_unknown_from_then_on(people_there):
    laptop, _, bob, _ = people_there
    laptop.call("DONE", "ROOM_CREATE", "#ops", False, "")
    laptop.call("DONE", "ROOM_INVITE", "#ops", "bob")
    bob.ask("SIGNAL", "#ops", "typing", b"")
    assert laptop.hear("SIGNALED").sender == "bob"
    laptop.call("DONE", "ROOM_REMOVE", "#ops", "bob")
    bob.ask("SIGNAL", "#ops", "typing", b"")
    with pytest.raises(Refused, match="unknown-target"):
        bob.ping()
    assert laptop.unheard() == []


def test_who_did_not_ask_hears_nothing(server, people):
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        alice.post("bob", "hello")
        alice.ask("SIGNAL", "bob", "typing", b"")
        alice.ping()
        assert bob.unheard() == []


def test_who_comes_later_hears_nothing(server, people, people_there):
    laptop, _, _, _ = people_there
    laptop.ask("SIGNAL", "bob", "typing", b"")
    laptop.ping()
    with server.login(people.bob_phone, features=["signals"]) as phone:
        phone.sync()
        assert [d.body for d in phone.fence("carol")] == [b"we know each other"]
        assert phone.unheard() == []


def test_above_the_rate_signals_are_dropped_and_counted(server, people_there):
    server.write_config(limits={"signal_rate": 10})
    server.reload()
    laptop, _, bob, _ = people_there
    laptop.write(b"".join(encode("SIGNAL", i, "bob", "typing", b"%d" % i)
                          for i in range(200)))
    laptop.ping()
    heard = bob.unheard()
    dropped = server.reached("limits.signal_rate")
    assert 10 <= len(heard) <= 60 and len(heard) + dropped == 200
    assert [h.data for h in heard[:10]] == [b"%d" % i for i in range(10)]
    # Messages are not held up by it.
    laptop.post("bob", "still here")


def test_a_large_room_has_none(make_server, people):
    server = make_server({"limits": {"small_room": 2}})
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk, features=["signals"]) as bob, \
            server.login(people.carol_desk) as carol:
        alice.call("DONE", "ROOM_CREATE", "#ops", True, "")
        bob.call("DONE", "ROOM_JOIN", "#ops")
        alice.ask("SIGNAL", "#ops", "typing", b"")
        bob.hear("SIGNALED")
        carol.call("DONE", "ROOM_JOIN", "#ops")
        alice.ask("SIGNAL", "#ops", "typing", b"")
        alice.ping()
        assert bob.unheard() == []
    assert server.reached("limits.small_room") == 1


def test_a_slow_reader_misses_signals_and_nothing_else(server, people):
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk, features=["signals"]) as bob:
        bob.sync()
        seqs = [alice.post("bob", b"z" * 61440).seq for _ in range(150)]
        before = len(bob.heard)
        alice.ask("SIGNAL", "bob", "typing", b"late")
        alice.ping()
        assert server.reached("limits.output_queue") == 1
        assert [d.seq for d in bob.until(seqs[-1], wait=30)] == seqs
        assert len(bob.heard) == before and bob.unheard() == []
        time.sleep(0.2)  # For the allowance.
        alice.ask("SIGNAL", "bob", "typing", b"now")
        assert kind(bob.hear("SIGNALED", data=b"now")) == "SIGNALED"
