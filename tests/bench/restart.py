"""How long a server with many messages takes to be back after kill -9.

    scripts/bench restart [MESSAGES [TIMES [FOLDER]]]

The database is filled through the server's own apply; then, TIMES times, all
is killed and started again, and clocked until the log says that it listens,
and until a person has logged in and read the newest page of a conversation.
"""

import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))

from authority import BUILD, Authority  # noqa: E402
from server import Server  # noqa: E402


def resident(pid):
    """Anonymous resident memory, KiB."""
    for line in open(f"/proc/{pid}/status", encoding="ascii"):
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    return 0


def measure(folder, messages, times):
    authority = Authority(folder / "authority")
    alice = authority.issue("alice", "laptop")
    bob = authority.issue("bob", "desk")
    server = Server(folder / "server", authority,
                    {"store": {"map_size": "64GiB"}}).start()
    try:
        server.enrol(alice)
        server.enrol(bob)
        assert server.stop() == 0
        begin = time.monotonic()
        subprocess.run([BUILD / "e2e" / "fill", server.data, str(messages)],
                       check=True)
        size = (server.data / "net" / "data.mdb").stat().st_size
        print(f"{messages} messages of 200 bytes: {size / 2**30:.1f} GiB, "
              f"filled in {time.monotonic() - begin:.0f} s", flush=True)
        server.start()
        listening, reading = [], []
        for _ in range(times):
            server.kill()
            begin = time.monotonic()
            server.start()
            listening.append(time.monotonic() - begin)
            with server.login(alice) as session:
                items, _ = session.history("bob", limit=50)
                assert len(items) == 50
            reading.append(time.monotonic() - begin)
        pid = server.ctl("status")["net"]["pid"]
        print(f"{times} times kill -9: listening after at most "
              f"{max(listening):.2f} s, the newest page read after at most "
              f"{max(reading):.2f} s; net holds {resident(pid)} KiB of its own")
        begin = time.monotonic()
        check = subprocess.run([BUILD / "sicherd", "check", server.data],
                               check=True, capture_output=True, text=True)
        print(f"check: {check.stdout.strip()}, "
              f"{time.monotonic() - begin:.0f} s")
        begin = time.monotonic()
        server.command("backup", folder / "backup")
        print(f"backup: {time.monotonic() - begin:.0f} s")
    finally:
        server.close()


def main():
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory(
            prefix="restart-",
            dir=sys.argv[3] if len(sys.argv) > 3 else None) as folder:
        measure(pathlib.Path(folder), messages, times)


if __name__ == "__main__":
    main()
