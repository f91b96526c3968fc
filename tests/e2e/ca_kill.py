"""sicher-ca killed at the entrance of a system call, by strace."""

import collections
import os
import re
import subprocess

# Where files and books change.
WRITES = {"fsync", "fdatasync", "pwrite64", "rename", "link", "linkat",
          "unlink", "mkdir", "ftruncate", "msync", "writev", "pwritev"}


def one_processor():
    """A batch has as many threads as it may use processors; one makes the
    same system calls each time."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def run(*command):
    """With no leak checker under strace: it is a tracer itself."""
    return subprocess.run([str(c) for c in command], capture_output=True,
                          text=True, timeout=60, preexec_fn=one_processor,
                          env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))


def points(command, log, begin="running.lock"):
    """(system call, its ordinal) of a good run, from the one on that names
    ${begin}: by default the opening of the books."""
    done = run("strace", "-f", "-o", log, *command)
    assert done.returncode in (0, 5), done.stderr
    counts = collections.Counter()
    found, begun = [], False
    for line in log.read_text().splitlines():
        call = re.match(r"(?:\d+ +)?(\w+)\(", line)
        if not call:
            continue
        counts[call[1]] += 1
        begun = begun or begin in line
        if begun and call[1] not in ("exit_group", "getrandom"):
            found.append((call[1], counts[call[1]]))
    assert len(found) > 20
    return found


def killed_at(command, call, ordinal):
    done = run("strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
               f"inject={call}:signal=KILL:when={ordinal}", *command)
    assert done.returncode in (-9, 137), f"{call} {ordinal}: {done.stderr}"
