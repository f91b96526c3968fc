"""A real sicherd with its own data on a free port of the loopback."""

import collections
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

from authority import BUILD, run
from protocol import Session, Wire

PASSWORD = "correct horse"
START = 20.0  # Seconds in which the server must stand.

# Quick where a test would otherwise wait; the rest is the default.
SETTINGS = {
    "password": {"answer_time": "100ms", "delay_first": "10ms"},
    "store": {"map_size": "1GiB", "keeper_map_size": "64MiB"},
    "log_level": "debug",
    "loops": 2,
}

Line = collections.namedtuple("Line", "level process event fields text")
_LINE = re.compile(r"^\S+ (\w+) (\w+) ([a-z_.-]+) ?(.*)$")
_FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')


def libconfig(settings, indent=""):
    """A dict as libconfig text."""
    return "".join(f"{indent}{key} = {_value(value, indent)};\n"
                   for key, value in settings.items())


def _value(value, indent):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, dict):
        return "{\n" + libconfig(value, indent + "\t") + indent + "}"
    if isinstance(value, (list, tuple)):
        return "[ " + ", ".join(_value(v, indent) for v in value) + " ]"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def merge(base, over):
    """${base} with what ${over} says; None takes a key away."""
    merged = dict(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        elif value is None:
            merged.pop(key, None)
        else:
            merged[key] = value
    return merged


def parse_line(text):
    match = _LINE.match(text)
    if not match:
        return Line("", "", "", {}, text)
    level, process, event, rest = match.groups()
    fields = {k: v[1:-1] if v.startswith('"') else v
              for k, v in _FIELD.findall(rest)}
    return Line(level, process, event, fields, text)


class Server:
    def __init__(self, folder, authority, settings=None, seed=None):
        self.dir = pathlib.Path(folder)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.dir.chmod(0o700)
        self.authority = authority
        self.config = self.dir / "sicherd.conf"
        # Its own copies: a test may change them.
        self.ca = self._copy(authority.ca, "ca.pem")
        self.crl = self._copy(authority.crl, "crl.pem")
        self.chain = self._copy(authority.server.cert, "chain.pem")
        self.key = self._copy(authority.server.key, "key.pem")
        self.key.chmod(0o600)
        self.data = self.dir / "data"
        if seed:
            subprocess.run(["cp", "-a", "--sparse=always", seed, self.data],
                           check=True)
        (self.dir / "run").mkdir(mode=0o700, exist_ok=True)
        self.control = self.dir / "run" / "control"
        self.settings = merge({
            "listen": ["127.0.0.1:0"],
            "name": "test.house",
            "data": str(self.data),
            "control": str(self.control),
            "tls": {
                "certificate": str(self.chain),
                "key": str(self.key),
                "authority": str(self.ca),
                "crl": str(self.crl),
            },
        }, merge(SETTINGS, settings or {}))
        self.write_config()
        self.lines = []
        self.changed = threading.Condition()
        self.process = None
        self.address = None
        self.ended = threading.Event()  # Its log has come to its end.
        self.rough = False  # A test that kills its processes sets this.

    def _copy(self, source, name):
        return pathlib.Path(shutil.copy(source, self.dir / name))

    def write_config(self, **over):
        self.settings = merge(self.settings, over)
        self.config.write_text(libconfig(self.settings))

    # The process.

    def start(self, wrap=(), wait=True, env=None):
        self.mark = len(self.lines)
        self.ended = threading.Event()  # This one's, not an earlier one's.
        self.process = subprocess.Popen(
            [*wrap, BUILD / "sicherd", "--config", self.config],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True,
            env=dict(os.environ, **(env or {})))
        threading.Thread(target=self._read, args=(self.process.stderr, self.ended),
                         daemon=True).start()
        if wait:
            self.ready()
        return self

    def ready(self):
        """Wait until it takes connections; sets the address."""
        line = self.wait_line("listening", since=self.mark, wait=START)
        host, port = line.fields["address"].rsplit(":", 1)
        self.address = (host, int(port))

    def _read(self, stream, ended):
        with stream, open(self.dir / "log", "a", encoding="utf-8") as log:
            for raw in stream:
                text = raw.decode("utf-8", "replace").rstrip("\n")
                log.write(text + "\n")
                log.flush()
                with self.changed:
                    self.lines.append(parse_line(text))
                    self.changed.notify_all()
        with self.changed:
            ended.set()  # And all that it said has been read.
            self.changed.notify_all()

    def wait_line(self, event, since=0, wait=10.0, **fields):
        """The first log line of this event, with these fields."""
        return self.wait_either(event, since=since, wait=wait, **fields)

    def wait_either(self, *events, since=0, wait=10.0, **fields):
        """The first log line of one of these events, with these fields."""
        def found():
            for line in self.lines[since:]:
                if line.event in events and all(
                        line.fields.get(k) == str(v) for k, v in fields.items()):
                    return line
            return None

        limit = time.monotonic() + wait
        with self.changed:
            while True:
                line = found()
                if line:
                    return line
                left = limit - time.monotonic()
                dead = self.ended.is_set()
                assert left > 0 and not dead, (
                    f"no line {events} {fields} "
                    f"({'server ended' if dead else 'in time'}):\n"
                    + self.tail())
                self.changed.wait(min(left, 0.5))

    def now(self):
        """Where the log stands, for wait_line's since."""
        with self.changed:
            return len(self.lines)

    def tail(self, count=40):
        return "\n".join(line.text for line in self.lines[-count:])

    def pids(self):
        """The parent's pid and its children's."""
        parent = self.process.pid
        found = [parent]
        for task in pathlib.Path(f"/proc/{parent}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
        return found

    def child(self, name):
        """The pid of "net" or "keeper", as status tells."""
        return self.ctl("status")[name]["pid"]

    def kill(self):
        """kill -9, all of it at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        wait_group_gone(self.process.pid)

    def stop(self, wait=15):
        """SIGTERM; the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(wait)

    def close(self):
        """Whatever happened, nothing of it stays behind."""
        if self.process is None:
            return
        try:
            if self.process.poll() is None:
                self.stop()
        finally:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait(10)

    def restart(self, **settings):
        """SIGTERM and start again on the same data, on another port."""
        assert self.stop() == 0, self.tail()
        if settings:
            self.write_config(**settings)
        return self.start()

    def check(self):
        """sicherd -t on this configuration."""
        return run("sicherd", "--config", self.config, "-t", ok=False)

    def reached(self, key):
        """How often the limit ${key} was, as status tells."""
        return self.ctl("status")["limits_reached"][key]

    # The control socket, and the command that speaks to it.

    def ask(self, cmd, **fields):
        """One request on the socket; its answer, good or bad."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(str(self.control))
            s.sendall(json.dumps({"cmd": cmd, **fields}).encode() + b"\n")
            return json.loads(s.makefile().readline())

    def ctl(self, cmd, *words, **fields):
        """One request that must succeed; its answer.  ctl("account", "show",
        "alice"), as one would type it, is ctl("account.show", "alice")."""
        if cmd in ("account", "device"):
            cmd, words = f"{cmd}.{words[0]}", words[1:]
        fields.update(zip(("account", "device"), words))
        answer = self.ask(cmd, **fields)
        assert answer["ok"] is True, (cmd, fields, answer)
        return answer

    def command(self, *arguments, **more):
        """sicherctl."""
        return run("sicherctl", "--control", self.control, *arguments, **more)

    def reload(self):
        return self.ctl("reload")

    def publish(self):
        """What the authority has published replaces our copy, whole."""
        fresh = self.dir / "crl.new"
        shutil.copy(self.authority.crl, fresh)
        os.replace(fresh, self.crl)

    # People.

    def wire(self, identity, **more):
        return Wire(self.address, identity.context(), **more)

    def session(self, identity, **more):
        """Connected, nothing said yet."""
        return Session(self.address, identity.context(), **more)

    def login(self, identity, password=PASSWORD, **more):
        session = self.session(identity, **more)
        session.login(password)
        return session

    def add(self, account):
        """A new account; its one-time secret."""
        return self.ctl("account.add", account)["secret"]

    def enrol(self, identity, password=PASSWORD):
        """A new account with its password chosen."""
        secret = self.add(identity.account)
        with self.session(identity) as session:
            session.hello()
            session.auth(secret)
            session.choose(secret, password)
            session.finish()


def wait_group_gone(group, wait=10):
    """Until no process of the group is left."""
    limit = time.monotonic() + wait
    while time.monotonic() < limit:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.005)  # There is no event for this one.
    raise AssertionError(f"processes of group {group} are still there")
