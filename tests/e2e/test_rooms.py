"""Rooms: section 7 of docs/PROTOCOL.md."""

import subprocess

import pytest

from authority import BUILD
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


def test_the_oldest_member_inherits_a_room_without_an_owner(
        server, alice, bob, carol):
    do(alice, "ROOM_CREATE", "#house", True, "")
    for session in (carol, bob):
        do(session, "ROOM_JOIN", "#house")
    do(alice, "ROOM_LEAVE", "#house")
    assert members(bob, "#house") == {"carol": "owner", "bob": "member"}
    server.ctl("account.delete", "carol")
    assert members(bob, "#house") == {"bob": "owner"}
    do(bob, "ROOM_TOPIC", "#house", "mine now")


def test_nobody_inherits_while_an_owner_is_left(alice, bob, carol):
    do(alice, "ROOM_CREATE", "#house", True, "")
    for session in (bob, carol):
        do(session, "ROOM_JOIN", "#house")
    do(alice, "ROOM_ROLE", "#house", "carol", "owner")
    do(alice, "ROOM_LEAVE", "#house")
    assert members(bob, "#house") == {"carol": "owner", "bob": "member"}


def test_owners_give_and_take_ownership_but_the_last(alice, bob, carol):
    do(alice, "ROOM_CREATE", "#house", True, "")
    do(bob, "ROOM_JOIN", "#house")
    refused(bob, "denied", "ROOM_ROLE", "#house", "bob", "owner")
    refused(carol, "unknown-target", "ROOM_ROLE", "#house", "carol", "owner")
    refused(alice, "unknown-target", "ROOM_ROLE", "#house", "carol", "owner")
    refused(alice, "denied", "ROOM_ROLE", "#house", "alice", "member")
    do(alice, "ROOM_ROLE", "#house", "bob", "owner")
    refused(alice, "exists", "ROOM_ROLE", "#house", "bob", "owner")
    do(bob, "ROOM_ROLE", "#house", "alice", "member")
    refused(bob, "exists", "ROOM_ROLE", "#house", "alice", "member")
    assert members(alice, "#house") == {"bob": "owner", "alice": "member"}
    refused(bob, "denied", "ROOM_ROLE", "#house", "bob", "member")


def test_the_last_to_leave_takes_the_room_along(alice, bob):
    do(alice, "ROOM_CREATE", "#closed", False, "")
    alice.post("#closed", "to myself")
    do(alice, "ROOM_LEAVE", "#closed")
    do(bob, "ROOM_CREATE", "#closed", False, "")
    assert bob.history("#closed")[0] == []
    refused(alice, "unknown-target", "ROOM_JOIN", "#closed")


def test_a_deleted_accounts_last_room_goes_with_it(server, alice, bob):
    do(alice, "ROOM_CREATE", "#alone", True, "")
    do(alice, "ROOM_CREATE", "#both", True, "")
    do(bob, "ROOM_JOIN", "#both")
    server.ctl("account.delete", "alice")
    assert [r.room for r in bob.rooms()] == ["#both"]


def test_a_deleted_accounts_conversation_stays_with_the_other(
        server, people, alice, bob, carol):
    first = alice.post("bob", "for your records").seq
    second = bob.post("alice", "thanks").seq
    server.ctl("account.delete", "alice")
    assert [i.seq for i in bob.history("alice")[0]] == [first, second]
    with pytest.raises(Refused, match="unknown-target"):
        carol.history("alice")
    with pytest.raises(Refused, match="unknown-target"):
        bob.post("alice", "are you there?")
    bob.sync()
    assert [d.seq for d in bob.fence("carol")] == [first, second]
    # A new account of that name does not see it, and begins its own.
    server.add("alice")
    assert len(bob.history("alice")[0]) == 2
    third = bob.post("alice", "are you the same?").seq
    assert [i.seq for i in bob.history("alice")[0]] == [third]


def test_owners_delete_a_room_and_nothing_of_it_is_left(alice, bob, carol):
    bob.sync()
    do(alice, "ROOM_CREATE", "#house", True, "")
    do(bob, "ROOM_JOIN", "#house")
    alice.post("#house", "gone with it")
    refused(bob, "denied", "ROOM_DELETE", "#house")
    refused(carol, "unknown-target", "ROOM_DELETE", "#house")
    do(alice, "ROOM_DELETE", "#house")
    for session in (alice, bob):
        for name, more in (("ROOM_MEMBERS", ()), ("ROOM_LEAVE", ()),
                           ("ROOM_DELETE", ()), ("ROOM_JOIN", ()),
                           ("ROOM_HISTORY", (True,))):
            refused(session, "unknown-target", name, "#house", *more)
        with pytest.raises(Refused, match="unknown-target"):
            session.history("#house")
        with pytest.raises(Refused, match="unknown-target"):
            session.post("#house", "anybody?")
        assert session.rooms() == []


def test_a_deleted_room_is_not_delivered_to_who_had_it_to_come(
        server, people, alice, bob):
    do(alice, "ROOM_CREATE", "#house", True, "")
    do(bob, "ROOM_JOIN", "#house")
    alice.post("#house", "too late for him")
    do(alice, "ROOM_DELETE", "#house")
    bob.sync()
    assert bob.fence("carol") == []


def test_a_name_that_is_free_again_names_another_room(
        server, people, alice, bob):
    do(alice, "ROOM_CREATE", "#house", True, "", True)
    do(bob, "ROOM_JOIN", "#house")
    alice.post("#house", "the old room's")
    do(alice, "ROOM_DELETE", "#house")
    do(bob, "ROOM_CREATE", "#house", True, "")
    do(alice, "ROOM_JOIN", "#house")
    seq = bob.post("#house", "the new room's").seq
    for session in (alice, bob):
        assert [i.seq for i in session.history("#house")[0]] == [seq]
    alice.sync()
    assert [d.seq for d in alice.fence("carol")] == [seq]
    server.restart()
    with server.login(people.bob_desk) as again:
        assert [i.seq for i in again.history("#house")[0]] == [seq]
        assert members(again, "#house") == {"bob": "owner", "alice": "member"}


def test_a_rooms_setting_opens_what_was_said_before(alice, bob):
    do(alice, "ROOM_CREATE", "#house", True, "")
    before = alice.post("#house", "before").seq
    bob.sync()
    do(bob, "ROOM_JOIN", "#house")
    after = alice.post("#house", "after").seq
    assert [i.seq for i in bob.history("#house")[0]] == [after]
    refused(bob, "denied", "ROOM_HISTORY", "#house", True)
    do(alice, "ROOM_HISTORY", "#house", True)
    assert [i.seq for i in bob.history("#house")[0]] == [before, after]
    assert bob.rooms()[0].history is True
    # It is there to be read, and is not delivered.
    assert [d.seq for d in bob.fence("carol")] == [after]
    do(alice, "ROOM_HISTORY", "#house", False)
    assert [i.seq for i in bob.history("#house")[0]] == [after]


def test_a_room_may_be_made_with_its_history_open(server, people, alice, bob):
    do(alice, "ROOM_CREATE", "#house", True, "", True)
    seq = alice.post("#house", "before").seq
    server.restart()
    with server.login(people.bob_desk) as bob:
        do(bob, "ROOM_JOIN", "#house")
        assert [i.seq for i in bob.history("#house")[0]] == [seq]


@pytest.fixture
def ears(server, people):
    """alice, bob and carol, who hear of changes to rooms."""
    sessions = [server.login(getattr(people, who), features=["rooms"])
                for who in ("alice_laptop", "bob_desk", "carol_desk")]
    yield sessions
    for session in sessions:
        session.close()


def test_members_hear_of_every_change_and_nobody_else_does(ears):
    alice, bob, carol = ears
    do(alice, "ROOM_CREATE", "#house", False, "")
    seqs = [do(alice, "ROOM_INVITE", "#house", "bob").seq,
            do(alice, "ROOM_TOPIC", "#house", "news").seq,
            do(alice, "ROOM_HISTORY", "#house", True).seq,
            do(alice, "ROOM_ROLE", "#house", "bob", "owner").seq,
            do(bob, "ROOM_ROLE", "#house", "alice", "member").seq,
            do(bob, "ROOM_DELETE", "#house").seq]
    # One session's DONE says nothing of when another hears.
    told, others = ([(f.seq, f.change, f.account) for f in session.heard_until(
        "ROOM_CHANGED", change="deleted")] for session in (bob, alice))
    assert told == list(zip(
        seqs, ["joined", "topic", "history", "owner", "member", "deleted"],
        ["bob", "", "", "bob", "alice", "bob"]))
    assert [change for _, change, _ in others] == ["joined"] + [
        change for _, change, _ in told]
    do(alice, "ROOM_CREATE", "#fence", False, "")
    do(alice, "ROOM_INVITE", "#fence", "carol")
    assert [f.room for f in carol.heard_until(
        "ROOM_CHANGED", change="joined", account="carol")] == ["#fence"]
    assert carol.unheard() == []


def test_who_is_put_out_hears_it_and_nothing_after(ears):
    alice, bob, carol = ears
    do(alice, "ROOM_CREATE", "#house", True, "")
    do(bob, "ROOM_JOIN", "#house")
    do(alice, "ROOM_REMOVE", "#house", "bob")
    do(alice, "ROOM_TOPIC", "#house", "not for him")
    do(alice, "ROOM_CREATE", "#fence", False, "")
    do(alice, "ROOM_INVITE", "#fence", "bob")
    assert [(f.change, f.account) for f in bob.heard_until(
        "ROOM_CHANGED", room="#fence")] == [
        ("joined", "bob"), ("left", "bob"), ("joined", "bob")]


def test_the_heir_is_told_to_all(ears):
    alice, bob, carol = ears
    do(alice, "ROOM_CREATE", "#house", True, "")
    for session in (bob, carol):
        do(session, "ROOM_JOIN", "#house")
    do(alice, "ROOM_LEAVE", "#house")
    for session in (bob, carol):
        session.hear("ROOM_CHANGED", change="left", account="alice")
        session.hear("ROOM_CHANGED", change="owner", account="bob")


def test_the_deletion_of_a_member_is_told_in_each_of_its_rooms(server, ears):
    alice, bob, carol = ears
    for name in ("#one", "#two", "#three"):
        do(alice, "ROOM_CREATE", name, True, "")
        do(bob, "ROOM_JOIN", name)
    do(carol, "ROOM_JOIN", "#one")
    do(alice, "ROOM_CREATE", "#alone", True, "")
    bob.post("alice", "a conversation is no room")
    carol.unheard(), bob.heard_until(
        "ROOM_CHANGED", change="joined", account="carol")
    server.ctl("account.delete", "alice")
    last = {"change": "owner", "room": "#three"}
    assert [(f.room, f.change, f.account)
            for f in bob.heard_until("ROOM_CHANGED", **last)] == [
        (room, change, account) for room in ("#one", "#two", "#three")
        for change, account in (("left", "alice"), ("owner", "bob"))]
    assert [(f.room, f.change, f.account) for f in carol.heard_until(
        "ROOM_CHANGED", change="owner")] == [
        ("#one", "left", "alice"), ("#one", "owner", "bob")]
    assert sorted(r.room for r in carol.rooms()) == ["#one", "#three", "#two"]
    # One who is not there hears nothing and is told by asking; who was
    # disabled before is told of like any other.
    server.ctl("account.disable", "carol")
    server.ctl("account.delete", "carol")
    bob.heard_until("ROOM_CHANGED", change="left", account="carol")
    assert members(bob, "#one") == {"bob": "owner"}


def test_a_client_that_asked_for_nothing_hears_nothing(alice, bob):
    do(alice, "ROOM_CREATE", "#house", True, "")
    do(bob, "ROOM_JOIN", "#house")
    do(alice, "ROOM_DELETE", "#house")
    assert alice.unheard() == [] and bob.unheard() == []


def test_deliveries_go_on_for_who_hears_of_rooms(ears):
    """One entry among the followers serves both."""
    alice, bob, _ = ears
    bob.sync()
    do(alice, "ROOM_CREATE", "#house", True, "")
    do(bob, "ROOM_JOIN", "#house")
    seq = alice.post("#house", "hello").seq
    assert [d.seq for d in bob.until(seq)] == [seq]
    do(alice, "ROOM_DELETE", "#house")
    bob.hear("ROOM_CHANGED", change="deleted")


def test_the_limit_of_an_accounts_rooms_holds(make_server, people):
    server = make_server({"limits": {"rooms_per_account": 2}})
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        for name in ("#one", "#two"):
            do(alice, "ROOM_CREATE", name, True, "")
        bob.post("alice", "a conversation is no room")
        refused(alice, "limit", "ROOM_CREATE", "#three", True, "")
        do(bob, "ROOM_CREATE", "#bobs", True, "")
        refused(alice, "limit", "ROOM_JOIN", "#bobs")
        refused(bob, "limit", "ROOM_INVITE", "#bobs", "alice")
        assert server.reached("limits.rooms_per_account") == 3
        do(alice, "ROOM_LEAVE", "#one")
        do(alice, "ROOM_JOIN", "#bobs")


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
        told = refused(carol, "limit", "ROOM_JOIN", "#two")
        assert "members" in told.text
        assert server.reached("limits.members_max") == 1
        do(bob, "ROOM_LEAVE", "#two")
        do(carol, "ROOM_JOIN", "#two")


def test_the_limit_of_rooms_holds(make_server, people):
    server = make_server({"limits": {"rooms_max": 2}})
    with server.login(people.alice_laptop) as alice:
        do(alice, "ROOM_CREATE", "#one", True, "")
        do(alice, "ROOM_CREATE", "#two", True, "")
        told = refused(alice, "limit", "ROOM_CREATE", "#three", True, "")
        assert "this server" in told.text
        assert server.reached("limits.rooms_max") == 1
        assert server.reached("limits.rooms_per_account") == 0
        alice.post("#two", "goes on")


def test_a_list_longer_than_the_output_queue_comes_whole(make_server, people):
    """It goes on where it stopped, and what was asked behind it waits."""
    server = make_server({"limits": {"output_queue": "512KiB"}})
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        refs = [alice.ask("ROOM_CREATE", f"#r{i:03}", i % 2 == 0, "t" * 250)
                for i in range(900)]
        for ref in refs:
            alice.expect("DONE", ref=ref)
        listed = alice.ask("ROOM_LIST")
        named = alice.ask("ROOM_MEMBERS", "#r000")
        rooms, end = alice.items("ROOM", listed)
        assert [r.room for r in rooms] == [f"#r{i:03}" for i in range(900)]
        assert end.count == 900 and not end.more
        assert alice.items("MEMBER", named)[1].count == 1
        assert [r.room for r in bob.rooms()] == [
            f"#r{i:03}" for i in range(0, 900, 2)]


def test_the_members_of_a_large_room_are_listed_whole(make_server, people):
    """More than the output queue holds; what is asked behind them waits."""
    server = make_server({"limits": {"output_queue": "512KiB"}}, start=False)
    subprocess.run([BUILD / "e2e" / "fill", server.data, "members", "3000"],
                   check=True)
    server.start()
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        asked = [alice.ask("ROOM_MEMBERS", "#full"),
                 alice.ask("PRESENCE_GET", "#full"),
                 alice.ask("ROOM_LIST")]
        members, end = alice.items("MEMBER", asked[0])
        assert end.count == len(members) == 3004 and not end.more
        assert len({m.account for m in members}) == 3004
        assert [m.account for m in members if m.role == "owner"] == ["alice"]
        there, end = alice.items("PRESENCE", asked[1])
        assert end.count == len(there) == 3004 and not end.more
        assert {p.account for p in there if p.state == "online"} == {
            "alice", "bob"}
        assert alice.items("ROOM", asked[2])[1].count == 1
        bob.call("DONE", "ROOM_LEAVE", "#full")
        refused(bob, "unknown-target", "ROOM_MEMBERS", "#full")
        refused(bob, "unknown-target", "PRESENCE_GET", "#full")
