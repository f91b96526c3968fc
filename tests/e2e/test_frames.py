"""Bytes that are no good frames: each costs its own connection at the most."""

import random
import ssl
import struct

import cbor2
import pytest

from protocol import (CLIENT_FRAMES, MAX_BODY, MAX_EARLY, MAX_FRAME, Closed,
                      Refused, TooLate, Truncated, encode, kind, new_id, wrap)
from server import PASSWORD
from test_states import SAMPLES, words

# LOGOUT and PASSWORD would change the account under the other tests.
TAME = sorted(set(SAMPLES) - {"LOGOUT", "PASSWORD"})


@pytest.fixture
def witness(shared, people):
    """Another session, that must not notice anything."""
    with shared.login(people.bob_desk) as bob:
        yield bob
        bob.ping()


@pytest.fixture
def arrive(shared, people):
    """arrive(): a session that is ready, by token after the first."""
    tokens = []

    def make():
        session = shared.session(people.alice_laptop)
        session.hello()
        if tokens:
            session.resume(tokens[0])
        else:
            session.auth(PASSWORD)
            tokens.append(session.token)
        return session

    return make


@pytest.mark.parametrize("name", ["HELLO", "AUTH", "SEND", "SYNC", "HISTORY"])
def test_every_prefix_of_a_frame_ends_only_its_own_connection(
        shared, people, witness, arrive, name):
    whole = encode(name, *SAMPLES[name])
    for cut in range(1, len(whole)):
        if name == "HELLO":
            session = shared.session(people.alice_laptop)
        elif name == "AUTH":
            session = shared.session(people.alice_laptop)
            session.hello()
        else:
            session = arrive()
        with session:
            session.write(whole[:cut])
            if cut % 2:
                session.finish()  # An end, in the middle of a frame.
            # Otherwise truncation: closed without a word.


def test_a_truncated_frame_is_not_acted_upon(shared, people, arrive, witness):
    alice = arrive()
    whole = encode("SEND", 1, "bob", new_id(), "text/plain", b"never whole")
    alice.write(whole[:-1])
    alice.finish()
    history, _ = witness.history("alice")
    assert b"never whole" not in [item.body for item in history]


@pytest.mark.parametrize("name", TAME)
def test_no_flipped_bit_of_a_frame_disturbs_another_session(
        shared, arrive, witness, name):
    whole = encode(name, *SAMPLES[name])
    bits = range(32, 8 * len(whole))  # The length has tests of its own.
    if len(bits) > 160:
        bits = sorted(random.Random(name).sample(bits, 160))
    session = arrive()
    try:
        for bit in bits:
            bad = bytearray(whole)
            bad[bit // 8] ^= 1 << bit % 8
            session.write(bytes(bad) + encode("PING", bit))
            if not answered(session, bit):
                session.close()
                session = arrive()
    finally:
        session.close()


def answered(session, nonce):
    """Whether the session goes on: the PONG came.  Else it ended in order,
    with a reason."""
    last = None
    try:
        while True:
            frame = session.receive()
            if kind(frame) == "PONG" and frame.nonce == nonce:
                return True
            last = frame
    except Closed:
        # A flipped type can be a BYE of ours, which needs no answer.
        assert last is None or kind(last) == "BYE", last
        return False


NO_FRAMES = [  # Not CBOR, no array, or an array without a type.
    b"", b"\x80", b"\xff", b"\xf6", b"\x00", b"\xa0", b"\x60", b"\x1c",
    b"\xc0\x81\x01", b"\x81\x20", b"\x81\xf5", b"\x81\x61a", b"\x81\x18",
    b"\x9f\x01\xff", b"\x81\x9f\xff"]
BAD_FRAMES = [  # A type, and then nonsense.
    b"\x9a\xff\xff\xff\xff\x01", b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x82\x01\x5b\xff\xff\xff\xff\xff\xff\xff\xff", b"\x81\x01\x01",
    b"\x84\x01\x01\x80\x5f\xff", b"\x84\x01\x01\x9f\xff\x60"]


def arrive_in(state, shared, people, arrive):
    if state == "ready":
        return arrive()
    session = shared.session(people.alice_laptop)
    if state == "auth":
        session.hello()
    return session


@pytest.mark.parametrize("state", ["hello", "auth", "ready"])
@pytest.mark.parametrize("payload", NO_FRAMES, ids=lambda b: b.hex() or "empty")
def test_what_is_no_frame_ends_the_connection_with_the_reason(
        shared, people, arrive, witness, state, payload):
    with arrive_in(state, shared, people, arrive) as session:
        session.write(wrap(payload))
        assert [words(f) for f in session.ending()] == ["BYE bad-frame"]


@pytest.mark.parametrize("state", ["hello", "auth", "ready"])
@pytest.mark.parametrize("payload", BAD_FRAMES, ids=lambda b: b.hex())
def test_a_frame_that_is_nonsense_behind_its_type_is_refused(
        shared, people, arrive, witness, state, payload):
    with arrive_in(state, shared, people, arrive) as session:
        session.write(wrap(payload))
        codes = {"bad-frame", "bad-state", "unknown-frame"}
        if state == "ready":
            frame = session.receive()
            assert frame.code in codes
            if kind(frame) == "ERROR":
                session.ping()
        else:
            frame, = session.ending()
            assert kind(frame) == "BYE" and frame.code in codes


@pytest.mark.parametrize("state, limit", [
    ("hello", MAX_EARLY), ("auth", MAX_EARLY), ("ready", MAX_FRAME)])
def test_a_length_above_the_limit_is_too_big_at_once(
        shared, people, arrive, witness, state, limit):
    for n in (limit + 1, 1 << 24, (1 << 32) - 1):
        with arrive_in(state, shared, people, arrive) as session:
            session.write(struct.pack(">I", n))  # And nothing after it.
            frames = session.ending()
            assert [words(f) for f in frames] == ["BYE too-big"]
            assert f"at most {limit} bytes" in frames[0].text


def test_a_frame_as_long_as_the_limit_is_taken(shared, people, arrive):
    def padded(number, fields, size):
        for pad in range(size, 0, -1):
            frame = encode(number, *fields, b"p" * pad)
            if len(frame) == size + 4:
                return frame
            if len(frame) < size + 4:
                break
        raise AssertionError("cannot pad")

    with shared.session(people.alice_laptop) as session:
        session.write(padded("HELLO", (1, [], "padded"), MAX_EARLY))
        session.expect("WELCOME")
    with arrive() as session:
        session.write(padded("SEND", (5, "bob", new_id(), "text/plain",
                                      b"x" * 60000, 0), MAX_FRAME))
        assert session.expect("STORED", ref=5)


def test_a_length_that_lies_is_a_bad_frame(shared, arrive, witness):
    good = encode("PING", 5)
    for lie in (len(good) - 4 - 1, len(good) - 4 + 1):
        with arrive() as session:
            session.write(struct.pack(">I", lie) + good[4:] + good)
            seen = [session.receive()]
            # Behind the lie, the rest is read as a length.
            assert any(getattr(f, "code", "") in ("bad-frame", "too-big")
                       for f in seen), (lie, seen)


def test_one_byte_in_each_tls_record(shared, people):
    with shared.session(people.alice_laptop) as alice:
        for data, answer in ((encode("HELLO", 1, [], "slow"), "WELCOME"),
                             (encode("AUTH", PASSWORD.encode()), "READY"),
                             (encode("SEND", 1, "bob", new_id(), "text/plain",
                                     b"by the byte"), "STORED")):
            for byte in data:
                alice.write(bytes([byte]))
            assert kind(alice.receive()) == answer


def test_a_thousand_frames_in_one_write(shared, people):
    with shared.login(people.alice_laptop) as alice:
        alice.write(b"".join(
            encode("SEND", i, "bob", new_id(), "text/plain", b"%d" % i)
            for i in range(1000)))
        stored = [alice.expect("STORED", ref=i) for i in range(1000)]
        assert [s.seq for s in stored] == sorted({s.seq for s in stored})
        alice.write(b"".join(encode("PING", i) for i in range(1000)))
        assert [alice.expect("PONG").nonce for _ in range(1000)] == list(
            range(1000))


def test_trailing_fields_of_any_type_are_ignored(shared, people):
    with shared.login(people.alice_laptop) as alice:
        for extra in (1, -1, b"x", "x", None, True, 1.5, [1, [2]], {1: 2},
                      cbor2.CBORTag(99, "x")):
            alice.send("PING", 5, extra)
            try:
                assert alice.expect("PONG").nonce == 5, extra
            except Refused as refused:
                raise AssertionError(f"{extra!r}: {refused}") from None


def test_integers_need_not_be_in_their_shortest_form(shared, people):
    with shared.login(people.alice_laptop) as alice:
        alice.write(wrap(b"\x82\x18\x30\x1b" + (7).to_bytes(8, "big")))
        assert alice.expect("PONG").nonce == 7
        alice.write(wrap(b"\x9a\x00\x00\x00\x02\x19\x00\x30\x07"))
        assert alice.expect("PONG").nonce == 7


BAD_FIELDS = [
    ("SEND", (1, "bob", new_id(), "text/plain")),
    ("SEND", (1, "bob", new_id(), "text/plain", "a text body")),
    ("SEND", (1, b"bob", new_id(), "text/plain", b"x")),
    ("SEND", (1, "bob", new_id()[:15], "text/plain", b"x")),
    ("SEND", (1, "bob", new_id() + b"x", "text/plain", b"x")),
    ("SEND", (1, "bob", new_id(), "", b"x")),
    ("SEND", (1, "bob", new_id(), "t" * 65, b"x")),
    ("SEND", (1 << 32, "bob", new_id(), "text/plain", b"x")),
    ("SEND", (-1, "bob", new_id(), "text/plain", b"x")),
    ("SEND", (None, "bob", new_id(), "text/plain", b"x")),
    ("SEND", (1, "bob", new_id(), "text/plain", b"x" * (MAX_BODY + 1))),
    ("SYNC", (1, "main", 1, 1, 1)),
    ("SYNC", (1, "main", "1", 1, False)),
    ("SYNC", (1, "", 1, 1, False)),
    ("SYNC", (1, "m" * 33, 1, 1, False)),
    ("SYNC", (1, "Main", 1, 1, False)),
    ("SYNC", (1, "ma\0n", 1, 1, False)),
    ("ACK", (0,)),
    ("ACK", (-1,)),
    ("ACK", (1.0,)),
    ("ACK", ()),
    ("CREDIT", (1,)),
    ("HISTORY", (1, "bob", 5, 5, 10)),
    ("HISTORY", (1, "bob", 0, None, 10)),
    ("HISTORY", (1, "bob", 5, None, 10, 5)),
    ("HISTORY", (1, "bob", None, None, 10, 5, 5)),
    ("HISTORY", (1, "bob", None, None, 10, "5")),
    ("HISTORY", (1, "bob", None, None, 10, None, -5)),
    ("HISTORY", (1, "bob", False, None, 10)),
    ("READ", (1, "bob", 0)),
    ("READ", (1, "bob", None)),
    ("READ", (1, "bob")),
    ("SIGNAL", (1, "bob", "", b"")),
    ("SIGNAL", (1, "bob", "k" * 33, b"")),
    ("SIGNAL", (1, "bob", "typing", b"d" * 257)),
    ("SIGNAL", (1, "bob", "typing", "text")),
    ("SIGNAL", (1, "bob", "typing")),
    ("PRESENCE_SET", (1, "offline")),
    ("PRESENCE_SET", (1, b"away")),
    ("PRESENCE_SET", (1,)),
    ("PRESENCE_GET", (1,)),
    ("DIRECTORY", (1,)),
    ("DIRECTORY", (1, b"bob")),
    ("RECEIPTS", (1,)),
    ("RECEIPTS", (1, b"bob")),
    ("ROOM_CREATE", (1, "#a", True, "t" * 257)),
    ("ROOM_CREATE", (1, "noroom", True, "")),
    ("ROOM_CREATE", (1, "#", True, "")),
    ("ROOM_CREATE", (1, "#A", True, "")),
    ("ROOM_CREATE", (1, "#-a", True, "")),
    ("ROOM_CREATE", (1, "#a b", True, "")),
    ("ROOM_CREATE", (1, "#" + "a" * 65, True, "")),
    ("ROOM_CREATE", (1, "#\u0430", True, "")),
    ("ROOM_CREATE", (1, "#a", 1, "")),
    ("ROOM_CREATE", (1, "#a", True, "", 1)),
    ("ROOM_JOIN", (1, "bob")),
    ("ROOM_DELETE", (1, "bob")),
    ("ROOM_DELETE", (1,)),
    ("ROOM_HISTORY", (1, "#a", 1)),
    ("ROOM_HISTORY", (1, "#a")),
    ("ROOM_ROLE", (1, "#a", "bob", "king")),
    ("ROOM_ROLE", (1, "#a", "bob", "")),
    ("ROOM_ROLE", (1, "#a", "bob")),
    ("ROOM_INVITE", (1, "#a", "#bob")),
    ("PING", ()),
    ("PING", ("1",)),
    ("PONG", ()),
    ("PONG", (b"1",)),
    ("ACK", (0,)),
    ("CREDIT", (1,)),
    ("PASSWORD", (1, b"", b"12345678")),
    ("PASSWORD", (1, b"x" * 1025, b"12345678")),
]


def ref_of(name, fields):
    """The ref that a client would look for in the ERROR; None where the frame
    has none, or not one that can be read."""
    if not CLIENT_FRAMES[name][1].startswith("ref") or not fields:
        return None
    ref = fields[0]
    good = type(ref) is int and 0 <= ref < 1 << 32
    return ref if good else None


@pytest.mark.parametrize("name, fields", BAD_FIELDS,
                         ids=[f"{i}-{n}" for i, (n, _) in enumerate(BAD_FIELDS)])
def test_a_field_of_another_type_or_range_is_a_bad_frame(
        shared, people, witness, name, fields):
    with shared.login(people.alice_laptop) as alice:
        alice.send(name, *fields)
        frame = alice.receive()
        # A name that no account or room can have may be one unknown as well.
        target = name.startswith("ROOM_") or name == "SEND"
        assert frame.code == "bad-frame" or (
            target and frame.code == "unknown-target"), frame
        if kind(frame) == "ERROR":
            assert frame.ref == ref_of(name, fields)
            alice.ping()
        else:
            assert alice.ending() == []


@pytest.mark.parametrize("name", ["PING", "PONG", "BYE"])
def test_a_malformed_frame_before_login_ends_the_connection(
        shared, people, name):
    with shared.session(people.alice_laptop) as alice:
        alice.hello()
        alice.send(name)
        assert [(kind(f), f.code) for f in alice.ending()] == [
            ("BYE", "bad-frame")]


@pytest.mark.parametrize("bad", [b"\x80", b"\xc0\xaf", b"\xed\xa0\x80",
                                 b"\xf4\x90\x80\x80", b"\xff", b"a\xc3"])
def test_text_that_is_no_utf8_is_a_bad_frame(shared, people, bad):
    topic = bytes([0x60 + len(bad)]) + bad
    with shared.login(people.alice_laptop) as alice:
        alice.write(wrap(b"\x85\x18\x20\x01\x62#z\xf5" + topic))
        frame = alice.receive()
        assert frame.code == "bad-frame"


def test_a_body_of_the_limit_is_stored_and_one_byte_more_is_not(
        shared, people):
    with shared.login(people.alice_laptop) as alice:
        body = bytes(random.Random(1).randbytes(MAX_BODY))
        seq = alice.post("bob", body).seq
        with shared.login(people.bob_desk) as bob:
            items, _ = bob.history("alice", after=seq - 1, limit=1)
            assert items[0].body == body
        with pytest.raises(Refused, match="bad-frame.*61440"):
            alice.post("bob", body + b"x")


def test_nested_arrays_end_at_four(shared, people):
    def nest(depth):
        value = 1
        for _ in range(depth):
            value = [value]
        return value

    with shared.login(people.alice_laptop) as alice:
        alice.send("PING", 1, nest(3))  # The frame is the first of four.
        alice.expect("PONG")
        alice.send("PING", 1, nest(4))
        assert alice.receive().code == "bad-frame"


def test_a_deeply_nested_frame_harms_nobody(shared, people, witness):
    with shared.login(people.alice_laptop) as alice:
        alice.write(wrap(b"\x82\x18\x30" + b"\x81" * 60000))
        assert alice.receive().code == "bad-frame"


def test_random_bytes_end_only_their_own_connection(shared, people, witness):
    chance = random.Random(20261124)
    for _ in range(30):
        with shared.session(people.alice_laptop) as session:
            try:
                session.write(chance.randbytes(chance.randrange(4, 3000)))
                frames = session.ending(3)
                assert all(kind(f) in ("BYE", "ERROR") for f in frames)
            except (TooLate, Truncated, OSError, ssl.SSLError):
                pass  # It waits for the rest of a long frame.


def test_a_connection_that_ends_without_close_notify_harms_nobody(
        shared, people, witness):
    for _ in range(20):
        session = shared.login(people.alice_laptop)
        session.close()
