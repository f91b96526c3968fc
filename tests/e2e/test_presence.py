"""Who is there, and who may know: section 7 of the page."""

import time

import pytest

from protocol import Refused, TooLate


@pytest.fixture
def alice(server, people):
    with server.login(people.alice_laptop, features=["presence"]) as session:
        yield session


def states(session, target):
    return {a: p.state for a, p in session.presence(target).items()}


def becomes(session, account, state, wait=10):
    """An end of a session is seen a moment after it; asking is the event."""
    limit = time.monotonic() + wait
    while states(session, account) != {account: state}:
        assert time.monotonic() < limit


def unknown(session, target):
    with pytest.raises(Refused, match="unknown-target") as refused:
        session.presence(target)
    return refused.value.frame.text


def test_online_away_and_offline_are_told_as_they_come(server, people, alice):
    alice.post("bob", "we know each other")
    with server.login(people.bob_desk) as bob:
        assert alice.hear("PRESENCE", account="bob").state == "online"
        assert bob.call("DONE", "PRESENCE_SET", "away").seq == 0
        assert alice.hear("PRESENCE", account="bob").state == "away"
        bob.call("DONE", "PRESENCE_SET", "online")
        assert alice.hear("PRESENCE", account="bob").state == "online"
    gone = alice.hear("PRESENCE", account="bob")
    assert gone.state == "offline"
    assert abs(gone.seen - time.time() * 1000) < 60_000


def test_an_account_is_away_when_all_its_sessions_are(server, people, alice):
    alice.post("bob", "hello")
    with server.login(people.bob_desk) as desk, \
            server.login(people.bob_phone) as phone:
        desk.call("DONE", "PRESENCE_SET", "away")
        assert states(alice, "bob") == {"bob": "online"}
        phone.call("DONE", "PRESENCE_SET", "away")
        phone.call("DONE", "PRESENCE_SET", "away")  # Twice is once.
        assert states(alice, "bob") == {"bob": "away"}
        phone.call("DONE", "PRESENCE_SET", "online")
        assert states(alice, "bob") == {"bob": "online"}
        phone.finish()
        becomes(alice, "bob", "away")
        desk.call("DONE", "PRESENCE_SET", "online")
        assert states(alice, "bob") == {"bob": "online"}
    becomes(alice, "bob", "offline")


def test_who_shares_nothing_sees_nothing_and_hears_nothing(
        server, people, alice):
    with server.login(people.bob_desk):
        assert unknown(alice, "bob") == unknown(alice, "nobody")
        with pytest.raises(TooLate):
            alice.hear("PRESENCE", account="bob", wait=1.5)
        server.ctl("account.disable", "dave")
        assert unknown(alice, "dave") == unknown(alice, "nobody")


def test_a_room_in_common_is_enough(server, people, alice):
    with server.login(people.bob_desk, features=["presence"]) as bob:
        bob.call("DONE", "ROOM_CREATE", "#ops", False, "")
        unknown(alice, "bob")
        unknown(alice, "#ops")
        bob.call("DONE", "ROOM_INVITE", "#ops", "alice")
        assert states(alice, "bob") == {"bob": "online"}
        assert states(alice, "#ops") == {"alice": "online", "bob": "online"}
        assert states(bob, "alice") == {"alice": "online"}
        bob.call("DONE", "ROOM_REMOVE", "#ops", "alice")
        unknown(alice, "bob")
        unknown(alice, "#ops")


def test_ones_own_presence_is_ones_own_to_see(server, people, alice):
    assert states(alice, "alice") == {"alice": "online"}
    alice.hear("PRESENCE", account="alice", state="online")
    with server.login(people.alice_phone) as phone:
        assert states(phone, "alice") == {"alice": "online"}


def test_a_server_may_show_everybody_to_everybody(make_server, people):
    server = make_server({"account": {"visible": "all"}})
    with server.login(people.alice_laptop) as alice:
        assert states(alice, "bob") == {"bob": "offline"}
        unknown(alice, "nobody")


def test_a_server_may_show_nobody_but_oneself(make_server, people):
    server = make_server({"account": {"visible": "self"}})
    with server.login(people.alice_laptop, features=["presence"]) as alice:
        alice.post("bob", "we know each other")
        alice.call("DONE", "ROOM_CREATE", "#ops", True, "")
        with server.login(people.bob_desk) as bob:
            bob.call("DONE", "ROOM_JOIN", "#ops")
            unknown(alice, "bob")
            assert states(alice, "#ops") == {"alice": "online"}
            with pytest.raises(TooLate):
                alice.hear("PRESENCE", account="bob", wait=1.5)


def test_last_seen_survives_restarts(server, people):
    with server.login(people.alice_laptop) as alice:
        alice.post("bob", "hello")
        never = alice.presence("bob")["bob"].seen
        begin = int(time.time() * 1000)
        with server.login(people.bob_desk) as bob:
            bob.ping()
    server.restart()
    with server.login(people.alice_laptop) as alice:
        seen = alice.presence("bob")["bob"].seen
        assert seen >= begin and (never is None or never < seen)


def test_after_a_crash_the_last_login_is_when_he_was_seen(server, people):
    begin = int(time.time() * 1000)
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk):
        alice.post("bob", "hello")
        server.kill()
    server.start()
    with server.login(people.alice_laptop) as alice:
        presence = alice.presence("bob")["bob"]
        assert presence.state == "offline" and presence.seen >= begin


def test_coming_and_going_within_a_moment_is_not_told_each_time(
        server, people, alice):
    alice.post("bob", "hello")
    with server.login(people.bob_desk) as bob:
        alice.hear("PRESENCE", account="bob", state="online")
        begin = time.monotonic()
        for _ in range(50):
            bob.call("DONE", "PRESENCE_SET", "away")
            bob.call("DONE", "PRESENCE_SET", "online")
        bob.call("DONE", "PRESENCE_SET", "away")
        alice.hear("PRESENCE", account="bob", state="away")
        assert len(alice.unheard()) <= 2 * (time.monotonic() - begin) + 2


def test_who_was_told_of_a_moment_hears_its_end(server, people, alice):
    alice.post("bob", "hello")
    with server.login(people.bob_desk):
        assert states(alice, "bob") == {"bob": "online"}
    # It may be over before it was told to anybody by itself.
    alice.hear("PRESENCE", account="bob", state="offline")


def test_who_did_not_ask_is_told_nothing(server, people):
    with server.login(people.alice_laptop) as alice:
        alice.post("bob", "hello")
        with server.login(people.bob_desk), pytest.raises(TooLate):
            alice.hear("PRESENCE", wait=1.5)


def test_nothing_is_visible_before_the_second_factor(server, people, alice):
    alice.post("bob", "hello")
    with server.session(people.bob_desk) as bob:
        bob.hello()
        assert states(alice, "bob") == {"bob": "offline"}


def test_a_kicked_session_is_gone(server, people, alice):
    alice.post("bob", "hello")
    with server.login(people.bob_desk) as bob:
        assert states(alice, "bob") == {"bob": "online"}
        server.ctl("kick", "bob")
        bob.ending()
        assert states(alice, "bob") == {"bob": "offline"}
