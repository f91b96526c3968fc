"""Every profile and every kind of output, before programs that are not ours."""

import json
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

import ca_books
import outside
from authority import BUILD, Authority, request

CONFIG = """
profiles: {
	machine: { key = "ed25519"; validity = "30d"; };
	strong: { key = "p384"; keys = [ "p384" ]; };
	inside: { eku = "serverAuth"; key = "p384"; };
};
"""
KEYS = {
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
    "rsa3072": lambda: rsa.generate_private_key(65537, 3072),
    "rsa4096": lambda: rsa.generate_private_key(65537, 4096),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    house = Authority(tmp_path_factory.mktemp("outside") / "ca").quick_keys()
    (house.dir / "sicher-ca.conf").write_text(CONFIG)
    return house


def client(house, account):
    return house.dir / "people" / account / "main" / "cert.pem"


def issued(house, tmp_path):
    """(file, purpose) of one certificate of every kind."""
    for profile in ("client", "machine", "strong"):
        house.command("issue", profile, "--profile", profile)
        yield client(house, profile), "sslclient"
    for profile in ("server", "inside"):
        host = f"{profile}.example.org"
        house.command("server", host, "--san", "192.0.2.7", "--san",
                      "2001:db8::7", "--profile", profile)
        yield house.dir / "servers" / host / "chain.pem", "sslserver"
    yield house.server.cert, "sslserver"
    for kind, make in KEYS.items():
        csr = tmp_path / kind
        csr.write_text(request(make()))
        house.command("issue", kind, "--csr", csr, "--out", tmp_path / "of")
        yield tmp_path / "of/cert.pem", "sslclient"
    csr.write_text(request(ed25519.Ed25519PrivateKey.generate(),
                           algorithm=None))
    house.command("issue", "ed", "--csr", csr)
    yield client(house, "ed"), "sslclient"
    house.command("issue", "a" * 64, "--device", "b" * 64)
    yield house.dir / "people" / ("a" * 64) / ("b" * 64) / "cert.pem", \
        "sslclient"
    house.command("renew", "client")
    yield client(house, "client"), "sslclient"
    done = subprocess.run(
        [BUILD / "sicher-ca", "--dir", house.dir, "--passphrase-file",
         house.secret, "issue", "--batch", "-"],
        input=json.dumps({"account": "bulk", "csr": request()}) + "\n",
        capture_output=True, text=True, timeout=60)
    (tmp_path / "bulk.pem").write_text(json.loads(done.stdout)["pem"])
    yield tmp_path / "bulk.pem", "sslclient"


def test_each_kind_is_accepted_for_its_purpose_and_no_other(house, tmp_path):
    count = 0
    for leaf, purpose in issued(house, tmp_path):
        other = "sslserver" if purpose == "sslclient" else "sslclient"
        outside.accept(house.ca, house.crl, leaf, purpose)
        outside.refuse(house.ca, house.crl, leaf, other,
                       ("purpose", "purpose"))
        count += 1
    assert count == 15


def test_a_revoked_one_is_refused_and_its_twin_is_not(house):
    for account in ("gone", "stays"):
        house.command("issue", account)
    outside.accept(house.ca, house.crl, client(house, "gone"), "sslclient")
    house.command("revoke", "gone", "--reason", "keyCompromise")
    outside.refuse(house.ca, house.crl, client(house, "gone"), "sslclient",
                   ("revoked", "revoked"))
    outside.accept(house.ca, house.crl, client(house, "stays"), "sslclient")


def test_a_file_that_is_cut_off_behind_an_older_list_is_not_believed(
        house, tmp_path):
    """What is missing may be the list that revokes."""
    house.command("issue", "torn")
    old = house.crl.read_bytes()
    house.command("revoke", "torn")
    new = house.crl.read_bytes()

    def verify(text):
        (tmp_path / "lists").write_bytes(text)
        return house.command("verify", client(house, "torn"), "--crl",
                             tmp_path / "lists", ok=False)

    assert verify(old).returncode == 0
    assert verify(new).returncode != 0
    done = verify(old + new[:200])
    assert done.returncode == 2 and "cut off" in done.stderr


def test_lists_are_signed_by_their_issuers(house, tmp_path):
    assert outside.lists(house.ca, house.crl, tmp_path) == 2
    house.command("issue", "late")
    house.command("revoke", "late")
    assert outside.lists(house.ca, house.crl, tmp_path) == 2


def test_certificates_of_both_issuing_cas_hold_after_a_rotation(tmp_path):
    house = Authority(tmp_path / "ca").quick_keys()
    house.command("issue", "before")
    house.command("issuer", "rotate")
    house.command("issue", "after")
    names = set()
    for account in ("before", "after"):
        leaf = client(house, account)
        outside.accept(house.ca, house.crl, leaf, "sslclient")
        names.add(ca_books.certificates(leaf)[0].issuer)
    assert len(names) == 2
    assert outside.lists(house.ca, house.crl, tmp_path) == 3


def test_the_exported_root_verifies_itself(house, tmp_path):
    root = tmp_path / "root.pem"
    house.command("root", "export", root)
    done = outside.run("openssl", "verify", "-x509_strict", "-check_ss_sig",
                       "-CAfile", root, root)
    assert done.returncode == 0, done.stderr
    done = outside.run("certtool", "--verify", "--load-ca-certificate", root,
                       "--infile", root)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("compat", [False, True])
def test_pkcs12_is_read_by_both(house, tmp_path, compat):
    account = f"twelve{int(compat)}"
    word = tmp_path / "word"
    word.touch(mode=0o600)
    word.write_text("only for this file\n")
    p12 = tmp_path / "file.p12"
    house.command("issue", account, "--p12", p12, "--p12-passphrase-file",
                  word, *(["--compat"] if compat else []))
    leaf = ca_books.certificates(client(house, account))[0]
    pem = leaf.public_bytes(serialization.Encoding.PEM).decode()
    legacy = ["-legacy"] if compat else []
    done = outside.run("openssl", "pkcs12", "-in", p12, "-nokeys", "-clcerts",
                       "-passin", f"file:{word}", *legacy)
    assert pem in done.stdout, done.stderr
    done = outside.run("certtool", "--p12-info", "--inder", "--infile", p12,
                       "--password", "only for this file")
    assert done.returncode == 0 and pem in done.stdout, done.stderr
    (tmp_path / "leaf.pem").write_text(pem)
    outside.accept(house.ca, house.crl, tmp_path / "leaf.pem", "sslclient")
