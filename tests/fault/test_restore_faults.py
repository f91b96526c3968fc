"""A restore that is killed leaves nothing that a server would serve."""

import collections
import os
import re
import shutil

import pytest

from authority import BUILD, run
from ca_kill import WRITES, run as run_traced
from protocol import Refused
from server import Server

TORTURE = os.environ.get("SICHER_TORTURE") == "1"
MARK = "restoring"


def points(command, log):
    """(system call, its ordinal) of a good run's own process, from the mark
    on: its children only read, or fail as a whole."""
    done = run_traced("strace", "-o", log, *command)
    assert done.returncode == 0, done.stderr
    counts, found, begun = collections.Counter(), [], False
    for line in log.read_text().splitlines():
        call = re.match(r"(\w+)\(", line)
        if not call:
            continue
        counts[call[1]] += 1
        begun = begun or MARK in line
        if begun and call[1] in WRITES:
            found.append((call[1], counts[call[1]]))
    return found


def killed_at(command, call, ordinal):
    done = run_traced("strace", "-o", "/dev/null", "-e",
                      f"inject={call}:signal=KILL:when={ordinal}", *command)
    assert done.returncode in (-9, 137), f"{call} {ordinal}: {done.stderr}"


def files(folder):
    return [folder / part / "data.mdb" for part in ("keeper", "net")]


@pytest.fixture
def bench(server, people, house, tmp_path):
    """(other, command, token): a folder to restore into, how, and a token
    that no restored server may take."""
    server.login(people.alice_phone).close()
    with server.login(people.alice_laptop) as alice:
        alice.post("bob", "kept")
        token = alice.token
    backup = tmp_path / "backup"
    server.command("backup", backup)
    server.ctl("device.revoke", "alice", device="phone")
    server.stop()
    other = Server(tmp_path / "other", house.authority, {"loops": 1})
    yield other, [BUILD / "sicherd", "--config", other.config, "restore",
                  backup, "--since", server.data], token
    other.close()


def is_whole(other, people, token):
    """Served, with all that a restore does behind it."""
    other.start()
    with other.session(people.alice_laptop) as alice:
        alice.hello()
        with pytest.raises(Refused, match="token-refused"):
            alice.resume(token)
    with other.session(people.alice_phone) as alice:
        with pytest.raises(Refused, match="revoked"):
            alice.hello()
    other.stop()


def test_a_restore_killed_anywhere_is_not_served_and_is_made_again(
        bench, people, tmp_path):
    other, command, token = bench
    writes = points(command, tmp_path / "trace")
    assert len(writes) > 15
    chosen = writes if TORTURE else writes[::len(writes) // 8] + writes[-2:]
    for call, ordinal in chosen:
        shutil.rmtree(other.data)
        killed_at(command, call, ordinal)
        if not (other.data / MARK).exists():
            # Before the first file, or behind the last step.
            there = [f.exists() for f in files(other.data)]
            assert there in ([False, False], [True, True])
            if all(there):
                is_whole(other, people, token)
            continue
        other.start(wait=False)
        line = other.wait_line("not_started", since=other.mark)
        assert "run sicherd restore again" in line.fields["why"]
        assert other.process.wait(10) != 0
        run(*command)
        assert not (other.data / MARK).exists()
    is_whole(other, people, token)


def test_a_restore_that_fails_leaves_no_mark_and_no_database(bench):
    other, command, _ = bench
    shutil.rmtree(other.data, ignore_errors=True)
    told = run(*command[:-1], other.dir / "nowhere", ok=False)
    assert told.returncode == 1
    assert not (other.data / MARK).exists()
    assert not any(f.exists() for f in files(other.data))
    run(*command)
