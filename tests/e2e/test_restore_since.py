"""A restore that takes from the old data folder what was taken away since."""

import os
import shutil

import pytest

from authority import run
from protocol import Refused
from server import PASSWORD, Server
from test_accounts import turned_away

LATEST = "the latest password"


def restore(other, backup, since=None, ok=True):
    more = ["--since", since] if since else []
    return run("sicherd", "--config", other.config, "restore", backup, *more,
               ok=ok)


def database(folder):
    return folder / "net" / "data.mdb"


def refused(other, backup, since, says):
    """Nothing is carried, and nothing is there."""
    told = restore(other, backup, since, ok=False)
    assert told.returncode == 1 and says in told.stderr, told
    assert "nothing was restored" in told.stderr or "stop it" in told.stderr
    assert not told.stdout
    assert not database(other.data).exists()


@pytest.fixture
def other(house, tmp_path):
    """Another data folder, for the same people."""
    server = Server(tmp_path / "other", house.authority, {"loops": 1})
    yield server
    server.close()


@pytest.fixture
def foreign(house, tmp_path):
    """Another server, which runs."""
    server = Server(tmp_path / "foreign", house.authority)
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture
def harmed(server, people, newcomer, tmp_path):
    """A server from which much was taken away since its backup was made."""
    server.backup = tmp_path / "backup"
    with server.login(people.alice_phone), server.login(people.alice_laptop):
        pass
    server.command("backup", server.backup)
    server.ctl("account.delete", "bob")
    server.ctl("account.disable", "carol")
    server.ctl("device.revoke", "alice", device="laptop")
    with server.login(people.dave_desk) as dave:
        dave.call("DONE", "PASSWORD", PASSWORD.encode(), LATEST.encode())
    server.new = []
    for _ in range(3):
        identity, secret = newcomer(server)
        with server.session(identity) as session:
            session.hello()
            session.auth(secret)
            session.choose(secret, PASSWORD)
        server.new.append(identity)
    server.ctl("device.revoke", server.new[0].account, device="new")
    server.ctl("account.delete", server.new[2].account)
    assert server.stop() == 0
    return server


def test_what_was_taken_away_since_the_backup_stays_away(
        harmed, people, other):
    told = restore(other, harmed.backup, harmed.data).stdout
    for line in ("bob: deleted", "carol: disabled",
                 "alice: the device laptop revoked",
                 f"{harmed.new[0].account}: a revoked device",
                 "4 taken away since the backup, 1 password changed since"):
        assert line in told
    assert run("sicherd", "check", other.data).returncode == 0
    other.start()
    turned_away(other, people.bob_desk, "no-account")
    turned_away(other, people.carol_desk, "disabled")
    turned_away(other, people.alice_laptop, "revoked")
    other.login(people.alice_phone).close()
    with other.session(people.dave_desk) as dave:
        dave.hello()
        with pytest.raises(Refused):
            dave.auth(PASSWORD)
    other.login(people.dave_desk, LATEST).close()
    # Who was added since is added again; what was revoked stays out.
    revoked, good, deleted = harmed.new
    for one in revoked, deleted:
        other.add(one.account)
        turned_away(other, one, "no-account")
    other.enrol(good)
    # bob's name is free, and his certificate buried.
    other.add("bob")
    turned_away(other, people.bob_desk, "no-account")
    other.stop()
    assert run("sicherd", "check", other.data).returncode == 0


def test_without_the_old_folder_everything_is_as_it_was_then(
        harmed, people, other):
    assert "bob" not in restore(other, harmed.backup).stdout
    other.start()
    for one in (people.bob_desk, people.carol_desk, people.alice_laptop,
                people.dave_desk):
        other.login(one).close()


def test_a_subject_unmapped_since_stays_so_and_another_is_kept(
        server, people, house, other, tmp_path):
    forged = [house.authority.forge(tmp_path / f"f{i}", f"robot{i}", "x",
                                    uri=False)
              for i in range(2)]
    keys = [server.ctl("map.add", "dave", pem=one.cert.read_text())["key"]
            for one in forged]
    server.command("backup", tmp_path / "backup")
    server.ctl("map.remove", "dave", key=keys[0])
    server.stop()
    told = restore(other, tmp_path / "backup", server.data).stdout
    assert "dave: a subject no longer mapped to it" in told
    other.start()
    turned_away(other, forged[0], "no-account")
    other.login(forged[1]).close()


def arrange(server, people):
    """Rooms as the backup has them: what each is for stands in its name."""
    with server.login(people.alice_phone) as alice:
        for room in ("#ops", "#heir", "#gone", "#all", "#again"):
            alice.call("DONE", "ROOM_CREATE", room, True, "", True)
            for other in ("bob", "carol", "dave"):
                alice.call("DONE", "ROOM_INVITE", room, other)
        for room in ("#ops", "#again"):
            alice.call("DONE", "ROOM_ROLE", room, "dave", "owner")


def test_who_is_in_no_room_any_more_is_not_in_it_again(
        server, people, other, tmp_path):
    arrange(server, people)
    server.command("backup", tmp_path / "backup")
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        bob.call("DONE", "ROOM_LEAVE", "#ops")
        alice.call("DONE", "ROOM_REMOVE", "#ops", "carol")
        alice.call("DONE", "ROOM_ROLE", "#ops", "dave", "member")
        alice.call("DONE", "ROOM_HISTORY", "#ops", False)
        # carol owns it now, though bob has been in it for longer.
        alice.call("DONE", "ROOM_ROLE", "#heir", "carol", "owner")
        alice.call("DONE", "ROOM_LEAVE", "#heir")
        alice.call("DONE", "ROOM_DELETE", "#gone")
        alice.call("DONE", "ROOM_HISTORY", "#again", False)
        alice.call("DONE", "ROOM_REMOVE", "#again", "bob")
        joined = bob.call("DONE", "ROOM_JOIN", "#again").seq
    server.ctl("account.disable", "dave")
    server.stop()
    told = restore(other, tmp_path / "backup", server.data).stdout
    for line in ("bob: not in #ops any more", "carol: not in #ops any more",
                 "dave: no owner of #ops any more",
                 "#ops: its history closed", "carol: an owner of #heir since",
                 "alice: not in #heir any more", "#gone: deleted",
                 "#again: its history closed", "dave: disabled",
                 "8 taken away since the backup"):
        assert line in told, told
    assert run("sicherd", "check", other.data).returncode == 0
    other.start()

    def members(session, room):
        return {m.account: m.role for m in session.members(room)}

    with other.login(people.alice_laptop) as alice, \
            other.login(people.bob_desk) as bob, \
            other.login(people.carol_desk) as carol:
        assert members(alice, "#ops") == {"alice": "owner", "dave": "member"}
        assert members(carol, "#heir") == {
            "bob": "member", "carol": "owner", "dave": "member"}
        assert members(bob, "#all") == {
            "alice": "owner", "bob": "member", "carol": "member",
            "dave": "member"}
        for session, room in ((bob, "#ops"), (carol, "#ops"),
                              (alice, "#heir"), (alice, "#gone")):
            with pytest.raises(Refused, match="unknown-target"):
                session.history(room)
        # Who came again reads from there on.
        alice.call("DONE", "ROOM_CREATE", "#gone", True, "")
        seq = alice.post("#again", "after").seq
        assert seq > joined
        assert [i.seq for i in bob.history("#again")[0]] == [seq]
    other.stop()
    assert run("sicherd", "check", other.data).returncode == 0


def test_a_damaged_room_or_member_is_told_and_stays_as_it_was(
        server, people, other, tmp_path):
    arrange(server, people)
    server.command("backup", tmp_path / "backup")
    with server.login(people.alice_laptop) as alice:
        alice.call("DONE", "ROOM_DELETE", "#gone")
        alice.call("DONE", "ROOM_REMOVE", "#ops", "bob")
    server.stop()
    data = database(server.data)
    data.write_bytes(data.read_bytes().replace(b"#ops", b"#oPs"))
    told = restore(other, tmp_path / "backup", server.data).stdout
    assert "rooms: the record" in told and "#gone: deleted" in told
    other.start()
    with other.login(people.bob_desk) as bob:
        assert "bob" in {m.account for m in bob.members("#ops")}


def test_a_damaged_record_is_told_and_the_others_are_carried(
        harmed, people, other):
    data = database(harmed.data)
    whole = data.read_bytes()
    data.write_bytes(whole.replace(b"\x05carol", b"\x05cARol"))
    told = restore(other, harmed.backup, harmed.data).stdout
    assert "accounts: the record" in told and "cannot be read" in told
    assert "bob: deleted" in told and "carol: disabled" not in told
    assert "1 of its records" in told


def test_a_password_made_anew_is_later_than_the_backups(
        server, people, other, tmp_path):
    server.login(people.dave_desk).close()
    server.command("backup", tmp_path / "backup")
    # Its row is damaged, and with it the count of its passwords is lost.
    server.stop()
    keeper = server.data / "keeper" / "data.mdb"
    keeper.write_bytes(keeper.read_bytes().replace(b"$argon2id$",
                                                   b"$argon2ie$"))
    server.start()
    secret = server.ctl("account.passwd", "dave")["secret"]
    with server.session(people.dave_desk) as dave:
        dave.hello()
        dave.auth(secret)
        dave.choose(secret, LATEST)
    server.stop()
    restore(other, tmp_path / "backup", server.data)
    other.start()
    with other.session(people.dave_desk) as dave:
        dave.hello()
        with pytest.raises(Refused):
            dave.auth(PASSWORD)
    other.login(people.dave_desk, LATEST).close()


def test_an_old_folder_that_does_not_fit_is_refused(
        harmed, house, foreign, other, tmp_path):
    # Of another server, whose accounts have other beginnings.
    for account in ["alice", "bob", *(f"x{i}" for i in range(30))]:
        foreign.add(account)
    # One that still runs.
    refused(other, harmed.backup, foreign.data, "a sicherd runs on")
    # One of which nobody can say whether it does.
    unclear = tmp_path / "unclear"
    (unclear / "lock").mkdir(parents=True)
    refused(other, harmed.backup, unclear, "cannot open")
    foreign.stop()
    refused(other, harmed.backup, foreign.data, "another server's")
    # Older than the backup.
    refused(other, harmed.backup, house.seed, "the older one")
    # Nothing there, or half of it.
    refused(other, harmed.backup, tmp_path / "nowhere", "cannot open")
    os.truncate(database(harmed.data),
                database(harmed.data).stat().st_size // 2)
    refused(other, harmed.backup, harmed.data, "truncated")
    shutil.rmtree(other.data)
    restore(other, harmed.backup)
