"""Measures anew all that docs/PERFORMANCE.md has in its tables, and puts it
there.

    scripts/bench renew [--repetitions N] [--seconds S] [--keep FOLDER]

A quarter of an hour on a machine that does nothing else.  The values stay as
JSON in the folder; `scripts/bench page --from` puts them into the page again.
"""

import argparse
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from found import Found  # noqa: E402
from house import BUILD  # noqa: E402
from page import put  # noqa: E402

SERVERS = "sicher,mqtt,nats,bare"


def main():
    p = argparse.ArgumentParser(
        description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("--repetitions", type=int, default=5,
                   help="of rows with a goal; others have two at most (5)")
    p.add_argument("--seconds", type=float, default=1,
                   help="of each measurement (1)")
    p.add_argument("--keep", default=str(BUILD),
                   help="the folder for the values (the build's)")
    arguments = p.parse_args()
    begin = time.monotonic()
    values = pathlib.Path(arguments.keep) / "bench-found.json"
    values.unlink(missing_ok=True)
    compared = subprocess.run(
        [sys.executable, pathlib.Path(__file__).parent / "compare.py",
         "--servers", SERVERS, "--repetitions", str(arguments.repetitions),
         "--others", str(min(2, arguments.repetitions)),
         "--seconds", str(arguments.seconds), "--warm-up", "0.5",
         "--json", values])
    limit = subprocess.run([BUILD / "bench/limit"], text=True, check=True,
                           capture_output=True).stdout
    print(limit)
    put("compare", "\n".join(Found.load(values).lines()))
    put("limit", limit)
    print(f"docs/PERFORMANCE.md is renewed, after "
          f"{time.monotonic() - begin:.0f} s; the values are in {values}")
    return compared.returncode


if __name__ == "__main__":
    sys.exit(main())
