"""A backup that fails or is cut off leaves nothing that looks whole."""

import os
import pathlib
import signal
import subprocess
import threading
import time

import pytest

from authority import run
from server import Server


@pytest.fixture
def tmpfs(tmp_path):
    """tmpfs(options): a file system of its own."""
    mounted = []

    def make(options):
        folder = tmp_path / f"tmpfs{len(mounted)}"
        folder.mkdir()
        if os.getuid() != 0 or subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"mode=700,{options}", "tmpfs",
                 folder], capture_output=True).returncode:
            pytest.skip("needs the right to mount a tmpfs")
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], check=True)


def fails(server, folder):
    since = server.now()
    told = server.command("backup", folder, ok=False)
    assert told.returncode != 0 and not told.stdout
    assert not folder.exists()
    assert server.ask("backup.status")["error"] == "not-found"
    return told.stderr, since


def test_a_backup_on_a_full_disk_leaves_nothing(server, people, tmpfs):
    with server.login(people.alice_laptop) as alice:
        for _ in range(60):
            alice.post("bob", b"x" * 20000)
    said, since = fails(server, tmpfs("size=600k") / "backup")
    assert "No space left" in said
    assert server.wait_line("backup.failed", since=since).level == "alarm"
    server.command("backup", tmpfs("size=64m") / "backup")


@pytest.mark.parametrize("inodes", range(2, 7))
def test_a_backup_without_room_for_its_next_file_leaves_nothing(
        server, tmpfs, inodes):
    """The last that there is no room for is what says that it is whole."""
    fails(server, tmpfs(f"size=64m,nr_inodes={inodes}") / "backup")


def test_a_backup_that_has_room_for_all_its_files_is_whole(server, tmpfs):
    folder = tmpfs("size=64m,nr_inodes=8") / "backup"
    server.command("backup", folder)
    assert (folder / "backup.json").exists()


def begun(server, folder):
    """A backup that waits for net, which stands still; the asking thread
    and its answer."""
    net, answer = server.child("net"), []
    os.kill(net, signal.SIGSTOP)

    def ask():
        try:
            answer.append(server.ask("backup", dir=str(folder)))
        except (OSError, ValueError):
            pass

    asking = threading.Thread(target=ask)
    asking.start()
    limit = time.monotonic() + 20
    while not (folder / "net" / "data.mdb").exists():
        assert time.monotonic() < limit
        time.sleep(0.005)  # There is no event for this one.
    return net, asking, answer


def test_a_backup_whose_net_is_killed_leaves_nothing(server, tmp_path):
    server.rough = True
    folder = tmp_path / "backup"
    net, asking, answer = begun(server, folder)
    since = server.now()
    os.kill(net, signal.SIGKILL)
    asking.join(40)
    assert answer and not answer[0]["ok"]
    assert not folder.exists()
    server.wait_line("child.restarted", since=since, name="net")
    server.command("backup", folder)


def test_a_backup_cut_off_by_a_kill_is_not_restored(
        server, house, tmp_path):
    folder = tmp_path / "backup"
    _, asking, _ = begun(server, folder)
    server.kill()
    asking.join(40)
    assert (folder / "keeper" / "data.mdb").stat().st_size > 0
    assert not (folder / "backup.json").exists()
    other = Server(tmp_path / "other", house.authority)
    told = run("sicherd", "--config", other.config, "restore", folder, ok=False)
    assert told.returncode == 1 and "no whole backup" in told.stderr
    assert not pathlib.Path(other.data, "net", "data.mdb").exists()
