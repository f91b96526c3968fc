"""Damage in the database: told, never delivered, and never a wrong answer."""

import json
import os
import random
import shutil
import struct
import time

import pytest

from authority import run
from protocol import Closed, Truncated

MARK = b"the body that is damaged"


def check(server):
    return run("sicherd", "--config", server.config, "check", ok=False)


def database(server):
    return server.data / "net" / "data.mdb"


def damage(server, mark=MARK):
    """One bit of each copy of a body."""
    data = database(server).read_bytes()
    assert mark in data
    database(server).write_bytes(data.replace(mark, mark[:-1] + b"e"))


def three(server, people):
    with server.login(people.alice_laptop) as alice:
        return [alice.post("bob", body).seq
                for body in (b"before", MARK, b"after")]


def test_a_sound_database_is_sound_while_it_runs_and_after(server, people):
    three(server, people)
    running = check(server)
    assert running.returncode == 0 and "3 messages, all sound" in running.stdout
    server.stop()
    assert check(server).returncode == 0


def test_a_damaged_record_is_told_and_the_others_are_delivered(server, people):
    first, bad, last = three(server, people)
    server.stop()
    damage(server)
    found = check(server)
    assert found.returncode == 1
    assert f"log: the row {bad}: " in found.stdout
    server.start()
    since = server.now()
    with server.login(people.bob_desk) as bob:
        items, end = bob.history("alice")
        assert [item.seq for item in items] == [first, last]
        assert end.count == 2
        server.wait_line("record.damaged", since=since, seq=bad)
        bob.sync()
        assert [frame.seq for frame in bob.fence("carol")] == [first, last]
        assert bob.post("alice", "and it goes on")


def damage_usage(server, account_id):
    """What an account uses: a record of 21 bytes behind a key of two
    numbers, as LMDB lays them out."""
    node = struct.pack("<HHHH", 21, 0, 0, 16) + struct.pack(
        ">QQ", 1, account_id)
    data = bytearray(database(server).read_bytes())
    at, found = data.find(node), 0
    while at >= 0:
        data[at + len(node) + 8] ^= 1
        found += 1
        at = data.find(node, at + 1)
    assert found
    database(server).write_bytes(data)


def test_retention_removes_what_it_can_beside_what_is_damaged(server, people):
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        stays = alice.post("carol", "of alice's").seq
        bob.post("carol", "of bob's")
    account = server.ctl("account.show", "alice")["account_id"]
    server.stop()
    damage_usage(server, account)
    server.write_config(retention={"age": "1ms"})
    server.start()
    server.wait_line("record.damaged", since=server.mark, seq=stays)
    with server.login(people.carol_desk) as carol:
        limit = time.monotonic() + 20
        while carol.history("bob")[0]:
            assert time.monotonic() < limit
            time.sleep(0.05)
        assert [m.seq for m in carol.history("alice")[0]] == [stays]


def lose_member(server, room, account):
    """The record of one member, 14 bytes behind a key of two numbers, is
    another's."""
    node = struct.pack("<HHHH", 14, 0, 0, 16) + struct.pack(
        ">QQ", room, account)
    data = database(server).read_bytes()
    assert node in data
    database(server).write_bytes(data.replace(
        node, node[:-1] + bytes([node[-1] ^ 0x40])))


def test_an_export_tells_of_the_room_that_is_damaged_and_goes_on(
        server, people):
    with server.login(people.alice_laptop) as alice:
        for room in ("#first", "#second", "#third"):
            alice.call("DONE", "ROOM_CREATE", room, True, "")
        alice.post("bob", "behind them")
    account = server.ctl("account.show", "alice")["account_id"]
    whole = server.command("export", "alice").stdout.splitlines()
    server.stop()
    lose_member(server, 2, account)
    assert check(server).returncode == 1
    server.start()
    lines = [json.loads(line) for line in
             server.command("export", "alice").stdout.splitlines()]
    assert len(lines) == len(whole)
    assert [line["room"] for line in lines if line["what"] == "room"] == [
        "#first", "#third"]
    assert [line["room_id"] for line in lines
            if line["what"] == "damaged"] == [2]
    assert lines[-1]["what"] == "message"


def test_a_damaged_password_is_found(server, people):
    server.stop()
    keeper = server.data / "keeper" / "data.mdb"
    whole = keeper.read_bytes()
    assert whole.count(b"$argon2id$") >= 4
    keeper.write_bytes(whole.replace(b"$argon2id$", b"$argon2ie$"))
    found = check(server)
    assert found.returncode == 1 and "keeper's accounts: " in found.stdout
    keeper.write_bytes(whole)
    assert "passwords, all sound" in check(server).stdout


def test_a_damaged_password_keeps_nobody_from_being_put_out(server, people):
    server.login(people.bob_desk).close()
    server.stop()
    keeper = server.data / "keeper" / "data.mdb"
    keeper.write_bytes(keeper.read_bytes().replace(b"$argon2id$",
                                                   b"$argon2ie$"))
    server.start()
    server.command("device", "revoke", "bob", "desk")
    server.command("account", "disable", "alice")
    server.command("account", "delete", "dave")
    states = {a["account"]: a["state"] for a in
              server.ctl("account.list")["accounts"]}
    assert states["alice"] == "disabled" and "dave" not in states
    # And a new password makes it whole.
    secret = server.ctl("account.passwd", "carol")["secret"]
    with server.session(people.carol_desk) as carol:
        carol.hello()
        carol.auth(secret)
        carol.choose(secret, "another password")
    found = check(server).stdout
    assert found.count("keeper's accounts: ") == 2  # alice's and bob's.


def test_an_account_that_the_keeper_does_not_know_is_found(
        server, people, tmp_path):
    newcomer = "zoe"
    server.stop()
    shutil.copytree(server.data / "keeper", tmp_path / "keeper")
    server.start()
    server.add(newcomer)
    server.stop()
    assert check(server).returncode == 0
    # As if the account had been added while a backup was made.
    shutil.rmtree(server.data / "keeper")
    shutil.copytree(tmp_path / "keeper", server.data / "keeper")
    found = check(server)
    assert found.returncode == 1
    assert found.stdout.count("keeper's accounts: ") == 1
    assert f"sicherctl account passwd {newcomer}" in found.stdout
    server.start()
    server.command("account", "passwd", newcomer)
    assert check(server).returncode == 0
    # One that is deleted needs none, and what is left of one is no finding.
    server.ctl("account.delete", newcomer)
    assert check(server).returncode == 0


def test_a_truncated_database_is_refused_at_the_start(server, people):
    server.rough = True
    three(server, people)
    server.stop()
    os.truncate(database(server), database(server).stat().st_size // 2)
    found = check(server)
    assert found.returncode == 1 and "is truncated" in found.stdout
    server.start(wait=False)
    assert server.process.wait(10) != 0
    server.wait_line("not_started", since=server.mark)
    assert "restore it from a backup" in server.tail()


def test_a_fault_in_the_map_kills_net_alone_and_is_told(server, people):
    server.rough = True
    with server.login(people.alice_laptop) as alice:
        for _ in range(100):
            alice.post("bob", b"x" * 20000)
        before = server.ctl("status")
        since = server.now()
        os.truncate(database(server), 8192)
        with pytest.raises((Closed, Truncated, OSError)):
            alice.history("bob")
    died = server.wait_line("child.died", since=since, name="net")
    assert died.level == "alarm" and died.fields["signal"] in ("BUS", "SEGV")
    # The keeper lives until the parent gives up, as nothing can be served.
    assert server.process.wait(20) != 0
    assert not any(line.event == "child.died" and
                   line.fields["name"] == "keeper" and
                   line.fields["pid"] == str(before["keeper"]["pid"])
                   for line in server.lines[since:])
    assert "restore it from a backup" in server.tail()


@pytest.mark.parametrize("seed", range(4))
def test_a_check_of_any_damage_ends_and_never_says_sound(
        server, people, seed):
    """Whole pages of nonsense: LMDB itself may die of them, in the child."""
    three(server, people)
    with server.login(people.alice_laptop) as alice:
        for i in range(60):
            alice.post("bob", b"%d " % i + b"x" * 3000)
    assert server.ask("store")["ok"]
    server.stop()
    whole = database(server).read_bytes()
    pages = len(whole) // 4096
    chance = random.Random(seed)
    found = 0
    for _ in range(8):
        data = bytearray(whole)
        page = chance.randrange(2, pages)
        data[page * 4096 + 16:(page + 1) * 4096] = chance.randbytes(4080)
        database(server).write_bytes(data)
        answer = check(server)
        assert answer.returncode in (0, 1), answer
        # A page that nothing refers to any more may be anything.
        found += answer.returncode
    assert found >= 2
    database(server).write_bytes(whole)
    assert check(server).returncode == 0
