"""Killed at any system call, the authority's books hold.

A good run is traced once; then the command is run again and again, killed at
the entrance of each system call it makes once it has begun to work on the
books: what one call leaves is what the next one's kill finds.
"""

import json
import os
import pathlib
import shutil
import tempfile

import pytest

import ca_books
import ca_kill
from authority import BUILD, Authority, request
from ca_kill import run

TORTURE = os.environ.get("SICHER_TORTURE") == "1"
PARTS = 4         # Pieces the points are dealt to, for parallel runs.
COMMANDS = {
    "issue": ["issue", "carol", "--device", "laptop"],
    "revoke": ["revoke", "alice", "--device", "laptop",
               "--reason", "keyCompromise"],
    "renew": ["renew", "alice", "--device", "laptop"],
    "batch": ["issue", "--batch"],
}


@pytest.fixture
def memory():
    """A folder in memory: a kill is the same there, and syncing is free."""
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        yield pathlib.Path(folder)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crash")
    authority = Authority(folder / "ca").quick_keys()
    authority.issue("alice", "laptop")
    authority.issue("bob", "laptop")
    authority.revoke("bob", "laptop")
    authority.batch = folder / "batch"
    authority.batch.write_text("".join(
        json.dumps({"account": f"many{i}", "csr": request()}) + "\n"
        for i in range(3)))
    return authority


def command_line(base, folder, name):
    more = [str(base.batch)] if name == "batch" else []
    return [str(BUILD / "sicher-ca"), "--dir", str(folder),
            "--passphrase-file", str(base.secret), *COMMANDS[name], *more]


def holds_after_issue(base, folder, done, at):
    assert done.returncode in (0, 4), f"{at}: {done.stderr}"
    ca_books.has_working_files(folder, "carol", "laptop", at)


def holds_after_renew(base, folder, done, at):
    """Run again, the device has a working pair, and what it had before is
    due or revoked: never two that stay."""
    assert done.returncode == 0, f"{at}: {done.stderr}"
    ca_books.has_working_files(folder, "alice", "laptop", at)
    staying = [row for row in ca_books.listed(folder).values()
               if row.get("account") == "alice"
               and row["state"] == "valid" and "due" not in row]
    assert len(staying) == 1, f"{at}: {staying}"


def holds_after_revoke(base, folder, done, at):
    # Done, and no server confirms it.
    assert done.returncode == 5, f"{at}: {done.stderr}"
    ca_books.is_in_the_crl(folder, "alice", "laptop", at)
    assert max(ca_books.crl_numbers(folder).values()) > \
        max(ca_books.crl_numbers(base.dir).values()), at


def holds_after_batch(base, folder, done, at):
    """Run again, it answers every line; nobody has two."""
    assert done.returncode == 0, f"{at}: {done.stderr}"
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [a["account"] for a in answers] == ["many0", "many1", "many2"], at
    books = ca_books.listed(folder)
    valid = [s for s, row in books.items() if row["state"] == "valid"
             and (row.get("account") or "").startswith("many")]
    assert sorted(valid) == sorted(a["serial"] for a in answers), at


HOLDS = {"issue": holds_after_issue, "revoke": holds_after_revoke,
         "renew": holds_after_renew, "batch": holds_after_batch}


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", COMMANDS)
def test_killed_at_any_system_call_the_books_hold(base, memory, name, part):
    before = ca_books.crl_numbers(base.dir)
    traced = shutil.copytree(base.dir, memory / "traced")
    chosen = ca_kill.points(command_line(base, traced, name), memory / "trace")
    assert len(chosen) > 100
    print(f"{name}: {len(chosen)} system calls")
    chosen = chosen[part::PARTS]
    for call, ordinal in chosen:
        at = f"{name} killed at {call} number {ordinal}"
        folder = shutil.copytree(base.dir, memory / "killed")
        ca_kill.killed_at(command_line(base, folder, name), call, ordinal)
        # What is visible now is already whole, before anything is mended.
        ca_books.files_are_whole(folder, at)
        ca_books.every_certificate_is_in_the_books(folder, at)
        now = ca_books.crl_numbers(folder)
        assert all(now[k] >= before[k] for k in before), at
        done = run(*command_line(base, folder, name))
        HOLDS[name](base, folder, done, at)
        check = run(str(BUILD / "sicher-ca"), "--dir", str(folder), "check")
        assert check.returncode == 0, f"{at}: {check.stdout}{check.stderr}"
        ca_books.every_certificate_is_in_the_books(folder, at)
        ca_books.no_leftovers(folder, at)
        shutil.rmtree(folder)


def private(folder):
    """Every file that holds a key, whatever its name."""
    return {f.name for f in folder.iterdir()
            if b"PRIVATE KEY" in f.read_bytes()} if folder.exists() else set()


@pytest.mark.parametrize("name", ["issue", "renew"])
def test_killed_at_any_system_call_no_key_lies_about_in_the_user_s_folder(
        base, memory, name):
    """A new key has no name before it is whole.  One that takes the place of
    another has a second for a moment, and what is left of that goes with the
    next command."""
    out = memory / "out"
    words = {"issue": ["issue", "carol", "--device", "laptop"],
             "renew": ["renew", "alice", "--device", "laptop"]}[name]

    def command(folder):
        return [BUILD / "sicher-ca", "--dir", folder, "--passphrase-file",
                base.secret, *words, "--out", out]

    def fresh(folder):
        shutil.rmtree(out, ignore_errors=True)
        if name == "renew":
            shutil.copytree(base.dir / "people" / "alice" / "laptop", out)
        return shutil.copytree(base.dir, folder)

    chosen = ca_kill.points(command(fresh(memory / "traced")),
                            memory / "trace")
    names = [p for p in chosen if p[0] in ("linkat", "rename")]
    others = [p for p in chosen if p[0] in ca_kill.WRITES | {"write", "openat"}
              and p not in names]
    left = 0
    for call, ordinal in chosen if TORTURE else names + others[::2]:
        at = f"{name} killed at {call} number {ordinal}"
        folder = fresh(memory / "killed")
        ca_kill.killed_at(command(folder), call, ordinal)
        if name == "issue":
            assert private(out) <= {"key.pem"}, at
        left += len(private(out)) > 1
        check = run(str(BUILD / "sicher-ca"), "--dir", str(folder), "check")
        assert check.returncode in (0, 5), f"{at}: {check.stderr}"
        assert private(out) <= {"key.pem"}, at
        shutil.rmtree(folder)
    # Or there was nothing to be swept, and this proves nothing.
    assert left > 0 or name == "issue"


def test_the_books_say_who_was_there_when_a_kill_came(base, tmp_path):
    """The twin of the above: nothing killed, nothing settled."""
    folder = shutil.copytree(base.dir, tmp_path / "whole")
    done = run(str(BUILD / "sicher-ca"), "--dir", str(folder), "check")
    assert done.returncode == 0
    assert "nothing is left over" in done.stdout
    assert (folder / "crl.pem").read_bytes() == base.crl.read_bytes()
