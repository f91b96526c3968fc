"""What a message and a login cost while the log grows.

    scripts/bench growth [--messages N]

One sicherd is filled with messages, ten times as many at each step, and what
they cost is measured in between, by the same rows.  The server is pinned, the
generator has the other core; what compares is CPU an operation.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from house import BUILD, House  # noqa: E402
from rivals import Sicher  # noqa: E402

PEOPLE = 200
ROWS = (
    ("login by token", "connect -c 200 -f 16"),
    ("kept, 10 in flight", "direct -d -c 200 -f 10"),
    ("away, 100 senders, 10", "durable -c 100 -f 10 -b 200"),
)


def load(server, words, seconds, core):
    command = [*(["taskset", "-c", core] if core else []),
               BUILD / "sicher-bench", *words.split(), "--seconds", seconds,
               *server.options(), "--json"]
    done = subprocess.run([str(word) for word in command], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def stored(server):
    """How many operations the log has had."""
    answer = subprocess.run(
        [BUILD / "sicherctl", "--control", server.control, "--json", "status"],
        text=True, check=True, capture_output=True).stdout
    return json.loads(answer)["head"]


def fill(server, messages, core):
    while stored(server) < messages:
        load(server, "durable -c 100 -f 100 -b 200", 5, core)


def main():
    p = argparse.ArgumentParser(
        description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("--messages", type=int, default=10_000_000,
                   help="up to how many (10,000,000)")
    p.add_argument("--seconds", type=float, default=5,
                   help="of each measurement (5)")
    p.add_argument("--house", default=str(BUILD / "bench-house"))
    arguments = p.parse_args()
    cores = sorted(map(str, os.sched_getaffinity(0)))
    core = cores[1] if cores[1:] else None
    house = House(arguments.house, PEOPLE)
    with tempfile.TemporaryDirectory(dir=house.dir) as folder:
        house.enrol(lambda data: Sicher(house, folder, data=data).start())
    print("us CPU an operation, and the ratio to the first")
    print(f"{'in the log':>12}", *(f"{name:>28}" for name, _ in ROWS))
    with tempfile.TemporaryDirectory(dir=house.dir) as folder:
        server = Sicher(house, folder, cores[0] if core else None).start()
        first, steps = {}, [0]
        while steps[-1] < arguments.messages:
            steps.append(min(max(10 * steps[-1], 100_000),
                             arguments.messages))
        try:
            for step in steps:
                fill(server, step, core)
                line = f"{stored(server):>12,}"
                for name, words in ROWS:
                    found = load(server, words, arguments.seconds, core)
                    cost = found["server_cpu_per_operation"]
                    first.setdefault(name, cost)
                    line += f"{cost:>21.1f} ({cost / first[name]:4.2f})"
                print(line, flush=True)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
