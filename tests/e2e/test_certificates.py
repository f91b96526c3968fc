"""Certificates that do not come in, each beside its accepted twin: the
client is told by an alert, the log says which one and why, and others do not
notice."""

import datetime
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from authority import usage, utcnow
from protocol import ALPN, Wire, client_context, encode
from server import PASSWORD

HOUR = datetime.timedelta(hours=1)


def knock(server, context):
    """Connect and say HELLO; the alert's name that came back."""
    try:
        with Wire(server.address, context) as wire:
            wire.send("HELLO", 1, [], "knock")
            return f"let in: {wire.receive()}"
    except OSError as error:  # Python does not know each alert's name.
        told = getattr(error, "reason", None) or str(error)
        return told.lower().replace(" ", "_")


@pytest.fixture
def refused(shared, people):
    """refused(context, alert, **log): so it is, and bob stays."""
    def check(context, *alerts, **fields):
        since = shared.now()
        with shared.login(people.bob_desk) as bob:
            told = knock(shared, context)
            assert any(alert in told for alert in alerts), told
            shared.wait_line("gate.refused", since=since, **fields)
            bob.ping()
        with shared.login(people.alice_laptop) as twin:
            twin.ping()
    return check


def test_no_certificate(shared, people, refused):
    context = client_context(people.alice_laptop.ca)
    told = knock(shared, context)
    assert "certificate_required" in told or "certificate required" in told
    shared.login(people.alice_laptop).close()


def test_a_certificate_of_another_ca(house, stranger, refused, tmp_path):
    identity = stranger.forge(tmp_path, house.authority.ca)
    refused(identity.context(), "unknown_ca")


def test_a_ca_of_the_same_name_is_another_ca(
        house, stranger, refused, tmp_path):
    from authority import Stranger
    name = house.authority.issuer.subject.rfc4514_string().split("CN=")[1]
    twin = Stranger(tmp_path, name.split(",")[0])
    refused(twin.forge(tmp_path, house.authority.ca).context(),
            "unknown_ca", "bad_certificate", "decrypt")


FORGED = {
    "expired": (dict(begin=utcnow() - 48 * HOUR, end=utcnow() - HOUR),
                ("certificate_expired",)),
    "not yet valid": (dict(begin=utcnow() + HOUR, end=utcnow() + 2 * HOUR),
                      ("certificate_expired", "bad_certificate",
                       "certificate_unknown")),
    "a server's": (dict(eku=[ExtendedKeyUsageOID.SERVER_AUTH]),
                   ("unsupported_certificate", "bad_certificate")),
    "without EKU": (dict(eku=[]),
                    ("unsupported_certificate", "bad_certificate")),
    "without keyUsage": (dict(key_usage=False),
                         ("unsupported_certificate", "bad_certificate")),
    "not for signatures": (dict(key_usage=usage(key_agreement=True)),
                           ("unsupported_certificate", "bad_certificate",
                            "illegal_parameter")),
    "a CA's": (dict(is_ca=True, key_usage=usage(digital_signature=True,
                                                key_cert_sign=True)),
               ("unsupported_certificate", "bad_certificate",
                "unknown_ca")),
    "of a small key": (dict(key=rsa.generate_private_key(65537, 1024)),
                       ("unsupported_certificate", "bad_certificate",
                        "insufficient", "handshake_failure")),
    "of a curve not allowed": (dict(key=ec.generate_private_key(
        ec.SECP521R1())), ("unsupported_certificate", "bad_certificate",
                           "handshake_failure", "illegal_parameter")),
    "beyond its issuer": (dict(end=utcnow() + 24 * HOUR * 36500),
                          ("unsupported_certificate", "bad_certificate",
                           "certificate_unknown")),
    "of two names": (dict(names=[
        x509.NameAttribute(NameOID.COMMON_NAME, "alice"),
        x509.NameAttribute(NameOID.COMMON_NAME, "bob")]),
        ("certificate_unknown", "bad_certificate", "no-account")),
}


@pytest.mark.parametrize("what", sorted(FORGED))
def test_a_certificate_that_is(house, refused, tmp_path, what):
    changes, alerts = FORGED[what]
    identity = house.authority.forge(tmp_path, **changes)
    context = client_context(identity.ca)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(identity.cert, identity.key)
    refused(context, *alerts, serial=identity.serial)


def test_the_twin_of_the_forged_ones_comes_in(shared, house, tmp_path):
    twin = house.authority.forge(tmp_path)
    with shared.login(twin) as session:
        assert session.welcome.device == "forged"


@pytest.mark.parametrize("name", ["alice.", "alice-", "alice_", "alicea"])
def test_a_name_one_byte_longer_is_another_account(
        shared, house, tmp_path, name):
    """They are names, and nobody's here."""
    other = house.authority.forge(tmp_path, name, "laptop")
    assert "no-account" in knock(shared, other.context())


@pytest.mark.parametrize("name", [
    "Alice", "alice ", "alice\0", "al\u0456ce", "*", "alice.example", ""])
def test_a_name_that_only_resembles_is_no_account(
        shared, house, tmp_path, name):
    try:
        names = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    except ValueError:
        names = []
    identity = house.authority.forge(tmp_path, names=names)
    told = knock(shared, identity.context())
    assert "no-account" in told or "certificate" in told, told
    assert "Welcome" not in told and "WELCOME" not in told


def test_the_servers_own_certificate_does_not_come_in(
        house, refused):
    server = house.authority.server
    refused(client_context(server.ca, server.cert, server.key),
            "unsupported_certificate", "bad_certificate")


def test_a_revoked_one(make_server, own_authority):
    laptop = own_authority.issue("alice", "laptop")
    phone = own_authority.issue("alice", "phone")
    own_authority.revoke("alice", "laptop")
    server = make_server(authority=own_authority)
    server.enrol(phone)
    assert "certificate_revoked" in knock(server, laptop.context())
    server.wait_line("gate.refused", serial=laptop.serial)
    server.login(phone).close()


def test_without_alpn_there_is_no_service(shared, people):
    for alpn in ((), ("http/1.1",), ("sicher/2",)):
        told = knock(shared, people.alice_laptop.context(alpn=alpn))
        assert "no_application_protocol" in told, (alpn, told)
    assert "WELCOME" in knock(
        shared, people.alice_laptop.context(alpn=("h2", ALPN)))


def test_tls_1_2_is_refused(shared, people):
    context = client_context(people.alice_laptop.ca, people.alice_laptop.cert,
                             people.alice_laptop.key)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert "protocol_version" in knock(shared, context)


def test_no_ticket_is_given_and_no_session_resumed(shared, people):
    context = people.alice_laptop.context(alpn=(ALPN,))
    with Wire(shared.address, context) as first:
        first.send("HELLO", 1, [], "x")
        first.receive()
        first.send("AUTH", PASSWORD.encode())
        first.receive()
        session = first.tls.session
        assert session is None or not session.has_ticket
    raw = socket.create_connection(shared.address, timeout=10)
    if session is not None:
        with context.wrap_socket(raw, server_hostname="localhost",
                                 session=session) as second:
            second.sendall(encode("HELLO", 1, [], "x"))
            second.recv(1)
            assert not second.session_reused
    raw.close()


def test_plain_text_is_answered_by_an_end(shared, people):
    with socket.create_connection(shared.address, timeout=10) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        data = b""
        while chunk := raw.recv(1000):
            data += chunk
        assert b"HTTP" not in data
    shared.login(people.alice_laptop).close()


def test_a_certificate_message_above_16_kib_is_refused(
        shared, house, people, tmp_path):
    identity = house.authority.forge(
        tmp_path, uri="urn:x:" + "a" * 20000)
    told = knock(shared, identity.context())
    assert "let in" not in told
    shared.login(people.alice_laptop).close()


def test_the_client_checks_the_servers_name_and_authority(
        shared, people, stranger, tmp_path):
    with pytest.raises(ssl.SSLCertVerificationError):
        Wire(shared.address, people.alice_laptop.context(), name="other.host")
    ca = tmp_path / "stranger.ca"
    from cryptography.hazmat.primitives.serialization import Encoding
    ca.write_bytes(stranger.cert.public_bytes(Encoding.PEM))
    with pytest.raises(ssl.SSLCertVerificationError):
        Wire(shared.address, client_context(ca, people.alice_laptop.cert,
                                            people.alice_laptop.key))
