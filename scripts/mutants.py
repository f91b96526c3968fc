"""The table of tests/mutants.txt, as `scripts/mutate` and the linter read it."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "tests/mutants.txt"


def read_table():
    """A dict a mutant: name, line, tests, and changes, each with file, old
    and new."""
    mutants, now = [], None
    for number, line in enumerate(TABLE.read_text().split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        title = re.fullmatch(r"\[(.+)\]", line)
        if title:
            now = {"name": title.group(1), "line": number, "tests": "",
                   "changes": []}
            mutants.append(now)
            continue
        key, _, value = line.partition(":")
        value = value.strip()
        if now is not None and key == "tests":
            now["tests"] = value
        elif now is not None and key == "file":
            now["changes"].append({"file": value, "old": "", "new": ""})
        elif key in ("old", "new", "nth") and now and now["changes"]:
            now["changes"][-1][key] = value
        else:
            sys.exit(f"{TABLE}:{number}: {line}")
    return mutants


def places(lines, change):
    """Where the change's old line stands in the lines of its file."""
    return [i for i, line in enumerate(lines) if line.strip() == change["old"]]


def place(lines, change):
    """Which line the change is made in; None where the table is stale."""
    found = places(lines, change)
    if "nth" not in change:
        return found[0] if len(found) == 1 else None
    nth = int(change["nth"])
    return found[nth - 1] if len(found) > 1 and 0 < nth <= len(found) else None
