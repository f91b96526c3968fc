"""Each command and each option that a program's help tells of stands in its
manual page, and the page tells of no other option."""

import os
import pathlib
import re
import subprocess

import pytest

from authority import BUILD, ROOT

PAGES = {"sicher-ca": "sicher-ca.1", "sicherctl": "sicherctl.8",
         "sicher": "sicher.1"}
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]+)")


def told(program, *command):
    done = subprocess.run([BUILD / program, *command, "--help"],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    return done.stdout


def commands(program):
    listed = told(program).split("commands ", 1)[1].split("\n\n", 1)[0]
    return [re.split(r"\s{2,}", line.strip())[0]
            for line in listed.splitlines()[1:] if re.match(r"  \S", line)]


def options(program):
    """Of every command; not those that its examples give to others."""
    found = set()
    for command in commands(program):
        text = told(program, *command.split())
        found |= set(OPTION.findall(
            "\n".join(re.findall(r"^ +(?:-\w, )?--[a-z].*", text, re.M))))
    return found


def page(name):
    done = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=1000",
                           ROOT / "docs" / name], capture_output=True,
                          text=True, check=True)
    text = re.sub(r".\x08", "", done.stdout)  # Bold and underlined.
    text = text.replace("\u2010", "-").replace("\u2212", "-")
    # "room join | leave" tells of two commands.
    return text + "".join(
        f"\n{first} {second}" for first, all in
        re.findall(r"(\w+) (\w+(?: \| \w+)+)", text)
        for second in all.split(" | "))


@pytest.mark.parametrize("program", PAGES)
def test_every_command_is_in_the_manual(program):
    text = page(PAGES[program])
    names = commands(program)
    assert len(names) > 10
    missing = [c for c in names
               if not re.search(rf"(?<![\w-]){c}(?![\w-])", text)]
    assert not missing


@pytest.mark.parametrize("program", PAGES)
def test_every_option_is_in_the_manual_and_no_other(program):
    text = page(PAGES[program])
    known = options(program)
    written = set(OPTION.findall(text.split("EXAMPLES")[0]))
    assert known - written == set()
    assert written - known <= {"sample-config", "version"}


def test_the_manuals_are_installed(tmp_path):
    subprocess.run(["make", "-s", f"BUILD={BUILD.relative_to(ROOT)}",
                    f"DESTDIR={tmp_path}",
                    "prefix=/usr", "install"], cwd=ROOT, check=True,
                   capture_output=True, timeout=300)
    for name in os.listdir(ROOT / "docs"):
        if re.fullmatch(r".*\.[158]", name):
            assert (pathlib.Path(tmp_path) / "usr/share/man" /
                    f"man{name[-1]}" / name).is_file()
