"""Every frame in every state, as the table of docs/PROTOCOL.md, section 3."""

import pytest

from protocol import CLIENT_FRAMES, encode, kind, new_id
from server import PASSWORD

SAMPLES = {
    "HELLO": (1, [], "matrix"),
    "AUTH": (PASSWORD.encode(),),
    "RESUME": (b"no such token",),
    "PASSWORD": (1, b"not the password", b"a new password"),
    "LOGOUT": (2,),
    "SEND": (3, "bob", new_id(), "text/plain", b"hi"),
    "SYNC": (4, "main", 0, 0, True),
    "ACK": (1,),
    "CREDIT": (1, 1),
    "HISTORY": (5, "bob", None, None, 1),
    "ROOM_CREATE": (6, "#matrix", True, ""),
    "ROOM_JOIN": (7, "#nowhere"),
    "ROOM_LEAVE": (8, "#nowhere"),
    "ROOM_INVITE": (9, "#nowhere", "bob"),
    "ROOM_REMOVE": (10, "#nowhere", "bob"),
    "ROOM_LIST": (11,),
    "ROOM_MEMBERS": (12, "#nowhere"),
    "ROOM_TOPIC": (13, "#nowhere", "topic"),
    "ROOM_DELETE": (16, "#nowhere"),
    "ROOM_HISTORY": (17, "#nowhere", True),
    "ROOM_ROLE": (18, "#nowhere", "bob", "owner"),
    "READ": (19, "bob", 1),
    "RECEIPTS": (20, "bob"),
    "SIGNAL": (21, "nobody", "typing", b""),
    "PRESENCE_SET": (22, "away"),
    "PRESENCE_GET": (23, "alice"),
    "DIRECTORY": (24, "alice"),
    "PING": (14,),
    "PONG": (15,),
    "BYE": ("done", ""),
}
LEGAL = {
    "hello": {"HELLO"},
    "auth": {"AUTH", "RESUME", "PING", "PONG", "BYE"},
    "choose": {"PASSWORD", "PING", "PONG", "BYE"},
    "ready": set(SAMPLES) - {"HELLO", "AUTH", "RESUME"},
}
# What a legal frame is answered by; nothing where it is not named.
ANSWER = {
    "HELLO": {"WELCOME"}, "AUTH": {"READY"}, "RESUME": {"ERROR token-refused"},
    "PASSWORD": {"ERROR auth-failed"}, "LOGOUT": {"DONE"}, "SEND": {"STORED"},
    "SYNC": {"SYNCED"}, "HISTORY": {"ITEM", "END"}, "RECEIPTS": {"RECEIPT", "END"},
    "SIGNAL": {"ERROR unknown-target"}, "PRESENCE_SET": {"DONE"},
    "PRESENCE_GET": {"PRESENCE"}, "DIRECTORY": {"DEVICE"},
    "ROOM_LIST": {"ROOM", "END"},
    "ROOM_CREATE": {"DONE", "ERROR exists"}, "PING": {"PONG"},
    **{name: {"ERROR unknown-target"} for name in (
        "ROOM_JOIN", "ROOM_LEAVE", "ROOM_INVITE", "ROOM_REMOVE",
        "ROOM_MEMBERS", "ROOM_TOPIC", "ROOM_DELETE", "ROOM_HISTORY",
        "ROOM_ROLE")},
}


def test_the_matrix_has_every_frame():
    assert set(SAMPLES) == set(CLIENT_FRAMES)


def words(frame):
    if kind(frame) in ("ERROR", "BYE"):
        return f"{kind(frame)} {frame.code}"
    return kind(frame)


def enter(state, server, people, newcomer):
    if state == "choose":
        identity, secret = newcomer(server)
        session = server.session(identity)
        session.hello()
        assert kind(session.auth(secret)) == "CHOOSE"
        return session
    session = server.session(people.alice_laptop)
    if state != "hello":
        session.hello()
    if state == "ready":
        session.auth(PASSWORD)
    return session


@pytest.mark.parametrize("name", sorted(SAMPLES))
@pytest.mark.parametrize("state", ["hello", "auth", "choose", "ready"])
def test_a_frame_is_taken_only_in_its_states(
        shared, people, newcomer, state, name):
    with enter(state, shared, people, newcomer) as session:
        session.send(name, *SAMPLES[name])
        if name in LEGAL[state]:
            if name == "BYE":
                assert all(kind(f) == "BYE" for f in session.ending())
                return
            if name in ANSWER:
                assert words(session.receive()) in ANSWER[name]
                return
            if name in ("ACK", "CREDIT"):  # They come after SYNC.
                assert words(session.receive()) == "ERROR bad-state"
            session.send("PING", 77)
            assert session.expect("PONG").nonce == 77
            return
        if state == "ready":
            assert words(session.receive()) == "ERROR bad-state"
            session.ping()
            return
        assert [words(f) for f in session.ending()] == ["BYE bad-state"]


@pytest.mark.parametrize("number", [
    0, 2, 5, 7, 9, 14, 15, 17, 19, 20, 24, 25, 28, 30, 40, 41, 45, 52, 54, 61, 62, 64, 255, 1 << 40])
@pytest.mark.parametrize("state", ["hello", "auth", "choose", "ready"])
def test_a_type_that_no_client_sends_is_refused_in_every_state(
        shared, people, newcomer, state, number):
    with enter(state, shared, people, newcomer) as session:
        session.send(number, 1, b"", "x")
        if state == "ready":
            frame = session.receive()
            assert (words(frame), frame.ref) == ("ERROR unknown-frame", 1)
            session.ping()
            return
        assert [words(f) for f in session.ending()] == ["BYE unknown-frame"]


def test_an_unknown_frame_before_login_ends_only_its_own_connection(
        shared, people):
    with shared.login(people.bob_desk) as bob:
        with shared.session(people.alice_laptop) as alice:
            alice.hello()
            alice.send(99, 1)
            assert [words(f) for f in alice.ending()] == ["BYE unknown-frame"]
        bob.ping()


def test_an_unknown_frame_after_login_is_answered_and_the_session_goes_on(
        shared, people):
    with shared.login(people.alice_laptop) as alice:
        for number in (46, 61, 63 + 64, 1 << 63):
            alice.send(number, "later", [1, [2]], None)
            assert words(alice.receive()) == "ERROR unknown-frame"
        alice.ping()


def test_a_draining_session_takes_nothing_more(server, people):
    with server.login(people.alice_laptop) as alice:
        alice.sync("drained")
        server.ctl("kick", "alice")
        alice.write(b"".join(encode(n, *SAMPLES[n]) for n in sorted(SAMPLES)
                             if n != "BYE"))
        frames = alice.ending()
        assert [words(f) for f in frames if kind(f) in ("BYE", "ERROR")] == [
            "BYE kicked"]
    with server.login(people.bob_desk) as bob:
        bob.sync()
        # Alice's SEND behind the BYE was not stored.
        assert bob.fence("alice") == []


def test_nothing_is_visible_before_the_second_factor(server, people):
    """A certificate without its password: no message, no room, no cursor."""
    with server.login(people.bob_desk) as bob:
        bob.post("alice", "for her alone")
        with server.session(people.alice_laptop) as alice:
            alice.hello()
            alice.write(encode("SYNC", 1, "main", 9, 9999, True)
                        + encode("HISTORY", 2, "bob", None, None, 9)
                        + encode("SEND", 3, "bob", new_id(), "t", b"x" * 99))
            assert {f.code for f in alice.ending()} == {"bad-state"}
        bob.sync()
        assert [d.body for d in bob.fence("alice")] == [b"for her alone"]
