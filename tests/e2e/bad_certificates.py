"""Certificates that must be refused, each beside the nearest good one.

Written octet by octet, so that nothing is too wrong to be made.  A case has a
name, the rule of the subject, two chains of DER certificates (the leaf first)
and the word that the refusal must give.
"""

import collections
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import (
    dsa, ec, ed448, ed25519, padding, rsa, x25519)

Case = collections.namedtuple("Case", "name rule bad good word")

# DER.

BOOLEAN, INTEGER, BITS, OCTETS, OID = 1, 2, 3, 4, 6
UTF8, PRINTABLE, T61, IA5, UTC, GENERAL = 12, 19, 20, 22, 23, 24
UNIVERSAL, BMP, SEQUENCE, SET = 28, 30, 0x30, 0x31


def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    if n < 128:
        return bytes([tag, n]) + body
    size = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def seq(*parts):
    return tlv(SEQUENCE, *parts)


def integer(n):
    return tlv(INTEGER, n.to_bytes(n.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted):
    a, b, *rest = map(int, dotted.split("."))
    out = bytes([40 * a + b])
    for n in rest:
        digits = [n & 127]
        while n := n >> 7:
            digits.append(128 | n & 127)
        out += bytes(reversed(digits))
    return tlv(OID, out)


def bits(body, unused=0):
    return tlv(BITS, bytes([unused]) + body)


def time(when):
    """When it is, or raw DER."""
    if isinstance(when, bytes):
        return when
    if when.year < 2050:
        return tlv(UTC, when.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(GENERAL, when.strftime("%Y%m%d%H%M%SZ").encode())


CN, O = "2.5.4.3", "2.5.4.10"


def name(*parts):
    """Of (type, tag, value) or plain commonNames."""
    rdns = []
    for part in parts:
        kind, tag, value = (CN, UTF8, part) if isinstance(part, (str, bytes)) \
            else part
        if isinstance(value, str):
            value = value.encode()
        rdns.append(tlv(SET, seq(oid(kind), tlv(tag, value))))
    return seq(*rdns)


# Extensions.

BASIC, USAGE, EKU, SKI, AKI, SAN = (
    "2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.14", "2.5.29.35",
    "2.5.29.17")
CLIENT, SERVER, EMAIL, ANY = (
    "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.4",
    "2.5.29.37.0")
SIGN, ENCIPHER, AGREE, CERT_SIGN, CRL_SIGN = 0x80, 0x20, 0x08, 0x04, 0x02


def extension(kind, value, critical=False, flag=None):
    flag = flag if flag is not None else (
        tlv(BOOLEAN, b"\xff") if critical else b"")
    return seq(oid(kind), flag, tlv(OCTETS, value))


def usage(value, critical=True):
    unused = (value & -value).bit_length() - 1
    return extension(USAGE, bits(bytes([value]), unused), critical)


def basic(ca=False, pathlen=None, critical=True):
    return extension(BASIC, seq(
        tlv(BOOLEAN, b"\xff") if ca else b"",
        integer(pathlen) if pathlen is not None else b""), critical)


def eku(*kinds):
    return extension(EKU, seq(*map(oid, kinds)))


def uris(*texts):
    return extension(SAN, seq(*(
        tlv(0x86, t.encode() if isinstance(t, str) else t) for t in texts)))


# Keys and signatures.

ALGORITHMS = {
    "ecdsa-sha1": (oid("1.2.840.10045.4.1"), hashes.SHA1),
    "ecdsa-sha224": (oid("1.2.840.10045.4.3.1"), hashes.SHA224),
    "ecdsa-sha256": (oid("1.2.840.10045.4.3.2"), hashes.SHA256),
    "ecdsa-sha384": (oid("1.2.840.10045.4.3.3"), hashes.SHA384),
    "rsa-md5": (oid("1.2.840.113549.1.1.4") + b"\x05\0", hashes.MD5),
    "rsa-sha1": (oid("1.2.840.113549.1.1.5") + b"\x05\0", hashes.SHA1),
    "rsa-sha256": (oid("1.2.840.113549.1.1.11") + b"\x05\0", hashes.SHA256),
}


def sign(key, tbs, algorithm):
    digest = ALGORITHMS[algorithm][1]()
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(tbs, padding.PKCS1v15(), digest)
    return key.sign(tbs, ec.ECDSA(digest))


def spki(key):
    if isinstance(key, bytes):
        return key
    return key.public_key().public_bytes(
        serialization.Encoding.DER,
        serialization.PublicFormat.SubjectPublicKeyInfo)


def key_id(key):
    digest = hashes.Hash(hashes.SHA1())
    digest.update(spki(key)[-65:])
    return digest.finalize()


def p256():
    return ec.generate_private_key(ec.SECP256R1())


# All are made when a test is collected, and shown minutes later where the
# machine is slow: what a case depends on must hold for some minutes.
NOW = datetime.datetime.utcnow().replace(microsecond=0)


def ago(**d):
    return NOW - datetime.timedelta(**d)


def ahead(**d):
    return NOW + datetime.timedelta(**d)


class Authority:
    """A CA that signs whatever it is told to."""

    serial = 1000

    def __init__(self, subject, issuer=None, key=None, extensions=None, **more):
        self.name = subject if isinstance(subject, bytes) else name(subject)
        self.key = key or p256()
        self.algorithm = "rsa-sha256" if isinstance(
            self.key, rsa.RSAPrivateKey) else "ecdsa-sha256"
        issuer = issuer or self
        self.der = issuer.certify(
            subject=self.name, key=self.key, not_after=more.pop(
                "not_after", ahead(days=90)),
            extensions=extensions or self.ca_extensions(issuer), **more)

    def ca_extensions(self, issuer, **over):
        parts = {
            "basic": basic(True), "usage": usage(CERT_SIGN | CRL_SIGN),
            "ski": extension(SKI, tlv(OCTETS, key_id(self.key))),
            "aki": extension(AKI, seq(tlv(0x80, key_id(issuer.key)))),
        }
        parts.update(over)
        return [p for p in parts.values() if p]

    def leaf_extensions(self, key, **over):
        parts = {
            "basic": basic(), "usage": usage(SIGN), "eku": eku(CLIENT),
            "ski": extension(SKI, tlv(OCTETS, key_id(key))),
            "aki": extension(AKI, seq(tlv(0x80, key_id(self.key)))),
        }
        parts.update(over)
        return [p for p in parts.values() if p]

    def certify(self, subject=None, key=None, serial=None, version=2,
                not_before=None, not_after=None, extensions=None, issuer=None,
                algorithm=None, outer=None, signer=None, tail=b"", end=b"",
                bend=None, **over):
        Authority.serial += 1
        key = key or p256()
        algorithm = algorithm or self.algorithm
        alg = seq(ALGORITHMS[algorithm][0])
        if extensions is None:
            extensions = self.leaf_extensions(key, **over)
        if serial is None or isinstance(serial, int):
            serial = integer(Authority.serial if serial is None else serial)
        subject = subject if subject is not None else name("alice")
        tbs = seq(
            tlv(0xa0, integer(version)) if version else b"",
            serial, alg, issuer or self.name,
            seq(time(not_before or ago(minutes=1)),
                time(not_after or ahead(days=7))),
            subject, spki(key),
            tlv(0xa3, seq(*extensions)) if extensions else b"", tail)
        signature = sign(signer or self.key, tbs, algorithm)
        if bend:
            signature = bend(signature)
        outer = seq(ALGORITHMS[outer][0]) if outer else alg
        return seq(tbs, outer, bits(signature)) + end

    leaf = certify

    def crl(self, serials=(), number=1, until=None):
        cert = x509.load_der_x509_certificate(self.der)
        builder = (x509.CertificateRevocationListBuilder()
                   .issuer_name(cert.subject).last_update(ago(days=2))
                   .next_update(until or ahead(days=7))
                   .add_extension(x509.CRLNumber(number), False))
        for serial in serials:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial)
                .revocation_date(ago(days=1)).build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(
            serialization.Encoding.PEM)


class House:
    """The authorities that are trusted, and their revocation lists."""

    REVOKED, LONG_REVOKED = 77, 0x7f << 152

    def __init__(self):
        root = self.root = Authority("Root CA")
        self.issuing = Authority("Issuing CA", root)
        self.rsa = Authority("RSA CA", root,
                             rsa.generate_private_key(65537, 2048))
        self.short = Authority("Short CA", root, not_after=ahead(days=3))
        self.ended = Authority("Ended CA", root, not_before=ago(days=9),
                               not_after=ago(days=1))
        self.revoked = Authority("Revoked CA", root, serial=78)
        self.listless = Authority("Listless CA", root)
        self.lapsed = Authority("Lapsed CA", root)
        self.second = Authority("Second CA", root)
        self.third = Authority("Third CA", self.second)
        self.fourth = Authority("Fourth CA", self.third)
        own = Authority.__new__(Authority)
        own.key, own.name = p256(), name("Narrow CA")
        self.narrow = Authority(
            "Narrow CA", root, own.key,
            own.ca_extensions(root, basic=basic(True, 0)))
        own.key = p256()
        self.mail = Authority("Mail CA", root, own.key, own.ca_extensions(
            root, eku=eku(EMAIL)))
        self.listed = [root, self.issuing, self.rsa, self.short, self.ended,
                       self.revoked, self.listless, self.lapsed, self.second,
                       self.third, self.fourth, self.narrow, self.mail]

    def authority_pem(self):
        return b"".join(
            x509.load_der_x509_certificate(ca.der).public_bytes(
                serialization.Encoding.PEM) for ca in self.listed)

    def crl_pem(self):
        out = b""
        for ca in self.listed:
            if ca is self.listless:
                continue
            revoked, until = (), None
            if ca is self.root:
                revoked = (78,)
            elif ca is self.issuing:
                revoked = (self.REVOKED, self.LONG_REVOKED)
            elif ca is self.lapsed:
                until = ago(days=1)
            out += ca.crl(revoked, until=until)
        return out


def cases(house):
    """All of them; the good twin of most is the plain leaf."""
    ca, root = house.issuing, house.root
    plain = [ca.leaf()]

    def case(what, word, bad, good=None, rule="cn"):
        as_list = lambda c: c if isinstance(c, list) else [c]
        return Case(what, rule, as_list(bad), as_list(good or plain), word)

    yield from _times(case, ca, house)
    yield from _chains(case, ca, root, house)
    yield from _usages(case, ca)
    yield from _names(case, ca)
    yield from _uris(case, ca)
    yield from _keys(case, ca)
    yield from _signatures(case, ca, house)
    yield from _encodings(case, ca)
    yield from _revocations(case, ca, house)


def _times(case, ca, house):
    yield case("expired yesterday", "expired",
               ca.leaf(not_before=ago(days=3), not_after=ago(days=1)),
               ca.leaf(not_before=ago(days=3), not_after=ahead(days=1)))
    yield case("expired a second ago", "expired",
               ca.leaf(not_after=ago(seconds=1)),
               ca.leaf(not_after=ahead(minutes=60)))
    yield case("valid tomorrow", "not-yet-valid",
               ca.leaf(not_before=ahead(days=1)))
    yield case("valid in half an hour", "not-yet-valid",
               ca.leaf(not_before=ahead(minutes=30)),
               ca.leaf(not_before=ahead(minutes=3)))
    yield case("begins after its end, both ahead", "not-yet-valid",
               ca.leaf(not_before=ahead(days=2), not_after=ahead(days=1)))
    yield case("begins after its end, within the tolerance", "inverted",
               ca.leaf(not_before=ahead(minutes=5),
                       not_after=ahead(seconds=299)),
               ca.leaf(not_before=ahead(seconds=299),
                       not_after=ahead(minutes=60)))
    yield case("outlives its issuer", "outlives-issuer",
               house.short.leaf(not_after=ahead(days=4)),
               house.short.leaf(not_after=ahead(days=2)))
    year = ahead(days=7).strftime
    good = ca.leaf(not_after=tlv(UTC, year("%y%m%d%H%M%SZ").encode()))
    for what, tag, text in (
            ("without seconds", UTC, "%y%m%d%H%MZ"),
            ("with an offset", UTC, "%y%m%d%H%M%S+0000"),
            ("with a fraction", GENERAL, "%Y%m%d%H%M%S.5Z"),
            ("without its zone", GENERAL, "%Y%m%d%H%M%S")):
        yield case(f"a time {what}", {"time", "chain"},
                   ca.leaf(not_after=tlv(tag, year(text).encode())), good)
    yield case("a time of letters", {"time", "chain", "decode"},
               ca.leaf(not_after=tlv(UTC, b"tomorrow!!!!Z")), good)


def _chains(case, ca, root, house):
    twin = Authority("Issuing CA")
    yield case("another CA of the same name", "unknown-ca", twin.leaf())
    yield case("another CA of the same name, sent along", "unknown-ca",
               [twin.leaf(), twin.der], [ca.leaf(), ca.der])
    below = Authority("Issuing CA", Authority("Root CA"))
    yield case("a whole other house of the same names", "unknown-ca",
               [below.leaf(), below.der], [ca.leaf(), ca.der, root.der])
    alone = Authority(name("alice"))
    yield case("self-signed", "unknown-ca", alone.certify(
        key=alone.key, issuer=name("alice")))
    key = p256()
    leaf = ca.leaf(subject=name("mallory"), key=key)
    by_leaf = Authority.__new__(Authority)
    by_leaf.key, by_leaf.name = key, name("mallory")
    by_leaf.algorithm = "ecdsa-sha256"
    yield case("issued by a leaf", {"unknown-ca", "chain"},
               [by_leaf.leaf(), leaf])
    yield case("five certificates", "chain-too-long", house.fourth.leaf(),
               house.third.leaf())
    yield case("five certificates, all sent", "chain-too-long",
               [house.fourth.leaf(), house.fourth.der, house.third.der,
                house.second.der],
               [house.third.leaf(), house.third.der, house.second.der])
    one, two = Authority("One"), Authority("Two")
    one_by_two = two.certify(subject=one.name, key=one.key,
                             extensions=one.ca_extensions(two))
    two_by_one = one.certify(subject=two.name, key=two.key,
                             extensions=two.ca_extensions(one))
    yield case("a loop", "unknown-ca",
               [one.leaf(), one_by_two, two_by_one], [ca.leaf(), ca.der])
    yield case("an expired issuer", "expired",
               house.ended.leaf(not_after=ago(days=2), not_before=ago(days=3)))
    yield case("an expired issuer, the leaf not", "expired",
               house.ended.leaf())
    yield case("a revoked issuer", "revoked", house.revoked.leaf())
    yield case("a revoked issuer, sent along", "revoked",
               [house.revoked.leaf(), house.revoked.der])
    yield case("an issuer without a revocation list", "no-crl",
               house.listless.leaf())
    yield case("an issuer whose list has ended", "crl-expired",
               house.lapsed.leaf())
    stray = Authority("Stray CA", root)
    yield case("an issuer that is not listed", "no-crl",
               [stray.leaf(), stray.der], [ca.leaf(), stray.der])
    yield case("an issuer that is not listed, not sent", "unknown-ca",
               stray.leaf())
    under = Authority("Under Narrow", house.narrow)
    yield case("a CA below one that may have none below", "chain",
               [under.leaf(), under.der], house.narrow.leaf())
    yield case("below a CA for mail only", {"chain", "unknown-ca"},
               house.mail.leaf())
    own = Authority.__new__(Authority)
    own.key, own.name = p256(), name("Odd CA")
    for what, over in (
            ("that is none", {"basic": basic(False)}),
            ("without basicConstraints", {"basic": None}),
            ("that does not say so critically",
             {"basic": basic(True, critical=False)}),
            ("that may not sign certificates", {"usage": usage(CRL_SIGN)})):
        odd = Authority("Odd CA", root, own.key,
                        own.ca_extensions(root, **over))
        yield case(f"below a CA {what}", {"chain", "unknown-ca", "not-ca"},
                   [odd.leaf(), odd.der])
    yield case("a signature with a bit flipped", "unknown-ca",
               ca.leaf(bend=lambda s: s[:-1] + bytes([s[-1] ^ 1])))
    yield case("signed by another key", "unknown-ca",
               ca.leaf(signer=p256()))
    yield case("signed by the root in the name of the issuing CA",
               "unknown-ca", ca.leaf(signer=root.key))
    yield case("naming another issuer", "unknown-ca",
               ca.leaf(issuer=name("issuing ca 2")))
    yield case("naming another key of its issuer", "unknown-ca",
               ca.leaf(aki=extension(AKI, seq(tlv(0x80, b"x" * 20)))))
    yield case("a leaf and somebody else's chain", "unknown-ca",
               [twin.leaf(), ca.der, root.der], [ca.leaf(), twin.der])
    yield case("the issuing CA itself", {"is-ca", "unknown-ca"}, ca.der)
    yield case("the root itself", {"is-ca", "unknown-ca"}, root.der)


def _usages(case, ca):
    both = ca.leaf(eku=eku(SERVER, CLIENT))
    yield case("no extended usage", "no-client-auth", ca.leaf(eku=None))
    yield case("for servers only", "no-client-auth", ca.leaf(eku=eku(SERVER)),
               both)
    yield case("for mail only", "no-client-auth", ca.leaf(eku=eku(EMAIL)),
               ca.leaf(eku=eku(EMAIL, CLIENT)))
    yield case("for anything", "no-client-auth", ca.leaf(eku=eku(ANY)))
    yield case("for clients and anything", "any-usage",
               ca.leaf(eku=eku(CLIENT, ANY)), both)
    yield case("no key usage", "no-digital-signature", ca.leaf(usage=None))
    yield case("for key encipherment only", "no-digital-signature",
               ca.leaf(usage=usage(ENCIPHER)),
               ca.leaf(usage=usage(SIGN | ENCIPHER)))
    yield case("for key agreement only", "no-digital-signature",
               ca.leaf(usage=usage(AGREE)), ca.leaf(usage=usage(SIGN | AGREE)))
    yield case("may sign certificates", {"signs-certificates", "chain"},
               ca.leaf(usage=usage(SIGN | CERT_SIGN)))
    yield case("may sign lists", "signs-certificates",
               ca.leaf(usage=usage(SIGN | CRL_SIGN)))
    yield case("an authority", "is-ca", ca.leaf(basic=basic(True)))
    yield case("an authority with a path length", {"is-ca", "chain"},
               ca.leaf(basic=basic(True, 0)))
    yield case("an authority for clients", "is-ca", ca.leaf(
        basic=basic(True), usage=usage(SIGN | CERT_SIGN)))
    yield case("a proxy", {"is-ca", "chain", "critical"}, ca.leaf(
        proxy=extension("1.3.6.1.5.5.7.1.14", seq(seq(
            oid("1.3.6.1.5.5.7.21.1"))), True)))


def _names(case, ca):
    def leaf(*parts):
        return ca.leaf(subject=name(*parts))

    printable = leaf((CN, PRINTABLE, "alice"))
    yield case("two names", "two-names", leaf("alice", "bob"),
               leaf((O, UTF8, "House"), "alice"))
    yield case("one name twice", "two-names", leaf("alice", "alice"))
    yield case("no name", "no-name", leaf((O, UTF8, "alice")))
    yield case("an empty subject", "no-subject", ca.leaf(subject=seq()))
    yield case("an empty name", {"no-name", "bad-name"}, leaf(""))
    yield case("a NUL and more", "bad-name", leaf(b"alice\0.evil"))
    yield case("a NUL behind", "bad-name", leaf(b"alice\0"))
    yield case("BMPString", "name-encoding",
               leaf((CN, BMP, "alice".encode("utf-16-be"))), printable)
    yield case("T61String", "name-encoding", leaf((CN, T61, "alice")),
               printable)
    yield case("IA5String", "name-encoding", leaf((CN, IA5, "alice")),
               printable)
    yield case("UniversalString", "name-encoding",
               leaf((CN, UNIVERSAL, "alice".encode("utf-32-be"))), printable)
    yield case("an OCTET STRING", {"name-encoding", "decode"},
               leaf((CN, OCTETS, "alice")), printable)
    for what, text in (
            ("a blank behind", "alice "), ("a blank before", " alice"),
            ("a blank inside", "al ice"), ("a tab behind", "alice\t"),
            ("a newline behind", "alice\n"), ("upper case", "Alice"),
            ("all upper case", "ALICE"), ("a dot before", ".alice"),
            ("a Cyrillic a", "\u0430lice"), ("an accent", "alic\u00e9"),
            ("a combining accent", "alice\u0301"),
            ("a full-width letter", "\uff41lice"),
            ("a long s", "li\u017fa"), ("a dotless i", "al\u0131ce"),
            ("no width", "alice\u200b"), ("right to left", "\u202ealice"),
            ("a wildcard", "*"), ("a wildcard inside", "al*ce"),
            ("a domain's wildcard", "*.house"), ("an address", "alice@house"),
            ("a path", "../alice"), ("a quote", 'alice"'),
            ("another name in it", "alice,CN=bob"),
            ("bytes that are no UTF-8", b"alice\xff"),
            ("an overlong letter", b"\xc1\xa1lice"), ("65 bytes", "a" * 65)):
        yield case(f"a name with {what}", {"bad-name", "decode"}, leaf(text),
                   leaf("a" * 64) if what == "65 bytes" else
                   leaf("alice.b_c-1"))
    yield case("a name of 8 KiB", "bad-name", leaf("a" * 8192))
    yield case("a name of 64 KiB", "bad-name", leaf("a" * 65536))


ALICE = "urn:sichernetz:account:alice"


def _uris(case, ca):
    def leaf(*texts, **more):
        return ca.leaf(san=uris(*texts), **more)

    laptop = leaf(ALICE + ":device:laptop")
    yield case("another account beside the name", "contradiction",
               leaf("urn:sichernetz:account:bob:device:laptop"), laptop)
    yield case("two accounts beside the name", "two-accounts",
               leaf(ALICE, "urn:sichernetz:account:bob"), leaf(ALICE))
    for what, text in (("no label", ":device:"), ("no device", ":laptop"),
                       ("two labels", ":device:a:b"),
                       ("a large label", ":device:L"), ("a NUL", ":device:a\0")):
        yield case(f"a URI with {what}", {"bad-urn", "extensions"},
                   leaf(ALICE + text), laptop)
    yield case("a URI of nobody", "bad-urn", leaf("urn:sichernetz:account:"),
               laptop)
    by_uri = leaf(ALICE, subject=name("Alice Miller"))
    yield case("by URI: none", "no-uri", ca.leaf(), by_uri, "san-uri")
    yield case("by URI: two", "two-uris", leaf("a:b", "c:d"), leaf("a:b"),
               "san-uri")
    yield case("by URI: an account's bare name", "bad-uri", leaf("alice"),
               leaf("alice:"), "san-uri")
    yield case("by URI: a wildcard", "bad-uri", leaf("spiffe://house/*"),
               leaf("spiffe://house/alice"), "san-uri")
    yield case("by URI: a blank", "bad-uri", leaf("spiffe://house/a b"),
               leaf("spiffe://house/ab"), "san-uri")
    yield case("by URI: a NUL", {"bad-uri", "extensions"},
               leaf("spiffe://house/a\0b"), leaf("spiffe://house/a"),
               "san-uri")
    yield case("by URI: not ASCII", "bad-uri",
               leaf("spiffe://house/\u0430lice"),
               leaf("spiffe://house/alice"), "san-uri")
    yield case("by URI: too long", "bad-uri", leaf("u:" + "a" * 509),
               leaf("u:" + "a" * 508), "san-uri")
    yield case("by URI: against the name", "contradiction",
               leaf(ALICE, subject=name("bob")), by_uri, "san-uri")


def _explicit_p256():
    """P-256 with its parameters written out instead of named."""
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
    b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b
    g = bytes.fromhex(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
    words = lambda v: tlv(OCTETS, v.to_bytes(32, "big"))
    parameters = seq(
        integer(1), seq(oid("1.2.840.10045.1.1"), integer(p)),
        seq(words(p - 3), words(b)), tlv(OCTETS, g), integer(n), integer(1))
    point = spki(p256())[-65:]
    return seq(seq(oid("1.2.840.10045.2.1"), parameters), bits(point))


def _keys(case, ca):
    strong = ca.leaf(key=rsa.generate_private_key(65537, 2048))
    for what, key in (
            ("RSA of 1024 bits", rsa.generate_private_key(65537, 1024)),
            ("RSA of 2040 bits", rsa.generate_private_key(65537, 2040)),
            ("RSA with exponent 3", rsa.generate_private_key(3, 2048))):
        yield case(what, "key", ca.leaf(key=key), strong)
    numbers = rsa.RSAPublicNumbers(1, (1 << 2047) | 1)
    one = seq(seq(oid("1.2.840.113549.1.1.1"), b"\x05\0"),
              bits(seq(integer(numbers.n), integer(1))))
    yield case("RSA with exponent 1", {"key", "chain"}, ca.leaf(key=one),
               strong)
    huge = seq(seq(oid("1.2.840.113549.1.1.1"), b"\x05\0"),
               bits(seq(integer((1 << 16383) | 1), integer(65537))))
    yield case("RSA of 16384 bits", "key", ca.leaf(key=huge), strong)
    pss = seq(seq(oid("1.2.840.113549.1.1.10")), bits(seq(
        integer((1 << 2047) | 1), integer(65537))))
    yield case("an RSA-PSS key", "key", ca.leaf(key=pss), strong)
    p384 = ca.leaf(key=ec.generate_private_key(ec.SECP384R1()))
    for what, curve in (("P-192", ec.SECP192R1), ("P-224", ec.SECP224R1),
                        ("P-521", ec.SECP521R1), ("secp256k1", ec.SECP256K1),
                        ("brainpoolP256r1", ec.BrainpoolP256R1)):
        yield case(f"a key on {what}", "key",
                   ca.leaf(key=ec.generate_private_key(curve())), p384)
    yield case("a curve written out", {"key", "chain"},
               ca.leaf(key=_explicit_p256()), p384)
    ed = ca.leaf(key=ed25519.Ed25519PrivateKey.generate())
    yield case("Ed448", "key", ca.leaf(key=ed448.Ed448PrivateKey.generate()),
               ed)
    yield case("X25519", "key",
               ca.leaf(key=x25519.X25519PrivateKey.generate()), ed)
    yield case("DSA", "key", ca.leaf(key=dsa.generate_private_key(2048)), ed)
    off = seq(seq(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")),
              bits(b"\x04" + b"\x11" * 64))
    yield case("a point that is not on its curve", {"key", "chain"},
               ca.leaf(key=off))
    yield case("a key of an unknown kind", {"key", "chain"}, ca.leaf(
        key=seq(seq(oid("1.2.3.4")), bits(b"key"))))


def _signatures(case, ca, house):
    rsa_ca = house.rsa
    yield case("ECDSA with SHA-1", "weak-signature",
               ca.leaf(algorithm="ecdsa-sha1"),
               ca.leaf(algorithm="ecdsa-sha384"))
    yield case("ECDSA with SHA-224", "weak-signature",
               ca.leaf(algorithm="ecdsa-sha224"),
               ca.leaf(algorithm="ecdsa-sha384"))
    yield case("RSA with MD5", {"weak-signature", "unknown-ca"},
               rsa_ca.leaf(algorithm="rsa-md5"), rsa_ca.leaf())
    yield case("RSA with SHA-1", "weak-signature",
               rsa_ca.leaf(algorithm="rsa-sha1"), rsa_ca.leaf())
    yield case("two algorithms", "chain",
               ca.leaf(algorithm="ecdsa-sha256", outer="ecdsa-sha384"))
    yield case("no signature", "unknown-ca", ca.leaf(bend=lambda s: b""))


def _encodings(case, ca):
    yield case("a serial below zero", {"serial", "chain"}, ca.leaf(serial=-5))
    yield case("a serial of zero", "serial", ca.leaf(serial=0),
               ca.leaf(serial=1))
    yield case("a serial of 21 octets", {"serial", "chain"},
               ca.leaf(serial=1 << 160), ca.leaf(serial=1 << 158))
    yield case("a serial of 20 octets and a bit", {"serial", "chain"},
               ca.leaf(serial=1 << 159), ca.leaf(serial=(1 << 159) - 1))
    yield case("a serial padded with zeros", {"decode", "encoding"},
               ca.leaf(serial=tlv(INTEGER, b"\0\0\x55")))
    yield case("an empty serial", {"decode", "serial"},
               ca.leaf(serial=tlv(INTEGER)))
    yield case("version 1", {"version", "chain"},
               ca.leaf(version=0, extensions=[]))
    yield case("version 1 with extensions", {"version", "chain"},
               ca.leaf(version=0))
    yield case("version 2", {"version", "chain"}, ca.leaf(version=1))
    yield case("version 4", {"version", "chain"}, ca.leaf(version=3))
    note = extension("1.2.3.4.5", tlv(UTF8, b"note"))
    yield case("an unknown critical extension", {"critical", "chain"},
               ca.leaf(more=extension("1.2.3.4.5", tlv(UTF8, b"note"), True)),
               ca.leaf(more=note))
    yield case("an extension twice", "twice",
               ca.leaf(more=note, again=note), ca.leaf(more=note))
    yield case("a usage twice", "twice",
               ca.leaf(again=eku(SERVER)))
    yield case("alternative names twice", "twice",
               ca.leaf(san=uris("a:b"), again=uris("c:d")),
               ca.leaf(san=uris("a:b")))
    yield case("40 extensions", "extensions", ca.leaf(**{
        f"x{i}": extension(f"1.2.3.5.{i}", b"\x05\0") for i in range(36)}),
        ca.leaf(**{f"x{i}": extension(f"1.2.3.5.{i}", b"\x05\0")
                   for i in range(20)}))
    for what, kind in (("usage", USAGE), ("extended usage", EKU),
                       ("authority key", AKI), ("constraints", BASIC)):
        part = {USAGE: "usage", EKU: "eku", AKI: "aki", BASIC: "basic"}[kind]
        yield case(f"junk for its {what}", "extensions",
            ca.leaf(**{part: extension(kind, b"\x04\x03junk")}))
    yield case("junk for its alternative names", "extensions",
               ca.leaf(san=extension(SAN, b"\x04\x03junk")),
               ca.leaf(san=uris(ALICE)))
    yield case("no authority key", {"no-authority-key", "chain"},
               ca.leaf(aki=None))
    short = extension("1.2.3.4.5", tlv(UTF8, b"note"))
    yield case("a length inside longer than needed", {"encoding", "decode"},
               ca.leaf(more=b"\x30\x81" + short[1:]), ca.leaf(more=short))
    yield case("an indefinite length inside", {"encoding", "decode"},
               ca.leaf(more=b"\x30\x80" + short[2:] + b"\0\0"),
               ca.leaf(more=short))
    yield case("bytes behind it", "decode", ca.leaf(end=b"\0"))
    yield case("bytes behind its extensions", "decode", ca.leaf(tail=b"\x05\0"))
    whole = ca.leaf()
    yield case("its last byte missing", "decode", whole[:-1], whole)
    yield case("no bytes but a length", "decode", whole[:4], whole)


def _revocations(case, ca, house):
    yield case("revoked", "revoked", ca.leaf(serial=house.REVOKED),
               ca.leaf(serial=house.REVOKED + 1))
    yield case("revoked, a serial of 20 octets", "revoked",
               ca.leaf(serial=house.LONG_REVOKED),
               ca.leaf(serial=house.LONG_REVOKED - 1))
    yield case("revoked, a serial that ends the same", "revoked",
               ca.leaf(serial=house.REVOKED),
               ca.leaf(serial=house.REVOKED + 256))
    yield case("revoked, another issuer's of the same number is not",
               "revoked", ca.leaf(serial=house.REVOKED),
               house.short.leaf(serial=house.REVOKED, not_after=ahead(days=1)))
