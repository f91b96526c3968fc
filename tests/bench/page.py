"""Puts what was measured into docs/PERFORMANCE.md.

    scripts/bench page BLOCK < TEXT        what a program printed
    scripts/bench page --from FILE         what compare --json wrote

The block of code behind the line `<!-- BLOCK -->` becomes what comes in;
that of a comparison is `compare`.
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from found import Found  # noqa: E402

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/PERFORMANCE.md"


def replaced(page, block, text):
    """The page with another block; SystemExit when it has not one."""
    mark, text = f"<!-- {block} -->", text.strip("\n")
    fresh, count = re.subn(
        re.escape(mark) + r"\n\n(?:(?:    .*)?\n)+",
        lambda _: mark + "\n\n" + "".join(
            f"    {line}".rstrip() + "\n" for line in text.split("\n")) + "\n",
        page)
    if count != 1:
        raise SystemExit(f"{PAGE.name} has no block {mark}")
    if not text:
        raise SystemExit(f"nothing came in for {mark}")
    return fresh


def put(block, text):
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(replaced(page, block, text), encoding="utf-8")


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--from":
        block, text = "compare", "\n".join(Found.load(sys.argv[2]).lines())
    elif len(sys.argv) == 2 and sys.argv[1] != "--from":
        block, text = sys.argv[1], sys.stdin.read()
    else:
        raise SystemExit(__doc__.strip("\n"))
    put(block, text)
    print(text.strip("\n"))


if __name__ == "__main__":
    main()
