"""Puts what a measurement printed into docs/PERFORMANCE.md.

    scripts/bench compare ... | tests/bench/page.py BLOCK

The block of code behind the line `<!-- BLOCK -->` becomes what comes in.
"""

import pathlib
import re
import sys

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/PERFORMANCE.md"


def main():
    if len(sys.argv) != 2:
        raise SystemExit("usage: page.py BLOCK, with the text coming in")
    mark, text = f"<!-- {sys.argv[1]} -->", sys.stdin.read().strip("\n")
    page = PAGE.read_text(encoding="utf-8")
    fresh, count = re.subn(
        re.escape(mark) + r"\n\n(?:(?:    .*)?\n)+",
        lambda _: mark + "\n\n" + "".join(
            f"    {line}".rstrip() + "\n" for line in text.split("\n")) + "\n",
        page)
    if count != 1:
        raise SystemExit(f"{PAGE.name} has no block {mark}")
    PAGE.write_text(fresh, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
