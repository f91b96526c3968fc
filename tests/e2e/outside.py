"""Verifiers that we did not write: OpenSSL in its strict mode, and GnuTLS."""

import pathlib
import subprocess

import ca_books

PURPOSES = {"sslclient": "1.3.6.1.5.5.7.3.2", "sslserver": "1.3.6.1.5.5.7.3.1"}


def run(*command):
    return subprocess.run(list(map(str, command)), capture_output=True,
                          text=True, timeout=60)


def openssl(ca, crl, leaf, purpose):
    return run("openssl", "verify", "-x509_strict", "-crl_check_all",
               "-purpose", purpose, "-CAfile", ca, "-CRLfile", crl, leaf)


def gnutls(ca, crl, leaf, purpose):
    return run("certtool", "--verify", "--verify-purpose", PURPOSES[purpose],
               "--load-ca-certificate", ca, "--load-crl", crl, "--infile",
               leaf)


def accept(ca, crl, leaf, purpose):
    for verify in (openssl, gnutls):
        done = verify(ca, crl, leaf, purpose)
        assert done.returncode == 0, f"{leaf}: {done.stdout}{done.stderr}"


def refuse(ca, crl, leaf, purpose, why):
    """${why}: a word of each one's reason."""
    for verify, word in zip((openssl, gnutls), why):
        done = verify(ca, crl, leaf, purpose)
        assert done.returncode != 0, f"{leaf}: {done.stdout}{done.stderr}"
        assert word in done.stdout + done.stderr, done.stdout + done.stderr


def lists(ca, crl, scratch):
    """Each CRL is rightly signed by its issuer; how many there are."""
    cas = {c.subject: c for c in ca_books.certificates(ca)}
    texts = ca_books.CRL.findall(pathlib.Path(crl).read_bytes())
    for text, parsed in zip(texts, map(ca_books.x509.load_pem_x509_crl, texts)):
        one, issuer = scratch / "one.crl", scratch / "issuer.pem"
        one.write_bytes(text)
        issuer.write_bytes(cas[parsed.issuer].public_bytes(
            ca_books.serialization.Encoding.PEM))
        done = run("openssl", "crl", "-noout", "-verify", "-CAfile", issuer,
                   "-in", one)
        assert done.returncode == 0 and "verify OK" in done.stderr, done
        done = run("certtool", "--verify-crl", "--load-ca-certificate", issuer,
                   "--infile", one)
        assert done.returncode == 0 and "Verified" in done.stdout, done
    return len(texts)
