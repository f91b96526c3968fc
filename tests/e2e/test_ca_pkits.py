"""NIST's suite of certification paths (PKITS) through sicher-ca verify.

None of its invalid paths is accepted.  Of the valid ones a few are refused,
each for a reason we stand by or that OpenSSL has: REFUSED names them.  The
certificates come with Debian's python3-cryptography-vectors; which settings
make a path of sections 4.8 to 4.12 valid is in PKITS' description.
"""

import base64
import concurrent.futures
import os
import pathlib
import subprocess

import cryptography_vectors
import pytest

from authority import BUILD

DATA = pathlib.Path(cryptography_vectors.__file__).parent / "x509/PKITS_data"
NIST = "2.16.840.1.101.3.2.1.48."
EXPLICIT, NO_MAPPING, NO_ANY = "--explicit-policy", "--inhibit-mapping", \
    "--inhibit-any"

# File, what is asked, whether it is valid: where the name does not say it.
POLICIES = [
    ("AllCertificatesSamePolicyTest1", "ValidCertificatePathTest1",
     [([EXPLICIT], True), ([EXPLICIT, 1], True), ([EXPLICIT, 2], False),
      ([EXPLICIT, 1, 2], True)]),
    ("AllCertificatesNoPoliciesTest2", None, [([], True), ([EXPLICIT], False)]),
    ("DifferentPoliciesTest3", None, [([], True), ([EXPLICIT], False),
                                      ([EXPLICIT, 1, 2], False)]),
    ("DifferentPoliciesTest4", None, [([], False)]),
    ("DifferentPoliciesTest5", None, [([], False)]),
    ("OverlappingPoliciesTest6", None, [([], True), ([1], True),
                                        ([2], False)]),
    ("DifferentPoliciesTest7", None, [([], False)]),
    ("DifferentPoliciesTest8", None, [([], False)]),
    ("DifferentPoliciesTest9", None, [([], False)]),
    ("AllCertificatesSamePoliciesTest10", None, [([], True), ([1], True),
                                                 ([2], True)]),
    ("AllCertificatesanyPolicyTest11", None, [([], True), ([1], True)]),
    ("DifferentPoliciesTest12", None, [([], False)]),
    ("AllCertificatesSamePoliciesTest13", None, [([1], True), ([2], True),
                                                 ([3], True)]),
    ("AnyPolicyTest14", None, [([1], True), ([2], False)]),
    ("UserNoticeQualifierTest15", None, [([], True)]),
    ("UserNoticeQualifierTest16", None, [([], True)]),
    ("UserNoticeQualifierTest17", None, [([], True)]),
    ("UserNoticeQualifierTest18", None, [([1], True), ([2], True)]),
    ("UserNoticeQualifierTest19", None, [([], True)]),
    ("CPSPointerQualifierTest20", None, [([EXPLICIT], True)]),
    ("ValidPolicyMappingTest1", None, [([1], True), ([2], False),
                                       ([NO_MAPPING], False)]),
    ("InvalidPolicyMappingTest2", None, [([], False), ([NO_MAPPING], False)]),
    ("ValidPolicyMappingTest3", None, [([1], False), ([2], True)]),
    ("ValidPolicyMappingTest5", None, [([1], True), ([6], False)]),
    ("ValidPolicyMappingTest6", None, [([1], True), ([6], False)]),
    ("ValidPolicyMappingTest12", None, [([1], True), ([2], True)]),
    ("inhibitAnyPolicyTest3", None, [([], True), ([NO_ANY], False)]),
]

WEAK = "key too weak"             # DSA of 1024 bits with SHA-1.
STRICT = "not marked critical"    # RFC 5280 wants basicConstraints so.
CIRCLE = "CRL path validation"    # PKITS says itself that it may be left out:
                                  # the list is to be trusted by itself.
REFUSED = {
    "ValidcRLIssuerTest30": CIRCLE,
    "ValidDSASignaturesTest4": WEAK,
    "ValidDSAParameterInheritanceTest5": WEAK,
    "ValidbasicConstraintsNotCriticalTest4": STRICT,
}


def cases():
    """(file, options, whether it is valid)"""
    for file in sorted(DATA.glob("certs/*EE.crt")):
        name = file.stem.removesuffix("EE")
        if name.lower().startswith("valid"):
            yield name, [], name not in REFUSED
        elif name.lower().startswith("invalid"):
            yield name, [], False
    for name, other, settings in POLICIES:
        for asked, valid in settings:
            options = []
            for word in asked:
                options += ["--policy", f"{NIST}{word}"] \
                    if isinstance(word, int) else [word]
            yield other or name, options, valid


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    """Every CA's certificate and every list there is: the path has to be
    found among them."""
    folder = tmp_path_factory.mktemp("pkits")

    def bundle(name, label, files):
        text = "".join(pem(label, f.read_bytes()) for f in sorted(files))
        (folder / name).write_text(text)
        return folder / name

    return {
        "--trust": DATA / "certs/TrustAnchorRootCertificate.crt",
        "--chain": bundle("chain", "CERTIFICATE", (
            f for f in DATA.glob("certs/*.crt")
            if not f.stem.endswith("EE"))),
        "--crl": bundle("crl", "X509 CRL", DATA.glob("crls/*.crl")),
    }


def pem(label, der):
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n"


def verify(pool, name, options):
    files = [str(w) for pair in pool.items() for w in pair]
    return subprocess.run(
        [BUILD / "sicher-ca", "verify", DATA / f"certs/{name}EE.crt", *files,
         *options], capture_output=True, text=True, timeout=60)


def test_no_invalid_path_is_accepted_and_the_valid_ones_are(pool):
    every = list(cases())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as crew:
        done = list(crew.map(lambda c: verify(pool, c[0], c[1]), every))
    wrong = []
    for (name, options, valid), d in zip(every, done):
        # A refusal is a verdict, not a failure to reach one.
        if d.returncode != (0 if valid else 4):
            wrong.append(f"{name} {options}: {d.returncode} {d.stderr}")
        elif name in REFUSED and REFUSED[name] not in d.stderr:
            wrong.append(f"{name}: {d.stderr}")
    assert not wrong, "\n".join(wrong)
    accepted = sum(valid for _, _, valid in every)
    refused = len(every) - accepted - len(REFUSED)
    print(f"{refused} invalid paths, none accepted; "
          f"{accepted} of {accepted + len(REFUSED)} valid ones accepted")
    assert refused > 130 and accepted > 110


def test_a_valid_path_without_its_lists_is_refused(pool):
    name = "ValidCertificatePathTest1"
    assert verify(pool, name, []).returncode == 0
    without = dict(pool, **{"--crl": DATA / "crls/TrustAnchorRootCRL.crl"})
    done = verify(without, name, [])
    assert done.returncode == 4 and "CRL" in done.stderr
