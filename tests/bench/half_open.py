"""Handshakes that are begun and never ended, while people go on.

    tests/bench/half_open.py [CONNECTIONS]

From forty addresses.  A third of them says nothing, a third half a hello, a third a whole one; all of
them are held at once.  What the pings and logins of honest clients take before
and meanwhile, and what the server's net process holds in memory for them.
"""

import pathlib
import resource
import socket
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))

from authority import Authority  # noqa: E402
from server import Server  # noqa: E402
from test_gate_tls import client_hello  # noqa: E402


def settings(count):
    return {
        "limits": {"connections_per_address": 2 * count,
                   "connections": 2 * count, "handshake_time": "10m"},
        "log_level": "notice",
    }


def anonymous_kb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1])
    raise AssertionError("no RssAnon")


def measure(name, server, session, identity):
    pings, logins = [], []
    for _ in range(500):
        begin = time.monotonic()
        session.ping()
        pings.append(time.monotonic() - begin)
    for _ in range(20):
        begin = time.monotonic()
        server.login(identity).close()
        logins.append(time.monotonic() - begin)
    pings.sort()
    logins.sort()
    print(f"{name:<10} ping p50 {pings[250] * 1e3:5.2f}  p99 "
          f"{pings[494] * 1e3:5.2f}  max {pings[-1] * 1e3:6.2f} ms;  login "
          f"p50 {logins[10] * 1e3:5.1f}  max {logins[-1] * 1e3:5.1f} ms;  "
          f"net {anonymous_kb(server.ctl('status')['net']['pid'])} KiB")


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        authority = Authority(folder / "authority")
        alice = authority.issue("alice", "phone")
        server = Server(folder / "server", authority, settings(count)).start()
        held = []
        try:
            server.enrol(alice)
            hello = client_hello(type("People", (), {"alice_laptop": alice}))
            session = server.login(alice)
            measure("before", server, session, alice)
            begin = time.monotonic()
            for i in range(count):
                knock = socket.create_connection(
                    server.address, timeout=30,
                    source_address=(f"127.0.0.{2 + i % 40}", 0))
                knock.sendall((b"", hello[:40], hello)[i % 3])
                held.append(knock)
            while server.ctl("status")["connections"] <= count:
                assert time.monotonic() - begin < 60
            print(f"{count} half open after "
                  f"{time.monotonic() - begin:.1f} s")
            measure("meanwhile", server, session, alice)
            assert server.ctl("status")["connections"] > count
        finally:
            for knock in held:
                knock.close()
            server.close()


if __name__ == "__main__":
    main()
