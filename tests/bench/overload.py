"""What those who do not read cost the others.

    scripts/bench overload [SECONDS [MEGABYTES [ROUNDS]]]

A thousand sessions: 950 exchange durable messages in pairs at a fixed rate;
50 are in a room into which MEGABYTES were sent.  In one kind of window they
are connected and have asked for nothing, in the other they have asked for all
of it and read none.  The two kinds take turns, two of each a round in the
order A B B A, so that the machine's other work, which comes and goes, meets
both alike; the result is the ratio of the medians over all windows, and the
middle half of the ratios of neighbours, which says how far to believe it.

Then the same once while the room is flooded, and what the server's process
holds of its own (RssAnon) at each point.
"""

import json
import os
import pathlib
import statistics
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
PATIENCE = 120  # Seconds that a flood waits for a busy machine.
SETTLED = 0.2  # Seconds in which the server uses less than a tenth of them.


def children(pid):
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return path.read_text(encoding="ascii").split()


def resident(pid):
    """Anonymous resident memory in MiB, of the process that has most."""
    most = 0
    for child in children(pid):
        for line in open(f"/proc/{child}/status", encoding="ascii"):
            if line.startswith("RssAnon:"):
                most = max(most, int(line.split()[1]))
    return most / 1024


def cpu(pid):
    """Seconds that the server's children have used so far."""
    ticks = 0
    for child in children(pid):
        stat = pathlib.Path(f"/proc/{child}/stat").read_text(encoding="ascii")
        ticks += sum(map(int, stat.rsplit(")", 1)[1].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def settle(pid):
    """Until what was begun is done, or waits for those who do not read."""
    before = cpu(pid)
    while True:
        time.sleep(SETTLED)
        now = cpu(pid)
        if now - before < SETTLED / 10:
            return
        before = now


class Stalled:
    """50 who are in a room and read nothing of it."""

    def __init__(self, house, server):
        self.house, self.server = house, server
        self.names = house.names()[PAIRS:PAIRS + STALLED]
        self.tokens, self.sessions = {}, []
        with self.owner() as owner:
            owner.call("DONE", "ROOM_CREATE", "#flood", True, "")
        for name in self.names[1:]:
            with self._login(name) as one:
                one.call("DONE", "ROOM_JOIN", "#flood")

    def owner(self):
        """A session that may write into the room; a fresh one, because one
        that nobody reads for long is ended by the server."""
        one = self._login(self.names[0])
        one.wait = PATIENCE
        return one

    def _login(self, name):
        folder = self.house.people / name / "d"
        one = Session(("127.0.0.1", self.server.port), client_context(
            self.house.ca, folder / "cert.pem", folder / "key.pem"))
        one.hello()
        if name in self.tokens:
            one.resume(self.tokens[name])
        else:
            one.auth("correct horse")
            self.tokens[name] = one.token
        return one

    def connect(self, asking):
        """Anew, ${asking} for all there is or for nothing."""
        for one in self.sessions:
            one.close()
        self.sessions = [self._login(name) for name in self.names]
        for one in self.sessions if asking else ():
            one.sync(frames=PLENTY, bytes=PLENTY)
        settle(self.server.process.pid)


class Window:
    """What the pairs saw in one stretch of time."""

    def __init__(self, server, seconds):
        pid = server.process.pid
        before = cpu(pid)
        done = subprocess.run(
            [BUILD / "sicher-bench", "direct", "--durable", "--connections",
             str(PAIRS), "--rate", str(RATE), "--seconds", str(seconds),
             "--json", *map(str, server.options())], check=True,
            capture_output=True, text=True)
        report = json.loads(done.stdout)
        self.p50 = report["latency_p50"] / 1e3
        self.p99 = report["latency_p99"] / 1e3
        self.cpu = cpu(pid) - before
        self.holds = resident(pid)


def tell(name, windows):
    def median(field):
        return statistics.median(getattr(w, field) for w in windows)

    print(f"{name:<34} p50 {median('p50'):7.2f}  p99 {median('p99'):7.2f} ms   "
          f"CPU {median('cpu'):5.2f} s   net holds {median('holds'):6.1f} MiB",
          flush=True)


class Flood(threading.Thread):
    """${megabytes} into the room, as fast as it is stored."""

    def __init__(self, one, megabytes):
        super().__init__(daemon=True)
        self.one, self.left = one, int(megabytes * 1e6 / len(BODY))

    def run(self):
        for _ in range(self.left):
            self.one.post("#flood", BODY)


def compare(server, stalled, seconds, rounds):
    """(idle, behind): windows in the order A B B A; neighbours pair up."""
    idle, behind = [], []
    for asking in (False, True, True, False) * rounds:
        stalled.connect(asking)
        window = Window(server, seconds)
        (behind if asking else idle).append(window)
        print(f"  {'behind' if asking else 'idle  '}  p50 {window.p50:7.2f}  "
              f"p99 {window.p99:7.2f} ms", flush=True)
    return idle, behind


def measure(house, folder, seconds, megabytes, rounds):
    server = Sicher(house, folder).start()
    pid = server.process.pid
    try:
        stalled = Stalled(house, server)
        Flood(stalled.owner(), megabytes / 10).run()
        stalled.connect(True)
        print(f"{megabytes / 10:.0f} MB behind {STALLED} sessions: net holds "
              f"{resident(pid):.1f} MiB")
        Flood(stalled.owner(), megabytes * 0.9).run()
        idle, behind = compare(server, stalled, seconds, rounds)
        tell(f"{STALLED} connected", idle)
        tell(f"{megabytes} MB behind {STALLED}", behind)
        each = sorted(b.p99 / a.p99 for a, b in zip(idle, behind))
        ratio = (statistics.median(w.p99 for w in behind)
                 / statistics.median(w.p99 for w in idle))
        quarter = len(each) // 4
        print(f"p99 with the backlog is {ratio:.2f} times the one without; of "
              f"neighbours, the middle half is {each[quarter]:.2f} to "
              f"{each[-1 - quarter]:.2f}")
        stalled.connect(True)
        flood = Flood(stalled.owner(), megabytes)
        flood.start()
        tell("during another flood", [Window(server, seconds)])
        flood.join()
        begin = time.monotonic()
        last = stalled.owner().post("#flood", "last").seq
        got = len(stalled.sessions[0].until(last, wait=60))
        print(f"one of them reads at last: {got} messages in "
              f"{time.monotonic() - begin:.1f} s, none missing")
    finally:
        server.stop()


def main():
    seconds, megabytes, rounds = (
        int(sys.argv[i]) if len(sys.argv) > i else default
        for i, default in ((1, 4), (2, 100), (3, 4)))
    house = House(BUILD / "bench-house", PAIRS + STALLED)
    with tempfile.TemporaryDirectory(dir=house.dir) as folder:
        house.enrol(lambda data: Sicher(house, folder, data=data).start())
    with tempfile.TemporaryDirectory(dir=house.dir) as folder:
        measure(house, pathlib.Path(folder), seconds, megabytes, rounds)


if __name__ == "__main__":
    main()
