"""Each symbol that a file gives to others names its room: lib/frame.c has
sn_frame_open, server/base/map.c has map_free, server/oplog/apply_room.c apply_room_topic
or apply_topic."""

import pathlib
import subprocess
import sys

FOLDERS = ("lib", "bench", "ca", "client", "server/base", "server/ctl", "server/gate",
           "server/keeper", "server/net", "server/oplog", "server/parent")

# Files that hold several small nouns.
ALSO = {
    "lib/bytes": ("sn_rd_", "sn_wr_"),
    "lib/err": ("sn_why",),
    "lib/store": ("sn_txn_", "sn_cursor_"),
}


def main():
    objects = pathlib.Path(sys.argv[1]) / "obj"
    bad = 0
    for folder in FOLDERS:
        for source in sorted(pathlib.Path(folder).glob("*.c")):
            made = objects / source.with_suffix(".o")
            if source.name == "main.c" or not made.exists():
                continue
            prefix = ("sn_" if folder == "lib" else "") + source.stem.split("_")[0]
            allowed = (prefix + "_",) + ALSO.get(f"{folder}/{source.stem}", ())
            names = subprocess.run(
                ["nm", "-g", "--defined-only", "--format=posix", made],
                check=True, text=True, stdout=subprocess.PIPE).stdout
            for line in names.splitlines():
                name = line.split()[0]
                if name.startswith("__") or "odr_asan" in name:
                    continue  # A sanitizer's.
                if name != prefix and not name.startswith(allowed):
                    print(f"{source}: {name} does not begin with {prefix}_")
                    bad += 1
    return bad > 0


sys.exit(main())
