"""What a message and a login cost while accounts and messages grow.

    scripts/bench growth [--accounts N] [--messages N] [--json FILE]

A server is filled in steps, by the server's own apply (crowd.c, fill.c), and
at each step the same loads run in turn on it and on one that is small and
fresh: what is printed is CPU an operation, and the ratio of the two, which
the noise of the minute cancels from.  The servers are pinned to one core, the
generator has the other.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from house import BUILD, House  # noqa: E402
from rivals import Sicher  # noqa: E402

PEOPLE = 100
FLAT = 1.15  # Times the small server's cost, at most.
ROWS = (
    ("login by token", "connect -c 100 -f 16"),
    ("kept, 10 in flight", "direct -d -c 100 -f 10"),
    ("away, 50 senders, 10", "durable -c 50 -f 10 -b 200"),
)
# On the disk, of an account in both databases, and of a filled message.
ACCOUNT_BYTES, MESSAGE_BYTES = 600, 500
SPARE = 2 << 30  # What the loads themselves write, and some room.


def steps(accounts, messages):
    """[(accounts, messages)]: first the ones grow, then the others."""
    found = [(PEOPLE, 0)]
    for most, index in ((accounts, 0), (messages, 1)):
        size = PEOPLE * 100 if index == 0 else 100_000
        while size < most:
            found.append((size, 0) if index == 0 else (accounts, size))
            size *= 10
        if most > found[-1][index]:
            found.append((most, 0) if index == 0 else (accounts, most))
    return found


def check_space(accounts, messages, free):
    """How many bytes it will take; SystemExit when there are fewer."""
    need = accounts * ACCOUNT_BYTES + messages * MESSAGE_BYTES + SPARE
    if need > free:
        raise SystemExit(
            f"{accounts:,} accounts and {messages:,} messages need "
            f"{need / 2**30:.1f} GiB and there are {free / 2**30:.1f}; say "
            "--messages or --house with more room")
    return need


def head():
    return f"{'accounts':>9}{'messages':>12}" + "".join(
        f"{name:>30}" for name, _ in ROWS)


def line(step, costs):
    """${costs}: for each row ([of the small one], [of the grown one])."""
    text = f"{step[0]:>9,}{step[1]:>12,}"
    for small, grown in costs:
        a, b = statistics.median(small), statistics.median(grown)
        text += f"{f'{b:.1f} to {a:.1f} ({b / a:4.2f})':>30}"
    return text


def verdict(found):
    """Whether all steps, [(step, costs)], were as cheap as the small one."""
    worst = max((statistics.median(grown) / statistics.median(small), name,
                 step) for step, costs in found
                for (name, _), (small, grown) in zip(ROWS, costs))
    flat = "flat" if worst[0] <= FLAT else "not flat"
    return (f"{flat} (at most {FLAT}): worst {worst[0]:.2f}, {worst[1]}, at "
            f"{worst[2][0]:,} accounts and {worst[2][1]:,} messages")


def load(server, words, seconds, core):
    command = [*(["taskset", "-c", core] if core else []),
               BUILD / "sicher-bench", *words.split(), "--seconds", seconds,
               *server.options(), "--json"]
    for _ in range(3):  # On a busy machine there may be nothing to divide by.
        done = subprocess.run([str(word) for word in command], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        found = json.loads(done.stdout)
        if found.get("server_cpu_per_operation"):
            return found["server_cpu_per_operation"]
    raise SystemExit(f"{words}: nothing was done in {seconds} s; say "
                     "--seconds for more")


def grow(data, before, step):
    """From one step to the next, while the server is stopped."""
    if step[0] > before[0]:
        subprocess.run([BUILD / "bench/crowd", data, str(step[0])],
                       check=True)
    if step[1] > before[1]:
        subprocess.run([BUILD / "e2e/fill", data, str(step[1] - before[1])],
                       check=True)


def measure(servers, arguments, core):
    costs = [([], []) for _ in ROWS]
    for _ in range(arguments.repetitions):
        for (_, words), found in zip(ROWS, costs):
            for server, values in zip(servers, found):
                values.append(load(server, words, arguments.seconds, core))
    return costs


def run(house, arguments, folder, cores):
    core = cores[1] if cores[1:] else None
    pinned = cores[0] if core else None
    grown, before, found = Sicher(house, folder / "grown", pinned), None, []
    print("us CPU an operation, grown to small, and the ratio\n" + head())
    for step in steps(arguments.accounts, arguments.messages):
        begin = time.monotonic()
        if before is None:
            grown.start()
            grown.stop()
        else:
            grow(grown.data, before, step)
        filled = time.monotonic() - begin
        with tempfile.TemporaryDirectory(dir=folder) as small:
            servers = (Sicher(house, small, pinned), grown)
            try:
                for server in servers:
                    server.start()
                found.append((step, measure(servers, arguments, core)))
            finally:
                for server in servers:
                    server.stop()
        print(f"{line(*found[-1])}   filled in {filled:.0f} s", flush=True)
        if arguments.json:  # What is measured is not lost.
            pathlib.Path(arguments.json).write_text(
                json.dumps(found, indent=1) + "\n", encoding="ascii")
        before = step
    print(verdict(found))


def main():
    p = argparse.ArgumentParser(
        description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("--accounts", type=int, default=1_000_000,
                   help="up to how many (1,000,000)")
    p.add_argument("--messages", type=int, default=10_000_000,
                   help="up to how many (10,000,000)")
    p.add_argument("--repetitions", type=int, default=3)
    p.add_argument("--seconds", type=float, default=2,
                   help="of each measurement (2)")
    p.add_argument("--house", default=str(BUILD / "bench-growth"),
                   help="its own people, %d of them" % PEOPLE)
    p.add_argument("--json", help="write all values there, too")
    arguments = p.parse_args()
    house = House(arguments.house, PEOPLE)
    check_space(arguments.accounts, arguments.messages,
                shutil.disk_usage(house.dir).free)
    with tempfile.TemporaryDirectory(dir=house.dir) as folder:
        house.enrol(lambda data: Sicher(house, folder, data=data).start())
    with tempfile.TemporaryDirectory(dir=house.dir) as folder:
        (pathlib.Path(folder) / "grown").mkdir(mode=0o700)
        run(house, arguments, pathlib.Path(folder),
            sorted(map(str, os.sched_getaffinity(0))))


if __name__ == "__main__":
    main()
