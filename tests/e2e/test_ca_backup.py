"""Backups, and that a restore forgets nothing that came after them."""

import concurrent.futures
import fcntl
import json
import os
import shutil
import subprocess

import pytest
from cryptography import x509

import ca_books
from authority import BUILD, PASSPHRASE, Authority
from ca_kill import WRITES, killed_at, points, run

TORTURE = os.environ.get("SICHER_TORTURE") == "1"


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("founded") / "ca").quick_keys()


@pytest.fixture
def house(founded, tmp_path):
    return founded.copy(tmp_path / "ca")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """To copy: a backup, and what came after it."""
    house = Authority(tmp_path_factory.mktemp("base") / "ca").quick_keys()
    house.issue("alice", "laptop")
    house.backup = house.dir.parent / "backup"
    house.command("backup", house.backup)
    house.command("revoke", "alice", "--reason", "keyCompromise")
    house.issue("bob", "laptop")
    house.command("issuer", "rotate")
    house.issue("carol", "laptop")
    house.command("renew", "carol", "--device", "laptop", "--keep-old", "5")
    house.command("revoke", "carol", "--device", "none", ok=False)
    house.issue("dave", "laptop")
    house.command("revoke", "dave")
    # Its files were handed over, and then removed here.
    shutil.rmtree(house.dir / "people" / "dave")
    return house


@pytest.fixture
def copied(base, tmp_path):
    return base.copy(tmp_path / "ca")


def truncate(books):
    os.truncate(books, books.stat().st_size // 2)


def scramble(books):
    """Every page but the two of the header."""
    with open(books, "r+b") as f:
        f.seek(8192)
        f.write(os.urandom(books.stat().st_size - 8192))


def lose(books):
    shutil.rmtree(books.parent)


def leave(books):
    """The books are whole, and newer than the backup."""


def everything(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()
            and p.name not in ("lock.mdb", "running.lock", "publish.lock")}


def refused(house, code, *words, folder=None):
    """It ends with this status, and nothing has changed."""
    folder = folder or house.dir
    before = everything(folder) if folder.exists() else None
    done = run(BUILD / "sicher-ca", *words, "--dir", folder)
    assert done.returncode == code, done.stdout + done.stderr
    assert (everything(folder) if folder.exists() else None) == before
    assert not list(folder.parent.glob("*.new-*"))
    return done.stderr


@pytest.mark.parametrize("harm", [truncate, scramble, lose, leave])
def test_what_came_after_the_backup_is_still_there(copied, harm):
    house = copied
    numbers = ca_books.crl_numbers(house.dir)
    before = ca_books.listed(house.dir)
    harm(house.dir / "inventory" / "data.mdb")
    if harm is not leave:
        assert house.command("check", ok=False).returncode in (3, 6)
    told = house.json("restore", house.backup)
    assert told["carried"]["issuers"] == 1 and told["stale"] == 0
    assert house.command("check").returncode == 0
    after = ca_books.listed(house.dir)
    # No serial is forgotten, nothing revoked is valid.
    lost = set(before) - set(after)
    if harm is leave:
        assert before == after
    else:
        # One that was replaced on the disk before the books were lost.
        assert {before[s]["account"] for s in lost} <= {"carol"}
    for serial in set(before) - lost:
        assert after[serial]["state"] == before[serial]["state"]
    assert sum(r["state"] == "revoked" for r in after.values()) == 2
    # No number of a list goes back: not now, and not later.
    assert ca_books.crl_numbers(house.dir) == numbers
    assert house.json("crl", "check")["findings"] == []
    # bob and the one known by its serial alone stay on the lists.
    house.command("issuer", "rotate")
    house.command("crl", "publish")
    assert sum(len(c) for c in ca_books.crls(house.dir)) == 2
    now = ca_books.crl_numbers(house.dir)
    assert min(n for k, n in now.items() if "Issuing" in k) > \
        max(numbers.values())
    house.issue("erin", "laptop")
    house.command("audit", "verify")


def test_a_backup_made_while_others_issue_is_whole(house, tmp_path):
    with concurrent.futures.ThreadPoolExecutor(9) as pool:
        others = [pool.submit(house.issue, f"many{i}", "laptop")
                  for i in range(16)]
        for i in range(3):
            house.command("backup", tmp_path / f"backup{i}")
        for other in others:
            other.result()
    for i in range(3):
        folder = tmp_path / f"restored{i}"
        done = run(BUILD / "sicher-ca", "restore", tmp_path / f"backup{i}",
                   "--dir", folder, "--crl", house.crl)
        # 5: what was just being issued is told.
        assert done.returncode in (0, 5), done.stderr
        check = run(BUILD / "sicher-ca", "check", "--dir", folder)
        assert check.returncode == 0, check.stdout
        assert set(ca_books.listed(folder)) <= set(ca_books.listed(house.dir))


def test_on_another_machine_a_server_s_list_says_what_was_revoked(
        base, tmp_path):
    folder = tmp_path / "new"
    said = refused(base, 4, "restore", base.backup, folder=folder)
    assert "--crl" in said and not folder.exists()
    done = run(BUILD / "sicher-ca", "restore", base.backup, "--dir", folder,
               "--crl", base.ca)
    assert done.returncode == 4 and not folder.exists()
    # The list of an issuing CA made since is nobody's that is known there.
    done = run(BUILD / "sicher-ca", "restore", base.backup, "--dir", folder,
               "--crl", base.crl)
    assert done.returncode == 4 and "--ca FILE" in done.stderr
    assert not folder.exists()
    # With the server's ca.pem it is: as one whose key is lost.
    done = run(BUILD / "sicher-ca", "restore", base.backup, "--dir", folder,
               "--crl", base.crl, "--ca", base.ca)
    assert done.returncode == 0, done.stderr
    assert ca_books.crl_numbers(folder) == ca_books.crl_numbers(base.dir)
    check = run(BUILD / "sicher-ca", "check", "--dir", folder)
    assert check.returncode == 0, check.stdout
    keyed = [BUILD / "sicher-ca", "--dir", folder, "--passphrase-file",
             base.secret]
    assert run(*keyed, "issue", "erin").returncode == 0
    done = run(*keyed, "crl", "publish")
    assert done.returncode == 5 and "issuing-2 is not renewed" in done.stdout
    assert run(*keyed, "issuer", "rotate").returncode in (0, 5)
    listed = json.loads(run(*keyed, "issuer", "list", "--json").stdout)
    assert [i["state"] for i in listed["issuers"]] == [
        "retired", "retired", "active"]


def test_a_restored_authority_goes_on_where_the_lists_end(house, tmp_path):
    house.issue("alice", "laptop")
    house.issue("bob", "laptop")
    house.command("backup", tmp_path / "backup")
    house.command("revoke", "alice")
    folder = tmp_path / "new"

    def there(*words, ok=(0,)):
        done = run(BUILD / "sicher-ca", "--dir", folder, "--passphrase-file",
                   house.secret, *words)
        assert done.returncode in ok, done.stdout + done.stderr
        return done

    for part in (house.crl.read_bytes()[:-60], b""):
        (tmp_path / "cut").write_bytes(part)
        done = there("restore", tmp_path / "backup", "--crl",
                     tmp_path / "cut", ok=(4,))
        assert "cut off" in done.stderr and not folder.exists()
    there("restore", tmp_path / "backup", "--crl", house.crl)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert (folder / "private").stat().st_mode & 0o777 == 0o700
    assert ca_books.crl_numbers(folder) == ca_books.crl_numbers(house.dir)
    states = {r.get("account"): r["state"]
              for r in ca_books.listed(folder).values()}
    assert states["alice"] == "revoked" and states["bob"] == "valid"
    there("revoke", "bob", ok=(5,))
    assert max(ca_books.crl_numbers(folder).values()) > \
        max(ca_books.crl_numbers(house.dir).values())
    assert {c for c in (folder / "private").iterdir()} == {
        folder / "private" / "root.pem", folder / "private" / "issuing-1.pem"}


def test_without_any_list_the_numbers_begin_far_above(house, tmp_path):
    house.issue("alice", "laptop")
    house.command("backup", tmp_path / "backup")
    folder = tmp_path / "new"
    done = run(BUILD / "sicher-ca", "restore", tmp_path / "backup", "--dir",
               folder, "--no-crl")
    assert done.returncode == 5 and "valid again" in done.stdout
    for _ in range(5):
        house.command("crl", "publish")
    done = run(BUILD / "sicher-ca", "crl", "publish", "--dir", folder,
               "--passphrase-file", house.secret)
    assert done.returncode == 0, done.stderr
    assert max(ca_books.crl_numbers(folder).values()) > \
        max(ca_books.crl_numbers(house.dir).values())
    done = run(BUILD / "sicher-ca", "restore", tmp_path / "backup", "--dir",
               tmp_path / "x", "--no-crl", "--crl", house.crl)
    assert done.returncode == 2


def active(house):
    """The ids of the CAs that sign, and the state of each."""
    return {i["issuer"]: i["state"]
            for i in house.json("issuer", "list")["issuers"]}


def test_of_two_backups_with_a_rotation_between_one_issuing_ca_signs(
        house, tmp_path):
    lists = shutil.copy(house.crl, tmp_path / "crl.pem")
    house.command("backup", tmp_path / "before")
    house.command("issuer", "rotate")
    house.command("backup", tmp_path / "after")
    # In this order and the other, in a folder of their own.
    for i, pair in enumerate((("before", "after"), ("after", "before"))):
        there = house.copy(tmp_path / f"house{i}")
        shutil.rmtree(there.dir)
        more = [] if pair[0] == "before" else ["--ca", house.ca]
        there.command("restore", tmp_path / pair[0], *more, "--crl",
                      lists if pair[0] == "before" else house.crl)
        told = there.json("restore", tmp_path / pair[1])
        assert told["active"] == "issuing-2"
        assert active(there) == {"issuing-1": "retired",
                                 "issuing-2": "active"}
        assert there.command("check").returncode == 0
        there.command("issue", "erin", "--device", "laptop")
        leaf = ca_books.certificates(
            there.dir / "people" / "erin" / "laptop" / "cert.pem")[0]
        assert "Issuing CA 2" in leaf.issuer.rfc4514_string()


def test_one_whose_key_is_lost_signs_no_more_after_a_restore(house, tmp_path):
    house.command("backup", tmp_path / "backup")
    house.command("issuer", "rotate")
    (house.dir / "private" / "issuing-2.pem").unlink()
    told = house.json("restore", tmp_path / "backup")
    assert told["active"] == "issuing-1"
    assert active(house)["issuing-1"] == "active"
    assert house.command("check").returncode == 0
    house.issue("erin", "laptop")


def test_houses_that_parted_are_not_made_one(house, tmp_path):
    """Both have made an issuing CA 2, each with its own key."""
    house.command("backup", tmp_path / "first")
    other = house.copy(tmp_path / "other")
    house.command("issuer", "rotate")
    other.command("issuer", "rotate")
    other.command("backup", tmp_path / "second")
    parted = "each made another issuing-2"
    assert parted in refused(house, 4, "restore", tmp_path / "second")
    shutil.rmtree(house.dir / "inventory")
    assert parted in refused(house, 4, "restore", tmp_path / "second")
    house.command("restore", tmp_path / "first")


def without(path, number):
    """Take the issuing CA's of that number out of a file of certificates or
    lists."""
    text = path.read_bytes()
    blocks = ca_books.CERT.findall(text) or ca_books.CRL.findall(text)

    def named(block):
        if b"X509 CRL" in block:
            return x509.load_pem_x509_crl(block).issuer
        return x509.load_pem_x509_certificate(block).subject

    path.write_bytes(b"".join(
        b for b in blocks
        if f"Issuing CA {number}" not in named(b).rfc4514_string()))


def test_a_gap_in_the_ids_of_the_issuing_cas_is_borne(house, tmp_path):
    """As where one has ended: ca.pem and crl.pem name it no more."""
    house.command("backup", tmp_path / "backup")
    house.command("issuer", "rotate")
    house.command("issuer", "rotate")
    house.issue("alice", "laptop")
    house.command("revoke", "alice")
    for file in (house.ca, house.crl):
        without(file, 2)
    shutil.rmtree(house.dir / "inventory")
    house.command("restore", tmp_path / "backup")
    assert house.command("check").returncode == 0
    assert set(active(house)) == {"issuing-1", "issuing-3"}
    assert len(ca_books.crls(house.dir)) == 3
    assert sum(len(c) for c in ca_books.crls(house.dir)) == 1
    assert house.json("crl", "check")["findings"] == []
    house.command("issuer", "rotate")
    house.command("issuer", "rotate")
    # The id of the one that is lost is not given again.
    assert active(house) == {"issuing-1": "retired", "issuing-3": "retired",
                             "issuing-4": "active"}
    house.command("crl", "publish")
    house.command("expiry")


def test_where_no_list_tells_what_came_since_no_id_comes_twice(
        house, tmp_path):
    house.command("backup", tmp_path / "backup")
    shutil.rmtree(house.dir)
    house.command("restore", tmp_path / "backup", "--no-crl")
    assert house.json("issuer", "create")["issuer"] == "issuing-32"


@pytest.mark.parametrize("harm, code", [
    (lambda b: b[:-1], 6), (lambda b: b[:len(b) // 2], 6),
    (lambda b: b + b"x", 6), (lambda b: b[:20], 6), (lambda b: b"", 2),
    (lambda b: b[:5000] + bytes([b[5000] ^ 4]) + b[5001:], 6),
    (lambda b: b"-----BEGIN" + b, 2),
    (lambda b: b.replace(b"BACKUP 1\n", b"BACKUP 2\n", 1), 6)])
def test_a_harmed_backup_changes_nothing(copied, tmp_path, harm, code):
    file = tmp_path / "harmed"
    file.write_bytes(harm(copied.backup.read_bytes()))
    assert str(file) in refused(copied, code, "restore", file)
    refused(copied, code, "restore", file, folder=tmp_path / "new")


def test_a_name_in_a_backup_leads_nowhere_else(copied, tmp_path):
    """A file that fits its checksum, made by somebody else."""
    import hashlib
    for name in (b"../evil", b"/tmp/evil", b"people/evil", b"inventory/../x",
                 b".profile"):
        body = b"SICHER-CA-BACKUP 1\n" + bytes(8) + \
            len(name).to_bytes(2, "big") + name + \
            (4).to_bytes(8, "big") + b"evil" + bytes(2)
        file = tmp_path / "foreign"
        file.write_bytes(body + hashlib.sha256(body).digest())
        refused(copied, 6, "restore", file, folder=tmp_path / "new")
        refused(copied, 6, "restore", file)
    assert not list(tmp_path.rglob("*evil*"))


def test_another_authority_s_backup_or_list_is_refused(copied, tmp_path):
    (tmp_path / "second").mkdir()
    other = Authority(tmp_path / "second" / "ca")
    other.command("backup", tmp_path / "foreign")
    assert "another authority" in refused(
        copied, 4, "restore", tmp_path / "foreign")
    lose(copied.dir / "inventory" / "data.mdb")
    refused(copied, 4, "restore", tmp_path / "foreign")
    said = refused(copied, 4, "restore", tmp_path / "foreign")
    assert "another authority" in said
    said = refused(copied, 4, "restore", copied.backup, "--crl", other.crl)
    assert "no CA" in said
    assert refused(copied, 3, "restore", copied.backup, "--crl",
                   tmp_path / "none")


def test_nothing_is_restored_under_a_command_at_work(copied):
    with open(copied.dir / "inventory" / "running.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        assert "at work" in refused(copied, 1, "restore", copied.backup)
    copied.command("restore", copied.backup)


def test_a_folder_of_something_else_is_no_place(base, tmp_path):
    (tmp_path / "letters").write_text("dear\n")
    assert "not empty" in refused(base, 4, "restore", base.backup,
                                  folder=tmp_path)


def test_damaged_books_make_no_backup_and_no_file_is_replaced(
        copied, tmp_path):
    file = tmp_path / "backup"
    file.write_text("mine\n")
    assert copied.command("backup", file, ok=False).returncode == 4
    assert file.read_text() == "mine\n"
    assert copied.command("backup", tmp_path / "none" / "x",
                          ok=False).returncode == 3
    scramble(copied.dir / "inventory" / "data.mdb")
    assert copied.command("backup", tmp_path / "b",
                          ok=False).returncode in (1, 6)
    assert {p.name for p in tmp_path.iterdir()} == {"backup", "ca"}


def test_nothing_unencrypted_is_in_a_backup(base):
    assert base.backup.stat().st_mode & 0o777 == 0o600
    text = base.backup.read_bytes()
    assert text.count(b"BEGIN ENCRYPTED PRIVATE KEY") == 2
    assert b"BEGIN PRIVATE KEY" not in text
    assert PASSPHRASE.encode() not in text


def test_a_passphrase_changed_since_stays_changed(house, tmp_path):
    house.command("backup", tmp_path / "backup")
    new = tmp_path / "new"
    new.touch(mode=0o600)
    new.write_text("another one than before\n")
    house.command("key", "passwd", "--new-passphrase-file", new)
    truncate(house.dir / "inventory" / "data.mdb")
    house.command("restore", tmp_path / "backup")
    house.secret = new
    house.issue("alice", "laptop")


@pytest.mark.parametrize("harm", [leave, lose])
def test_a_restore_killed_at_any_write_is_done_by_running_it_again(
        base, tmp_path, harm):
    before = ca_books.crl_numbers(base.dir)

    def command(folder):
        return [BUILD / "sicher-ca", "--dir", folder, "restore", base.backup]

    def fresh(name):
        folder = shutil.copytree(base.dir, tmp_path / name)
        harm(folder / "inventory" / "data.mdb")
        return folder

    writes = [p for p in points(command(fresh("traced")), tmp_path / "trace",
                                begin="new-") if p[0] in WRITES]
    assert len(writes) > 10
    for call, ordinal in writes if TORTURE else writes[-1::-4]:
        at = f"killed at {call} number {ordinal}"
        folder = fresh("killed")
        run("strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
            f"inject={call}:signal=KILL:when={ordinal}", *command(folder))
        ca_books.files_are_whole(folder, at, lists=3)
        assert ca_books.crl_numbers(folder) == before, at
        done = run(*command(folder))
        assert done.returncode == 0, f"{at}: {done.stdout}{done.stderr}"
        check = run(BUILD / "sicher-ca", "--dir", folder, "check")
        assert check.returncode == 0, f"{at}: {check.stdout}{check.stderr}"
        assert ca_books.crl_numbers(folder) == before, at
        assert sum(r["state"] == "revoked" for r in
                   ca_books.listed(folder).values()) == 2, at
        assert not list(tmp_path.glob("*.new-*")), at
        ca_books.no_leftovers(folder, at)
        shutil.rmtree(folder)


@pytest.mark.parametrize("call", ["write", "pwrite64", "fsync", "linkat"])
def test_a_backup_killed_at_any_write_is_whole_or_not_there(
        base, tmp_path, call):
    """The books are examined in a child and copied by a thread, which strace
    counts apart: so each count is tried until nobody reaches it."""
    folder = shutil.copytree(base.dir, tmp_path / "ca")
    file = tmp_path / "backup"
    command = [BUILD / "sicher-ca", "--dir", folder, "backup", file]
    for ordinal in range(1, 1000, 1 if TORTURE else 4):
        done = run("strace", "-f", "-o", "/dev/null", "-e", f"trace={call}",
                   "-e", f"inject={call}:signal=KILL:when={ordinal}", *command)
        if done.returncode == 0:
            break
        assert done.returncode in (-9, 137, 6), done.stderr
        if not file.exists():
            done = run(*command)
            assert done.returncode == 0, done.stderr
        done = run(BUILD / "sicher-ca", "restore", file, "--dir", folder)
        assert done.returncode == 0, f"{call} {ordinal}: {done.stderr}"
        file.unlink()
    else:
        pytest.fail(f"{call} never ends")


TXNID = 144  # Of a commit, in each of the two header pages of LMDB.


def fall_back(books):
    """The newest header page is damaged: the books are as they were one
    commit ago, and whole in themselves."""
    text = bytearray(books.read_bytes())
    pages = [int.from_bytes(text[at:at + 8], "little")
             for at in (TXNID, 4096 + TXNID)]
    at = TXNID + (4096 if pages[1] > pages[0] else 0)
    text[at:at + 8] = bytes(8)
    books.write_bytes(text)


def test_books_that_fell_back_by_a_commit_are_told_and_mended(
        house, tmp_path):
    house.command("backup", tmp_path / "backup")
    house.issue("alice", "laptop")
    house.issue("bob", "laptop")
    house.command("revoke", "alice")
    numbers = ca_books.crl_numbers(house.dir)
    before = ca_books.listed(house.dir)
    fall_back(house.dir / "inventory" / "data.mdb")
    for words in (["check"], ["list"], ["issue", "carol"], ["crl", "publish"],
                  ["backup", tmp_path / "another"]):
        done = house.command(*words, ok=False)
        assert done.returncode == 6 and "fallen back" in done.stderr, words
    assert not (tmp_path / "another").exists()
    done = house.command("restore", tmp_path / "backup")
    assert "fallen back" in done.stdout
    assert house.command("check").returncode == 0
    assert ca_books.listed(house.dir) == before
    assert ca_books.crl_numbers(house.dir) == numbers
    house.command("crl", "publish")
    now = ca_books.crl_numbers(house.dir)
    assert all(now[k] >= numbers[k] for k in now)
    assert max(now.values()) > max(numbers.values())


def test_a_commit_that_only_tidied_up_is_made_again(house):
    """The twin: nothing is missing."""
    house.issue("alice", "laptop")
    before = ca_books.listed(house.dir)
    fall_back(house.dir / "inventory" / "data.mdb")
    done = house.command("check")
    assert done.returncode == 0 and "is complete" in done.stdout
    assert ca_books.listed(house.dir) == before


@pytest.mark.parametrize("harm", [
    lambda t: t[:-1], lambda t: t + "x", lambda t: "x" + t[1:],
    lambda t: t.replace(":", ";"), lambda t: t[:-2] + "g\n"])
def test_a_damaged_head_is_told(house, harm):
    head = house.dir / "inventory" / "head"
    whole = head.read_text()
    assert house.command("audit", "verify", whole.strip().lstrip("0"))
    head.write_text(harm(whole))
    if len(harm(whole)) > len(whole):
        # What stands behind the line is not read.
        assert house.command("check").returncode == 0
        return
    done = house.command("check", ok=False)
    assert done.returncode == 6 and "inventory/head" in done.stderr
    # It is not written over until somebody has looked.
    assert head.read_text() == harm(whole)
    head.unlink()
    assert house.command("check").returncode == 0
    house.issue("alice", "laptop")
    assert head.exists()


def state_of(folder, account):
    """The state of the account's certificate, "" for none."""
    return next((r["state"] for r in ca_books.listed(folder).values()
                 if r.get("account") == account), "")


def cut_short(house, account, state):
    """An issue killed when the books have that state, and others at work, so
    that nobody settles it."""
    command = [BUILD / "sicher-ca", "--dir", house.dir, "--passphrase-file",
               house.secret, "issue", account, "--device", "laptop"]
    if state == "valid":
        killed_at(command, "linkat", 1)
    else:
        for ordinal in range(1, 40):
            killed_at(command, "pwrite64", ordinal)
            if state_of(house.dir, account) == state:
                break
    assert state_of(house.dir, account) == state


def test_what_was_under_way_in_a_backup_is_not_taken_for_undone(
        house, tmp_path):
    """The command went on after the backup: its certificate may have left."""
    with open(house.dir / "inventory" / "running.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        cut_short(house, "alice", "pending")
        cut_short(house, "bob", "valid")
        house.command("backup", tmp_path / "backup")
    serials = {r.get("account"): s
               for s, r in ca_books.listed(house.dir).items()}
    there = house.copy(tmp_path / "there")
    shutil.rmtree(there.dir)
    done = there.command("restore", tmp_path / "backup", "--crl", house.crl)
    assert done.returncode == 5
    for words in ("alice, device laptop", "serial is revoked",
                  "bob, device laptop", "stays valid"):
        assert words in done.stdout
    books = ca_books.listed(there.dir)
    assert books[serials["alice"]]["state"] == "revoked"
    assert books[serials["bob"]]["state"] == "valid"
    assert there.command("check").returncode == 0
    there.command("crl", "publish")
    assert any(c.get_revoked_certificate_by_serial_number(
        int(serials["alice"], 16)) for c in ca_books.crls(there.dir))
    # Where the books know what became of it, that holds.
    house.command("check")
    assert state_of(house.dir, "alice") == "abandoned"
    told = house.json("restore", tmp_path / "backup")
    assert told["unfinished"] == [] and told["stale"] <= 1
    assert state_of(house.dir, "alice") == "abandoned"
    assert state_of(house.dir, "bob") == "revoked"
    assert house.command("check").returncode == 0


# What makes a file with a name while it is written, as on a stick.
NAMED = [word for n in range(3, 20) for word in ("-P", f"/proc/self/fd/{n}")]


def on_a_stick(folder, file, *inject):
    """A backup to a file system without nameless files."""
    return run("strace", "-f", "-o", "/dev/null", *NAMED, "-P", file,
               "-e", "inject=access:error=ENOENT", *inject,
               BUILD / "sicher-ca", "--dir", folder, "backup", file)


def test_a_backup_goes_to_a_stick_that_knows_no_second_names(house, tmp_path):
    file = tmp_path / "backup"
    without = ("-e", "inject=link:error=EPERM")
    done = on_a_stick(house.dir, file, *without)
    assert done.returncode == 0, done.stderr
    whole = file.read_bytes()
    assert list(tmp_path.glob("backup*")) == [file]
    # Nor does it replace what is there.
    done = on_a_stick(house.dir, file, *without)
    assert done.returncode == 4 and "exists" in done.stderr
    assert file.read_bytes() == whole
    assert list(tmp_path.glob("backup*")) == [file]
    house.command("restore", file)


def test_what_a_killed_backup_left_goes_with_the_next(house, tmp_path):
    stick = tmp_path / "stick"
    stick.mkdir()
    done = on_a_stick(house.dir, stick / "monday", "-e",
                      "inject=link:signal=KILL")
    assert done.returncode in (-9, 137)
    left = list(stick.iterdir())
    assert len(left) == 1 and b"ENCRYPTED PRIVATE KEY" in left[0].read_bytes()
    # Others' files, and one that is being written.
    others = [stick / f"tuesday.tmp-{16 * '0'}", stick / "note.tmp-1"]
    for file in others:
        file.write_bytes(b"SICHER-CA-BACKED UP?")
    with open(left[0]) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        house.command("backup", stick / "tuesday")
        assert left[0].exists()
    house.command("backup", stick / "wednesday")
    assert set(stick.iterdir()) == {*others, stick / "tuesday",
                                    stick / "wednesday"}


def test_what_a_killed_init_left_is_removed_by_the_next_and_by_check(
        tmp_path):
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text(PASSPHRASE + "\n")
    near = tmp_path / "ca.new-0123456789abcde"
    near.mkdir()
    command = [BUILD / "sicher-ca", "--dir", tmp_path / "ca", "init", "House",
               "--passphrase-file", secret]
    for again in (command, [*command[:3], "check"]):
        killed_at(command, "rename", 1)
        left = set(tmp_path.glob("ca.new-*")) - {near}
        assert len(left) == 1 and not (tmp_path / "ca").exists()
        run(*again)
        # It alone: what is only named like it is somebody else's.
        assert set(tmp_path.glob("ca.new-*")) == {near}
        shutil.rmtree(tmp_path / "ca", ignore_errors=True)


def test_a_draft_of_a_command_at_work_is_left_alone(tmp_path):
    left = tmp_path / "ca.new-0123456789abcdef"
    left.mkdir()
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        run(BUILD / "sicher-ca", "--dir", tmp_path / "ca", "check")
        assert left.exists()
    finally:
        os.close(folder)
    run(BUILD / "sicher-ca", "--dir", tmp_path / "ca", "check")
    assert not left.exists()


def test_the_restored_root_is_the_same(base, tmp_path):
    first = x509.load_pem_x509_certificate(
        base.command("root", "export", "-").stdout.encode())
    folder = shutil.copytree(base.dir, tmp_path / "ca")
    run(BUILD / "sicher-ca", "--dir", folder, "restore", base.backup)
    done = subprocess.run([BUILD / "sicher-ca", "--dir", folder, "root",
                           "export", "-"], capture_output=True)
    assert x509.load_pem_x509_certificate(done.stdout) == first
