"""scripts/demo, as a newcomer runs it."""

import os
import pathlib
import re
import subprocess

import pytest

from authority import ROOT


def demo(*arguments, tmp):
    if "address" in os.environ.get("BUILD", "") and not os.environ.get("SAN"):
        pytest.skip("the demo would build without the sanitizers; set SAN")
    return subprocess.run([ROOT / "scripts/demo", *arguments], cwd=ROOT,
                          stdin=subprocess.DEVNULL, text=True, timeout=300,
                          capture_output=True,
                          env=dict(os.environ, TMPDIR=str(tmp)))


def left(tmp):
    """Processes that have the folder in their command line."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(w.startswith(bytes(tmp)) for w in words) and \
                b"tail" not in words:
            found.append(words)
    return found


@pytest.fixture
def tmp(tmp_path_factory):
    # The path of a control socket may not be long.
    import tempfile
    with tempfile.TemporaryDirectory(prefix="sn") as folder:
        yield pathlib.Path(folder)


def test_the_demo_shows_each_step_and_leaves_nothing_behind(tmp):
    done = demo(tmp=tmp)
    assert done.returncode == 0, done.stdout + done.stderr
    steps = re.findall(r"^(\d+)\. ", done.stdout, re.M)
    assert steps == [str(i) for i in range(1, 11)]
    assert "alice: Good morning" in done.stdout
    assert "certificate was revoked" in done.stdout
    assert not left(tmp)
    assert not list(tmp.glob("sichernetz-demo.*"))


def test_a_demo_that_is_kept_can_be_used_and_stopped_as_it_says(tmp):
    done = demo("--keep", tmp=tmp)
    assert done.returncode == 0, done.stdout + done.stderr
    chat = re.search(r"^ +(\S+/sicher --profile \S+alice-phone\S+ chat bob)$",
                     done.stdout, re.M)
    stop = re.search(r"^ +(kill \d+; rm -r \S+)$", done.stdout, re.M)
    try:
        said = subprocess.run(chat[1].split(), input="hello\n", text=True,
                              capture_output=True, timeout=60)
        assert said.returncode == 0, said.stderr
    finally:
        subprocess.run(["/bin/sh", "-c", stop[1]], check=True, timeout=60)
    assert not list(tmp.glob("sichernetz-demo.*"))
