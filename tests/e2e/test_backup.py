"""A backup of a running server, put back; and what is held of a person."""

import json
import re
import stat
import threading

import pytest

from authority import run
from protocol import Refused, new_id
from server import Server


def restored(server, house, folder, backup):
    """A server of its own on what the backup holds."""
    other = Server(folder / "restored", house.authority,
                   {"loops": 1})
    answer = run("sicherd", "--config", other.config, "restore", backup)
    assert "is restored from" in answer.stdout
    return other


def test_a_backup_under_load_opens_as_a_consistent_server(
        server, people, house, tmp_path):
    stop, posted = threading.Event(), []

    def load():
        with server.login(people.carol_desk) as carol:
            while not stop.is_set():
                id = new_id()
                posted.append((carol.post("dave", b"x" * 500, id).seq, id))

    with server.login(people.alice_laptop) as alice:
        before = [alice.post("bob", f"number {i}").seq for i in range(20)]
        token = alice.token
    sender = threading.Thread(target=load)
    sender.start()
    backup = tmp_path / "backup"
    try:
        said = server.command("backup", backup)
    finally:
        stop.set()
        sender.join()
    assert "sicherd restore" in said.stdout
    for part in ("net", "keeper"):
        data = backup / part / "data.mdb"
        assert stat.S_IMODE(data.stat().st_mode) == 0o600
        assert stat.S_IMODE(data.parent.stat().st_mode) == 0o700
    assert run("sicherd", "check", backup).returncode == 0
    with server.login(people.bob_desk) as bob:
        last = bob.post("alice", "after the backup").seq
    other = restored(server, house, tmp_path, backup)
    other.start()
    try:
        with other.login(people.bob_desk) as bob:
            assert [m.seq for m in bob.history("alice")[0]] == before
            # No place of the log is used again, so no client drops anything.
            assert bob.post("alice", "restored").seq > last
        with other.login(people.carol_desk) as carol:
            kept = {m.seq: m.id for m in carol.history("dave")[0]}
            assert all(kept[seq] == id for seq, id in posted if seq in kept)
        with other.session(people.alice_laptop) as again:
            again.hello()
            with pytest.raises(Refused) as refused:
                again.resume(token)
            assert refused.value.code == "token-refused"
    finally:
        other.close()


def test_a_backup_is_made_once_into_a_new_folder(server, tmp_path):
    backup = tmp_path / "backup"
    server.command("backup", backup)
    made = (backup / "net" / "data.mdb").stat().st_mtime_ns
    again = server.command("backup", backup, ok=False)
    assert again.returncode != 0 and "cannot make" in again.stderr
    assert (backup / "net" / "data.mdb").stat().st_mtime_ns == made
    nowhere = server.command("backup", tmp_path / "no" / "such", ok=False)
    assert "cannot make" in nowhere.stderr
    assert not server.ask("backup", dir="relative")["ok"]
    assert server.ask("backup.status")["error"] == "not-found"


def begin(server, folder):
    """A backup, as soon as none is being made; nobody asks how it goes."""
    for _ in range(1000):
        answer = server.ask("backup", dir=str(folder))
        if answer.get("error") != "busy":
            break
        server.ask("status")
    assert answer["ok"], answer


def test_a_backup_that_nobody_waits_for_does_not_keep_the_next_away(
        server, tmp_path):
    begin(server, tmp_path / "first")
    begin(server, tmp_path / "second")
    # The first one was finished on the way.
    assert run("sicherd", "check", tmp_path / "first").returncode == 0
    assert (tmp_path / "first" / "backup.json").exists()
    while server.ask("backup.status").get("running"):
        pass
    assert (tmp_path / "second" / "backup.json").exists()


def test_a_number_of_an_account_is_not_used_again_after_a_restore(
        server, people, house, tmp_path):
    backup = tmp_path / "backup"
    server.command("backup", backup)
    server.add("since")
    then = server.ctl("account.show", "since")["account_id"]
    other = restored(server, house, tmp_path, backup)
    other.start()
    try:
        other.add("after")
        assert other.ctl("account.show", "after")["account_id"] > then
        with other.login(people.alice_laptop) as alice:
            alice.post("bob", "the rooms go on as well")
    finally:
        other.close()


@pytest.fixture
def busy(server, people):
    """Somebody who sends without a pause, so that the tables are not committed
    in a quiet moment; how many messages were stored so far."""
    stop, stored = threading.Event(), [0]

    def load():
        with server.login(people.carol_desk) as carol:
            while not stop.is_set():
                carol.post("dave", b"more")
                stored[0] += 1

    sender = threading.Thread(target=load)
    sender.start()
    yield lambda: stored[0]
    stop.set()
    sender.join()


def test_what_was_stored_before_it_was_asked_for_is_in_a_backup(
        server, tmp_path, busy):
    for n in range(8):
        backup = tmp_path / f"backup{n}"
        stored = busy()
        server.ctl("backup", dir=str(backup))
        while server.ctl("backup.status")["running"]:
            pass
        held = run("sicherd", "check", backup).stdout
        assert int(re.search(r"net: (\d+) messages", held)[1]) >= stored


def test_what_was_stored_before_it_was_asked_for_is_in_an_export(
        server, people, busy):
    assert busy() >= 0
    with server.login(people.alice_laptop) as alice:
        for n in range(8):
            seq = alice.post("bob", f"number {n}").seq
            held = server.command("export", "alice").stdout
            assert seq in [json.loads(line).get("seq")
                           for line in held.splitlines()]


def test_what_is_no_whole_backup_is_not_restored(
        server, people, house, tmp_path):
    backup = tmp_path / "backup"
    with server.login(people.alice_laptop) as alice:
        alice.post("bob", b"x" * 20000)
    server.command("backup", backup)

    def refused(target, says):
        answer = run("sicherd", "--config", target.config, "restore", backup,
                     ok=False)
        assert answer.returncode == 1 and says in answer.stderr, answer
        return answer

    # Not over a database that is there, be it running or not.
    refused(server, "a sicherd runs on")
    server.stop()
    refused(server, "without a database")
    # Nor over the journal of one: it may hold what nothing else has.
    files = [server.data / part / "data.mdb" for part in ("keeper", "net")]
    for file in files:
        file.rename(file.with_suffix(".aside"))
    refused(server, "net/journal is there")
    for file in files:
        file.with_suffix(".aside").rename(file)
    assert server.start().login(people.alice_laptop).history("bob")[0]

    other = Server(tmp_path / "other", house.authority)
    manifest = (backup / "backup.json").read_text()
    assert json.loads(manifest)["bytes"] > 0
    (backup / "backup.json").unlink()
    refused(other, "no whole backup")
    (backup / "backup.json").write_text(manifest)
    data = backup / "net" / "data.mdb"
    whole = data.read_bytes()
    data.write_bytes(whole[:len(whole) // 2])
    refused(other, "damaged")
    data.write_bytes(whole.replace(b"x" * 3000, b"x" * 2999 + b"y", 1))
    refused(other, "damaged")
    assert not (other.data / "net" / "data.mdb").exists()
    data.write_bytes(whole)
    run("sicherd", "--config", other.config, "restore", backup)


def test_a_failed_backup_leaves_nothing(server, tmp_path):
    server.rough = True
    (tmp_path / "file").write_text("")
    answer = server.command("backup", tmp_path / "file" / "in", ok=False)
    assert answer.returncode == 4
    assert sorted(p.name for p in tmp_path.iterdir()
                  if p.name.startswith("file")) == ["file"]


def exported(server, account):
    out = server.command("export", account).stdout
    return [json.loads(line) for line in out.splitlines()]


def test_an_export_holds_what_a_person_sent_and_was_sent_alone(server, people):
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        alice.call("DONE", "ROOM_CREATE", "#ops", True, "")
        bob.call("DONE", "ROOM_JOIN", "#ops")
        mine = [alice.post("#ops", "by alice"), alice.post("bob", "to bob"),
                bob.post("alice", "to alice"),
                alice.post("bob", b"\xff\x00bytes", content_type="x/y"),
                alice.post("bob", b"\x01" * 61440)]
        bob.post("#ops", "by bob, to all")
        bob.post("carol", "to carol")
    lines = exported(server, "alice")
    assert lines[0]["what"] == "account" and lines[0]["account"] == "alice"
    assert [line["device"] for line in lines if line["what"] == "device"] == [
        "laptop"]
    assert [line["room"] for line in lines if line["what"] == "room"] == [
        "#ops"]
    messages = [line for line in lines if line["what"] == "message"]
    assert [m["seq"] for m in messages] == [s.seq for s in mine]
    assert [m["body"] for m in messages[:3]] == ["by alice", "to bob",
                                                "to alice"]
    assert [m["encoding"] for m in messages[3:]] == ["base64", "base64"]
    text = json.dumps(lines)
    assert "by bob" not in text and "carol" not in text


def test_an_export_of_many_messages_comes_whole(server, people):
    with server.login(people.alice_laptop) as alice:
        seqs = [alice.post("bob", b"x" * 3000).seq for _ in range(120)]
    got = [line["seq"] for line in exported(server, "bob")
           if line["what"] == "message"]
    assert got == seqs


def test_an_export_of_many_rooms_comes_whole(server, people):
    """More than a page of them, and what lies behind them."""
    with server.login(people.alice_laptop) as alice:
        for i in range(620):
            alice.call("DONE", "ROOM_CREATE", f"#r{i}", True, "")
        alice.post("bob", "behind them")
    pages, after = [], {}
    while True:
        page = server.ctl("export", "alice", **after)
        pages.append(page["lines"])
        if not page["more"]:
            break
        after = {"after": page["next"]}
    assert max(map(len, pages)) <= 500
    lines = exported(server, "alice")
    assert lines == sum(pages, [])
    assert [line["what"] for line in lines] == [
        "account", "device"] + 620 * ["room"] + ["message"]
    assert {line["room"] for line in lines if line["what"] == "room"} == {
        f"#r{i}" for i in range(620)}


@pytest.mark.parametrize("after", [
    7, {}, {"of": "rooms"}, {"of": "rooms", "at": "x"}, {"of": "what", "at": 1},
    {"of": "devices", "at": "00"}, {"of": "devices", "at": 3}], ids=str)
def test_a_page_of_an_export_that_was_not_named_is_refused(shared, after):
    answer = shared.ask("export", account="alice", after=after)
    assert (answer["ok"], answer["error"]) == (False, "usage")


def test_nobody_is_exported_who_does_not_exist(shared):
    answer = shared.command("export", "nobody", ok=False)
    assert answer.returncode == 3 and answer.stdout == ""
