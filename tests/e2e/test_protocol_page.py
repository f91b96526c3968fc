"""docs/PROTOCOL.md itself: its examples are what an implementation written
from the page makes and reads."""

import pathlib
import re

import protocol
import pytest

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/PROTOCOL.md"


def example(name):
    section = PAGE.read_text().split("## 10. Examples")[1]
    text = re.search(rf"^{name}[^:]*:\n\n((?:    .*\n?)+)", section, re.M).group(1)
    return bytes.fromhex("".join(text.split()))


@pytest.mark.parametrize("name, fields", [
    ("HELLO", (1, [], "demo")),
    ("AUTH", (b"correct horse",)),
    ("SEND", (7, "bob", bytes.fromhex("0192e4a07c5d7aaa8bbbccccdddddddd"),
              "text/plain", b"hi")),
])
def test_the_pages_examples_are_what_a_client_sends(name, fields):
    assert protocol.encode(name, *fields) == example(name)


def test_the_pages_answer_reads_as_the_page_says():
    decoder = protocol.Decoder()
    decoder.feed(example("STORED"))
    frame = decoder.next()
    assert protocol.kind(frame) == "STORED"
    assert frame == (7, 42, 1764000000000, False)
    assert decoder.next() is None


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
