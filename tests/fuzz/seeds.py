"""seeds.py FOLDER: good inputs for each target, one folder each."""

import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: E402
from cryptography.x509.oid import NameOID  # noqa: E402

import ca_books  # noqa: E402
from authority import Authority, request  # noqa: E402
from protocol import encode  # noqa: E402
from test_states import SAMPLES  # noqa: E402


def main():
    out = pathlib.Path(sys.argv[1])

    def seed(target, name, data):
        (out / target).mkdir(parents=True, exist_ok=True)
        (out / target / name).write_bytes(data)

    for name, fields in SAMPLES.items():
        seed("frame", name, encode(name, *fields))
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(pathlib.Path(folder) / "ca")
        leaf = authority.issue("alice", "laptop")
        authority.revoke("alice", "laptop")
        seed("cert", "ca", authority.ca.read_bytes())
        seed("cert", "leaf", leaf.cert.read_bytes())
        seed("crl", "crl", authority.crl.read_bytes())
        der = serialization.Encoding.DER
        for name in ("root", "issuer", "server", "leaf"):
            cert = {"root": ca_books.certificates(authority.ca)[0],
                    "issuer": authority.issuer, "server": authority.server.leaf,
                    "leaf": leaf.leaf}[name]
            seed("lint", name, cert.public_bytes(der))
        for n, crl in enumerate(ca_books.crls(authority.dir)):
            seed("lint", f"crl{n}", crl.public_bytes(der))
    name = [x509.NameAttribute(NameOID.COMMON_NAME, "alice")]
    asks = [x509.BasicConstraints(False, None),
            x509.SubjectAlternativeName([x509.DNSName("a.example.org")])]
    for kind, key in (("p256", ec.generate_private_key(ec.SECP256R1())),
                      ("rsa", rsa.generate_private_key(65537, 2048))):
        pem = request(key, name, asks)
        seed("request", f"{kind}.pem", pem.encode())
        seed("request", kind, x509.load_pem_x509_csr(
            pem.encode()).public_bytes(serialization.Encoding.DER))
    for conf in (ROOT / "conf").glob("*.conf"):
        seed("conf", conf.name, conf.read_bytes())


main()
