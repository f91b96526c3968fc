"""Rooms: section 7 of docs/PROTOCOL.md."""

import pytest

from protocol import Refused


@pytest.fixture
def alice(server, people):
    with server.login(people.alice_laptop) as session:
        yield session


@pytest.fixture
def bob(server, people):
    with server.login(people.bob_desk) as session:
        yield session


@pytest.fixture
def carol(server, people):
    with server.login(people.carol_desk) as session:
        yield session


def do(session, name, *fields):
    return session.call("DONE", name, *fields)


def refused(session, code, name, *fields):
    with pytest.raises(Refused) as error:
        do(session, name, *fields)
    assert error.value.code == code, error.value.frame
    return error.value.frame


def members(session, room):
    return {m.account: m.role for m in session.members(room)}


def test_an_open_room_is_joined_by_anyone(alice, bob):
    assert do(alice, "ROOM_CREATE", "#house", True, "the house").seq > 0
    do(bob, "ROOM_JOIN", "#house")
    assert members(alice, "#house") == {"alice": "owner", "bob": "member"}
    assert members(bob, "#house") == members(alice, "#house")


def test_messages_reach_the_members_and_nobody_else(alice, bob, carol):
    for session in (alice, bob, carol):
        session.sync()
    do(alice, "ROOM_CREATE", "#house", True, "")
    do(bob, "ROOM_JOIN", "#house")
    seq = alice.post("#house", "to the house").seq
    got, = bob.until(seq)
    assert (got.to, got.sender, got.body) == ("#house", "alice", b"to the house")
    assert [d.seq for d in alice.until(seq)] == [seq]
    assert carol.fence("dave") == []


def test_a_member_sees_messages_from_joining_on(alice, bob):
    bob.sync()
    do(alice, "ROOM_CREATE", "#house", True, "")
    alice.post("#house", "before")
    do(bob, "ROOM_JOIN", "#house")
    seq = alice.post("#house", "after").seq
    assert [d.seq for d in bob.until(seq)] == [seq]


def test_who_left_gets_nothing_more(alice, bob):
    bob.sync()
    do(alice, "ROOM_CREATE", "#house", True, "")
    do(bob, "ROOM_JOIN", "#house")
    do(bob, "ROOM_LEAVE", "#house")
    alice.post("#house", "he is gone")
    assert bob.fence("carol") == []
    assert members(alice, "#house") == {"alice": "owner"}
    with pytest.raises(Refused, match="unknown-target"):
        bob.post("#house", "may I?")


def test_who_left_may_come_back_to_an_open_room(alice, bob):
    bob.sync()
    do(alice, "ROOM_CREATE", "#house", True, "")
    do(bob, "ROOM_JOIN", "#house")
    do(bob, "ROOM_LEAVE", "#house")
    alice.post("#house", "meanwhile")
    do(bob, "ROOM_JOIN", "#house")
    seq = alice.post("#house", "welcome back").seq
    assert [d.seq for d in bob.until(seq)] == [seq]


def test_a_closed_room_is_unknown_to_the_uninvited(alice, bob):
    do(alice, "ROOM_CREATE", "#closed", False, "")
    there = refused(bob, "unknown-target", "ROOM_JOIN", "#closed")
    not_there = refused(bob, "unknown-target", "ROOM_JOIN", "#never-was")
    assert there.text == not_there.text


def test_an_invitation_makes_a_member_of_a_closed_room(alice, bob, carol):
    do(alice, "ROOM_CREATE", "#closed", False, "")
    do(alice, "ROOM_INVITE", "#closed", "bob")
    assert members(alice, "#closed") == {"alice": "owner", "bob": "member"}
    do(bob, "ROOM_INVITE", "#closed", "carol")  # Every member may invite.
    assert "carol" in members(alice, "#closed")


def test_only_members_invite(alice, bob):
    do(alice, "ROOM_CREATE", "#closed", False, "")
    refused(bob, "unknown-target", "ROOM_INVITE", "#closed", "carol")


def test_inviting_nobody_is_unknown(server, alice):
    server.ctl("account.disable", "dave")
    do(alice, "ROOM_CREATE", "#closed", False, "")
    refused(alice, "unknown-target", "ROOM_INVITE", "#closed", "nobody")
    refused(alice, "unknown-target", "ROOM_INVITE", "#closed", "dave")


def test_owners_remove_members_and_members_do_not(alice, bob, carol):
    bob.sync()
    do(alice, "ROOM_CREATE", "#house", True, "")
    for session in (bob, carol):
        do(session, "ROOM_JOIN", "#house")
    refused(bob, "denied", "ROOM_REMOVE", "#house", "carol")
    refused(bob, "denied", "ROOM_REMOVE", "#house", "alice")
    do(alice, "ROOM_REMOVE", "#house", "bob")
    assert set(members(alice, "#house")) == {"alice", "carol"}
    alice.post("#house", "without him")
    assert bob.fence("dave") == []
    refused(bob, "unknown-target", "ROOM_MEMBERS", "#house")
    refused(alice, "unknown-target", "ROOM_REMOVE", "#house", "bob")


def test_who_was_removed_from_a_closed_room_stays_out(alice, bob):
    do(alice, "ROOM_CREATE", "#closed", False, "")
    do(alice, "ROOM_INVITE", "#closed", "bob")
    do(alice, "ROOM_REMOVE", "#closed", "bob")
    refused(bob, "unknown-target", "ROOM_JOIN", "#closed")


def test_a_removal_reaches_undelivered_messages_too(server, people, alice, bob):
    """Delivery asks for membership at the time of reading."""
    bob.sync(frames=0)
    do(alice, "ROOM_CREATE", "#house", True, "")
    do(bob, "ROOM_JOIN", "#house")
    alice.post("#house", "not read in time")
    do(alice, "ROOM_REMOVE", "#house", "bob")
    bob.send("CREDIT", 1000, 1 << 40)
    assert bob.fence("dave") == []


def test_owners_set_the_topic_and_members_do_not(alice, bob):
    do(alice, "ROOM_CREATE", "#house", True, "first")
    do(bob, "ROOM_JOIN", "#house")
    refused(bob, "denied", "ROOM_TOPIC", "#house", "his")
    do(alice, "ROOM_TOPIC", "#house", "second \N{SNOWMAN}")
    room, = [r for r in bob.rooms() if r.room == "#house"]
    assert room.topic == "second \N{SNOWMAN}"


def test_the_list_has_open_rooms_and_ones_own(alice, bob):
    do(alice, "ROOM_CREATE", "#open", True, "o")
    do(alice, "ROOM_CREATE", "#closed", False, "c")
    assert [(r.room, r.topic, r.open, r.members, r.joined)
            for r in sorted(alice.rooms(), key=lambda r: r.room)] == [
        ("#closed", "c", False, 1, True), ("#open", "o", True, 1, True)]
    assert [(r.room, r.joined) for r in bob.rooms()] == [("#open", False)]


def test_a_rooms_name_is_taken_once(alice, bob):
    do(alice, "ROOM_CREATE", "#house", True, "")
    refused(bob, "exists", "ROOM_CREATE", "#house", True, "")
    refused(alice, "exists", "ROOM_CREATE", "#house", False, "")
    assert members(alice, "#house") == {"alice": "owner"}


def test_a_room_survives_its_creator(server, people, alice, bob, carol):
    do(alice, "ROOM_CREATE", "#house", True, "")
    for session in (bob, carol):
        do(session, "ROOM_JOIN", "#house")
    do(alice, "ROOM_LEAVE", "#house")
    carol.sync()
    seq = bob.post("#house", "we go on").seq
    assert [d.seq for d in carol.until(seq)] == [seq]
    server.ctl("account.delete", "alice")
    seq = carol.post("#house", "still").seq
    assert seq in [i.seq for i in bob.history("#house")[0]]
    assert "alice" not in members(bob, "#house")


def test_joining_twice_changes_nothing(alice, bob):
    do(alice, "ROOM_CREATE", "#house", True, "")
    do(bob, "ROOM_JOIN", "#house")
    seq = alice.post("#house", "since the first").seq
    refused(bob, "exists", "ROOM_JOIN", "#house")
    refused(alice, "exists", "ROOM_INVITE", "#house", "bob")
    assert seq in [i.seq for i in bob.history("#house")[0]]


@pytest.mark.parametrize("name, more", [
    ("ROOM_LEAVE", ()), ("ROOM_MEMBERS", ()), ("ROOM_TOPIC", ("mine",)),
    ("ROOM_INVITE", ("bob",)), ("ROOM_REMOVE", ("bob",))])
def test_a_room_one_is_not_in_is_as_unknown_as_one_that_never_was(
        alice, bob, carol, name, more):
    do(bob, "ROOM_CREATE", "#closed", False, "")
    texts = {refused(alice, "unknown-target", name, room, *more).text
             for room in ("#closed", "#never-was")}
    assert len(texts) == 1


def test_rooms_and_members_survive_a_restart(server, people, alice, bob):
    do(alice, "ROOM_CREATE", "#house", True, "kept")
    do(bob, "ROOM_JOIN", "#house")
    seq = bob.post("#house", "kept too").seq
    server.kill()
    server.start()
    with server.login(people.alice_laptop) as again:
        assert members(again, "#house") == {"alice": "owner", "bob": "member"}
        assert [i.seq for i in again.history("#house")[0]] == [seq]
        assert again.rooms()[0].topic == "kept"


def test_the_limit_of_members_holds(make_server, people):
    server = make_server({"limits": {"members_max": 2}})
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob, \
            server.login(people.carol_desk) as carol:
        do(alice, "ROOM_CREATE", "#two", True, "")
        do(bob, "ROOM_JOIN", "#two")
        refused(carol, "limit", "ROOM_JOIN", "#two")
        do(bob, "ROOM_LEAVE", "#two")
        do(carol, "ROOM_JOIN", "#two")


def test_the_limit_of_rooms_holds(make_server, people):
    server = make_server({"limits": {"rooms_max": 2}})
    with server.login(people.alice_laptop) as alice:
        do(alice, "ROOM_CREATE", "#one", True, "")
        do(alice, "ROOM_CREATE", "#two", True, "")
        refused(alice, "limit", "ROOM_CREATE", "#three", True, "")
        alice.post("#two", "goes on")
