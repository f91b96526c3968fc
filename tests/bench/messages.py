"""Durable messages a second, and the server's CPU for each.

    tests/bench/messages.py [SECONDS]

One sender with 1, 64 and 1000 SENDs in flight to a receiver that is away:
every STORED is an fsync that has happened.  The client is Python and slower
than the server at the high end, so the rate there is the client's; the CPU
is the server's own (utime + stime of all its processes over the messages
stored) and is the figure to compare.
"""

import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))

from authority import Authority  # noqa: E402
from protocol import encode  # noqa: E402
from server import Server  # noqa: E402

BODY = bytes(200)


def cpu(pids):
    """Seconds that these processes have used so far."""
    total = 0
    for pid in pids:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
        fields = stat.rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def processes(server):
    status = server.ctl("status")
    return (server.process.pid, status["keeper"]["pid"],
            status["net"]["pid"])


def run(session, flight, seconds):
    """Keep ${flight} in flight; how many were stored."""
    sent = stored = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end or stored < sent:
        while sent - stored < flight and time.monotonic() < end:
            room = min(flight - (sent - stored), 64)
            session.write(b"".join(
                encode("SEND", sent + i, "bob", os.urandom(16),
                       "text/plain", BODY) for i in range(room)))
            sent += room
        frame = session.receive()
        assert type(frame).__name__ == "STORED", frame
        stored += 1
    return stored


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(pathlib.Path(folder) / "authority")
        alice = authority.issue("alice", "laptop")
        bob = authority.issue("bob", "desk")
        server = Server(pathlib.Path(folder) / "server", authority).start()
        try:
            server.enrol(alice)
            server.enrol(bob)
            session = server.login(alice)
            pids = processes(server)
            print("durable, 200 B, the receiver away, one sender")
            print(f"{'in flight':>10}{'stored/s':>10}{'CPU us each':>13}")
            for flight in (1, 64, 1000):
                before, began = cpu(pids), time.monotonic()
                stored = run(session, flight, seconds)
                took = time.monotonic() - began
                each = (cpu(pids) - before) / stored * 1e6
                print(f"{flight:>10}{stored / took:>10.0f}{each:>13.1f}")
        finally:
            server.close()


if __name__ == "__main__":
    main()
