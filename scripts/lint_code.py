"""lint_code.py PATTERN FILE...: where code matches, comments and strings
left out."""

import re
import sys

SKIP = re.compile(
    r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def main():
    pattern = re.compile(sys.argv[1])
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as f:
            text = SKIP.sub(blank, f.read())
        for number, line in enumerate(text.split("\n"), 1):
            if pattern.search(line):
                print(f"{path}:{number}: {line.strip()}")


main()
