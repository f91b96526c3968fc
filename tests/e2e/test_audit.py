"""Each admission, refusal and expulsion is one line of the log, and no more:
the table of docs/SECURITY.md, provoked row by row."""

import collections
import datetime

import pytest

from authority import utcnow
from protocol import Refused, kind
from server import PASSWORD
from test_certificates import knock

AUDIT = ("session.ready", "session.bye", "login.refused", "login.password",
         "login.token", "login.busy", "gate.refused")


class Books:
    """What should be in the log, and what is."""

    def __init__(self, server):
        self.server = server
        self.expected = collections.Counter()

    def row(self, event, identity, reason, times=1):
        self.expected[event, identity.serial, reason] += times

    def lines(self):
        return [line for line in self.server.lines if line.event in AUDIT]

    def compare(self):
        """After the server's end, when nothing more can come."""
        for line in self.lines():
            assert line.fields["issuer"], line.text
            assert ":" in line.fields["address"], line.text
            assert line.fields["withheld" if "withheld" in line.fields
                               else "reason"], line.text
        assert collections.Counter(
            (line.event, line.fields["serial"], line.fields["reason"])
            for line in self.lines()) == self.expected


def ready(books, identity, password=PASSWORD):
    books.row("session.ready", identity, "password")
    return books.server.login(identity, password)


def turned_away(books, identity, reason):
    books.row("login.refused", identity, reason)
    with books.server.session(identity) as session, pytest.raises(Refused):
        session.hello()


def ended(books, session, identity, code):
    books.row("session.bye", identity, code)
    assert session.ending()[-1].code == code
    session.close()


def admissions(books, identity, secret, people):
    server = books.server
    with server.session(identity) as new:
        new.hello()
        new.auth(secret)
        new.choose(secret, "a password of my own")
        books.row("session.ready", identity, "first password")
    with ready(books, people.alice_laptop) as alice:
        token = alice.token
    with server.session(people.alice_laptop) as alice:
        alice.hello()
        alice.resume(token)
        books.row("session.ready", people.alice_laptop, "token")
    with server.session(people.alice_laptop) as alice:
        alice.hello()
        books.row("login.token", people.alice_laptop, "refused")
        with pytest.raises(Refused):
            alice.resume(token[:-1] + bytes([token[-1] ^ 1]))


def refusals(books, house, people, stranger, folder):
    with books.server.session(people.dave_desk) as dave:
        dave.hello()
        # The second is delayed, and must look like the first.
        for password in ("wrong", PASSWORD):
            books.row("login.password", people.dave_desk, "refused")
            with pytest.raises(Refused):
                dave.auth(password)
    turned_away(books, house.authority.forge(folder, "nobody-known", "x"),
                "no account has this subject")
    foreign = stranger.forge(folder, people.alice_laptop.ca)
    books.row("gate.refused", foreign, "unknown-ca")
    knock(books.server, foreign.context())


def expulsions(books, house, people, newcomer, folder):
    server = books.server
    carol = ready(books, people.carol_desk)
    server.ctl("account", "disable", "carol")
    ended(books, carol, people.carol_desk, "disabled")
    turned_away(books, people.carol_desk, "the account is disabled")
    phone = ready(books, people.alice_phone)
    server.ctl("device", "revoke", "alice", "phone")
    ended(books, phone, people.alice_phone, "revoked")
    turned_away(books, people.alice_phone, "the device is revoked")
    bob = ready(books, people.bob_phone)
    server.ctl("account", "passwd", "bob")
    ended(books, bob, people.bob_phone, "password-reset")
    first, second = (ready(books, people.alice_laptop) for _ in range(2))
    first.sync()
    second.sync(takeover=True)
    ended(books, first, people.alice_laptop, "takeover")
    server.ctl("kick", "alice")
    ended(books, second, people.alice_laptop, "kicked")
    brief = house.authority.forge(
        folder, "alice", "brief", end=utcnow() + datetime.timedelta(seconds=3))
    ended(books, ready(books, brief), brief, "expired")


def test_every_kind_is_in_the_log_exactly_once(
        make_server, house, people, stranger, newcomer, tmp_path):
    server = make_server({"password": {"delay_first": "60s"}})
    books = Books(server)
    identity, secret = newcomer(server)
    admissions(books, identity, secret, people)
    refusals(books, house, people, stranger, tmp_path)
    expulsions(books, house, people, newcomer, tmp_path)
    new = ready(books, identity, "a password of my own")
    server.ctl("account", "delete", identity.account)
    ended(books, new, identity, "disabled")
    last = ready(books, people.alice_laptop)
    server.process.terminate()
    ended(books, last, people.alice_laptop, "going-away")
    assert server.stop() == 0
    assert server.ended.wait(10)
    books.compare()


def test_what_is_shed_is_in_the_log(make_server, people):
    server = make_server({"password": {"workers": 1, "queue": 1,
                                       "iterations": 20}, "loops": 1,
                          "limits": {"handshake_time": "2m"}})
    sessions = [server.session(people.alice_laptop, wait=60)
                for _ in range(6)]
    for session in sessions:
        session.hello()
    for session in sessions:
        session.send("AUTH", PASSWORD.encode())
    busy = 0
    for session in sessions:
        frame = session.receive()
        busy += kind(frame) == "ERROR" and frame.code == "busy"
        session.close()
    assert server.stop() == 0 and server.ended.wait(10)
    told = [line for line in server.lines if line.event == "login.busy"]
    assert busy and len(told) == busy
    assert {line.fields["account"] for line in told} == {"alice"}


def test_a_silent_session_is_ended_with_a_line(make_server, people):
    server = make_server({"limits": {"idle_time": "2s"}})
    books = Books(server)
    alice = ready(books, people.alice_laptop)
    ended(books, alice, people.alice_laptop, "timeout")
    assert server.stop() == 0 and server.ended.wait(10)
    books.compare()
