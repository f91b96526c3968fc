"""The long kill run: torture.py KILLS [SEED].  See scripts/torture."""

import pathlib
import random
import sys
import tempfile
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1]),
                str(pathlib.Path(__file__).resolve().parents[1] / "e2e")]

from conftest import House  # noqa: E402
from load import torture  # noqa: E402
from server import Server  # noqa: E402


def main():
    kills = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    print(f"{kills} times kill -9 under load; moments drawn from seed {seed}")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        house = House(pathlib.Path(folder))
        server = Server(pathlib.Path(folder) / "server", house.authority, {},
                        house.seed).start()
        try:
            people = type("People", (), house.people)
            load, slowest = torture(server, people, kills,
                                    random.Random(seed),
                                    lambda text: print(text, flush=True))
        finally:
            server.close()
    receiver = load.receiver
    print(f"{load.acknowledged()} messages acknowledged, "
          f"{len(receiver.messages)} delivered once and in order, "
          f"{receiver.dropped} repeats dropped by the receiver, "
          f"slowest restart {slowest:.2f} s, "
          f"{time.monotonic() - begin:.0f} s in all")


main()
