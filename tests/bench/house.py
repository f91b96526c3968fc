"""The authority, the people and the enrolled accounts that the measurements
share, made once in a folder and found there again.

Nothing of it is for anything else: its passphrase stands in this file.
"""

import json
import os
import pathlib
import shutil
import subprocess
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / os.environ.get("BUILD", "build")
ORGANISATION = "Bench House"
DEVICE = "d"
TOKENS_LAST = 10 * 3600  # Seconds; the server's default is twelve hours.
PEM = serialization.Encoding.PEM


def run(program, *arguments, **more):
    done = subprocess.run([BUILD / program, *map(str, arguments)], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          **more)
    if done.returncode != 0:
        raise SystemExit(f"{program} {arguments[0]} ended with "
                         f"{done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def private(path, text):
    path.touch(mode=0o600)
    path.write_text(text, encoding="ascii")
    return path


def kept(path, text):
    """As the house was made with it: an older one is opened as it was."""
    return path if path.exists() else private(path, text)


class House:
    def __init__(self, folder, people):
        self.dir = pathlib.Path(folder).resolve()
        self.dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.count = people
        self.passphrase = kept(
            self.dir / "passphrase", "only for the bench\n")
        self.password = kept(self.dir / "password", "correct horse\n")
        self.authority = self.dir / "authority"
        self.people = self.dir / "people"
        self.ca = self.authority / "ca.pem"
        self.crl = self.authority / "crl.pem"
        server = self.authority / "servers" / "localhost"
        self.chain, self.key = server / "chain.pem", server / "key.pem"
        self.seed = self.dir / "seed"  # A server's data with all enrolled.
        self.tokens = self.dir / "tokens"
        if not self.crl.exists():
            self._sign("init", ORGANISATION, "--server", "localhost")
        self._sign("crl", "publish")
        self._issue()

    def _sign(self, *arguments):
        return run("sicher-ca", *arguments, "--dir", self.authority,
                   "--passphrase-file", self.passphrase)

    def names(self):
        return [f"p{i:05}" for i in range(self.count)]

    def _issue(self):
        """All certificates that are missing, by one batch."""
        keys, lines = {}, []
        for name in self.names():
            if (self.people / name / DEVICE / "cert.pem").exists():
                continue
            keys[name] = key = ec.generate_private_key(ec.SECP256R1())
            csr = x509.CertificateSigningRequestBuilder().subject_name(
                x509.Name([])).sign(key, hashes.SHA256())
            lines.append(json.dumps({
                "account": name, "device": DEVICE,
                "csr": csr.public_bytes(PEM).decode()}) + "\n")
        if not lines:
            return
        batch = self.dir / "batch"
        batch.write_text("".join(lines), encoding="ascii")
        for line in self._sign("issue", "--batch", batch).splitlines():
            answer = json.loads(line)
            folder = self.people / answer["account"] / DEVICE
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            private(folder / "key.pem", keys[answer["account"]].private_bytes(
                PEM, serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()).decode())
            shutil.copy(self.ca, folder / "ca.pem")
            # Last: where it is, the others are.
            (folder / "cert.pem").write_text(answer["pem"], encoding="ascii")

    def enrol(self, start):
        """Accounts with passwords and fresh tokens, on a server that
        ${start} starts on self.seed."""
        if self._enrolled():
            return
        server = start(self.seed)
        try:
            run("sicher-bench", "enrol", *server.options(),
                "--control", server.control)
        finally:
            server.stop()
        (self.dir / "enrolled").write_text(str(self.count), encoding="ascii")

    def _enrolled(self):
        mark = self.dir / "enrolled"
        return (mark.exists() and int(mark.read_text()) >= self.count and
                time.time() - self.tokens.stat().st_mtime < TOKENS_LAST)
