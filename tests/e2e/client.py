"""sicher, as one device of one account."""

import json
import os
import pathlib
import select
import subprocess
import time

from authority import BUILD
from server import PASSWORD

WAIT = 20


class Client:
    """One device's profile, and commands under it."""

    def __init__(self, folder, server, identity, **keys):
        self.dir = pathlib.Path(folder) / f"{identity.account}-{identity.device}"
        self.dir.mkdir(mode=0o700)
        self.password = self.dir / "password"
        self.password.touch(mode=0o600)
        self.password.write_text(PASSWORD + "\n")
        key = self.dir / "key.pem"
        key.touch(mode=0o600)
        key.write_bytes(identity.key.read_bytes())
        self.conf = self.dir / "profile.conf"
        self.keys = {"server": f"localhost:{server.address[1]}",
                     "authority": identity.ca, "certificate": identity.cert,
                     "key": "key.pem", "password_file": "password",
                     "state_dir": self.dir / "state"}
        self.set(**keys)

    def set(self, **keys):
        self.keys.update(keys)
        self.conf.write_text("".join(f'{k} = "{v}";\n'
                                     for k, v in self.keys.items() if v))

    def __call__(self, *arguments, status=0, input=None, binary=None):
        done = subprocess.run(
            [BUILD / "sicher", "--profile", self.conf, *map(str, arguments)],
            input=binary if binary is not None else (input or "").encode(),
            capture_output=True, timeout=60, start_new_session=True)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        assert done.returncode == status, (arguments, done)
        return done

    def json(self, *arguments, **more):
        return [json.loads(line) for line in
                self(*arguments, "--json", **more).stdout.splitlines()]

    def start(self, *arguments, **more):
        return subprocess.Popen(
            [BUILD / "sicher", "--profile", self.conf, *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True, **more)

    def listening(self, *arguments):
        process = self.start("listen", *arguments)
        until(process.stderr, b"listening as")
        return process


def until(stream, wanted):
    """Read a pipe until it has said ${wanted}; all it said."""
    said, limit = b"", time.monotonic() + WAIT
    while wanted not in said:
        left = limit - time.monotonic()
        ready, _, _ = select.select([stream], [], [], max(0, left))
        assert ready, f"{wanted} did not come: {said}"
        more = os.read(stream.fileno(), 65536)
        assert more, f"{wanted} did not come: {said}"
        said += more
    return said
