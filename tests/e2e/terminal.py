"""A program on a terminal of its own: a tmux nobody looks at."""

import os
import pathlib
import re
import select
import shlex
import shutil
import subprocess
import tempfile
import time

WAIT = 20


class Screen:
    """A command in a tmux, and what its screen shows.

    A second client in control mode tells whenever the program has written
    something, so that waiting is for that and not for time to pass.
    """

    def __init__(self, *command, rows=24, cols=80, term="tmux-256color"):
        # Its socket's path must be short.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sn-tmux-"))
        line = shlex.join(map(str, command))
        self.tmux("new-session", "-d", "-x", cols, "-y", rows,
                  f"TERM={term} {line}; echo ENDED $?; exec cat")
        self.tmux("set", "-g", "window-size", "manual")
        self.events = subprocess.Popen(
            [*self.command(), "-C", "attach"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def command(self):
        return ["tmux", "-S", str(self.folder / "s"), "-f", "/dev/null"]

    def tmux(self, *words, input=None):
        return subprocess.run(
            [*self.command(), *map(str, words)], input=input, check=True,
            stdout=subprocess.PIPE, timeout=WAIT,
            env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout.decode()

    def screen(self, escapes=False):
        return self.tmux("capture-pane", "-p", *["-e"] * escapes)

    def until(self, *wanted, gone=()):
        """Until the screen shows all of these, and none of those; it."""
        limit = time.monotonic() + WAIT
        while True:
            screen = self.screen()
            if all(re.search(w, screen) for w in wanted) and not any(
                    re.search(g, screen) for g in gone):
                return screen
            left = limit - time.monotonic()
            assert left > 0, f"{wanted} did not come, {gone} not go:\n{screen}"
            if select.select([self.events.stdout], [], [], left)[0]:
                os.read(self.events.stdout.fileno(), 65536)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def keys(self, *names):
        self.tmux("send-keys", *names)

    def say(self, text):
        self.type(text)
        self.keys("Enter")

    def paste(self, text):
        self.tmux("load-buffer", "-", input=text)
        self.tmux("paste-buffer", "-p")

    def raw(self, data):
        """Bytes as a terminal would say them, marks of a paste included."""
        self.tmux("load-buffer", "-", input=data)
        self.tmux("paste-buffer", "-r")

    def resize(self, cols, rows):
        self.tmux("resize-window", "-x", cols, "-y", rows)

    def ended(self):
        """The exit status, once it has ended and given the terminal back."""
        return int(re.findall(r"ENDED (\d+)", self.until(r"ENDED \d"))[-1])

    def close(self):
        subprocess.run([*self.command(), "kill-server"],
                       stderr=subprocess.DEVNULL)
        self.events.stdin.close()
        self.events.wait(WAIT)
        self.events.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
