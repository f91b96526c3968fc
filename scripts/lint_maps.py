"""Each folder's README.md has one line for each file: - `name` what it is.

A header without a line of its own belongs to the .c file of its name.
Folders of tests that are found by their names need no map.
"""

import pathlib
import re
import subprocess
import sys

NO_MAP = {"", ".ci", "tests/unit", "debian"}
LINE = re.compile(r"^\s*- `([^`]+)`")


def main():
    folders = {}
    listed = subprocess.run(["git", "ls-files"], check=True, text=True,
                            stdout=subprocess.PIPE).stdout.split()
    for path in map(pathlib.PurePosixPath, listed):
        folder = "" if str(path.parent) == "." else str(path.parent)
        folders.setdefault(folder, set()).add(path.name)
    bad = 0
    for folder, files in sorted(folders.items()):
        if folder in NO_MAP or folder.startswith("debian/"):
            continue
        readme = pathlib.Path(folder) / "README.md"
        if not readme.exists():
            print(f"{folder}: has no README.md")
            bad += 1
            continue
        told = {m.group(1) for m in map(LINE.match, readme.read_text().split("\n"))
                if m}
        # Sub-folders may be told as well, with a slash behind.
        told = {t for t in told if not t.endswith("/") and "/" not in t}
        there = files - {"README.md"}
        implied = {h for h in there if h.endswith(".h")
                   and h[:-2] + ".c" in there}
        for name in sorted(there - told - implied):
            print(f"{readme}: lacks {name}")
            bad += 1
        for name in sorted(told - there):
            print(f"{readme}: {name} is no file")
            bad += 1
    return bad > 0


sys.exit(main())
