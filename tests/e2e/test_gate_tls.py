"""TLS that no honest client speaks, and a certificate in disguise; everybody
else goes on."""

import os
import resource
import socket
import ssl
import struct
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature, encode_dss_signature)

from authority import Identity
from bad_certificates import bits
from protocol import Refused

P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551


def rewritten(identity, folder):
    """The same certificate with the other signature (r, n - s)."""
    leaf = identity.leaf
    r, s = decode_dss_signature(leaf.signature)
    other = encode_dss_signature(r, P256_ORDER - s)
    der = leaf.public_bytes(serialization.Encoding.DER)
    old = bits(leaf.signature)
    assert der.endswith(old)
    body = der[4:-len(old)] + bits(other)
    der = b"\x30\x82" + struct.pack(">H", len(body)) + body
    rest = identity.cert.read_bytes().split(b"-----END CERTIFICATE-----\n", 1)
    path = folder / "rewritten.pem"
    path.write_bytes(x509.load_der_x509_certificate(der).public_bytes(
        serialization.Encoding.PEM) + rest[1])
    return Identity(path, identity.key, identity.ca, identity.account,
                    identity.device)


def test_a_rewritten_signature_is_no_new_device(server, people, tmp_path):
    disguised = rewritten(people.alice_laptop, tmp_path)
    assert disguised.fingerprint != people.alice_laptop.fingerprint
    assert disguised.serial == people.alice_laptop.serial
    with pytest.raises(Refused) as refused:
        server.login(disguised)
    assert refused.value.code == "no-account"
    server.login(people.alice_laptop).close()
    server.login(people.alice_phone).close()


def oversized(identity, folder):
    """The same identity with more certificates behind it than 16 KiB."""
    pem = identity.cert.read_bytes()
    first = pem[:pem.index(b"-----END") + len("-----END CERTIFICATE-----\n")]
    path = folder / "oversized.pem"
    path.write_bytes(pem + first * 120)
    return Identity(path, identity.key, identity.ca, identity.account,
                    identity.device)


def test_a_certificate_message_above_16_kib_ends_in_an_alert(
        shared, people, tmp_path):
    """Not in a reset, though most of the message comes after the alert."""
    large = oversized(people.alice_laptop, tmp_path)
    for _ in range(10):
        with pytest.raises((ssl.SSLError, OSError)) as refused:
            with shared.wire(large) as wire:
                wire.receive()
        assert isinstance(refused.value, ssl.SSLError), refused.value
        assert "ALERT" in refused.value.reason, refused.value
    shared.login(people.alice_laptop).close()


def test_who_sends_on_after_a_failed_handshake_is_closed_soon(server):
    with socket.create_connection(server.address, timeout=10) as knock:
        knock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        begin = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - begin < 10:
                knock.sendall(b"x" * 1000)
                time.sleep(0.01)  # Pace, not a wait.
        assert time.monotonic() - begin < 3
    limit = time.monotonic() + 5
    while server.ctl("status")["connections"]:
        assert time.monotonic() < limit
        time.sleep(0.02)  # There is no event for this one.


def test_half_open_handshakes_disturb_nobody(make_server, people):
    count = 2000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 3 * count:
        resource.setrlimit(resource.RLIMIT_NOFILE,
                           (min(3 * count, hard), hard))
    server = make_server({"limits": {"connections_per_address": 3 * count,
                                     "connections": 3 * count}})
    hello = client_hello(people)
    with server.login(people.bob_desk) as bob:
        held = []
        try:
            for i in range(count):
                knock = socket.create_connection(
                    server.address, timeout=10,
                    source_address=("127.0.0.2", 0))
                # Some say nothing, some half a hello, some a whole one.
                knock.sendall((b"", hello[:40], hello)[i % 3])
                held.append(knock)
                if i % 100 == 0:
                    bob.ping()
            server.login(people.alice_laptop).close()
            bob.ping()
        finally:
            for knock in held:
                knock.close()


def client_hello(people):
    """The first flight of an honest client, as bytes."""
    out = ssl.MemoryBIO()
    tls = people.alice_laptop.context().wrap_bio(
        ssl.MemoryBIO(), out, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read()


def test_a_half_open_handshake_ends_in_time(make_server, people):
    server = make_server({"limits": {"handshake_time": "300ms"}})
    hello = client_hello(people)
    for said in (b"", hello[:1], hello[:-1], hello):
        with socket.create_connection(server.address, timeout=10) as knock:
            knock.sendall(said)
            while knock.recv(4096):
                pass
    server.login(people.alice_laptop).close()


def test_every_cut_of_a_hello_is_borne(shared, people):
    hello = client_hello(people)
    for n in range(0, len(hello), 7):
        with socket.create_connection(shared.address, timeout=10) as knock:
            knock.sendall(hello[:n])
    shared.login(people.alice_laptop).close()


def test_a_hello_with_a_bit_flipped_is_borne(shared, people):
    hello = bytearray(client_hello(people))
    for at in range(0, len(hello), 5):
        hello[at] ^= 0x41
        with socket.create_connection(shared.address, timeout=10) as knock:
            knock.sendall(hello)
            knock.shutdown(socket.SHUT_WR)
            while knock.recv(4096):
                pass
        hello[at] ^= 0x41
    shared.login(people.alice_laptop).close()


def test_a_failed_handshake_is_logged_with_its_reason(server, people):
    context = people.alice_laptop.context(alpn=("h2",))
    with pytest.raises(ssl.SSLError):
        raw = socket.create_connection(server.address, timeout=10)
        with context.wrap_socket(raw, server_hostname="localhost"):
            pass
    server.wait_line("tls.failed", sent="no_application_protocol")


def test_a_stream_cut_without_close_notify_ends_one_session(shared, people):
    with shared.login(people.bob_desk) as bob:
        alice = shared.login(people.alice_laptop)
        raw = alice.tls
        os.close(raw.detach())
        bob.ping()
    shared.login(people.alice_laptop).close()


@pytest.fixture
def s_client(shared, people):
    """openssl s_client to our server, with alice's certificate."""
    def run(*more, address=None, data=b""):
        host, port = address or shared.address
        return subprocess.run(
            ["openssl", "s_client", "-connect", f"{host}:{port}", "-alpn",
             "sicher/1", "-servername", "localhost", "-cert",
             people.alice_laptop.cert, "-key", people.alice_laptop.key,
             "-CAfile", people.alice_laptop.ca, *more],
            input=data, capture_output=True, timeout=20)
    return run


def openssl(*arguments):
    """openssl with an open standard input, ended after 20 seconds at last."""
    return subprocess.Popen(["timeout", "20", "openssl", *map(str, arguments)],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)


def take_ticket(house, people, path):
    """A session with early data, from another server of the same name."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = "127.0.0.1:%d" % free.getsockname()[1]
    with openssl("s_server", "-accept", address, "-cert",
                 house.authority.server.cert, "-key",
                 house.authority.server.key, "-alpn", "sicher/1",
                 "-early_data", "-tls1_3") as other:
        assert other.stdout.readline()  # It stands.
        with openssl("s_client", "-connect", address, "-alpn", "sicher/1",
                     "-servername", "localhost", "-CAfile",
                     people.alice_laptop.ca, "-sess_out", path) as client:
            limit = time.monotonic() + 10
            while not (path.exists() and path.stat().st_size):
                assert time.monotonic() < limit
                time.sleep(0.01)  # There is no event for this one.
            client.communicate(b"Q\n")
        other.terminate()
        other.communicate()


def test_early_data_is_not_taken(shared, people, house, tmp_path):
    ticket, early = tmp_path / "session", tmp_path / "early"
    early.write_bytes(b"\x00\x00\x00\x09\x84\x01\x01\x80\x64demo")
    take_ticket(house, people, ticket)
    me = people.alice_laptop

    def knock(*more):
        with openssl("s_client", "-connect", "%s:%d" % shared.address, "-alpn",
                     "sicher/1", "-servername", "localhost", "-cert", me.cert,
                     "-key", me.key, "-CAfile", me.ca, *more) as client:
            return client.communicate(b"")[0]

    told = knock("-sess_in", ticket, "-early_data", early)
    assert b"Early data was rejected" in told or b"alert" in told, told
    assert b"Reused" not in told and b"test.house" not in told
    told = knock()
    assert b"Verify return code: 0 (ok)" in told
    shared.login(people.alice_laptop).close()
