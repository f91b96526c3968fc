"""sicher chat as a person sees it, in a terminal of its own."""

import re

import pytest

from authority import BUILD
from client import Client
from terminal import Screen


@pytest.fixture
def chat():
    """chat(client, TO...): sicher chat on a screen."""
    made = []

    def make(who, *arguments, **more):
        made.append(Screen(BUILD / "sicher", "--profile", who.conf, "chat",
                           *arguments, **more))
        return made[-1]

    yield make
    for screen in made:
        screen.close()


def test_two_people_talk_and_see_how_far_a_message_has_come(
        alice, bob, chat):
    a = chat(alice, "bob")
    a.until("alice on ")
    a.say("are you there?")
    a.until(r"alice: are you there\? +stored")
    b = chat(bob, "alice")
    b.until(r"alice: are you there\?")
    a.until(r"alice: are you there\? +read", r"bob +online")
    b.type("ye")
    a.until("bob is typing")
    b.say("s: Grüße, 你好 🙂")
    a.until("bob: yes: Grüße, 你好 🙂", gone=["bob is typing"])
    b.keys("C-c")
    assert b.ended() == 0
    a.until("bob +offline")
    a.say("still?")
    a.until(r"alice: still\? +stored")
    bob("listen", "--count", 2)
    a.until(r"alice: still\? +delivered")


def test_what_others_write_never_acts_on_the_terminal(alice, bob, chat):
    a = chat(alice, "bob")
    a.until("alice on ")
    bob("send", "alice", "-", binary=(
        b"\x1b]0;owned\x07\x1b[2J\x1b[31m\xe2\x80\xaetxt\x9b31m\xc2\x9b"
        b"1m\rover\n12:00 alice: forged"))
    screen = a.until("forged")
    assert (r"\x1b]0;owned\x07\x1b[2J\x1b[31m\u{202e}txt\x9b31m\u{9b}1m"
            in re.sub(r"\n[^\n]{16}│ +", "", screen))
    assert "\u202e" not in screen and "\u202e" not in a.screen(escapes=True)
    assert "owned" not in a.tmux("display", "-p", "#{pane_title}")
    # A second line cannot look like a message of its own.
    assert re.search(r"│ {9}12:00 alice: forged", screen)


def test_unread_messages_are_counted_until_they_are_seen(
        alice, bob, client, chat):
    carol = client("carol_desk")
    bob("send", "alice", "one")
    a = chat(alice, "carol")
    a.until(r"bob +1│")
    bob("send", "alice", "two")
    a.until(r"bob +2│", gone=["two"])
    a.keys("Tab")
    a.until("bob: one", "bob: two", "─ new ─", r"bob +│", gone=[r"bob +2│"])
    a.keys("C-c")
    assert a.ended() == 0
    # Another time they are known to have been read, and with whom one talks.
    carol("send", "alice", "three")
    a = chat(alice)
    a.until(r"carol +1│", r"bob +│")
    assert alice.json("receipts", "bob")


def test_scrolling_up_loads_page_after_page(alice, bob, chat, server, people):
    with server.login(people.bob_desk) as session:
        for i in range(200):
            session.post("alice", f"message {i}.".encode())
    a = chat(alice, "bob", rows=30)
    a.until(r"message 199\.")
    for _ in range(40):
        a.keys("PPage")
    screen = a.until(r"message 1[0-9]?[0-9]?\.")
    for _ in range(40):
        if re.search(r" message 0\.", screen):
            break
        a.keys("PPage")
        screen = a.until("more below")
    a.until(r" message 0\.", r" message 1\.", r"─ \d{4}-\d\d-\d\d ─")
    bob("send", "alice", "the newest")
    a.keys("Escape")
    a.until("the newest", gone=["more below"])


def test_a_lost_connection_is_told_and_what_was_typed_is_sent_after_it(
        alice, bob, chat, server):
    a = chat(alice, "bob")
    a.until("alice on ")
    server.kill()
    a.until("NOT CONNECTED")
    a.say("while away")
    a.until("alice: while away +sending")
    a.say("/members")
    a.say("/rooms")
    a.until("not connected; try again")
    server.write_config(listen=[f"127.0.0.1:{server.address[1]}"])
    server.start()
    a.until("alice: while away +stored", gone=["NOT CONNECTED"])
    assert [m["body"] for m in bob.json("listen", "--count", 1)] == [
        "while away"]


def test_what_is_not_sent_is_not_left_without_a_word(alice, chat, server):
    a = chat(alice, "bob")
    a.until("alice on ")
    server.kill()
    a.until("NOT CONNECTED")
    a.say("lost?")
    a.until("sending")
    a.keys("C-c")
    a.until("1 message is not sent yet")
    a.keys("C-c")
    assert a.ended() == 75
    assert "1 message was not sent" in a.screen()


def test_it_fits_every_terminal_and_follows_its_size(alice, bob, chat):
    bob("send", "alice", "a few words that need more than one line")
    a = chat(alice, "bob", cols=20, rows=5)
    a.until("than one line", "alice on")
    a.resize(40, 12)
    screen = a.until("bob: a few words")
    assert "│" not in screen
    a.resize(200, 50)
    a.until("│ .*bob: a few words that need more than one line")
    a.type("typed")
    for cols, rows in ((10, 2), (3, 1), (1, 1)):
        a.resize(cols, rows)
    a.resize(80, 24)
    a.until("> typed", "│")
    a.keys("C-c", "C-c")
    assert a.ended() == 0


def test_a_paste_is_one_message_and_too_long_a_one_is_refused_whole(
        alice, bob, chat):
    a = chat(alice, "bob")
    a.until("alice on ")
    a.paste(b"one\ntwo\tthree\n" + "ünd".encode())
    a.until("> one\n *two    three\n *ünd")
    a.keys("Enter")
    a.until("ünd +stored")
    (message,) = bob.json("listen", "--count", 1)
    assert message["body"] == "one\ntwo\tthree\nünd"
    a.type("kept")
    a.paste(b"x" * 61436)
    a.keys("C-e")
    a.until(r"x{60}")
    a.keys("C-c")
    a.until("> *\n?$")
    a.type("kept")
    a.paste(b"x" * 61437)
    a.until(r"too long by 1 bytes \(61440 at most\)")
    a.keys("Enter")
    a.until("alice: kept +stored")


def test_a_paste_without_an_end_holds_no_keys(alice, bob, chat):
    a = chat(alice, "bob")
    a.until("alice on ")
    a.raw(b"\x1b[200~half of it\n")
    a.until("has not come yet; Control-C")
    a.keys("C-c")
    a.until("what was pasted is dropped")
    a.type("typed ")
    a.until("> typed", gone=["half of it"])
    a.raw(b"\x1b[200~and the rest\n")
    a.until("> typed and the rest", "did not come: look at it")
    a.keys("Enter")
    a.until("typed and the rest +stored")
    # In the midst of a paste it is no key.
    a.raw(b"\x1b[200~one\x03two\n\x1b[201~")
    a.until("> onetwo")
    a.keys("C-c")
    a.until("> *\n?$", gone=["onetwo"])
    a.keys("C-c")
    assert a.ended() == 0
    assert [m["body"] for m in bob.json("listen", "--count", 1)] == [
        "typed and the rest\n"]


def test_commands_arrange_rooms_and_explain_themselves(alice, bob, chat):
    a = chat(alice)
    a.until("/create #ROOM")  # With nobody to talk with, the help.
    a.say("/create #ops what runs")
    a.until("you have made #ops", r"#ops +│ #ops  what runs +1 member")
    a.say("/invite bob")
    a.until("bob is in #ops", r"\* bob joined", "2 members")
    a.say("/members")
    a.until("Who is in #ops", r"alice \(owner\)", r"bob \(member\)")
    a.keys("Escape")
    a.say("//not a command")
    a.until("alice: /not a command")
    a.say("/topic all is well")
    a.until("#ops  all is well")
    a.say("/inv")
    a.until("there is no command /inv; /help lists them")
    a.type("/lea")
    a.keys("Tab")
    a.until("> /leave")
    a.keys("Enter")
    a.until("you have left #ops", r"\* alice left", "you are not in it")
    a.say("/open nobody")
    a.until("nobody: ", gone=[r"nobody +│"])
    a.say("/open Not-A-Name")
    a.until("names neither a person")
    a.say("/quit")
    assert a.ended() == 0


def test_the_password_is_asked_for_before_the_screen(
        make_server, own_authority, tmp_path, chat):
    server = make_server(seed=False, authority=own_authority)
    eve = Client(tmp_path, server, own_authority.issue("eve", "desk"),
                 password_file="")
    secret = server.add("eve")
    screen = chat(eve)
    screen.until("Password of eve:")
    screen.say(secret)
    screen.until("New password:")
    screen.say("my own password")
    screen.until("Repeat the password:")
    screen.say("my own password")
    screen.until("eve on ", "Keys and commands", gone=["my own"])
    server.ctl("account.passwd", "eve")
    assert screen.ended() == 77
    assert "password" in screen.screen()


def test_a_revoked_device_leaves_the_screen_with_the_reason(
        make_server, own_authority, tmp_path, chat):
    server = make_server(seed=False, authority=own_authority)
    identity = own_authority.issue("eve", "desk")
    server.enrol(identity)
    screen = chat(Client(tmp_path, server, identity))
    screen.until("eve on ")
    own_authority.revoke("eve", "desk")
    server.publish()
    server.reload()
    assert screen.ended() == 77
    assert "revoked" in screen.screen()


def test_without_a_screen_it_goes_line_by_line(alice, bob, chat):
    assert "with whom?" in alice("chat", status=64).stderr
    bob("send", "alice", "earlier")
    a = chat(alice, "bob", term="dumb")
    a.until('no terminal "dumb"', "bob: earlier", "talking to bob")
    a.say("a line")
    assert [m["body"] for m in bob.json("listen", "--own", "--count", 2)][
        -1] == "a line"
    a.keys("C-d")
    assert a.ended() == 0
