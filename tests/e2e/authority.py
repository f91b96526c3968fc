"""A real authority, made by sicher-ca, and forged certificates beside it."""

import copy
import datetime
import json
import os
import pathlib
import shutil
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from protocol import client_context

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / os.environ.get("BUILD", "build")
SERVER_NAME = "localhost"
PASSPHRASE = "only for this test"
_contexts = {}


def run(program, *arguments, ok=True, input=None, env=None):
    """Run one of our programs; its CompletedProcess with text output."""
    done = subprocess.run([BUILD / program, *map(str, arguments)],
                          text=True, input=input or "", timeout=60,
                          capture_output=True,
                          env=dict(os.environ, **(env or {})))
    if ok:
        assert done.returncode == 0, (
            f"{program} {' '.join(map(str, arguments))} ended with "
            f"{done.returncode}\n{done.stdout}{done.stderr}")
    return done


class Identity:
    """A certificate with its key and the authority it trusts, as files."""

    def __init__(self, cert, key, ca, account=None, device=None):
        self.cert, self.key, self.ca = map(pathlib.Path, (cert, key, ca))
        self.account, self.device = account, device

    def context(self, **more):
        """A TLS context; the plain one is made once a file."""
        if more:
            return client_context(self.ca, self.cert, self.key, **more)
        key = (self.cert, self.cert.stat().st_mtime_ns)
        if key not in _contexts:
            _contexts[key] = client_context(self.ca, self.cert, self.key)
        return _contexts[key]

    @property
    def leaf(self):
        return x509.load_pem_x509_certificate(self.cert.read_bytes())

    @property
    def serial(self):
        """As the log has it: whole bytes in hexadecimal."""
        number = self.leaf.serial_number
        return number.to_bytes((number.bit_length() + 7) // 8, "big").hex()

    @property
    def fingerprint(self):
        return self.leaf.fingerprint(hashes.SHA256()).hex()


class Authority:
    """An authority's folder, driven through the command as an admin would."""

    def __init__(self, folder, organisation="Test House"):
        self.dir = pathlib.Path(folder)
        self.secret = self.dir.parent / (self.dir.name + ".passphrase")
        self.secret.touch(mode=0o600)
        self.secret.write_text(PASSPHRASE + "\n")
        self.command("init", organisation, "--server", SERVER_NAME)
        self._name_files()

    def _name_files(self):
        self.ca = self.dir / "ca.pem"
        self.crl = self.dir / "crl.pem"
        server = self.dir / "servers" / SERVER_NAME
        self.server = Identity(server / "chain.pem", server / "key.pem",
                               self.ca)

    def copy(self, folder):
        """The same authority in a folder of its own, to break things in."""
        same = copy.copy(self)
        same.dir = pathlib.Path(shutil.copytree(self.dir, folder))
        same._name_files()
        return same

    def command(self, *arguments, ok=True):
        """As an admin types it.  What is done but unconfirmed, as without a
        server to tell, ends with 5 and is fine with ok=True."""
        done = run("sicher-ca", *arguments, "--dir", self.dir,
                   "--passphrase-file", self.secret, ok=False)
        assert not ok or done.returncode in (0, 5), (
            f"sicher-ca {' '.join(map(str, arguments))} ended with "
            f"{done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def json(self, *arguments):
        """What a command answers with --json."""
        return json.loads(self.command(*arguments, "--json").stdout)

    def quick_keys(self):
        """Seal its keys anew with the cheapest scrypt there is, for tests
        that run the command hundreds of times."""
        again = self.secret.with_suffix(".again")
        again.touch(mode=0o600)
        again.write_text(PASSPHRASE + "\n")
        for key in (self.dir / "private").glob("*.pem"):
            cheap = key.with_suffix(".cheap")
            subprocess.run(
                ["openssl", "pkcs8", "-topk8", "-in", key, "-out", cheap,
                 "-passin", f"file:{self.secret}", "-passout", f"file:{again}",
                 "-scrypt", "-scrypt_N", "2", "-scrypt_r", "1", "-scrypt_p",
                 "1"], check=True, capture_output=True)
            cheap.chmod(0o600)
            cheap.replace(key)
        return self

    def issue(self, account, device):
        self.command("issue", account, "--device", device)
        folder = self.dir / "people" / account / device
        return Identity(folder / "cert.pem", folder / "key.pem", self.ca,
                        account, device)

    def revoke(self, account, device):
        """Revoke and publish the CRL."""
        return self.command("revoke", account, "--device", device)

    def list(self):
        return json.loads(self.command("list", "--json").stdout)

    @property
    def issuer(self):
        """The issuing CA's certificate."""
        for pem in self.ca.read_bytes().split(b"-----END CERTIFICATE-----")[:-1]:
            cert = x509.load_pem_x509_certificate(
                pem.strip() + b"\n-----END CERTIFICATE-----\n")
            if cert.issuer != cert.subject:
                return cert
        raise AssertionError("ca.pem holds no issuing certificate")

    @property
    def issuer_key(self):
        return serialization.load_pem_private_key(
            (self.dir / "private" / "issuing-1.pem").read_bytes(),
            PASSPHRASE.encode())

    def forge(self, folder, account="alice", device="forged", **changes):
        """A certificate signed by the issuing CA that sicher-ca would not
        issue; see certificate() for what can be changed."""
        return write(folder, self.issuer, self.issuer_key, self.ca,
                     account, device, **changes)


class Stranger:
    """Another organisation's CA, of one level."""

    def __init__(self, folder, name="Test House Issuing CA"):
        self.folder = pathlib.Path(folder)
        self.key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = utcnow()
        self.cert = (
            x509.CertificateBuilder()
            .subject_name(subject).issuer_name(subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(True, 0), True)
            .add_extension(usage(key_cert_sign=True, crl_sign=True), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(
                self.key.public_key()), False)
            .sign(self.key, hashes.SHA256()))

    def forge(self, folder, ca, account="alice", device="laptop", **changes):
        return write(folder, self.cert, self.key, ca, account, device,
                     **changes)


def request(key=None, subject=(), extensions=(), algorithm=hashes.SHA256()):
    """A certificate signing request, as the text of a PEM file."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name(list(subject)))
    for extension in extensions:
        builder = builder.add_extension(extension, False)
    return builder.sign(key or ec.generate_private_key(ec.SECP256R1()),
                        algorithm).public_bytes(
        serialization.Encoding.PEM).decode()


def utcnow():
    return datetime.datetime.utcnow().replace(microsecond=0)


def usage(**on):
    names = ("digital_signature content_commitment key_encipherment "
             "data_encipherment key_agreement key_cert_sign crl_sign "
             "encipher_only decipher_only").split()
    return x509.KeyUsage(**{n: on.get(n, False) for n in names})


def certificate(issuer, issuer_key, key, account, device, *,
                names=None, begin=None, end=None, eku=None, key_usage=None,
                is_ca=None, uri=None, basic=True):
    """One leaf certificate; what is not given is as sicher-ca issues it."""
    now = utcnow()
    subject = x509.Name(names if names is not None else [
        x509.NameAttribute(NameOID.COMMON_NAME, account)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin or now - datetime.timedelta(seconds=1))
        .not_valid_after(end or now + datetime.timedelta(days=7))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(
            key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                issuer.extensions.get_extension_for_class(
                    x509.SubjectKeyIdentifier).value), False))
    if basic:
        builder = builder.add_extension(
            x509.BasicConstraints(bool(is_ca), None), True)
    key_usage = usage(digital_signature=True) if key_usage is None else key_usage
    if key_usage:
        builder = builder.add_extension(key_usage, True)
    eku = [ExtendedKeyUsageOID.CLIENT_AUTH] if eku is None else eku
    if eku:
        builder = builder.add_extension(x509.ExtendedKeyUsage(eku), False)
    if uri is None:
        uri = f"urn:sichernetz:account:{account}:device:{device}"
    if uri:  # False: none.
        builder = builder.add_extension(x509.SubjectAlternativeName(
            [x509.UniformResourceIdentifier(uri)]), False)
    return builder.sign(issuer_key, hashes.SHA256())


def write(folder, issuer, issuer_key, ca, account, device, key=None, **changes):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    key = key or ec.generate_private_key(ec.SECP256R1())
    leaf = certificate(issuer, issuer_key, key, account, device, **changes)
    pem = serialization.Encoding.PEM
    stem = f"{account}-{device}-{leaf.serial_number:x}"
    identity = Identity(folder / f"{stem}.pem", folder / f"{stem}.key", ca,
                        account, device)
    identity.cert.write_bytes(leaf.public_bytes(pem) + issuer.public_bytes(pem))
    identity.key.write_bytes(key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return identity
