"""sicher as people and scripts use it, against a real server."""

import hashlib
import base64
import json
import os
import pty
import select
import signal
import subprocess
import time

from authority import BUILD, Authority, run
from client import WAIT, Client, until
from server import PASSWORD


def test_a_message_arrives_as_it_was_sent(alice, bob):
    seq = int(alice("send", "bob", "hello there").stdout)
    (message,) = bob.json("listen", "--count", 1)
    assert message["seq"] == seq
    assert message["body"] == "hello there"
    assert message["encoding"] == "utf-8"
    assert (message["from"], message["device"]) == ("alice", "laptop")
    assert (message["to"], message["type"]) == ("bob", "text/plain")
    assert abs(message["time_ms"] / 1000 - time.time()) < 60


def test_what_came_while_nobody_listened_comes_in_order_and_once(alice, bob):
    sent = [int(alice("send", "bob", f"message {i}").stdout)
            for i in range(5)]
    first = bob.json("listen", "--count", 2)
    rest = bob.json("listen", "--count", 3)
    assert [m["seq"] for m in first + rest] == sent


def test_a_killed_listener_neither_loses_nor_repeats(alice, bob):
    for i in range(40):
        alice("send", "bob", i)
    got = []
    kills = 0
    while len(set(got)) < 40:
        kills += 1
        process = bob.listening("--json")
        text = until(process.stdout, b'"body":"%d"' % len(set(got)))
        process.kill()
        text += process.communicate(timeout=WAIT)[0]
        got += [json.loads(line)["body"] for line in text.splitlines()]
    # A kill between the writing and the remembering shows a batch again.
    assert sorted(set(got), key=int) == [str(i) for i in range(40)]
    assert len(got) <= 40 + 32


def test_both_devices_get_a_message_and_senders_can_see_their_own(
        alice, client, bob):
    phone = client("alice_phone")
    bob("send", "alice", "to both")
    assert [m["body"] for m in alice.json("listen", "--count", 1)] == ["to both"]
    alice("send", "bob", "mine")
    own = phone.json("listen", "--own", "--count", 2)
    assert [m["body"] for m in own] == ["to both", "mine"]


def test_bytes_that_are_no_text_are_base64_and_come_back_whole(alice, bob):
    body = bytes(range(256))
    alice("send", "bob", "-", "--type", "application/octet-stream",
          binary=body)
    (message,) = bob.json("history", "alice", "--limit", 1)
    assert message["encoding"] == "base64"
    assert base64.b64decode(message["body"]) == body
    shown = bob("history", "alice", "--limit", 1).stdout
    assert "[application/octet-stream, 256 bytes]" in shown


def test_control_characters_of_others_do_not_reach_the_terminal(alice, bob):
    alice("send", "bob", "-", input="a\x1b[2Jb\r\x07\u202ec\nsecond: line\n")
    shown = bob("history", "alice", "--limit", 1).stdout
    assert "a\\x1b[2Jb\\x0d\\x07\\u{202e}c\n    second: line\n" in shown
    (message,) = bob.json("history", "alice", "--limit", 1)
    assert message["body"] == "a\x1b[2Jb\r\x07\u202ec\nsecond: line"


def test_a_message_with_a_ttl_does_not_reach_who_comes_later(alice, bob):
    alice("send", "--ttl", "1ms", "bob", "burnt")
    alice("send", "--ttl", "1h", "bob", "kept")
    (message,) = bob.json("listen", "--count", 1)
    assert message["body"] == "kept"
    for wrong in ("soon", "10", "0s", "-1s"):
        assert "--ttl is a time such as" in alice(
            "send", f"--ttl={wrong}", "bob", "x", status=64).stderr


def test_the_same_id_is_stored_once(alice, bob):
    message_id = "0192e4a07c5d7aaa8bbbccccdddddddd"
    (first,) = alice.json("send", "bob", "one", "--id", message_id)
    (again,) = alice.json("send", "bob", "one", "--id", message_id)
    assert (first["duplicate"], again["duplicate"]) == (False, True)
    assert first["seq"] == again["seq"]
    assert first["id"] == message_id
    assert len(bob.json("history", "alice")) == 1


def test_the_longest_message_passes_and_one_byte_more_does_not(alice, bob):
    alice("send", "bob", "-", input="x" * 61440)
    assert len(bob.json("history", "alice")[0]["body"]) == 61440
    refused = alice("send", "bob", "-", input="x" * 61441, status=65)
    assert "61440" in refused.stderr


def test_an_empty_standard_input_is_no_message(alice, bob):
    for empty in ("", "\n"):
        refused = alice("send", "bob", input=empty, status=65)
        assert "nothing was sent" in refused.stderr
        assert "sicher send 'bob' ''" in refused.stderr
    alice("send", "bob", "-", "--type", "application/octet-stream", input="",
          status=65)
    alice("send", "bob", "")
    alice("send", "bob", "-", "--type", "application/octet-stream",
          input="\n")
    assert [m["body"] for m in bob.json("history", "alice")] == ["", "\n"]


def test_a_message_refused_for_a_limit_is_known_not_to_be_stored(
        make_server, people, tmp_path):
    server = make_server({"limits": {"sessions_per_account": 1}})
    alice = Client(tmp_path, server, people.alice_laptop)
    with server.login(people.alice_laptop):
        refused = alice("send", "bob", "one too many", status=69)
    assert "sessions" in refused.stderr
    assert "the message was not stored" in refused.stderr
    assert "not known" not in refused.stderr
    assert alice.json("history", "bob") == []


def test_history_is_asked_for_by_time(alice, bob):
    alice("send", "bob", "just now")
    assert [m["body"] for m in bob.json("history", "alice", "--since", "1h")] == [
        "just now"]
    assert bob.json("history", "alice", "--until", "1h") == []
    assert bob.json("history", "alice", "--since", "2100-01-01") == []
    for options in (("--since", "yesterday"), ("--since", "1h", "--before", 9)):
        assert bob("history", "alice", *options, status=64).stdout == ""


def test_history_pages_in_both_directions(alice, bob):
    seqs = [int(alice("send", "bob", i).stdout) for i in range(5)]

    def history(*options):
        return [m["seq"] for m in bob.json("history", "alice", *options)]

    assert history() == seqs
    assert history("--limit", 2) == seqs[3:]
    assert history("--limit", 2, "--before", seqs[3]) == seqs[1:3]
    assert history("--limit", 2, "--after", seqs[0]) == seqs[1:3]
    assert f"--before {seqs[3]}" in bob(
        "history", "alice", "--limit", 2).stderr
    bob("history", "alice", "--before", 1, "--after", 2, status=64)
    for limit in (0, 201):
        bob("history", "alice", "--limit", limit, status=64)


def test_unknown_receivers_and_names_are_told_apart(alice):
    assert "nobody" in alice("send", "nobody", "x", status=67).stderr
    alice("send", "#nowhere", "x", status=67)
    alice("send", "Not A Name", "x", status=64)


def test_whoami_tells_account_device_and_server(alice, server):
    (me,) = alice.json("whoami")
    assert (me["account"], me["device"]) == ("alice", "laptop")
    assert (me["server"], me["host"]) == ("test.house", "localhost")
    assert int(me["port"]) == server.address[1]


def test_a_listener_outlives_a_restart_of_the_server(alice, bob, server):
    process = bob.listening("--json")
    try:
        alice("send", "bob", "before")
        until(process.stdout, b"before")
        port = server.address[1]
        server.restart(listen=[f"127.0.0.1:{port}"])
        until(process.stderr, b"connected again")
        alice("send", "bob", "after")
        assert b"before" not in until(process.stdout, b"after")
    finally:
        process.kill()
        process.communicate()


def test_send_survives_a_kill_of_the_server_and_is_stored_once(
        alice, bob, server):
    server.write_config(listen=[f"127.0.0.1:{server.address[1]}"])
    chat = alice.start("chat", "bob")
    try:
        chat.stdin.write(b"one\n")
        chat.stdin.flush()
        until(chat.stderr, b"talking to bob")
        server.kill()
        until(chat.stderr, b"trying again")
        chat.stdin.write(b"two\n")
        chat.stdin.flush()
        server.start()
        chat.stdin.close()
        assert chat.wait(WAIT) == 0, chat.stderr.read()
    finally:
        chat.kill()
        chat.wait()
    assert [m["body"] for m in bob.json("history", "alice")] == ["one", "two"]


def test_a_revoked_device_is_told_and_ends_while_the_other_goes_on(
        make_server, own_authority, tmp_path):
    server = make_server(seed=False, authority=own_authority)
    laptop = own_authority.issue("alice", "laptop")
    phone = own_authority.issue("alice", "phone")
    server.enrol(laptop)
    laptop, phone = (Client(tmp_path, server, i) for i in (laptop, phone))
    lost, kept = laptop.listening(), phone.listening("--json")
    try:
        own_authority.revoke("alice", "laptop")
        server.publish()
        server.reload()
        assert lost.wait(WAIT) == 77
        assert b"was revoked" in lost.stderr.read()
        assert "was revoked" in laptop("whoami", status=77).stderr
        phone("send", "alice", "note to self")
        until(kept.stdout, b"note to self")
    finally:
        for process in (lost, kept):
            process.kill()
            process.communicate()


def test_who_may_not_come_in_is_told_why(alice, server, stranger, people,
                                         tmp_path):
    alice.password.write_text("wrong\n")
    said = alice("whoami", status=77).stderr
    assert "password was not accepted" in said and "password" in said
    alice.password.write_text(PASSWORD)
    server.ctl("account.disable", "alice")
    assert "disabled" in alice("whoami", status=77).stderr
    server.ctl("account.enable", "alice")
    alice("whoami")
    alice.set(server=f"127.0.0.1:{server.address[1]}")
    assert "another name" in alice("whoami", status=77).stderr
    alice.set(server="localhost:1")
    assert "cannot reach" in alice("whoami", status=69).stderr
    alice.set(server="nosuch.invalid:7443")
    assert "cannot find" in alice("whoami", status=69).stderr
    forged = stranger.forge(tmp_path / "forged", people.alice_laptop.ca)
    alice.set(server=f"localhost:{server.address[1]}",
              certificate=forged.cert, key=forged.key)
    forged.key.chmod(0o600)
    assert "does not trust the authority" in alice("whoami", status=77).stderr


def test_an_impostor_is_sent_nothing(alice, tmp_path, server):
    other = Authority(tmp_path / "other")
    alice.set(authority=other.ca)
    since = server.now()
    assert "impostor" in alice("whoami", status=77).stderr
    assert not any(line.event == "session.ready"
                   for line in server.lines[since:])


def test_mistakes_in_a_profile_name_the_file_and_what_to_do(alice):
    alice.set(servr="x")
    assert "did you mean server" in alice("whoami", status=78).stderr
    del alice.keys["servr"]
    alice.set(key=alice.dir / "open.pem")
    (alice.dir / "open.pem").write_bytes((alice.dir / "key.pem").read_bytes())
    (alice.dir / "open.pem").chmod(0o644)
    assert "chmod 600" in alice("whoami", status=78).stderr
    (alice.dir / "open.pem").chmod(0o600)
    alice("whoami")
    alice.password.chmod(0o640)
    assert "chmod 600" in alice("whoami", status=78).stderr
    alice.conf.unlink()
    assert "--sample-config" in alice("whoami", status=78).stderr


def test_a_consumer_is_one_sessions_and_can_be_taken_over(bob):
    first = bob.listening()
    try:
        assert "--takeover" in bob("listen", status=69).stderr
        other = bob.listening("--consumer", "other")
        other.kill()
        other.communicate()
        second = bob.listening("--takeover")
        assert first.wait(WAIT) == 69
        assert b"took over" in first.stderr.read()
        second.kill()
        second.communicate()
    finally:
        first.kill()
        first.communicate()


def test_what_cannot_be_written_out_comes_again(alice, bob):
    alice("send", "bob", "precious")
    with open("/dev/full", "wb") as full:
        process = subprocess.Popen(
            [BUILD / "sicher", "--profile", bob.conf, "listen", "--count", "1"],
            stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE)
        assert process.wait(WAIT) == 74
        process.stderr.close()
    assert [m["body"] for m in bob.json("listen", "--count", 1)] == ["precious"]


def test_chat_sends_lines_from_a_pipe_and_shows_what_comes(alice, bob):
    chat = alice.start("chat", "bob")
    try:
        chat.stdin.write(b"first\nsec")
        chat.stdin.flush()
        (message,) = bob.json("listen", "--count", 1)
        assert message["body"] == "first"
        bob("send", "alice", "answer")
        assert b"bob: answer" in until(chat.stdout, b"answer")
        chat.stdin.write(b"ond\n\nlast, without an end")
        chat.stdin.close()
        assert chat.wait(WAIT) == 0
    finally:
        chat.kill()
        chat.wait()
    assert [m["body"] for m in bob.json("history", "alice")] == [
        "first", "answer", "second", "last, without an end"]


def test_chat_tells_what_was_not_sent(alice):
    refused = alice("chat", "nobody", input="hello\n", status=67)
    assert "not sent" in refused.stderr


def test_a_rooms_history_owners_and_end(alice, bob):
    alice("room", "create", "#ops", "--history")
    alice("send", "#ops", "before him")
    bob("room", "join", "#ops")
    assert [m["body"] for m in bob.json("history", "#ops")] == ["before him"]
    alice("room", "history", "#ops", "joined")
    assert bob.json("history", "#ops") == []
    assert alice.json("room", "list")[0]["history"] is False
    alice("room", "history", "#ops", "closed", status=64)
    bob("room", "history", "#ops", "open", status=77)
    assert "make somebody else one first" in alice(
        "room", "owner", "#ops", "alice", "--revoke", status=77).stderr
    bob("room", "delete", "#ops", status=77)
    alice("room", "owner", "#ops", "bob")
    assert "an owner already" in alice(
        "room", "owner", "#ops", "bob", status=73).stderr
    bob("room", "delete", "#ops")
    alice("room", "members", "#ops", status=67)


def test_a_chat_in_a_room_tells_who_comes_and_when_it_ends(alice, bob):
    alice("room", "create", "#ops")
    chat = alice.start("chat", "#ops")
    try:
        until(chat.stderr, b"talking to #ops")
        bob("room", "join", "#ops")
        until(chat.stderr, b"(bob joined #ops)")
        bob("room", "leave", "#ops")
        until(chat.stderr, b"(bob left #ops)")
        alice("room", "delete", "#ops")
        until(chat.stderr, b"(#ops was deleted)")
        chat.stdin.close()
        assert chat.wait(WAIT) == 0
    finally:
        chat.kill()
        chat.wait()


def test_send_waits_until_it_is_delivered_or_read(alice, bob):
    assert "bob has not got it yet" in alice(
        "send", "bob", "anybody?", "--wait", "delivered", "--timeout", 1,
        status=75).stderr
    alice("send", "bob", "x", "--wait", "seen", status=64)
    listener = bob.listening()
    try:
        stored, receipt = alice.json(
            "send", "bob", "you there?", "--wait", "delivered")
        assert receipt == {"receipt": "delivered", "account": "bob",
                           "seq": stored["seq"]}
        assert "bob has not read it yet" in alice(
            "send", "bob", "read this", "--wait", "read", "--timeout", 1,
            status=75).stderr
    finally:
        listener.kill()
        listener.communicate()
    chat = bob.start("chat", "alice")
    try:
        until(chat.stderr, b"talking to alice")
        alice("send", "bob", "and this", "--wait", "read")
        assert {(r["account"], r["receipt"]) for r in
                alice.json("receipts", "bob")} == {
            ("bob", "delivered"), ("bob", "read")}
        assert "read up to" in alice("receipts", "bob").stdout
        alice("receipts", "nobody", status=67)
        # That there is none is an answer; it is told where it is in nobody's
        # way.
        alice("room", "create", "#quiet")
        none = alice("receipts", "#quiet")
        assert none.stdout == "" and "nobody has got" in none.stderr
        assert alice("receipts", "#quiet", "--json").stderr == ""
    finally:
        chat.kill()
        chat.communicate()


def test_send_to_a_room_waits_for_all_its_members(alice, bob, client):
    carol = client("carol_desk")
    alice("room", "create", "#ops")
    alice("send", "#ops", "alone", "--wait", "read")
    for one in (bob, carol):
        one("room", "join", "#ops")
    listeners = [bob.listening()]
    try:
        assert "carol has not got it yet" in alice(
            "send", "#ops", "you two?", "--wait", "delivered", "--timeout", 1,
            status=75).stderr
        listeners.append(carol.listening())
        alice("send", "#ops", "and now?", "--wait", "delivered")
    finally:
        for process in listeners:
            process.kill()
            process.communicate()


def test_a_chat_tells_when_the_last_line_was_read(alice, bob):
    alice("send", "bob", "good morning")
    chats = [bob.start("chat", "alice")]
    try:
        until(chats[0].stderr, b"talking to")
        chats.insert(0, alice.start("chat", "bob"))
        until(chats[0].stderr, b"(bob is online)")
        chats[0].stdin.write(b"hello\n")
        chats[0].stdin.flush()
        told = until(chats[0].stderr, b"(bob has read it)")
        chats[1].stdin.close()
        told += until(chats[0].stderr, b"(bob is offline)")
        # What was read was got, and who is there is told when it changes.
        assert b"has got it" not in told.split(b"has read it")[1]
        assert b"(bob is online)" not in told
    finally:
        for chat in chats:
            chat.kill()
            chat.wait()


def test_presence_and_signals_as_a_person_sees_them(alice, bob):
    alice("presence", "bob", status=67)
    alice("signal", "bob", status=67)
    alice("send", "bob", "hello")
    (presence,) = alice.json("presence", "bob")
    assert (presence["account"], presence["state"]) == ("bob", "offline")
    listener = bob.listening("--away")
    chat = alice.start("chat", "bob")
    try:
        until(chat.stderr, b"(bob is away)")
        assert "bob: away" in alice("presence", "bob").stdout
        bob("signal", "alice")
        until(chat.stderr, b"(bob is typing)")
        listener.kill()
        listener.communicate()
        until(chat.stderr, b"(bob is offline)")
        assert "bob: offline, last seen 2" in alice("presence", "bob").stdout
    finally:
        for process in (listener, chat):
            process.kill()
            process.communicate()


def test_the_devices_of_somebody_one_knows(alice, bob, people):
    bob("whoami")
    alice("devices", "bob", status=67)
    alice("send", "bob", "hello")
    (device,) = alice.json("devices", "bob")
    der = base64.b64decode(device["certificate"])
    assert hashlib.sha256(der).hexdigest() == device["fingerprint"]
    assert device["device"] == "desk"
    assert device["fingerprint"] in alice("devices", "bob").stdout
    own = alice("devices").stdout
    assert "laptop" in own and own == alice("devices", "alice").stdout


def test_rooms_from_making_to_leaving(alice, bob, client):
    alice("room", "create", "#ops", "what runs", "--private")
    alice("room", "create", "#ops", status=73)
    bob("room", "join", "#ops", status=67)
    alice("room", "invite", "#ops", "bob")
    assert "already" in bob("room", "join", "#ops").stderr
    assert "already" in alice("room", "invite", "#ops", "bob").stderr
    (room,) = bob.json("room", "list")
    assert (room["room"], room["topic"]) == ("#ops", "what runs")
    assert (room["open"], room["joined"], room["members"]) == (False, True, 2)
    members = {m["account"]: m["role"] for m in
               alice.json("room", "members", "#ops")}
    assert members == {"alice": "owner", "bob": "member"}
    alice("send", "#ops", "hello all")
    assert [m["to"] for m in bob.json("listen", "--count", 1)] == ["#ops"]
    bob("room", "topic", "#ops", "mine", status=77)
    alice("room", "topic", "#ops", "all is well")
    assert "all is well" in bob("room", "list").stdout
    alice("room", "remove", "#ops", "bob")
    bob("send", "#ops", "still here?", status=67)
    alice("room", "leave", "#ops")


def test_a_password_is_changed_by_descriptors(client, alice, server):
    read, write = os.pipe()
    os.write(write, b"a new password\n")
    os.close(write)
    done = subprocess.run(
        [BUILD / "sicher", "--profile", alice.conf, "--new-password-fd",
         str(read), "passwd"], pass_fds=[read], stdin=subprocess.DEVNULL,
        capture_output=True, timeout=WAIT)
    os.close(read)
    assert done.returncode == 0, done.stderr
    alice("whoami", status=77)
    alice.password.write_text("a new password\n")
    alice("whoami")


class Terminal:
    """sicher on a terminal of its own."""

    def __init__(self, *command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(command[0], [str(part) for part in command])
        self.said = b""

    def until(self, wanted):
        limit = time.monotonic() + WAIT
        while wanted not in self.said:
            ready, _, _ = select.select(
                [self.fd], [], [], max(0, limit - time.monotonic()))
            assert ready, f"{wanted} did not come: {self.said}"
            try:
                self.said += os.read(self.fd, 65536)
            except OSError:  # The other end is closed.
                assert wanted in self.said, self.said
        before, _, self.said = self.said.partition(wanted)
        return before

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        limit = time.monotonic() + WAIT
        while time.monotonic() < limit:
            try:
                if not os.read(self.fd, 65536):
                    break
            except OSError:
                break
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_the_first_login_asks_for_a_password_of_ones_own(
        make_server, own_authority, tmp_path):
    server = make_server(seed=False, authority=own_authority)
    eve = Client(tmp_path, server, own_authority.issue("eve", "desk"),
                 password_file="")
    secret = server.add("eve")
    screen = Terminal(BUILD / "sicher", "--profile", eve.conf, "whoami")
    screen.until(b"Password of eve: ")
    screen.type("not the secret\n")
    screen.until(b"not accepted")
    screen.until(b"Password of eve: ")
    screen.type(secret + "\n")
    screen.until(b"one-time secret")
    screen.until(b"New password: ")
    screen.type("short\n")
    screen.until(b"Repeat the password: ")
    screen.type("short\n")
    screen.until(b"too short")
    screen.until(b"New password: ")
    screen.type("my own password\n")
    screen.until(b"Repeat the password: ")
    screen.type("my own password\n")
    assert b"my own" not in screen.until(b"eve, device desk")
    assert screen.end() == 0
    eve.password.write_text("my own password\n")
    eve.set(password_file="password")
    eve("whoami")


def test_chat_on_a_terminal_begins_with_the_past(alice, bob):
    bob("send", "alice", "earlier")
    screen = Terminal(BUILD / "sicher", "--profile", alice.conf, "chat",
                      "--plain", "bob")
    screen.until(b"bob: earlier")
    screen.until(b"talking to bob")
    screen.type("hello\n")
    assert [m["body"] for m in bob.json(
        "listen", "--own", "--count", 2)][-1] == "hello"
    bob("send", "alice", "answer \x1b[2J")
    screen.until(b"bob: answer \\x1b[2J")
    screen.type("\x04")
    assert screen.end() == 0


def test_without_a_terminal_nobody_is_asked(alice):
    alice.set(password_file="")
    assert "--password-fd" in alice("whoami", status=77).stderr


def test_a_certificate_near_its_end_is_announced_once_a_step(
        house, server, tmp_path):
    import datetime
    now = datetime.datetime.utcnow().replace(microsecond=0)
    soon = house.authority.forge(tmp_path / "soon", "alice", "soon",
                                 end=now + datetime.timedelta(days=10))
    client = Client(tmp_path, server, soon)
    said = client("whoami").stderr
    assert "ends in 9 days" in said or "ends in 10 days" in said
    assert "ends in" not in client("whoami").stderr


def test_no_argument_holds_a_password_and_help_is_everywhere():
    for command in ("send", "listen", "chat", "history", "whoami", "passwd",
                    "room create", "room list"):
        text = run("sicher", *command.split(), "--help").stdout
        assert "example" in text
    assert run("sicher", "snd", ok=False).returncode == 64
    assert 'did you mean "send"' in run("sicher", "snd", ok=False).stderr


def test_a_terminated_listener_had_handed_over_all_it_acknowledged(
        alice, bob):
    process = bob.listening("--json")
    alice("send", "bob", "one")
    until(process.stdout, b"one")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=WAIT)
    alice("send", "bob", "two")
    bodies = [m["body"] for m in bob.json("listen", "--count", 1)]
    assert bodies in (["two"], ["one"])
