"""What those who do not read cost the others.

    scripts/bench overload [SECONDS [MEGABYTES]]

A thousand sessions: 950 exchange durable messages in pairs at a fixed rate,
50 are in a room that is flooded and never read.  The delay of the pairs
without the flood, during it, and with its backlog behind the 50; and what
the server's process holds of its own (RssAnon) each time.  Each line is the
quietest of three runs, so that the machine's other work counts less.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))

from house import BUILD, House  # noqa: E402
from protocol import PLENTY, Session, client_context  # noqa: E402
from rivals import Sicher  # noqa: E402

PAIRS, STALLED, RATE = 950, 50, 300
BODY = b"f" * 60000


def resident(pid):
    """Anonymous resident memory in MiB, of the process that has most."""
    most = 0
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    for child in children.split():
        for line in open(f"/proc/{child}/status", encoding="ascii"):
            if line.startswith("RssAnon:"):
                most = max(most, int(line.split()[1]))
    return most / 1024


def session(house, server, name):
    folder = house.people / name / "d"
    one = Session(("127.0.0.1", server.port), client_context(
        house.ca, folder / "cert.pem", folder / "key.pem"))
    one.login("correct horse")
    return one


def pairs(server, seconds):
    done = subprocess.run(
        [BUILD / "sicher-bench", "direct", "--durable", "--connections",
         str(PAIRS), "--rate", str(RATE), "--seconds", str(seconds), "--json",
         *map(str, server.options())], check=True, capture_output=True,
        text=True)
    return json.loads(done.stdout)


def cpu(pid):
    """Seconds that the server's children have used so far."""
    ticks = 0
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    for child in children.split():
        stat = pathlib.Path(f"/proc/{child}/stat").read_text()
        ticks += sum(map(int, stat.rsplit(")", 1)[1].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def tell(name, server, seconds, times=3):
    reports = []
    for _ in range(times):
        before = cpu(server.process.pid)
        reports.append(pairs(server, seconds))
        reports[-1]["cpu"] = cpu(server.process.pid) - before
    report = min(reports, key=lambda one: one["latency_p99"])
    p50, p99 = report["latency_p50"] / 1e3, report["latency_p99"] / 1e3
    print(f"{name:<34} p50 {p50:7.2f}  p99 {p99:7.2f} ms   "
          f"CPU {report['cpu']:5.2f} s   "
          f"net holds {resident(server.process.pid):6.1f} MiB", flush=True)
    return p99


class Flood(threading.Thread):
    """${megabytes} into the room, as fast as it is stored."""

    def __init__(self, one, megabytes):
        super().__init__(daemon=True)
        self.one, self.left = one, int(megabytes * 1e6 / len(BODY))

    def run(self):
        for _ in range(self.left):
            self.one.post("#flood", BODY)


def stall(house, server):
    """50 in a room, all of them with credit for everything."""
    names = house.names()[PAIRS:PAIRS + STALLED]
    owner = session(house, server, names[0])
    owner.call("DONE", "ROOM_CREATE", "#flood", True, "")
    silent = []
    for name in names[1:] + [names[0]]:
        one = session(house, server, name)
        if name != names[0]:
            one.call("DONE", "ROOM_JOIN", "#flood")
        one.sync(frames=PLENTY, bytes=PLENTY)
        silent.append(one)
    return owner, silent


def measure(house, folder, seconds, megabytes):
    server = Sicher(house, folder).start()
    try:
        owner, silent = stall(house, server)
        before = tell("nobody floods", server, seconds)
        first = Flood(owner, megabytes / 10)
        first.run()
        print(f"{'':<34} {megabytes / 10:.0f} MB behind {len(silent)} "
              f"sessions{'':<28} net holds "
              f"{resident(server.process.pid):6.1f} MiB")
        flood = Flood(owner, megabytes * 0.9)
        flood.start()
        tell("during the flood", server, seconds, 1)
        flood.join()
        after = tell(f"{megabytes} MB behind {len(silent)} sessions",
                     server, seconds)
        print(f"p99 with the backlog is {after / before:.2f} times the one "
              "without")
        begin = time.monotonic()
        last = owner.post("#flood", "last").seq
        got = len(silent[0].until(last, wait=60))
        print(f"one of them reads at last: {got} messages in "
              f"{time.monotonic() - begin:.1f} s, none missing")
    finally:
        server.stop()


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    megabytes = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    house = House(BUILD / "bench-house", PAIRS + STALLED)
    with tempfile.TemporaryDirectory(dir=house.dir) as folder:
        house.enrol(lambda data: Sicher(house, folder, data=data).start())
    with tempfile.TemporaryDirectory(dir=house.dir) as folder:
        measure(house, pathlib.Path(folder), seconds, megabytes)


if __name__ == "__main__":
    main()
