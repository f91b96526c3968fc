"""Everybody back at once after a restart, by token.

    tests/bench/storm.py [SESSIONS [LOGGING_IN]]

20 accounts hold tokens.  The server is restarted, SESSIONS
connections come back one after the other, are cut, and come back all at once;
the clients are build/sicher-bench, one thread.  Then the keeper says how many
passwords it has computed since its start; and what the three processes hold in
memory of their own (RssAnon) is told: with nobody there, at the most, and when
all have gone again.
"""

import pathlib
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))

from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402

from authority import BUILD, Authority, write  # noqa: E402
from server import PASSWORD, Server  # noqa: E402

ACCOUNTS, DEVICES = 20, 1
SETTINGS = {
    "limits": {"connections_per_address": 20000, "connections": 20000},
    "log_level": "notice",
}


def people(authority, folder):
    """As sicher-ca issue leaves them: ACCOUNT/DEVICE/cert.pem and key.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer, signer = authority.issuer, authority.issuer_key
    for account in range(ACCOUNTS):
        for device in range(DEVICES):
            names = f"a{account}", f"d{device}"
            one = write(folder / "made", issuer, signer, authority.ca, *names,
                        key=key)
            to = folder / "people" / names[0] / names[1]
            to.mkdir(parents=True)
            one.cert.rename(to / "cert.pem")
            one.key.chmod(0o600)
            one.key.rename(to / "key.pem")
            (to / "ca.pem").write_bytes(authority.ca.read_bytes())
    return folder / "people"


class Bench:
    """sicher-bench against the server."""

    def __init__(self, server, folder, who):
        self.server = server
        self.password = folder / "password"
        self.password.touch(mode=0o600)
        self.password.write_text(PASSWORD + "\n")
        self.common = ["--people", who, "--tokens", folder / "tokens",
                       "--password-file", self.password,
                       "--server-name", "localhost"]

    def run(self, command, *arguments):
        to = "%s:%d" % self.server.address
        done = subprocess.run(
            [BUILD / "sicher-bench", command, "--to", to,
             *map(str, self.common), *map(str, arguments)],
            text=True, capture_output=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


class Memory:
    """What a server holds, looked at again and again."""

    def __init__(self, server):
        self.pids = server.pids()
        self.most = 0
        self.server = server
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._look)
        self.nobody = self.now()
        self.thread.start()

    def now(self):
        total = 0
        for pid in self.pids:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            total += int(status.split("RssAnon:")[1].split()[0])
        return total / 1024

    def _look(self):
        while not self.stop.wait(0.02):
            self.most = max(self.most, self.now())

    def told(self):
        self.stop.set()
        self.thread.join()
        while self.server.ctl("status")["connections"]:
            time.sleep(0.1)
        time.sleep(3)  # What gives memory back may take its time.
        print(f"memory in MiB: {self.nobody:.1f} with nobody, {self.most:.1f} "
              f"at the most, {self.now():.1f} when all had gone")


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    if len(sys.argv) > 2:
        SETTINGS["limits"]["logging_in"] = int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        authority = Authority(folder / "authority")
        who = people(authority, folder)
        server = Server(folder / "server", authority, SETTINGS).start()
        bench = Bench(server, folder, who)
        try:
            for account in range(ACCOUNTS):
                server.command("account", "add", f"a{account}",
                               "--password-file", bench.password)
            bench.run("enrol")
            assert server.stop() == 0
            server.start()
            memory = Memory(server)
            told = bench.run("storm", "--connections", count,
                             "--pid", server.process.pid)
            print(told, end="")
            memory.told()
            keeper = server.ctl("status")["keeper"]
            print(f"passwords computed since the restart: "
                  f"{keeper['passwords_checked']}")
            assert keeper["passwords_checked"] == 0
        finally:
            server.close()


if __name__ == "__main__":
    main()
