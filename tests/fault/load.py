"""Senders and a receiver that go on through crashes, and the books of what
was promised to them.

A sender keeps the ids that were not acknowledged and sends them again, in
order, when it is back.  The receiver is a client core: it drops what is not
above the last sequence it has processed.
"""

import random
import ssl
import threading
import time

from protocol import (Closed, Refused, Session, TooLate, Truncated, encode,
                      kind, new_id)
from server import PASSWORD

LOST = (Closed, Truncated, TooLate, OSError, ssl.SSLError)
GONE_ON = ("busy", "rate", "internal", "going-away")
WINDOW = 32  # Messages of one sender on their way.


class Client(threading.Thread):
    """A thread that stays connected to ${server} until told to finish."""

    def __init__(self, server, identity):
        super().__init__(daemon=True)
        self.server, self.identity = server, identity
        self.token = None
        self.finish = threading.Event()
        self.failure = None

    def run(self):
        try:
            while not self.done():
                try:
                    with self.connect() as session:
                        self.talk(session)
                except LOST:
                    time.sleep(0.02)  # The server is down; it comes back.
                except Refused as refused:
                    if refused.code not in GONE_ON:
                        raise
                    time.sleep(0.02)
        except BaseException as failure:  # Shown by join_all.
            self.failure = failure

    def connect(self):
        session = Session(self.server.address, self.identity.context())
        try:
            session.hello()
            if self.token:
                session.resume(self.token)
            else:
                session.auth(PASSWORD)
            self.token = session.token
        except BaseException:
            session.close()
            raise
        return session


class Sender(Client):
    def __init__(self, server, identity, target):
        super().__init__(server, identity)
        self.target = target
        self.waiting = {}  # id -> number, in the order of sending
        self.stored = {}  # id -> (seq, number)
        self.number = 0

    def done(self):
        return self.finish.is_set() and not self.waiting

    def talk(self, session):
        refs = {}
        for id, number in list(self.waiting.items()):
            self._send(session, refs, id, number)
        while not self.done():
            batch = []
            while len(refs) < WINDOW and not self.finish.is_set():
                id, self.number = new_id(), self.number + 1
                self.waiting[id] = self.number
                batch.append(self._frame(refs, id, self.number))
            if batch:
                session.write(b"".join(batch))
            if not refs:
                continue
            frame = session.receive()
            if kind(frame) == "PING":
                session.send("PONG", frame.nonce)
            elif kind(frame) == "STORED":
                id = refs.pop(frame.ref)
                self.stored[id] = (frame.seq, self.waiting.pop(id))
            elif kind(frame) in ("ERROR", "BYE"):
                raise Refused(frame)

    def _frame(self, refs, id, number):
        refs[number] = id
        body = f"{self.identity.account} {number} ".encode().ljust(64, b".")
        return encode("SEND", number, self.target, id, "text/plain", body)

    def _send(self, session, refs, id, number):
        session.write(self._frame(refs, id, number))


class Receiver(Client):
    def __init__(self, server, identity):
        super().__init__(server, identity)
        self.position = 0
        self.messages = []  # (seq, id, sender, number), each once
        self.dropped = 0

    def done(self):
        return self.finish.is_set()

    def talk(self, session):
        session.sync(takeover=True)
        while not self.done():
            try:
                frame = (session.delivered.popleft() if session.delivered
                         else session.receive(0.2))
            except TooLate:
                continue
            if kind(frame) == "PING":
                session.send("PONG", frame.nonce)
            elif kind(frame) == "DELIVER":
                self._take(session, frame)
            elif kind(frame) in ("ERROR", "BYE"):
                raise Refused(frame)

    def _take(self, session, frame):
        if frame.seq <= self.position:
            self.dropped += 1
            return
        self.position = frame.seq
        number = int(frame.body.split()[1])
        self.messages.append((frame.seq, frame.id, frame.sender, number))
        if len(self.messages) % 16 == 0:
            session.send("ACK", frame.seq)


class Load:
    """Several senders to one receiver, for as long as the with goes."""

    def __init__(self, server, senders, receiver, target):
        self.senders = [Sender(server, s, target) for s in senders]
        self.receiver = Receiver(server, receiver)

    def __enter__(self):
        for client in (*self.senders, self.receiver):
            client.start()
        return self

    def __exit__(self, *error):
        for sender in self.senders:
            sender.finish.set()
        if error[0]:
            self.receiver.finish.set()
            return
        for sender in self.senders:
            join(sender)
        last = max(seq for s in self.senders for seq, _ in s.stored.values())
        limit = time.monotonic() + 60
        while (self.receiver.position < last and self.receiver.is_alive()
               and time.monotonic() < limit):
            time.sleep(0.01)  # It is another thread's progress.
        self.receiver.finish.set()
        join(self.receiver)

    def acknowledged(self):
        return sum(len(s.stored) for s in self.senders)

    def wait_acknowledged(self, count, wait=30):
        limit = time.monotonic() + wait
        while self.acknowledged() < count:
            for client in (*self.senders, self.receiver):
                if client.failure:
                    raise client.failure
            assert time.monotonic() < limit, "no message was acknowledged"
            time.sleep(0.002)

    def verify(self):
        """Every acknowledged message was delivered, in order, once."""
        got = self.receiver.messages
        seqs = [seq for seq, *_ in got]
        assert seqs == sorted(set(seqs))
        by_id = {id: (seq, number) for seq, id, _, number in got}
        assert len(by_id) == len(got), "a message was stored twice"
        for sender in self.senders:
            lost = {i for i in sender.stored if i not in by_id}
            assert not lost, f"{len(lost)} acknowledged messages are lost"
            wrong = [i for i, at in sender.stored.items() if by_id[i] != at]
            assert not wrong, "a message is not where STORED said"
            numbers = [number for _, _, account, number in got
                       if account == sender.identity.account]
            assert numbers == sorted(numbers), "a sender's order was lost"


def join(client, wait=60):
    client.join(wait)
    if client.failure:
        raise client.failure
    assert not client.is_alive(), f"{client.identity.account} does not finish"


def torture(server, people, kills, chance=None, tell=lambda text: None):
    """${kills} times: load, kill -9 at a random moment, restart; then the
    books are compared."""
    chance = chance or random.Random()
    server.rough = True
    slowest = 0.0
    with Load(server, [people.alice_laptop, people.carol_desk,
                       people.dave_desk], people.bob_desk, "bob") as load:
        for i in range(kills):
            load.wait_acknowledged(load.acknowledged() + 20)
            time.sleep(chance.random() * 0.3)  # The random moment.
            server.kill()
            begin = time.monotonic()
            server.start()
            slowest = max(slowest, time.monotonic() - begin)
            if (i + 1) % 10 == 0:
                tell(f"{i + 1} kills, {load.acknowledged()} messages "
                     f"acknowledged, slowest restart {slowest:.2f} s")
    load.verify()
    return load, slowest
