"""Killed at any system call, the authority's books hold.

A good run is traced once; then the command is run again and again, killed at
each system call it makes once it has begun to work on the books.  By default
a sample is taken; SICHER_TORTURE=1 takes every one.
"""

import collections
import os
import pathlib
import re
import shutil
import subprocess

import pytest

import ca_books
from authority import BUILD, Authority

TORTURE = os.environ.get("SICHER_TORTURE") == "1"
PARTS = 16        # Pieces the points are dealt to, for parallel runs.
SAMPLE = 6        # Without torture: one point in so many.
# Where a kill can matter most: always taken.
WRITES = {"fsync", "fdatasync", "pwrite64", "rename", "link", "unlink",
          "mkdir", "ftruncate", "msync", "writev", "pwritev"}
COMMANDS = {
    "issue": ["issue", "carol", "--device", "laptop"],
    "revoke": ["revoke", "alice", "--device", "laptop",
               "--reason", "keyCompromise"],
}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("crash") / "ca")
    authority.issue("alice", "laptop")
    authority.issue("bob", "laptop")
    authority.revoke("bob", "laptop")
    return authority


def command_line(folder, secret, arguments):
    return [str(BUILD / "sicher-ca"), "--dir", str(folder),
            "--passphrase-file", str(secret), *arguments]


def copy(base, folder):
    shutil.copytree(base.dir, folder)
    return folder


def traced(*options_and_command):
    """Under strace, where a leak checker, a tracer itself, cannot work."""
    environment = dict(os.environ)
    environment["ASAN_OPTIONS"] = "detect_leaks=0"
    return subprocess.run(["strace", "-f", *options_and_command],
                          capture_output=True, text=True, timeout=60,
                          env=environment)


def points(base, arguments, scratch):
    """(system call, its ordinal) from the opening of the books on."""
    folder = copy(base, scratch / "traced")
    log = scratch / "trace"
    done = traced("-o", log, *command_line(folder, base.secret, arguments))
    assert done.returncode == 0, done.stderr
    counts = collections.Counter()
    found, begun = [], False
    for line in log.read_text().splitlines():
        name = re.match(r"(?:\d+ +)?(\w+)\(", line)
        if not name:
            continue
        counts[name[1]] += 1
        begun = begun or "running.lock" in line
        if begun and name[1] not in ("exit_group", "getrandom"):
            found.append((name[1], counts[name[1]]))
    assert len(found) > 50
    return found


def killed_at(base, arguments, folder, call, ordinal):
    done = traced("-o", "/dev/null", "-e", f"trace={call}",
                  "-e", f"inject={call}:signal=KILL:when={ordinal}",
                  *command_line(folder, base.secret, arguments))
    assert done.returncode in (-9, 137, 0), done.stderr


def again(base, arguments, folder):
    return subprocess.run(command_line(folder, base.secret, arguments),
                          capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", COMMANDS)
def test_killed_at_any_system_call_the_books_hold(base, tmp_path, name, part):
    arguments = COMMANDS[name]
    before = ca_books.crl_numbers(base.dir)
    all_points = points(base, arguments, tmp_path)
    chosen = [p for i, p in enumerate(all_points)
              if TORTURE or i % SAMPLE == 0 or p[0] in WRITES]
    for i, (call, ordinal) in enumerate(chosen[part::PARTS]):
        at = f"{name} killed at {call} number {ordinal}"
        folder = copy(base, tmp_path / f"killed-{i}")
        killed_at(base, arguments, folder, call, ordinal)
        # What is visible now is already whole, before anything is mended.
        ca_books.files_are_whole(folder, at)
        ca_books.every_certificate_is_in_the_books(folder, at)
        now = ca_books.crl_numbers(folder)
        assert all(now[k] >= before[k] for k in before), at
        done = again(base, arguments, folder)
        if name == "issue":
            assert done.returncode in (0, 4), f"{at}: {done.stderr}"
            ca_books.has_working_files(folder, "carol", "laptop", at)
        else:
            assert done.returncode == 0, f"{at}: {done.stderr}"
            ca_books.is_in_the_crl(folder, "alice", "laptop", at)
            assert max(ca_books.crl_numbers(folder).values()) > \
                max(before.values()), at
        check = again(base, ["check"], folder)
        assert check.returncode == 0, f"{at}: {check.stdout}{check.stderr}"
        ca_books.every_certificate_is_in_the_books(folder, at)
        ca_books.no_leftovers(folder, at)
        shutil.rmtree(folder)


def test_the_books_say_who_was_there_when_a_kill_came(base, tmp_path):
    """The twin of the above: nothing killed, nothing settled."""
    folder = copy(base, tmp_path / "whole")
    done = again(base, ["check"], folder)
    assert done.returncode == 0
    assert "nothing is left over" in done.stdout
    assert pathlib.Path(folder / "crl.pem").read_bytes() == \
        pathlib.Path(base.dir / "crl.pem").read_bytes()
