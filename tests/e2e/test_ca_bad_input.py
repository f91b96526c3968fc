"""What sicher-ca refuses, and that nothing is half written then: requests,
passphrases, disks, damaged books, clocks."""

import base64
import contextlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

import bad_certificates as der
import ca_books
from authority import BUILD, Authority, request

P256 = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    house = Authority(tmp_path_factory.mktemp("bad") / "ca").quick_keys()
    house.issue("alice", "laptop")
    return house


def state(folder):
    """Every file with its contents, but locks."""
    return {f.relative_to(folder): f.read_bytes()
            for f in pathlib.Path(folder).rglob("*")
            if f.is_file() and "lock" not in f.name}


def run(house, *words, folder=None, secret=None, env=None):
    return subprocess.run(
        [BUILD / "sicher-ca", "--dir", folder or house.dir,
         "--passphrase-file", secret or house.secret, *words],
        capture_output=True, text=True, timeout=60,
        env=dict(os.environ, **(env or {})))


def common_name(text, kind=_ASN1Type.UTF8String):
    return [x509.NameAttribute(NameOID.COMMON_NAME, text, _type=kind)]


def broken_signature():
    der = bytearray(x509.load_pem_x509_csr(request(P256).encode())
                    .public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    return bytes(der)


def other_key():
    """Signed by one key, and asking for another."""
    der = x509.load_pem_x509_csr(request(P256).encode()).public_bytes(
        serialization.Encoding.DER)
    point = serialization.PublicFormat.UncompressedPoint
    x962 = serialization.Encoding.X962
    mine = P256.public_key().public_bytes(x962, point)
    theirs = ec.generate_private_key(ec.SECP256R1()).public_key() \
        .public_bytes(x962, point)
    assert mine in der
    return der.replace(mine, theirs)


def off_the_curve():
    der = x509.load_pem_x509_csr(request(P256).encode()).public_bytes(
        serialization.Encoding.DER)
    point = P256.public_key().public_bytes(
        serialization.Encoding.X962,
        serialization.PublicFormat.UncompressedPoint)
    return der.replace(point, b"\x04" + b"\x5a" * 64)


def with_ca():
    return request(P256, extensions=[x509.BasicConstraints(True, 0)])


def point(compressed):
    form = serialization.PublicFormat.CompressedPoint if compressed else \
        serialization.PublicFormat.UncompressedPoint
    return P256.public_key().public_bytes(serialization.Encoding.X962, form)


def written(subject=None, spki=None, extensions=(), attributes=None):
    """A request written octet by octet, and signed properly with P256."""
    spki = spki or der.seq(
        der.seq(der.oid("1.2.840.10045.2.1"), der.oid("1.2.840.10045.3.1.7")),
        der.bits(point(False)))
    if attributes is None and extensions:
        attributes = der.seq(
            der.oid("1.2.840.113549.1.9.14"),
            der.tlv(der.SET, der.seq(*extensions)))
    info = der.seq(der.integer(0), subject or der.name(), spki,
                   der.tlv(0xa0, attributes or b""))
    return der.seq(info, der.seq(der.oid("1.2.840.10045.4.3.2")),
                   der.bits(P256.sign(info, ec.ECDSA(hashes.SHA256()))))


def extension(dotted, *value, critical=None):
    flag = b"" if critical is None else der.tlv(der.BOOLEAN, critical)
    return der.seq(der.oid(dotted), flag, der.tlv(der.OCTETS, *value))


def basic(*inside):
    return extension("2.5.29.19", der.seq(*inside))


TRUE, FALSE = der.tlv(der.BOOLEAN, b"\xff"), der.tlv(der.BOOLEAN, b"\0")


def one_rdn(*names):
    """Several names in one relative distinguished name."""
    return der.seq(der.tlv(der.SET, *(
        der.seq(der.oid(der.CN), der.tlv(der.UTF8, n)) for n in names)))


# What OpenSSL would read one way, and somebody else another.
WRITTEN = {
    "bob, plainly": (lambda: written(der.name("bob")), None),
    "no subject": (written, None),
    "FALSE written out": (lambda: written(extensions=[basic(FALSE)]), None),
    "an extension of others": (lambda: written(extensions=[
        extension("1.2.3.4", b"whatever", critical=b"\xff")]), None),
    "a compressed point": (lambda: written(spki=der.seq(
        der.seq(der.oid("1.2.840.10045.2.1"), der.oid("1.2.840.10045.3.1.7")),
        der.bits(point(True)))), "cannot be certified"),
    "CA behind a FALSE": (lambda: written(
        extensions=[basic(), basic(TRUE)]), "certificate authority"),
    "CA before a FALSE": (lambda: written(
        extensions=[basic(TRUE), basic()]), "certificate authority"),
    "CA with a path length": (lambda: written(
        extensions=[basic(TRUE, der.integer(3))]), "certificate authority"),
    "CA that is true in BER alone": (lambda: written(
        extensions=[basic(der.tlv(der.BOOLEAN, b"\1"))]),
        "certificate authority"),
    "a broken basicConstraints": (lambda: written(
        extensions=[extension("2.5.29.19", b"\x30\x05")]),
        "extensions cannot be read"),
    "a broken extension": (lambda: written(
        extensions=[der.seq(der.oid("2.5.29.17"))]),
        "extensions cannot be read"),
    "bytes behind an extension": (lambda: written(extensions=[der.seq(
        der.oid("2.5.29.17"), der.tlv(der.OCTETS), der.integer(1))]),
        "extensions cannot be read"),
    "extensions twice": (lambda: written(attributes=2 * der.seq(
        der.oid("1.2.840.113549.1.9.14"),
        der.tlv(der.SET, der.seq(basic())))), "attributes cannot be read"),
    "two sets of extensions": (lambda: written(attributes=der.seq(
        der.oid("1.2.840.113549.1.9.14"),
        der.tlv(der.SET, der.seq(basic()), der.seq(basic(TRUE))))),
        "attributes cannot be read"),
    "a second name in the first's set": (
        lambda: written(one_rdn(b"bob", b"alice")), "two subjects"),
    "a broken subject": (lambda: written(der.seq(der.tlv(
        der.SET, der.seq(der.oid(der.CN))))), "subject cannot be read"),
    "bytes behind a name": (lambda: written(der.seq(der.tlv(
        der.SET, der.seq(der.oid(der.CN), der.tlv(der.UTF8, b"bob"),
                         der.integer(1))))), "subject cannot be read"),
    "a longer name": (lambda: written(der.name("bobb")), "not for"),
    "a shorter name": (lambda: written(der.name("bo")), "not for"),
    "an empty name": (lambda: written(der.name("")), "not for"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_request_is_read_as_strictly_as_it_is_meant(house, tmp_path, name):
    make, says = WRITTEN[name]
    csr = tmp_path / "csr"
    csr.write_bytes(make())
    before = state(house.dir)
    done = run(house, "issue", "bob", "--device", f"d{len(before)}", "--csr",
               csr, "--out", tmp_path / "out")
    if says is None:
        assert done.returncode == 0, done.stderr
        leaf = ca_books.certificates(tmp_path / "out/cert.pem")[0]
        assert {e.oid.dotted_string for e in leaf.extensions} == {
            f"2.5.29.{n}" for n in (14, 15, 17, 19, 35, 37)}
        house.revoke("bob", f"d{len(before)}")
    else:
        assert done.returncode == 4, done.stderr
        assert says in done.stderr
        assert state(house.dir) == before


REQUESTS = {
    "a broken self-signature": (broken_signature, "signature is wrong"),
    "another's key": (other_key, "signature is wrong"),
    "a point off the curve": (off_the_curve, "key cannot be read"),
    "RSA with the exponent 3": (
        lambda: request(rsa.generate_private_key(3, 2048)),
        "cannot be certified"),
    "RSA-1024": (lambda: request(rsa.generate_private_key(65537, 1024)),
                 "rsa1024"),
    "a DSA key": (lambda: request(dsa.generate_private_key(2048)), "signed"),
    "a curve of others": (
        lambda: request(ec.generate_private_key(ec.SECP256K1())), "secp256k1"),
    "SHA-1": (lambda: request(P256, algorithm=hashes.SHA1()), "SHA-2"),
    "CA:TRUE": (with_ca, "certificate authority"),
    "a NUL in its name": (
        lambda: request(P256, common_name("bob\0alice")), "x00"),
    "a look-alike": (lambda: request(P256, common_name("b\u043eb")),
                     "not for"),
    "a name in two-byte characters": (
        lambda: request(P256, common_name("bob", _ASN1Type.BMPString)),
        "not for"),
    "another account's name": (
        lambda: request(P256, common_name("alice")), "alice"),
    "two names": (lambda: request(
        P256, common_name("bob") + common_name("alice")), "two subjects"),
    "10 MB": (lambda: request(P256) + "#" * 10_000_000, "larger"),
    "10 MB of names": (lambda: request(P256, extensions=[
        x509.SubjectAlternativeName(
            [x509.DNSName(f"n{i}.example.org") for i in range(5000)])]),
        "larger"),
    "nothing": (lambda: "", "no certificate signing request"),
    "a certificate": (None, "no certificate signing request"),
    "bytes behind it": (
        lambda: x509.load_pem_x509_csr(request(P256).encode()).public_bytes(
            serialization.Encoding.DER) + b"\0",
        "no certificate signing request"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_to_be_refused_changes_nothing(house, tmp_path, name):
    make, says = REQUESTS[name]
    text = make() if make else \
        (house.dir / "people/alice/laptop/cert.pem").read_text()
    csr = tmp_path / "csr"
    csr.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = state(house.dir)
    done = run(house, "issue", "bob", "--csr", csr)
    assert done.returncode == 4, done.stderr
    assert says in done.stderr
    assert state(house.dir) == before


def test_the_twin_of_them_all_is_certified(house, tmp_path):
    csr = tmp_path / "csr"
    csr.write_text(request(P256, common_name("bob"), [
        x509.BasicConstraints(False, None)]))
    assert run(house, "issue", "bob", "--csr", csr).returncode == 0


def test_every_prefix_and_every_flipped_bit_of_a_request_is_borne(house):
    """In one batch, so that it is quick; the flipped bits that a signature
    covers are all refused."""
    der = x509.load_pem_x509_csr(request(P256, common_name("eve")).encode()) \
        .public_bytes(serialization.Encoding.DER)
    def line(b):
        body = base64.encodebytes(b).decode()
        return json.dumps({
            "account": "eve", "csr":
            "-----BEGIN CERTIFICATE REQUEST-----\n" + body +
            "-----END CERTIFICATE REQUEST-----\n"}) + "\n"

    bad = [der[:n] for n in range(1, len(der))]
    for bit in range(8 * len(der)):
        b = bytearray(der)
        b[bit // 8] ^= 1 << bit % 8
        bad.append(bytes(b))
    before = ca_books.listed(house.dir)
    done = subprocess.run(
        [BUILD / "sicher-ca", "--dir", house.dir, "--passphrase-file",
         house.secret, "issue", "--batch", "-"], input="".join(map(line, bad)),
        capture_output=True, text=True, timeout=120)
    assert done.returncode == 4, done.stderr
    answers = [json.loads(a) for a in done.stdout.splitlines()]
    assert len(answers) == len(bad)
    assert not [a for a in answers if "pem" in a]
    assert ca_books.listed(house.dir) == before


@pytest.mark.parametrize("word", ["issue", "revoke", "server", "crl", "batch"])
def test_a_wrong_passphrase_changes_nothing(house, tmp_path, word):
    wrong = tmp_path / "wrong"
    wrong.touch(mode=0o600)
    wrong.write_text("something else\n")
    lines = tmp_path / "lines"
    lines.write_text(json.dumps({"account": "bob", "csr": request()}) + "\n")
    before = state(house.dir)
    words = {"issue": ["issue", "zoe"], "server": ["server", "b.example.org"],
             "crl": ["crl", "publish"], "batch": ["issue", "--batch", lines],
             "revoke": ["revoke", "alice"]}[word]
    done = run(house, *words, secret=wrong)
    assert done.returncode == 1, done.stderr
    assert "passphrase does not open" in done.stderr
    assert state(house.dir) == before


@pytest.fixture
def disk(house):
    """(folder, fill, protect): a copy of the house on a disk of its own;
    fill(n) leaves n bytes of it free, protect(True) makes it read-only."""
    with tempfile.TemporaryDirectory() as scratch:
        mount = pathlib.Path(scratch) / "disk"
        mount.mkdir()
        if os.getuid() != 0 or subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs",
                 mount], capture_output=True).returncode:
            pytest.skip("needs the right to mount a tmpfs")
        try:
            folder = shutil.copytree(house.dir, mount / "ca")
            ballast = mount / "ballast"

            def fill(free):
                ballast.unlink(missing_ok=True)
                if free is None:
                    return
                s = os.statvfs(mount)
                with open(ballast, "wb") as f:
                    f.write(bytes(s.f_bfree * s.f_frsize - free))

            def protect(on):
                subprocess.run(["mount", "-o", "remount," +
                                ("ro" if on else "rw"), mount], check=True)

            yield folder, fill, protect
        finally:
            subprocess.run(["umount", "-l", mount], check=True)


def test_a_full_disk_is_told_and_nothing_is_half_written(house, disk):
    folder, fill, _ = disk
    full = 0
    for free in range(0, 160 * 1024, 4096):
        account = f"f{free}"
        at = f"{free} bytes free"
        fill(free)
        done = run(house, "issue", account, folder=folder)
        ca_books.files_are_whole(folder, at)
        ca_books.every_certificate_is_in_the_books(folder, at)
        fill(None)
        if done.returncode == 0:
            continue
        full += 1
        assert done.returncode == 1, f"{at}: {done.stderr}"
        assert "room" in done.stderr or "space" in done.stderr, \
            f"{at}: {done.stderr}"
        check = run(house, "check", folder=folder)
        assert check.returncode == 0, f"{at}: {check.stdout}{check.stderr}"
        again = run(house, "issue", account, folder=folder)
        # What could not be written at first may have been settled by now.
        assert again.returncode in (0, 4), f"{at}: {again.stderr}"
        ca_books.has_working_files(folder, account, "main", at)
        ca_books.no_leftovers(folder, at)
    assert full >= 3


def test_a_disk_that_fills_under_a_batch_keeps_what_was_answered(house, disk):
    folder, fill, _ = disk
    lines = pathlib.Path(folder).parent / "lines"
    lines.write_text("".join(
        json.dumps({"account": f"many{i}", "csr": request(P256)}) + "\n"
        for i in range(40)))
    before = ca_books.listed(folder)
    full = 0
    for free in (*range(0, 96 * 1024, 12288), None):
        at = f"{free} bytes free"
        fill(free)
        done = run(house, "issue", "--batch", lines, folder=folder)
        fill(None)
        assert done.returncode == (1 if free is not None and not done.stdout
                                   else 0), f"{at}: {done.stderr}"
        answers = [json.loads(a) for a in done.stdout.splitlines()]
        books = ca_books.listed(folder)
        # None at all, or each of them.
        assert len(answers) in (0, 40), at
        assert {s for s, row in books.items() if row["state"] == "valid"} == \
            {a["serial"] for a in answers} | \
            {s for s, row in before.items() if row["state"] == "valid"}, at
        check = run(house, "check", folder=folder)
        assert check.returncode == 0, f"{at}: {check.stdout}{check.stderr}"
        if done.returncode == 0:
            break
        full += 1
        assert "room" in done.stderr or "space" in done.stderr, at
    assert full >= 2


def test_a_batch_that_fails_does_not_wait_for_the_rest_of_it(house, disk):
    """16 MB of what is piped are a share; this is more, and does not end."""
    folder, fill, _ = disk
    fill(0)
    child = subprocess.Popen(
        [BUILD / "sicher-ca", "--dir", folder, "--passphrase-file",
         house.secret, "issue", "--batch", "-"], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    csr = request(P256)
    with contextlib.suppress(BrokenPipeError):
        for i in range(170):
            child.stdin.write(json.dumps({"account": f"m{i}", "csr": csr}) +
                              100_000 * " " + "\n")
        child.stdin.flush()
    assert child.wait(30) == 1
    assert "room" in child.stderr.read() and child.stdout.read() == ""
    fill(None)


def test_a_full_disk_never_leaves_a_torn_crl(house, disk):
    folder, fill, _ = disk
    run(house, "issue", "gone", folder=folder)
    number = ca_books.crl_numbers(folder)
    for free in range(0, 96 * 1024, 8192):
        fill(free)
        done = run(house, "revoke", "gone", folder=folder)
        now = ca_books.crl_numbers(folder)
        assert all(now[k] >= number[k] for k in number)
        number = now
        fill(None)
        if done.returncode == 5:  # No server to ask is at hand.
            break
        assert done.returncode == 1, done.stderr
        assert run(house, "check", folder=folder).returncode == 0
    assert run(house, "revoke", "gone", folder=folder).returncode == 5
    ca_books.is_in_the_crl(folder, "gone", "main", "with room")


def test_a_read_only_disk_can_be_read_and_is_told(house, disk):
    folder, _, protect = disk
    protect(True)
    before = state(folder)
    for words in (["issue", "ro"], ["revoke", "alice"], ["crl", "publish"],
                  ["issue", "--batch", os.devnull]):
        done = run(house, *words, folder=folder)
        assert done.returncode == 1, done.stderr
        assert "Read-only" in done.stderr
    assert run(house, "list", folder=folder).returncode == 0
    assert run(house, "show", folder / "people/alice/laptop/cert.pem",
               folder=folder).returncode == 0
    assert state(folder) == before
    protect(False)
    assert run(house, "issue", "ro", folder=folder).returncode == 0


@pytest.fixture(scope="module")
def books(house):
    """(folder, its good data.mdb, what each question's answer is).  New
    books: in those that others have grown, most flips meet what is no more
    in use."""
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=parent) as scratch:
        folder = Authority(pathlib.Path(scratch) / "ca").quick_keys().dir
        for i in range(5):
            assert run(house, "issue", f"p{i}", folder=folder).returncode == 0
        assert run(house, "revoke", "p1", folder=folder).returncode == 5
        serial = next(iter(ca_books.listed(folder)))
        asked = [["list", "--json"], ["list", "--account", "p1", "--json"],
                 ["show", serial],
             ["show", folder / "people/p2/main/cert.pem"]]
        truth = [run(house, *q, folder=folder).stdout for q in asked]
        yield folder, (folder / "inventory/data.mdb").read_bytes(), \
            list(zip(asked, truth))


def right_or_reported(house, books, damaged, at):
    """Whether the damage is noticed; an answer is right or none at all."""
    folder, _, questions = books
    file = folder / "inventory/data.mdb"
    noticed = False
    for words, truth in questions:
        file.write_bytes(damaged)
        done = run(house, *words, folder=folder)
        assert done.returncode in (0, 6), \
            f"{at}: {words}: {done.returncode} {done.stderr}"
        assert done.returncode == 6 or done.stdout == truth, f"{at}: {words}"
        noticed = noticed or done.returncode == 6
    file.write_bytes(damaged)
    check = run(house, "check", folder=folder)
    assert check.returncode in (0, 6), f"{at}: {check.stdout}{check.stderr}"
    assert check.returncode == 6 or not noticed, f"{at}: check finds nothing"
    return check.returncode == 6


@pytest.mark.parametrize("part", range(4))
def test_a_flipped_bit_in_the_books_is_reported_or_harmless(house, books,
                                                            part):
    _, good, _ = books
    dice = random.Random(part)
    full = [i for i, b in enumerate(good) if b]
    # The first two pages say where all others are: most of the flips there.
    places = [dice.choice(full) for _ in range(30)] + \
             [page + dice.randrange(16, 176) for page in 8 * [0, 4096]]
    found = 0
    for place in places:
        bit = dice.randrange(8)
        damaged = bytearray(good)
        damaged[place] ^= 1 << bit
        found += right_or_reported(house, books, bytes(damaged),
                                   f"bit {bit} of octet {place}")
    assert found > 5


def test_truncated_books_are_reported(house, books):
    folder, good, _ = books
    for size in [0, 1, 4095, 4096, 8192, 12288, len(good) // 2,
                 len(good) - 4096, len(good) - 1]:
        found = right_or_reported(house, books, good[:size], f"{size} octets")
        assert found or size == len(good) - 1, size
        done = run(house, "issue", "late", folder=folder)
        assert done.returncode == 6, f"{size}: {done.stderr}"
        assert not (folder / "people/late").exists()


def test_torn_pages_are_reported_or_harmless(house, books):
    _, good, _ = books
    found = 0
    for page in range(len(good) // 4096):
        damaged = bytearray(good)
        damaged[page * 4096 + 16:(page + 1) * 4096] = bytes(4096 - 16)
        found += right_or_reported(house, books, bytes(damaged),
                                   f"page {page}")
    assert found > 5


def faked(house, folder, offset, *words):
    return subprocess.run(
        ["faketime", "-f", offset, BUILD / "sicher-ca", "--dir", folder,
         "--passphrase-file", house.secret, *words], capture_output=True,
        text=True, timeout=60,
        env=dict(os.environ, ASAN_OPTIONS="verify_asan_link_order=0"))


def test_a_clock_behind_the_last_issue_is_refused_until_it_is_right(
        house, tmp_path):
    folder = shutil.copytree(house.dir, tmp_path / "ca")
    before = state(folder)
    done = faked(house, folder, "-2h", "issue", "past")
    assert done.returncode == 4, done.stderr
    assert "clock" in done.stderr and "--accept-clock" in done.stderr
    assert state(folder) == before
    # A revocation does not wait for a clock, and its list goes forward.
    numbers = ca_books.crl_numbers(folder)
    assert faked(house, folder, "-2h", "revoke", "alice").returncode == 5
    assert max(ca_books.crl_numbers(folder).values()) > max(numbers.values())
    ca_books.is_in_the_crl(folder, "alice", "laptop", "clock back")
    done = run(house, "issue", "now", folder=folder)
    assert done.returncode == 0, done.stderr


def test_a_clock_that_was_ahead_is_set_right_by_hand(house, tmp_path):
    folder = shutil.copytree(house.dir, tmp_path / "ca")
    assert faked(house, folder, "+30d", "issue", "future").returncode == 0
    assert run(house, "issue", "now", folder=folder).returncode == 4
    assert run(house, "check", "--accept-clock", folder=folder).returncode == 0
    assert run(house, "issue", "now", folder=folder).returncode == 0


def test_files_that_cannot_be_written_keep_nobody_else_from_being_served(
        house, tmp_path):
    house = house.copy(tmp_path / "ca")
    (tmp_path / "out" / "cert.pem").mkdir(parents=True)  # Cannot be replaced.
    csr = tmp_path / "csr"
    csr.write_text(request(P256))
    done = run(house, "issue", "nora", "--csr", csr, "--out", tmp_path / "out")
    assert done.returncode == 1 and "sicher-ca check" in done.stderr
    done = run(house, "issue", "olaf")
    assert done.returncode == 0 and "not settled yet" in done.stderr
    assert run(house, "revoke", "olaf").returncode == 5
    # Who asks is told, until it is mended.
    assert run(house, "check").returncode == 1
    (tmp_path / "out" / "cert.pem").rmdir()
    assert run(house, "check").returncode == 0
    assert ca_books.certificates(tmp_path / "out" / "cert.pem")
