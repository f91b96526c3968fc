"""Where the server's CPU goes under one workload, by perf(1).

    scripts/bench profile [--top N] direct --durable --connections 200 ...

The words are sicher-bench's; sicherd runs as `make bench` runs it.  Printed
are what sicher-bench found, the shares of the binaries, and the functions.
"""

import argparse
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from house import BUILD, House  # noqa: E402
from rivals import Sicher, processes  # noqa: E402

LINE = re.compile(r"^\s*([\d.]+)%\s+(\S+)\s+\[(.)\]\s+(.+?)\s*$")


def record(server, words, core, out):
    """Run the load under perf; what sicher-bench said."""
    pids = ",".join(map(str, processes(server.process.pid)))
    command = ["perf", "record", "-q", "-F", "999", "-o", out, "-p", pids,
               "--", *(["taskset", "-c", core] if core else []),
               BUILD / "sicher-bench", *words, *server.options()]
    done = subprocess.run([str(word) for word in command], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout


def report(data):
    return subprocess.run(
        ["perf", "report", "-i", data, "--stdio", "--no-children",
         "--sort", "dso,sym"], text=True, check=True,
        capture_output=True).stdout


def shares(text):
    """[(percent, binary, function)] of perf's report, the greatest first."""
    found = []
    for line in map(LINE.match, text.splitlines()):
        if line:
            binary = "kernel" if line[3] == "k" else line[2]
            found.append((float(line[1]), binary, line[4]))
    if not found:
        raise SystemExit("perf saw nothing: a longer --seconds, or a machine "
                         "that lets one look (kernel.perf_event_paranoid)")
    return found


def lines(found, top):
    by_binary = collections.Counter()
    for percent, binary, _ in found:
        by_binary[binary] += percent
    for binary, percent in by_binary.most_common(8):
        yield f"  {percent:5.1f} %  {binary}"
    yield ""
    for percent, binary, function in found[:top]:
        yield f"  {percent:5.1f} %  {binary:<20} {function}"


def main():
    p = argparse.ArgumentParser(
        description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("--top", type=int, default=25)
    p.add_argument("--people", type=int, default=1250)
    p.add_argument("--house", default=str(BUILD / "bench-house"))
    p.add_argument("words", nargs=argparse.REMAINDER,
                   help="a command of sicher-bench, with its options")
    arguments = p.parse_args()
    if not arguments.words:
        p.error("which workload?")
    if not shutil.which("perf"):
        raise SystemExit("perf is not installed: apt install linux-perf")
    cores = sorted(map(str, os.sched_getaffinity(0)))
    house = House(arguments.house, arguments.people)
    with tempfile.TemporaryDirectory(dir=house.dir) as folder:
        house.enrol(lambda data: Sicher(house, folder, data=data).start())
    with tempfile.TemporaryDirectory(dir=house.dir) as folder:
        server = Sicher(house, folder, cores[0] if cores[1:] else None)
        server.start()
        try:
            data = pathlib.Path(folder) / "perf.data"
            print(record(server, arguments.words,
                         cores[1] if cores[1:] else None, data))
            print("\n".join(lines(shares(report(data)), arguments.top)))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
