"""The same load on sicherd and on what one would pick instead.

    tests/bench/compare.py [options]

Each row of the table is one workload of sicher-bench; each server in turn is
started for it on fresh data, pinned to one core with the generator on
another, and the repetitions are interleaved, so that a noisy minute hits all
of them.  Printed are the median, the least and the greatest, and the ratio
to ours.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from house import BUILD, House  # noqa: E402
from rivals import RIVALS, Sicher  # noqa: E402

CPU = ("server_cpu_per_operation", "us CPU")
RATE = ("rate", "/s")
P50, P99 = ("latency_p50", "us"), ("latency_p99", "us")
MEMORY = ("memory_per_connection", "bytes")
BACK = ("all_back_after", "s")


class Row:
    """One workload.  ${kept}: by which servers messages are stored and
    acknowledged, all or only ours: for we keep all but short signals between
    people."""

    def __init__(self, name, words, *columns, kept=(), only=None, people=2,
                 timed=True):
        self.name, self.words, self.columns = name, words.split(), columns
        self.kept, self.only, self.people = kept, only, people
        self.timed = timed

    def options(self, server, seconds):
        words = list(self.words)
        if server.protocol in self.kept:
            words.append("--durable")
        if self.timed:
            words += ["--seconds", str(seconds)]
        return words

    def fits(self, server):
        return self.only is None or server.protocol in self.only


ALL, OURS = tuple(RIVALS), ("sicher",)

ROWS = [
    Row("handshake and login", "connect -c 1000 -f 16", CPU, people=1000),
    Row("... by password", "connect -c 100 -f 4 --login password", CPU,
        only=OURS, people=100),
    Row("direct 100 B, 1 in flight", "direct -c 100 -f 1", CPU, RATE,
        people=100),
    Row("direct 100 B, 10 in flight", "direct -c 100 -f 10", CPU, RATE,
        people=100),
    Row("direct 1 KiB, 10 (ours kept)", "direct -c 100 -f 10 -b 1024", CPU,
        RATE, kept=OURS, people=100),
    Row("direct 100 B, 1,000 conns, 2", "direct -c 1000 -f 2", CPU, RATE,
        people=1000),
    Row("direct 100 B, 2,000/s", "direct -c 100 --rate 2000", P50, P99, CPU,
        people=100),
    Row("kept 100 B, 100 senders, 10", "direct -c 200 -f 10", CPU, RATE,
        kept=ALL, people=200),
    Row("kept 100 B, 2,000/s", "direct -c 100 --rate 2000", P50, P99, CPU,
        kept=ALL, people=100),
    Row("fan-out to 1 (ours kept)", "fanout -c 1 -f 1", CPU, RATE,
        kept=OURS, people=2),
    Row("fan-out to 1,000, 1 (ours kept)", "fanout -c 1000 -f 1", CPU, RATE,
        kept=OURS, people=1001),
    Row("fan-out to 1,000, 20 (ours kept)", "fanout -c 1000 -f 20", CPU, RATE,
        kept=OURS, people=1001),
    Row("away 200 B, 1 sender, 1", "durable -c 1 -f 1 -b 200", RATE, CPU,
        P50),
    Row("away 200 B, 1 sender, 64", "durable -c 1 -f 64 -b 200", RATE, CPU),
    Row("away 200 B, 1 sender, 1,000", "durable -c 1 -f 1000 -b 200", RATE,
        CPU),
    Row("away 200 B, 100 senders, 10", "durable -c 100 -f 10 -b 200", RATE,
        CPU, people=200),
    Row("idle, 1,000 connections", "idle -c 1000", MEMORY, people=1000,
        timed=False),
    Row("idle, 10,000 connections", "idle -c 10000", MEMORY, people=1250,
        timed=False),
    Row("storm of 10,000", "storm -c 10000", CPU, BACK, people=1250,
        timed=False),
]


class Goal:
    """What a figure of ours shall be: at most (at least, where it is a rate)
    ${factor} times that of a rival, or of another row of ours, or a number."""

    def __init__(self, row, column, factor, rival=None, of=None):
        self.row, self.column, self.factor = row, column, factor
        self.rival, self.of = rival, of

    def told(self, figures):
        """(what, goal, reached, met), or None where it was not measured."""
        mine = figures.get((self.row, self.column[0], "sicher"))
        base, against = 1.0, ""
        if self.rival:
            base = figures.get((self.row, self.column[0], self.rival))
            against = f" x {RIVALS[self.rival].name}"
        elif self.of:
            base = figures.get((self.of, self.column[0], "sicher"))
            against = f" x {self.of}"
        if not mine or not base:
            return None
        rate = self.column is RATE
        reached = mine / base
        met = reached >= self.factor if rate else reached <= self.factor
        bound = "at least" if rate else "at most"
        unit = against or f" {self.column[1]}"
        return (f"{self.row}, {self.column[1]}",
                f"{bound} {self.factor:,g}{unit}", number(reached), met)


GOALS = [
    Goal("handshake and login", CPU, 1.10, "bare"),
    Goal("direct 100 B, 10 in flight", CPU, 1.0, "nats"),
    Goal("direct 100 B, 10 in flight", CPU, 1.15, "bare"),
    Goal("direct 100 B, 1,000 conns, 2", CPU, 1.0, "nats"),
    Goal("direct 100 B, 1,000 conns, 2", CPU, 1.15, "bare"),
    Goal("kept 100 B, 100 senders, 10", CPU, 0.5, "mqtt"),
    Goal("fan-out to 1,000, 20 (ours kept)", CPU, 0.7, "nats"),
    Goal("fan-out to 1,000, 20 (ours kept)", CPU, 1.15, "bare"),
    Goal("away 200 B, 1 sender, 64", RATE, 0.9, "bare"),
    Goal("away 200 B, 1 sender, 1,000", RATE, 0.9, "bare"),
    Goal("away 200 B, 1 sender, 1,000", RATE, 1.0, "nats"),
    Goal("away 200 B, 1 sender, 1", P50, 1.2, "bare"),
    Goal("idle, 10,000 connections", MEMORY, 20480),
    Goal("kept 100 B, 2,000/s", P50, 1.05, "bare"),
    Goal("storm of 10,000", CPU, 1.2, of="handshake and login"),
]


def goals(rows, results):
    """Lines about the goals whose figures were measured."""
    figures = {}
    for row, found in zip(rows, results):
        for protocol, runs in found.items():
            for column, _ in row.columns:
                values = [r[column] for r in runs if column in r]
                if values:
                    figures[row.name, column, protocol] = statistics.median(
                        values)
    told = [t for t in (goal.told(figures) for goal in GOALS) if t]
    if told:
        yield f"{'goal':<41}{'':<33}{'measured':>10}"
    for what, goal, reached, met in told:
        yield f"{what:<41}{goal:<33}{reached:>10}  " \
              f"{'reached' if met else 'not reached'}"


def measure(row, server, arguments):
    """One run: what sicher-bench says, as a dict."""
    command = [BUILD / "sicher-bench", *row.options(server, arguments.seconds),
               *server.options(), "--json"]
    if arguments.cores:
        command = ["taskset", "-c", arguments.cores[1], *command]
    done = subprocess.run([str(word) for word in command], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        log = server.log.read_text(errors="replace")[-2000:]
        raise SystemExit(f"{server.name}, {row.name}: {done.stderr}\n{log}")
    return json.loads(done.stdout)


def once(row, rival, house, arguments):
    with tempfile.TemporaryDirectory(dir=house.dir) as folder:
        server = rival(house, folder,
                       arguments.cores[0] if arguments.cores else None)
        server.start()
        try:
            return measure(row, server, arguments)
        finally:
            server.stop()


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 10 else f"{value:.1f}"


class Table:
    """Lines of a row and a column, as wide as its servers are many."""

    def __init__(self, rivals):
        self.rivals = rivals
        self.rows = []  # (row, column, unit, {protocol: [values]})

    def add(self, row, results):
        for column, unit in row.columns:
            values = {p: [r[column] for r in runs if column in r]
                      for p, runs in results.items()}
            if any(values.values()):
                self.rows.append((row.name, column, unit, values))

    def lines(self):
        head = f"{'':<33}{'':<8}"
        for rival in self.rivals:
            head += f"{rival.name:>27}"
            head += f"{'ratio':>7}" if rival is not Sicher else ""
        yield head
        for name, _, unit, values in self.rows:
            line = f"{name:<33}{unit:<8}"
            ours = values.get("sicher")
            for rival in self.rivals:
                line += self.cell(values.get(rival.protocol), ours,
                                  rival is Sicher)
            yield line.rstrip()

    @staticmethod
    def cell(values, ours, mine):
        if not values:
            return " " * (27 if mine else 34)
        middle = statistics.median(values)
        text = f"{number(middle)} ({number(min(values))}-" \
               f"{number(max(values))})"
        if mine:
            return f"{text:>27}"
        if not ours or middle == 0:
            return f"{text:>27}{'':>7}"
        return f"{text:>27}{statistics.median(ours) / middle:>7.2f}"


def parse():
    p = argparse.ArgumentParser(
        description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("--servers", default="sicher,mqtt,nats",
                   help="of " + ", ".join(RIVALS) + " (sicher,mqtt,nats)")
    p.add_argument("--only", default="",
                   help="rows whose workload or name contains this")
    p.add_argument("--repetitions", type=int, default=3)
    p.add_argument("--seconds", type=float, default=3,
                   help="of each measurement (3)")
    p.add_argument("--house", default=str(BUILD / "bench-house"),
                   help="where people and accounts are kept between runs")
    p.add_argument("--json", help="write all values there, too")
    arguments = p.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    arguments.cores = [str(c) for c in cores[:2]] if len(cores) > 1 else None
    arguments.rivals = []
    for name in arguments.servers.split(","):
        if name not in RIVALS:
            p.error(f"there is no server {name}")
        if RIVALS[name].there():
            arguments.rivals.append(RIVALS[name])
        else:
            print(f"{RIVALS[name].program} is not installed and left out")
    if arguments.repetitions < 1 or arguments.seconds < 0.1:
        p.error("at least one repetition of 0.1 seconds")
    return arguments


def versions(rivals):
    return {rival.name: rival.version() for rival in rivals}


def progress(text):
    """For whoever watches; not for files."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def main():
    arguments = parse()
    rows = [r for r in ROWS
            if arguments.only in r.name or arguments.only in " ".join(r.words)]
    if not rows:
        raise SystemExit(f"no row has {arguments.only!r} in it")
    house = House(arguments.house, max(row.people for row in rows))
    with tempfile.TemporaryDirectory(dir=house.dir) as folder:
        house.enrol(lambda data: Sicher(house, folder, data=data).start())
    if not arguments.cores:
        print("one core only: servers and generator share it")
    print("; ".join(f"{name} {version}" for name, version in
                    versions(arguments.rivals).items()))
    print(f"{arguments.repetitions} repetitions of {arguments.seconds:g} s; "
          "median (least-greatest); ratio: ours to theirs\n", flush=True)
    results = [{c.protocol: [] for c in arguments.rivals if r.fits(c)}
               for r in rows]
    for repetition in range(arguments.repetitions):
        for row, found in zip(rows, results):
            for rival in arguments.rivals:
                if row.fits(rival):
                    progress(f"{repetition + 1}: {row.name}, {rival.name}")
                    found[rival.protocol].append(
                        once(row, rival, house, arguments))
    progress("")
    table = Table(arguments.rivals)
    for row, found in zip(rows, results):
        table.add(row, found)
    print("\n".join(table.lines()))
    print("\n" + "\n".join(goals(rows, results)))
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps({
            "versions": versions(arguments.rivals),
            "rows": {row.name: found for row, found in zip(rows, results)},
        }, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
