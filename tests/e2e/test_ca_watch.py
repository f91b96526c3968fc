"""What an admin watches with: crl check, lint, audit; and the passphrase."""

import json
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization

import ca_books
from authority import BUILD, PASSPHRASE, Authority, Stranger
from ca_kill import WRITES, killed_at, points, run


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("founded") / "ca").quick_keys()


@pytest.fixture
def house(founded, tmp_path):
    return founded.copy(tmp_path / "ca")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("watch") / "ca").quick_keys()


def secret(folder, text, name="secret"):
    file = folder / name
    file.touch(mode=0o600)
    file.write_text(text + "\n")
    return file


def passwd(house, folder, old, new, *more):
    return subprocess.run(
        [BUILD / "sicher-ca", "--dir", house.dir, "--passphrase-file", old,
         "key", "passwd", "--new-passphrase-file", new, *more],
        capture_output=True, text=True, timeout=60)


# crl check

def check(house, *more):
    done = house.command("crl", "check", "--json", *more, ok=False)
    return done.returncode, " ".join(json.loads(done.stdout)["findings"])


def test_a_published_file_is_right_and_a_copy_of_before_is_old(
        house, tmp_path):
    old = shutil.copy(house.crl, tmp_path / "old.pem")
    assert check(house) == (0, "") == check(house, old)
    house.issue("alice", "laptop")
    house.command("revoke", "alice")
    assert check(house) == (0, "")
    code, said = check(house, old)
    assert code == 5 and "issuing-1 has number 2, and 3 is the latest" in said


@pytest.mark.parametrize("harm, words", [
    (lambda pem: pem[:-40], "cut off"),
    (lambda pem: pem[:300] + bytes([pem[300] ^ 1]) + pem[301:], ""),
    (lambda pem: b"", "missing"),
    (lambda pem: pem + pem, "two lists"),
    (lambda pem: pem[pem.index(b"-----BEGIN", 1):], "issuing-1 is missing"),
])
def test_a_harmed_file_is_told(house, tmp_path, harm, words):
    file = tmp_path / "crl.pem"
    file.write_bytes(harm(house.crl.read_bytes()))
    code, said = check(house, file)
    assert code in (5, 6) and words in said
    assert code == 6 or "missing" in said


def test_a_foreign_list_and_one_of_older_books_are_told(house, tmp_path):
    other = Authority(tmp_path / "other")
    code, said = check(house, other.crl)
    assert code == 6 and "no CA of ours" in said
    before = shutil.copytree(house.dir, tmp_path / "before")
    house.command("crl", "publish")
    done = subprocess.run(
        [BUILD / "sicher-ca", "--dir", before, "crl", "check", house.crl],
        capture_output=True, text=True)
    assert done.returncode == 6 and "older than the file" in done.stdout
    assert house.command("crl", "check", tmp_path / "none",
                         ok=False).returncode == 3


def test_a_list_that_ends_soon_is_told(house):
    def later(days):
        return ca_books.later(days, BUILD / "sicher-ca", "--dir", house.dir,
                              "crl", "check")
    assert later(4).returncode == 0
    assert later(6).returncode == 5 and "ends soon" in later(6).stdout
    assert later(8).returncode == 5 and "ended at" in later(8).stdout


def test_a_server_says_what_it_has_in_force(own_authority, make_server):
    server = make_server(authority=own_authority)
    control = ("--control", server.control)
    assert check(own_authority, *control) == (0, "")
    own_authority.command("crl", "publish")
    code, said = check(own_authority, *control)
    assert code == 5 and "CRL 2 in force, and 3 is the latest" in said
    server.publish()
    server.reload()
    assert check(own_authority, *control) == (0, "")
    assert check(own_authority, "--control", server.dir / "none")[0] == 5


# lint

def lint(file):
    done = subprocess.run([BUILD / "sicher-ca", "lint", file, "--json"],
                          capture_output=True, text=True)
    return done.returncode, json.loads(done.stdout).get("examined")


def test_what_we_make_passes_and_its_kind_is_seen(house):
    house.issue("alice", "laptop")
    for file, kinds in ((house.ca, ["issuer", "root"]),
                        (house.crl, ["CRL", "CRL"]),
                        (house.server.cert, ["server", "issuer"]),
                        (house.dir / "people/alice/laptop/cert.pem",
                         ["client", "issuer"])):
        code, seen = lint(file)
        assert code == 0 and [s["kind"] for s in seen] == kinds
        assert all(s["findings"] == [] for s in seen)


def test_what_others_make_is_held_against_the_rules(house, tmp_path):
    no_eku = house.forge(tmp_path, eku=False)
    code, seen = lint(no_eku.cert)
    assert code == 4 and seen[0]["findings"] and not seen[1]["findings"]
    der = tmp_path / "leaf.der"
    der.write_bytes(no_eku.leaf.public_bytes(serialization.Encoding.DER))
    assert lint(der)[0] == 4
    stranger = Stranger(tmp_path)
    pem = stranger.cert.public_bytes(serialization.Encoding.PEM)
    der.write_bytes(pem)
    assert lint(der)[1][0]["kind"] == "root"


@pytest.mark.parametrize("content, code", [
    (b"", 2), (b"hello", 2), (b"\x30\x03\x02\x01\x01", 4), (None, 3)])
def test_what_is_no_certificate_is_told(tmp_path, content, code):
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    assert lint(file)[0] == code


def test_a_key_beside_is_not_looked_at(house):
    done = subprocess.run([BUILD / "sicher-ca", "lint", house.server.key],
                          capture_output=True, text=True)
    assert done.returncode == 2 and "Not looked at: 1" in done.stdout


# audit

def test_the_trail_tells_what_was_done_and_its_head_is_noted(house):
    house.issue("alice", "laptop")
    house.command("revoke", "alice")
    entries = house.json("audit")["entries"]
    assert [e["sequence"] for e in entries] == \
        list(range(1, len(entries) + 1))
    assert {"issue.intent", "issue", "revoke", "crl.intent", "crl"} <= {
        e["event"] for e in entries}
    told = house.json("audit", "verify")
    assert told["head"] == entries[-1]["hash"]
    noted = f"{told['entries']}:{told['head']}"
    house.issue("bob", "laptop")
    assert "is what was noted" in house.command(
        "audit", "verify", noted).stdout
    # The same entry with another hash, and one that never was.
    for wrong in (f"{told['entries'] - 1}:{told['head']}",
                  f"999:{told['head']}"):
        assert house.command("audit", "verify", wrong,
                             ok=False).returncode == 6
    for nonsense in ("x", "1:zz", f"-1:{told['head']}", told["head"]):
        assert house.command("audit", "verify", "--", nonsense,
                             ok=False).returncode == 2


# key passwd

def test_the_new_passphrase_opens_every_key_and_the_old_one_none(
        house, tmp_path):
    house.command("issuer", "create")
    new = secret(tmp_path, "another one than before")
    done = passwd(house, tmp_path, house.secret, new)
    assert done.returncode == 0 and done.stdout.count("Changed: ") == 3
    for key in (house.dir / "private").glob("*.pem"):
        serialization.load_pem_private_key(key.read_bytes(),
                                           b"another one than before")
        with pytest.raises(ValueError):
            serialization.load_pem_private_key(key.read_bytes(),
                                               PASSPHRASE.encode())
        assert key.stat().st_mode & 0o777 == 0o600
    done = house.command("issue", "alice", ok=False)
    assert done.returncode == 1 and "passphrase" in done.stderr
    house.secret = new
    house.command("issue", "alice")
    house.command("crl", "publish")


def test_a_wrong_old_or_an_unsafe_new_passphrase_changes_nothing(
        house, tmp_path):
    keys = {k: k.read_bytes() for k in (house.dir / "private").iterdir()}
    new, wrong = secret(tmp_path, "a new one, longer"), \
        secret(tmp_path, "wrong", "wrong")
    assert passwd(house, tmp_path, wrong, new).returncode == 1
    assert passwd(house, tmp_path, house.secret,
                  secret(tmp_path, "", "empty")).returncode == 2
    done = passwd(house, tmp_path, house.secret,
                  secret(tmp_path, "eleven char", "brief"))
    assert done.returncode == 2 and "12 characters" in done.stderr
    new.chmod(0o640)
    assert passwd(house, tmp_path, house.secret, new).returncode == 1
    assert {k: k.read_bytes() for k in (house.dir / "private").iterdir()} == \
        keys


def test_a_root_s_key_elsewhere_keeps_its_passphrase_or_changes_with_it(
        house, tmp_path):
    stick = tmp_path / "stick"
    stick.mkdir(mode=0o700)
    house.command("root", "offline", stick)
    key = stick / "root.pem"
    old, new = house.secret, secret(tmp_path, "a new one, longer")
    done = passwd(house, tmp_path, old, new)
    assert done.returncode == 0 and "keeps its passphrase" in done.stdout
    house.secret = new
    assert house.command("issuer", "create", "--root-key", key,
                         ok=False).returncode == 1
    house.command("issuer", "create", "--root-key", key,
                  "--root-passphrase-file", old)
    done = passwd(house, tmp_path, new, new, "--root-key", key,
                  "--root-passphrase-file", old)
    assert done.returncode == 0 and "keeps" not in done.stdout
    house.command("issuer", "rotate")
    house.command("issuer", "create", "--root-key", key)


def test_killed_at_any_write_the_change_is_finished_by_the_same_command(
        base, tmp_path):
    new = secret(tmp_path, "another one than before")

    def command(folder):
        return [BUILD / "sicher-ca", "--dir", folder, "--passphrase-file",
                base.secret, "key", "passwd", "--new-passphrase-file", new]

    traced = shutil.copytree(base.dir, tmp_path / "traced")
    writes = [p for p in points(command(traced), tmp_path / "trace")
              if p[0] in WRITES]
    for call, ordinal in writes:
        at = f"killed at {call} number {ordinal}"
        folder = shutil.copytree(base.dir, tmp_path / "killed")
        killed_at(command(folder), call, ordinal)
        done = run(*command(folder))
        assert done.returncode == 0, f"{at}: {done.stderr}"
        for key in (folder / "private").glob("*.pem"):
            serialization.load_pem_private_key(key.read_bytes(),
                                               b"another one than before")
        check_ = run(BUILD / "sicher-ca", "--dir", folder, "check")
        assert check_.returncode == 0, f"{at}: {check_.stdout}"
        ca_books.no_leftovers(folder, at)
        shutil.rmtree(folder)
