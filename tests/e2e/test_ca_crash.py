"""Killed at any system call, the authority's books hold.

A good run is traced once; then the command is run again and again, killed at
the entrance of each system call it makes once it has begun to work on the
books: what one call leaves is what the next one's kill finds.
"""

import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

import ca_books
from authority import BUILD, Authority, request

PARTS = 4         # Pieces the points are dealt to, for parallel runs.
COMMANDS = {
    "issue": ["issue", "carol", "--device", "laptop"],
    "revoke": ["revoke", "alice", "--device", "laptop",
               "--reason", "keyCompromise"],
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


def one_processor():
    """A batch has as many threads as it may use processors; one makes the
    same system calls each time."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def run(*command):
    """With no leak checker under strace: it is a tracer itself."""
    return subprocess.run(command, capture_output=True, text=True, timeout=60,
                          preexec_fn=one_processor,
                          env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))


def points(base, name, scratch):
    """(system call, its ordinal) from the opening of the books on."""
    folder = shutil.copytree(base.dir, scratch / "traced")
    log = scratch / "trace"
    done = run("strace", "-f", "-o", str(log), *command_line(base, folder, name))
    assert done.returncode == 0, done.stderr
    counts = collections.Counter()
    found, begun = [], False
    for line in log.read_text().splitlines():
        call = re.match(r"(?:\d+ +)?(\w+)\(", line)
        if not call:
            continue
        counts[call[1]] += 1
        begun = begun or "running.lock" in line
        if begun and call[1] not in ("exit_group", "getrandom"):
            found.append((call[1], counts[call[1]]))
    assert len(found) > 100
    print(f"{name}: {len(found)} system calls")
    return found


def killed_at(base, name, folder, call, ordinal):
    done = run("strace", "-f", "-o", "/dev/null", "-e",
               f"trace={call}", "-e",
               f"inject={call}:signal=KILL:when={ordinal}",
               *command_line(base, folder, name))
    assert done.returncode in (-9, 137), f"{call} {ordinal}: {done.stderr}"


def holds_after_issue(base, folder, done, at):
    assert done.returncode in (0, 4), f"{at}: {done.stderr}"
    ca_books.has_working_files(folder, "carol", "laptop", at)


def holds_after_revoke(base, folder, done, at):
    assert done.returncode == 0, f"{at}: {done.stderr}"
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
         "batch": holds_after_batch}


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", COMMANDS)
def test_killed_at_any_system_call_the_books_hold(base, memory, name, part):
    before = ca_books.crl_numbers(base.dir)
    chosen = points(base, name, memory)[part::PARTS]
    for call, ordinal in chosen:
        at = f"{name} killed at {call} number {ordinal}"
        folder = shutil.copytree(base.dir, memory / "killed")
        killed_at(base, name, folder, call, ordinal)
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


def test_the_books_say_who_was_there_when_a_kill_came(base, tmp_path):
    """The twin of the above: nothing killed, nothing settled."""
    folder = shutil.copytree(base.dir, tmp_path / "whole")
    done = run(str(BUILD / "sicher-ca"), "--dir", str(folder), "check")
    assert done.returncode == 0
    assert "nothing is left over" in done.stdout
    assert (folder / "crl.pem").read_bytes() == base.crl.read_bytes()
