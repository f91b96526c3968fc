"""A large authority beside an empty one: 100,000 certificates, half of them
revoked.

    tests/bench/inventory.py [CERTIFICATES]

Certifies them from requests in one batch, beside the machine's raw signing
and verifying; then what issue, list, show and the revocation list cost, before
and after.  Times of commands are CPU time, the median of many runs; the keys
are sealed cheaply, so that opening them (scrypt, 0.2 s) hides nothing.
"""

import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))

from authority import BUILD, Authority, request  # noqa: E402

RUNS = 15
REQUESTS = 500  # Keys that the certificates share, to make them quickly.


def command(house, *words, **more):
    return subprocess.run(
        [BUILD / "sicher-ca", "--dir", house.dir, "--passphrase-file",
         house.secret, *words], text=True,
        **{"stdout": subprocess.PIPE, **more})


def spent(house, *words, good=(0,), **more):
    """(CPU, wall) seconds of one command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    done = command(house, *words, **more)
    wall = time.monotonic() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in good, done
    return (after.ru_utime + after.ru_stime - before.ru_utime
            - before.ru_stime, wall)


def median(house, make):
    return statistics.median(spent(house, *make(i))[0] for i in range(RUNS))


def small_commands(house, name, serial):
    """CPU milliseconds of what is done with one certificate."""
    return {
        "issue": median(house, lambda i: ["issue", f"{name}{i}"]),
        "list --account": median(
            house, lambda i: ["list", "--account", f"{name}3"]),
        "show": median(house, lambda i: ["show", serial]),
    }


def raw():
    """Signatures and verifications a second, on one processor."""
    told = subprocess.run(["openssl", "speed", "-seconds", "3", "ecdsap256"],
                          capture_output=True, text=True, check=True).stdout
    return [float(n) for n in re.findall(r"[\d.]+", told.splitlines()[-1])[-2:]]


def write_batch(path, count):
    requests = [request() for _ in range(REQUESTS)]
    with open(path, "w") as f:
        for i in range(count):
            who = {"account": f"p{i}"} if i % 2 else \
                {"account": "left", "device": f"d{i}"}
            f.write(json.dumps({**who, "csr": requests[i % REQUESTS]}) + "\n")


def anonymous_memory(house, count):
    """RssAnon in KiB of a list that has printed almost everything."""
    with subprocess.Popen(
            [BUILD / "sicher-ca", "--dir", house.dir, "list"], text=True,
            stdout=subprocess.PIPE) as child:
        for _ in range(count - 1000 if count > 2000 else 1):
            child.stdout.readline()
        status = pathlib.Path(f"/proc/{child.pid}/status").read_text()
        child.stdout.read()
    return int(re.search(r"RssAnon:\s+(\d+)", status)[1])


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        house = Authority(scratch / "ca").quick_keys()
        serial = house.list()["certificates"][0]["serial"]
        empty = small_commands(house, "few", serial)
        memory = anonymous_memory(house, 20)
        write_batch(scratch / "batch", count)

        sign, verify = raw()
        with open(scratch / "answers", "w") as answers:
            cpu, wall = spent(house, "issue", "--batch", scratch / "batch",
                              stdout=answers)
        least = 1 / sign + 1 / verify
        print(f"raw P-256, one processor: {sign:.0f} signatures, "
              f"{verify:.0f} verifications a second")
        print(f"{count} from requests: {count / wall:.0f} a second on "
              f"{len(os.sched_getaffinity(0))} processors, "
              f"{cpu / count * 1e6:.0f} us of CPU each; the signature and the "
              f"request's verification alone are {least * 1e6:.0f} us: "
              f"{least * count / cpu:.0%} of it")

        cpu, wall = spent(house, "revoke", "left", good=(0, 5))
        print(f"revoke {count // 2} at once: {wall:.2f} s, {cpu:.2f} of CPU")
        cpu, wall = spent(house, "crl", "publish", good=(0, 5))
        print(f"crl publish, {count // 2} entries: {wall:.2f} s, "
              f"{cpu:.2f} of CPU, "
              f"{(house.dir / 'crl.pem').stat().st_size / 1e6:.1f} MB")
        full = small_commands(house, "many", serial)
        for name in empty:
            print(f"{name:<15} {empty[name] * 1e3:6.1f} ms empty  "
                  f"{full[name] * 1e3:6.1f} ms full  "
                  f"({full[name] / empty[name]:.2f} times)")
        with open(os.devnull, "w") as nowhere:
            cpu, wall = spent(house, "list", stdout=nowhere)
        print(f"list, all: {wall:.2f} s, {cpu:.2f} of CPU, "
              f"{memory} KiB of its own memory empty, "
              f"{anonymous_memory(house, count)} KiB full")
        cpu, wall = spent(house, "check")
        print(f"check: {wall:.2f} s, {cpu:.2f} of CPU, "
              f"{(house.dir / 'inventory/data.mdb').stat().st_size / 1e6:.0f} "
              "MB of books")


if __name__ == "__main__":
    main()
