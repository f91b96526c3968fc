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
import signal
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from house import BUILD, House  # noqa: E402
from rivals import RIVALS, Sicher  # noqa: E402
from rows import ROWS, goals, number  # noqa: E402

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
    p.add_argument("--only", action="append", metavar="TEXT",
                   help="rows whose name or workload contains this; may be "
                        "repeated")
    p.add_argument("--list", action="store_true", help="show the rows")
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
    # Whoever ends it ends the servers that it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments = parse()
    rows = [r for r in ROWS if any(text in f"{r.name}\n{' '.join(r.words)}"
                                   for text in arguments.only or [""])]
    if not rows:
        raise SystemExit(f"no row has any of {arguments.only} in it")
    if arguments.list:
        print("\n".join(f"{r.name:<33}{' '.join(r.words)}" for r in rows))
        return
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
