"""The servers that are measured: each is started on a core of its own, on
fresh data, with the same certificates, and stopped by its own process id."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

from house import BUILD, ORGANISATION

START = 120  # Seconds in which a server must listen.


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def processes(pid):
    """It and all that its main threads have started."""
    found = [pid]
    for parent in found:
        children = pathlib.Path(f"/proc/{parent}/task/{parent}/children")
        found += map(int, children.read_text(encoding="ascii").split())
    return found


class Server:
    """What they have in common; ${folder} is its own and empty."""

    name = None      # In tables.
    protocol = None  # Of sicher-bench.
    program = None   # None: ours, always there.

    def __init__(self, house, folder, core=None):
        self.house, self.dir = house, pathlib.Path(folder)
        self.core = core
        self.process = None
        self.port = None

    @classmethod
    def there(cls):
        return cls.program is None or shutil.which(
            cls.program, path=os.environ["PATH"] + ":/usr/sbin") is not None

    def start(self):
        self.port = free_port()
        command = [str(word) for word in self.command()]
        if self.core is not None:
            command = ["taskset", "-c", str(self.core), *command]
        self.log = self.dir / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(os.environ,
                         PATH=os.environ["PATH"] + ":/usr/sbin"))
        limit = time.monotonic() + START
        while not self.listens():
            if self.process.poll() is not None or time.monotonic() > limit:
                raise SystemExit(f"{self.name} did not start:\n"
                                 + self.log.read_text(errors="replace"))
            time.sleep(0.01)  # There is no event for this one.
        return self

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def options(self):
        """What sicher-bench must know of it."""
        return ["--protocol", self.protocol, "--to",
                f"127.0.0.1:{self.port}", "--server-name", "localhost",
                "--people", self.house.people, "--pid", self.process.pid]

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def folder(self, name):
        path = self.dir / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path


class Sicher(Server):
    """The default configuration.  Started again it goes on with its data."""

    name, protocol = "sicherd", "sicher"

    def __init__(self, house, folder, core=None, data=None):
        super().__init__(house, folder, core)
        self.data = data or self.dir / "data"
        # The path of a socket is short.
        self.run = tempfile.TemporaryDirectory(prefix="sicher-")
        self.control = pathlib.Path(self.run.name) / "control"

    def command(self):
        if self.house.seed.exists() and not self.data.exists():
            subprocess.run(["cp", "-a", "--sparse=always", self.house.seed,
                            self.data], check=True)
        self.control.parent.mkdir(mode=0o700, exist_ok=True)
        config = self.dir / "sicherd.conf"
        config.write_text(f"""\
listen = [ "127.0.0.1:{self.port}" ];
data = "{self.data}";
control = "{self.control}";
log_level = "notice";
tls = {{
	certificate = "{self.house.chain}";
	key = "{self.house.key}";
	authority = "{self.house.ca}";
	crl = "{self.house.crl}";
}};
""", encoding="ascii")
        return BUILD / "sicherd", "--config", config

    def stop(self):
        super().stop()
        self.run.cleanup()

    def listens(self):
        return self.control.exists() and super().listens()

    def options(self):
        return [*super().options(), "--tokens", self.house.tokens,
                "--password-file", self.house.password]

    @staticmethod
    def version():
        return "this build"


class Mosquitto(Server):
    """A certificate is required and names the user; with that setting it
    looks at no password.  Queues have no limit, so that nothing that was
    acknowledged is dropped; what is kept is kept in memory and saved now and
    then, as is its default."""

    name, protocol, program = "mosquitto", "mqtt", "mosquitto"

    def command(self):
        config = self.dir / "mosquitto.conf"
        user = "user root\n" if os.geteuid() == 0 else ""
        config.write_text(f"""\
{user}listener {self.port} 127.0.0.1
cafile {self.house.ca}
crlfile {self.house.crl}
certfile {self.house.chain}
keyfile {self.house.key}
require_certificate true
use_identity_as_username true
allow_anonymous false
set_tcp_nodelay true
max_queued_messages 0
max_inflight_messages 0
persistence true
persistence_location {self.folder("data")}/
log_type error
""", encoding="ascii")
        return "mosquitto", "-c", config

    @staticmethod
    def version():
        text = subprocess.run(["mosquitto", "-h"], text=True,
                              capture_output=True).stdout
        return re.search(r"version (\S+)", text).group(1)


class Nats(Server):
    """verify_and_map: a certificate is required and its subject is the user;
    with that setting it looks at no password.  It reads no revocation list.
    JetStream keeps in a file and acknowledges before fsync, its default."""

    name, protocol, program = "nats-server", "nats", "nats-server"

    def command(self):
        config = self.dir / "nats.conf"
        users = "\n".join(f'{{ user: "CN={name},O={ORGANISATION}" }}'
                          for name in self.house.names())
        config.write_text(f"""\
listen: "127.0.0.1:{self.port}"
tls {{
  cert_file: "{self.house.chain}"
  key_file: "{self.house.key}"
  ca_file: "{self.house.ca}"
  verify_and_map: true
  timeout: 30
}}
authorization {{ users = [
{users}
] }}
jetstream {{ store_dir: "{self.folder("data")}" }}
""", encoding="ascii")
        return "nats-server", "-c", config

    @staticmethod
    def version():
        text = subprocess.run(["nats-server", "--version"], text=True,
                              capture_output=True).stdout
        return text.strip().rsplit("v", 1)[-1]


class Bare(Server):
    """tests/bench/bare.c: TLS, epoll and LMDB with nothing around them."""

    name, protocol = "bare loop", "bare"

    def command(self):
        return (BUILD / "bench/bare", "--port", self.port, "--chain",
                self.house.chain, "--key", self.house.key, "--authority",
                self.house.ca, "--data", self.folder("data"))

    @staticmethod
    def version():
        return "OpenSSL, epoll, LMDB"


RIVALS = {c.protocol: c for c in (Sicher, Mosquitto, Nats, Bare)}
