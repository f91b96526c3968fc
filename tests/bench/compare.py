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
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from found import Found  # noqa: E402
from house import BUILD, House  # noqa: E402
from rivals import RIVALS, Sicher  # noqa: E402
from rows import GOALS, ROWS  # noqa: E402


class Failed(Exception):
    """One measurement; the others go on."""


def measure(row, server, arguments):
    """One run: what sicher-bench says, as a dict."""
    command = [BUILD / "sicher-bench",
               *row.options(server, arguments.seconds, arguments.warm_up),
               *server.options(), "--json"]
    if arguments.cores:
        command = ["taskset", "-c", arguments.cores[1], *command]
    done = subprocess.run([str(word) for word in command], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        log = server.log.read_text(errors="replace")[-2000:]
        raise Failed(f"{server.name}, {row.name}: {done.stderr}\n{log}")
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
    p.add_argument("--others", type=int, metavar="N",
                   help="repetitions of rows without a goal (as many)")
    p.add_argument("--seconds", type=float, default=3,
                   help="of each measurement (3)")
    p.add_argument("--warm-up", type=float, default=1,
                   help="seconds before each of them (1)")
    p.add_argument("--house", default=str(BUILD / "bench-house"),
                   help="where people and accounts are kept between runs")
    p.add_argument("--json", help="write all values there, too")
    p.add_argument("--from", dest="earlier", metavar="FILE",
                   help="measure nothing: tell what --json wrote")
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
    if arguments.others is None:
        arguments.others = arguments.repetitions
    if min(arguments.repetitions, arguments.others) < 1 or \
            arguments.seconds < 0.1:
        p.error("at least one repetition of 0.1 seconds")
    return arguments


def times(row, arguments):
    """How often a row is measured."""
    if row.once:
        return 1
    if any(goal.row == row.name for goal in GOALS):
        return arguments.repetitions
    return arguments.others


def turns(rows, arguments):
    """(row, server) in the order of measuring: a noisy minute hits all."""
    for repetition in range(max(times(row, arguments) for row in rows)):
        for row in rows:
            for rival in arguments.rivals:
                if row.fits(rival) and repetition < times(row, arguments):
                    yield row, rival


def how(arguments):
    others = ""
    if arguments.others != arguments.repetitions:
        others = f" ({arguments.others} of rows without a goal)"
    return (f"{arguments.repetitions} repetitions of {arguments.seconds:g} s"
            f"{others}, of 10,000 connections one; load average before: "
            f"{os.getloadavg()[0]:.2f}\n"
            "median (least-greatest); ratio: ours to theirs")


def progress(text):
    """For whoever watches; not for files."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def main():
    # Whoever ends it ends the servers that it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments = parse()
    if arguments.earlier:
        print("\n".join(Found.load(arguments.earlier).lines()))
        return
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
    found = Found({r.protocol: r.version() for r in arguments.rivals},
                  how(arguments))
    failed = 0
    for row, rival in turns(rows, arguments):
        progress(f"{row.name}, {rival.name}")
        try:
            found.add(row, rival.protocol, once(row, rival, house, arguments))
        except Failed as why:
            failed += 1
            print(f"left out: {why}", file=sys.stderr)
        if arguments.json:  # What is measured is not lost.
            found.save(arguments.json)
    progress("")
    print("\n".join(found.lines()))
    if failed:
        raise SystemExit(f"{failed} measurements failed and were left out")


if __name__ == "__main__":
    main()
