"""What no honest client sends once a handshake is done: written record by
record, with the keys of a real connection."""

import hashlib
import hmac
import os
import ssl
import struct

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from protocol import Closed, Truncated, Wire, encode, kind

HANDSHAKE, APPLICATION, ALERT, CCS = 22, 23, 21, 20
CLIENT_HELLO, TICKET, KEY_UPDATE, FINISHED, CERTIFICATE, REQUEST = (
    1, 4, 24, 20, 11, 13)


class Sealed:
    """The client's side of a finished TLS 1.3 connection (RFC 8446, 5.2)."""

    def __init__(self, server, identity, folder):
        log = folder / "keys"
        context = identity.context(alpn=("sicher/1",))
        context.keylog_filename = str(log)
        self.wire = Wire(server.address, context, wait=5)
        secrets = dict(
            (words[0], bytes.fromhex(words[2]))
            for words in map(str.split, log.read_text().splitlines())
            if len(words) == 3)
        self.hash = (hashlib.sha384 if "384" in self.wire.tls.cipher()[0]
                     else hashlib.sha256)
        self.use(secrets["CLIENT_TRAFFIC_SECRET_0"])

    def expand(self, label, length):
        """HKDF-Expand-Label with an empty context, one block of it."""
        label = b"tls13 " + label
        info = struct.pack(">HB", length, len(label)) + label + b"\0"
        return hmac.new(self.secret, info + b"\x01",
                        self.hash).digest()[:length]

    def use(self, secret):
        self.secret, self.number = secret, 0
        self.key = AESGCM(self.expand(b"key", 32 if self.hash is
                                      hashlib.sha384 else 16))
        self.iv = int.from_bytes(self.expand(b"iv", 12), "big")

    def update(self):
        self.use(self.expand(b"traffic upd", self.hash().digest_size))

    def send(self, kind, body):
        inner = body + bytes([kind])
        head = struct.pack(">BHH", APPLICATION, 0x0303, len(inner) + 16)
        nonce = (self.iv ^ self.number).to_bytes(12, "big")
        self.number += 1
        self.raw(head + self.key.encrypt(nonce, inner, head))

    def raw(self, data):
        while data:
            data = data[os.write(self.wire.tls.fileno(), data):]

    def hello(self):
        self.send(APPLICATION, encode("HELLO", 1, [], "sealed"))
        assert kind(self.wire.receive()) == "WELCOME"

    def refused(self):
        """The alert that ends it."""
        with pytest.raises((ssl.SSLError, Closed, Truncated)) as end:
            while True:
                self.wire.receive()
        return getattr(end.value, "reason", "closed")


def message(kind, body=b""):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


@pytest.fixture
def sealed(shared, people, tmp_path):
    made = []

    def make():
        made.append(Sealed(shared, people.alice_laptop, tmp_path))
        return made[-1]

    yield make
    for one in made:
        one.wire.close()
    shared.login(people.alice_laptop).close()


def test_records_written_here_are_good_ones(sealed):
    one = sealed()
    one.hello()
    one.send(HANDSHAKE, message(KEY_UPDATE, b"\0"))
    one.update()
    one.send(APPLICATION, encode("PING", 7))
    assert one.wire.receive().nonce == 7


@pytest.mark.parametrize("what, body", [
    ("a new handshake", message(CLIENT_HELLO, b"\x03\x03" + bytes(32) +
                                b"\0\0\x02\x13\x02\x01\0")),
    ("an empty hello", message(CLIENT_HELLO)),
    ("a ticket", message(TICKET, bytes(20))),
    ("a certificate", message(CERTIFICATE, b"\0\0\0\0")),
    ("a request for one", message(REQUEST, b"\0\0\0")),
    ("another end", message(FINISHED, bytes(48))),
    ("an unknown message", message(77, b"x")),
    ("an update of a third kind", message(KEY_UPDATE, b"\x02")),
    ("an update of two bytes", message(KEY_UPDATE, b"\0\0")),
    ("a message that never ends", message(KEY_UPDATE, b"\0" * 200)[:5]),
    ("a message of 16 MiB", b"\x18\xff\xff\xff" + b"x" * 1000),
], ids=lambda v: v.replace(" ", "-") if isinstance(v, str) else "")
def test_no_handshake_message_but_an_update_comes_later(sealed, what, body):
    one = sealed()
    one.hello()
    one.send(HANDSHAKE, body)
    if what == "a message that never ends":
        one.send(APPLICATION, encode("PING", 7))  # Not in its middle.
    assert one.refused() in (
        "SSLV3_ALERT_UNEXPECTED_MESSAGE", "SSLV3_ALERT_ILLEGAL_PARAMETER",
        "TLSV1_ALERT_DECODE_ERROR")


@pytest.mark.parametrize("kind", [CCS, 24, 25, 0])
def test_no_record_of_another_kind_comes_later(sealed, kind):
    one = sealed()
    one.hello()
    one.send(kind, b"\x01")
    assert "ALERT" in one.refused()


def test_nothing_comes_unprotected_later(sealed):
    for record in (b"\x17\x03\x03\0\x05hello", b"\x15\x03\x03\0\x02\x01\0",
                   b"\x16\x03\x03\0\x04\x18\0\0\0"):
        one = sealed()
        one.hello()
        one.raw(record)
        assert "ALERT" in one.refused()


def test_a_record_is_taken_once_and_unchanged(sealed):
    one = sealed()
    one.hello()
    one.send(APPLICATION, encode("PING", 7))
    assert one.wire.receive().nonce == 7
    one.number -= 1  # The same again.
    one.send(APPLICATION, encode("PING", 7))
    assert "BAD_RECORD_MAC" in one.refused()


def test_some_updates_are_borne_and_a_flood_ends_the_connection(sealed):
    one = sealed()
    one.hello()

    def update(times):
        for _ in range(times):
            one.send(HANDSHAKE, message(KEY_UPDATE, b"\0"))
            one.update()

    update(60)
    one.send(APPLICATION, encode("PING", 7))
    assert one.wire.receive().nonce == 7
    try:
        update(300)
    except OSError:
        pass  # It ended while we wrote.
    assert one.refused()


def test_empty_records_are_borne(sealed):
    one = sealed()
    one.hello()
    for _ in range(20):
        one.send(APPLICATION, b"")
    one.send(APPLICATION, encode("PING", 9))
    assert one.wire.receive().nonce == 9
