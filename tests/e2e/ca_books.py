"""What must be true of an authority's folder at any moment."""

import json
import os
import pathlib
import re
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from authority import BUILD

CERT = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n",
                  re.S)
CRL = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----\n", re.S)


def certificates(path):
    return [x509.load_pem_x509_certificate(p)
            for p in CERT.findall(pathlib.Path(path).read_bytes())]


def crls(folder):
    return [x509.load_pem_x509_crl(p)
            for p in CRL.findall((pathlib.Path(folder) / "crl.pem").read_bytes())]


def crl_numbers(folder):
    return {c.issuer.rfc4514_string():
            c.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
            for c in crls(folder)}


def listed(folder):
    done = subprocess.run([BUILD / "sicher-ca", "--dir", folder, "list",
                           "--json"], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    return {c["serial"]: c for c in json.loads(done.stdout)["certificates"]}


def leaves(folder):
    """The first certificate of every file that was handed out."""
    folder = pathlib.Path(folder)
    return [certificates(f)[0]
            for f in [*folder.glob("people/*/*/cert.pem"),
                      *folder.glob("servers/*/chain.pem")]]


def files_are_whole(folder, at, lists=2):
    """Every file under its own name can be read to the end."""
    folder = pathlib.Path(folder)
    for f in folder.rglob("*.pem"):
        text = f.read_bytes()
        assert text.endswith(b"-----\n"), f"{at}: {f} is cut off"
        assert text.count(b"-----BEGIN") == text.count(b"-----END"), f"{at}: {f}"
    assert len(crls(folder)) == lists, f"{at}: crl.pem lacks a CRL"
    for f in folder.rglob("key.pem"):
        assert f.stat().st_mode & 0o077 == 0, f"{at}: {f} is open to others"


def every_certificate_is_in_the_books(folder, at):
    books = listed(folder)
    for leaf in leaves(folder):
        row = books.get(f"{leaf.serial_number:032x}")
        assert row, f"{at}: {leaf.subject} is outside the books"
        assert row["state"] in ("valid", "revoked"), f"{at}: {row}"
        assert row["fingerprint"] == \
            leaf.fingerprint(hashes.SHA256()).hex(), f"{at}: {row}"


def has_working_files(folder, account, device, at):
    """A valid certificate with its own key lies ready."""
    d = pathlib.Path(folder) / "people" / account / device
    leaf = certificates(d / "cert.pem")[0]
    key = serialization.load_pem_private_key((d / "key.pem").read_bytes(), None)
    assert leaf.public_key().public_numbers() == \
        key.public_key().public_numbers(), f"{at}: key and certificate differ"
    row = listed(folder)[f"{leaf.serial_number:032x}"]
    assert row["state"] == "valid", f"{at}: {row}"


def is_in_the_crl(folder, account, device, at):
    leaf = certificates(
        pathlib.Path(folder) / "people" / account / device / "cert.pem")[0]
    assert any(c.get_revoked_certificate_by_serial_number(leaf.serial_number)
               for c in crls(folder)), f"{at}: not in the CRL"


def no_leftovers(folder, at):
    assert not list(pathlib.Path(folder).rglob("*.tmp-*")), at


def later(days, *command):
    """A command, run when so many days have gone by.  faketime is loaded
    before a sanitizer is, which that would not allow by itself."""
    asan = os.environ.get("ASAN_OPTIONS", "")
    return subprocess.run(
        ["faketime", f"+{days} days", *command], capture_output=True,
        text=True, timeout=60, env=dict(
            os.environ, ASAN_OPTIONS=f"{asan}:verify_asan_link_order=0"))
