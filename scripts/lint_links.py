"""lint_links.py FILE.md...: relative links, and paths in backquotes that
look like files of the tree, must exist."""

import pathlib
import re
import sys

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
QUOTED = re.compile(
    r"`((?:lib|ca|server|client|conf|scripts|tests|docs)/[\w./-]+)`")


def main():
    bad = 0
    for name in sys.argv[1:]:
        path = pathlib.Path(name)
        text = path.read_text()
        for link in LINK.findall(text):
            if "://" not in link and not link.startswith("mailto:"):
                if not (path.parent / link).exists():
                    print(f"{name}: {link} leads nowhere")
                    bad += 1
        for quoted in QUOTED.findall(text):
            if not pathlib.Path(quoted).exists():
                print(f"{name}: there is no {quoted}")
                bad += 1
    return bad > 0


sys.exit(main())
