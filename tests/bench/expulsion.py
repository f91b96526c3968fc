"""Half of the live sessions revoked by one list, and the other half back
after a restart.

    tests/bench/expulsion.py [SESSIONS]

How long until the last revoked session has its end, what the messages of one
that stays cost before and meanwhile, and how long it takes those that stayed
to come back with their tokens, with the passwords that were checked for it.
One Python process is every client, so the times are upper bounds.
"""

import pathlib
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))

from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402

from authority import Authority, write  # noqa: E402
from server import Server  # noqa: E402
from test_revocation import publish_list  # noqa: E402

SETTINGS = {
    "account": {"devices_max": 1000},
    "limits": {"connections_per_address": 20000, "connections": 20000},
    "password": {"answer_time": "100ms"},
    "log_level": "notice",
}


class Talker(threading.Thread):
    """Sends one message after the other; (when, seconds) of each STORED."""

    def __init__(self, session):
        super().__init__(daemon=True)
        self.session, self.seen = session, []
        self.end = threading.Event()

    def run(self):
        while not self.end.is_set():
            begin = time.monotonic()
            self.session.post("bob", b"x" * 200)
            self.seen.append((begin, time.monotonic() - begin))
            time.sleep(0.002)

    def told(self, name, begin, end):
        took = sorted(t for at, t in self.seen if begin <= at < end)
        at = [took[min(int(len(took) * p), len(took) - 1)]
              for p in (0.5, 0.99, 1)]
        print(f"{name:<28} p50 {at[0] * 1e3:6.2f}  p99 {at[1] * 1e3:6.2f}  "
              f"max {at[2] * 1e3:6.2f} ms  ({len(took)} messages)")


def expel(server, talker, out):
    quiet = time.monotonic()
    talker.start()
    time.sleep(2)  # What is measured: two seconds of nothing.
    publish_list(server, [identity for identity, _ in out])
    begin = time.monotonic()
    closed = server.ctl("reload")["closed"]
    answered = time.monotonic() - begin
    for _, session in out:
        assert session.ending()[-1].code == "revoked"
    last = time.monotonic()
    time.sleep(max(0, begin + 1 - last))  # The rest of that second.
    talker.end.set()
    talker.join(10)
    assert closed == len(out)
    print(f"{closed} closed; reload answered after {answered * 1e3:.1f} ms, "
          f"the last end read after {(last - begin) * 1e3:.1f} ms")
    talker.told("one that stays, before", quiet, begin)
    talker.told("... in that second", begin, begin + 1)


def storm(server, stay):
    tokens = [(identity, session.token) for identity, session in stay]
    assert server.stop() == 0
    server.start()
    begin = time.monotonic()
    back = []
    for identity, token in tokens:
        session = server.session(identity)
        session.hello()
        session.resume(token)
        back.append(session)
    took = time.monotonic() - begin
    checked = server.ctl("status")["keeper"]["passwords_checked"]
    print(f"{len(back)} back by token after a restart in {took:.2f} s, one "
          f"after the other; passwords checked: {checked}")


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        authority = Authority(folder / "authority")
        alice = authority.issue("alice", "phone")
        bob = authority.issue("bob", "desk")
        key = ec.generate_private_key(ec.SECP256R1())
        issuer, signer = authority.issuer, authority.issuer_key
        server = Server(folder / "server", authority, SETTINGS).start()
        try:
            for identity in (alice, bob):
                server.enrol(identity)
            live = []
            for i in range(count):
                identity = write(folder / "many", issuer, signer,
                                 authority.ca, ("alice", "bob")[i % 2],
                                 f"d{i}", key=key)
                live.append((identity, server.login(identity)))
            half = count // 2
            expel(server, Talker(server.login(alice)), live[:half])
            storm(server, live[half:])
        finally:
            server.close()


if __name__ == "__main__":
    main()
