"""docs/PROTOCOL.md itself: its examples are what an implementation written
from the page makes and reads."""

import pathlib
import re

import protocol
import pytest

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/PROTOCOL.md"


def example(name):
    section = PAGE.read_text().split("## 10. Examples")[1]
    text = re.search(rf"^{name}\b[^:]*:\n\n((?:    .*\n?)+)", section, re.M).group(1)
    return bytes.fromhex("".join(text.split()))


@pytest.mark.parametrize("name, fields", [
    ("HELLO", (1, [], "demo")),
    ("AUTH", (b"correct horse",)),
    ("SEND", (7, "bob", bytes.fromhex("0192e4a07c5d7aaa8bbbccccdddddddd"),
              "text/plain", b"hi")),
    ("ROOM_CREATE", (1, "#ops", True, "up", True)),
    ("HISTORY", (2, "bob", None, None, 20, None, 1764000000000)),
    ("ROOM_DELETE", (3, "#ops")),
    ("ROOM_HISTORY", (4, "#ops", True)),
    ("ROOM_ROLE", (5, "#ops", "bob", "owner")),
    ("READ", (6, "bob", 42)),
    ("RECEIPTS", (7, "bob")),
    ("SIGNAL", (8, "bob", "typing", b"")),
    ("PRESENCE_SET", (9, "away")),
    ("PRESENCE_GET", (10, "#ops")),
    ("DIRECTORY", (11, "bob")),
])
def test_the_pages_examples_are_what_a_client_sends(name, fields):
    assert protocol.encode(name, *fields) == example(name)


@pytest.mark.parametrize("name, fields", [
    ("STORED", (7, 42, 1764000000000, False)),
    ("ROOM_CHANGED", (43, "#ops", "joined", "bob")),
    ("RECEIPT", (None, "bob", "bob", "read", 42)),
    ("SIGNALED", ("bob", "alice", "desk", "typing", b"")),
    ("PRESENCE", (None, "bob", "offline", 1764000000000)),
    ("DEVICE", (11, "desk", b"\xab" * 32, "4f", "CA", 1764000000000, b"")),
])
def test_the_pages_answers_read_as_the_page_says(name, fields):
    decoder = protocol.Decoder()
    decoder.feed(example(name))
    frame = decoder.next()
    assert protocol.kind(frame) == name
    assert frame == fields
    assert decoder.next() is None


def test_a_field_that_was_appended_may_be_missing():
    import cbor2
    old = [40, 1, "#ops", "", True, 1, True]
    assert protocol.decode(cbor2.dumps(old)).history is False
    assert protocol.decode(cbor2.dumps(old + [True])).history is True
    with pytest.raises(ValueError, match="lacks fields"):
        protocol.decode(cbor2.dumps(old[:-1]))


def test_unknown_trailing_fields_of_a_server_are_ignored():
    import cbor2
    frame = protocol.decode(cbor2.dumps([49, 7, "later", [1]]))
    assert frame == (7,)


def test_every_type_of_the_page_is_in_the_client():
    text = PAGE.read_text()
    client, server = text.split("### Frames from the server")
    told = re.compile(r"^([A-Z_]+)\s*= \[(\d+)", re.M)
    assert {n: int(t) for n, t in told.findall(client)} == {
        n: t for n, (t, _) in protocol.CLIENT_FRAMES.items()}
    assert {n: int(t) for n, t in told.findall(server)} == {
        n: t for n, (t, _) in protocol.SERVER_FRAMES.items()}


def test_every_code_that_the_server_sends_is_in_the_page():
    """Those that stand in a call, which are all but the few in tables."""
    table = PAGE.read_text().split("## 9. Codes")[1].split("\n## ")[0]
    named = set(re.findall(r"^\| `([a-z-]+)` \|", table, re.M))
    call = re.compile(
        r'\b(?:sess_(?:bye|refuse|expel|error(?:_retry)?)|refuse)'
        r'\((?:\s*(?:s|frame|&?\w+(?:\.ref)?|NULL),)+\s*"([a-z-]+)"')
    sent = {code for source in (PAGE.parents[1] / "server/net").glob("*.c")
            for code in call.findall(source.read_text())}
    assert len(sent) > 20 and sent <= named, sent - named
