"""From one issuing CA to the next: both side by side, who still uses the old
one, and its end."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from authority import PASSPHRASE, Authority, usage, utcnow, write
from protocol import kind
from test_certificates import knock
from test_revocation import foreign_crl

PEM = serialization.Encoding.PEM
CERTIFICATE = b"-----END CERTIFICATE-----\n"
LIST = b"-----END X509 CRL-----\n"


def parts(path, end):
    return [pem + end for pem in path.read_bytes().split(end)[:-1]]


class NextIssuer:
    """Another issuing CA under the same root."""

    def __init__(self, authority, name="Test House Issuing CA 2"):
        root = next(
            cert for cert in map(x509.load_pem_x509_certificate,
                                 parts(authority.ca, CERTIFICATE))
            if cert.issuer == cert.subject)
        root_key = serialization.load_pem_private_key(
            (authority.dir / "private" / "root.pem").read_bytes(),
            PASSPHRASE.encode())
        self.ca, self.key = authority.ca, ec.generate_private_key(
            ec.SECP256R1())
        self.cert = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(
                NameOID.COMMON_NAME, name)]))
            .issuer_name(root.subject).public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(utcnow() + datetime.timedelta(minutes=1))
            .not_valid_after(utcnow() + datetime.timedelta(days=300))
            .add_extension(x509.BasicConstraints(True, 0), True)
            .add_extension(usage(key_cert_sign=True, crl_sign=True), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(
                self.key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier
                .from_issuer_subject_key_identifier(
                    root.extensions.get_extension_for_class(
                        x509.SubjectKeyIdentifier).value), False)
            .sign(root_key, hashes.SHA256()))

    def issue(self, folder, account, device):
        return write(folder, self.cert, self.key, self.ca, account, device)

    def join(self, server, with_list=True):
        with open(server.ca, "ab") as ca:
            ca.write(self.cert.public_bytes(PEM))
        if with_list:
            with open(server.crl, "ab") as crl:
                crl.write(foreign_crl(self.cert, self.key))


def drop_old(server):
    """The old issuing CA and its list are taken away."""
    old = server.authority.issuer
    server.ca.write_bytes(b"".join(
        pem for pem in parts(server.ca, CERTIFICATE)
        if x509.load_pem_x509_certificate(pem).subject != old.subject))
    server.crl.write_bytes(b"".join(
        pem for pem in parts(server.crl, LIST)
        if x509.load_pem_x509_crl(pem).issuer != old.subject))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """An authority, alice's old certificate, and the next issuer."""
    folder = tmp_path_factory.mktemp("rollover")
    authority = Authority(folder / "ca")
    return authority, authority.issue("alice", "laptop"), NextIssuer(authority)


def progress(server, *words):
    answer = server.ctl("ca.progress", **dict(zip(("issuer",), words)))
    return ({i["issuer"]: i for i in answer["issuers"]},
            {(d["account"], d["device"]) for d in answer["devices"]})


def test_two_issuers_side_by_side_and_the_end_of_the_old(
        place, make_server, tmp_path):
    authority, old, issuer = place
    server = make_server(authority=authority)
    server.enrol(old)
    new = issuer.issue(tmp_path, "alice", "phone")
    assert "certificate_unknown" in knock(server, new.context())
    issuer.join(server)
    assert server.reload()["closed"] == 0
    old_name = authority.issuer.subject.rfc4514_string()
    new_name = issuer.cert.subject.rfc4514_string()
    with server.login(old) as laptop, server.login(new) as phone:
        issuers, left = progress(server)
        assert left == {("alice", "laptop")}
        assert issuers[old_name]["superseded"]
        assert not issuers[new_name]["superseded"]
        for name in (old_name, new_name):
            assert (issuers[name]["devices"], issuers[name]["sessions"]) == (
                1, 1)
        assert progress(server, new_name)[1] == {("alice", "phone")}
        assert progress(server, "CN=Nobody")[1] == set()
        told = server.command("ca", "progress").stdout
        assert "laptop" in told and "phone" not in told
        token = laptop.token
        drop_old(server)
        assert server.reload()["closed"] == 1
        last = laptop.ending()[-1]
        assert (kind(last), last.code) == ("BYE", "revoked")
        assert "no longer trusted" in last.text
        phone.ping()
        issuers, left = progress(server)
        assert left == {("alice", "laptop")}
        assert issuers["(no longer trusted)"]["devices"] == 1
    # Not back in, with its token or without.
    assert token and "unknown" in knock(server, old.context())
    server.login(new).close()


def test_who_has_moved_counts_no_more(place, make_server, tmp_path):
    authority, old, issuer = place
    server = make_server(authority=authority)
    server.enrol(old)
    issuer.join(server)
    server.reload()
    assert progress(server)[1] == {("alice", "laptop")}
    server.login(issuer.issue(tmp_path, "alice", "laptop")).close()
    server.ctl("device.revoke", "alice", device=old.fingerprint)
    assert progress(server)[1] == set()
    assert "can be taken" in server.command("ca", "progress").stdout


def test_an_issuer_without_its_list_lets_nobody_in(
        place, make_server, tmp_path):
    authority, old, issuer = place
    server = make_server(authority=authority)
    server.enrol(old)
    issuer.join(server, with_list=False)
    server.reload()
    new = issuer.issue(tmp_path, "alice", "phone")
    assert "certificate_unknown" in knock(server, new.context())
    server.wait_line("gate.refused", reason="no-crl")
    server.login(old).close()


def test_the_next_issuers_name_without_its_key_is_nobody(
        place, make_server, tmp_path):
    authority, old, issuer = place
    server = make_server(authority=authority)
    server.enrol(old)
    issuer.join(server)
    server.reload()
    fake = write(tmp_path, issuer.cert, authority.issuer_key, authority.ca,
                 "alice", "phone")
    assert "unknown_ca" in knock(server, fake.context())


def test_a_page_begins_behind_the_last_one(place, make_server, tmp_path):
    authority, old, issuer = place
    server = make_server(authority=authority)
    server.enrol(old)
    issuer.join(server)
    server.reload()
    for i in range(2):
        server.login(authority.forge(tmp_path, "alice", f"d{i}")).close()
    def page(**request):
        # Not what changes meanwhile: whether it is there, and when last.
        return [device["fingerprint"] for device in
                server.ctl("ca.progress", **request)["devices"]]

    whole = page()
    assert len(whole) == 3
    for i, fingerprint in enumerate(whole):
        assert page(after=fingerprint) == whole[i + 1:]
    assert server.ask("ca.progress", after="nonsense")["error"] == "usage"
