"""The root and its issuing CAs: made, rotated, revoked, and kept apart."""

import json
import os
import shutil
import subprocess

import pytest
from cryptography import x509

import ca_books
from authority import BUILD, Authority
from protocol import kind
from ca_kill import WRITES, killed_at, points, run
from test_certificates import knock


TORTURE = os.environ.get("SICHER_TORTURE") == "1"


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("founded") / "ca").quick_keys()


@pytest.fixture
def house(founded, tmp_path):
    return founded.copy(tmp_path / "ca")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """One to copy, with a certificate."""
    house = Authority(tmp_path_factory.mktemp("base") / "ca").quick_keys()
    house.issue("alice", "laptop")
    return house


def issuers(house):
    return {i["issuer"]: i for i in house.json("issuer", "list")["issuers"]}


def states(house):
    return {name: i["state"] for name, i in issuers(house).items()}


def issuer_of(identity):
    return identity.leaf.issuer.rfc4514_string()


def medium(house):
    """The root's key moved to a folder beside; the file there."""
    stick = house.dir.parent / "stick"
    stick.mkdir(mode=0o700)
    house.command("root", "offline", stick)
    return stick / "root.pem"


def refused(house, code, *arguments):
    """The command ends with this status and changes nothing."""
    before = everything(house.dir)
    done = house.command(*arguments, ok=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1
    assert everything(house.dir) == before
    return done.stderr


def everything(folder):
    """What the files and the books say."""
    files = {p: p.read_bytes() for p in folder.rglob("*.pem")}
    return files, ca_books.listed(folder)


def test_a_prepared_issuing_ca_signs_lists_and_no_certificate(house):
    made = house.json("issuer", "create")
    assert made["issuer"] == "issuing-2" and made["lists"][0]["number"] == 3
    assert states(house) == {"issuing-1": "active", "issuing-2": "prepared"}
    assert len(ca_books.certificates(house.ca)) == 3
    assert len(ca_books.crls(house.dir)) == 3
    assert "Issuing CA 1" in issuer_of(house.issue("alice", "laptop"))
    assert "issuer rotate" in refused(house, 4, "issuer", "create")


def test_after_a_rotation_the_new_one_signs_and_the_old_ones_hold(house):
    old = house.issue("alice", "laptop")
    house.command("issuer", "rotate")
    assert states(house) == {"issuing-1": "retired", "issuing-2": "active"}
    new = house.issue("bob", "laptop")
    assert "Issuing CA 2" in issuer_of(new)
    for leaf in (old.cert, new.cert):
        done = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-crl_check_all",
             "-purpose", "sslclient", "-CAfile", house.ca, "-CRLfile",
             house.crl, leaf], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        done = subprocess.run(
            ["certtool", "--verify", "--load-ca-certificate", house.ca,
             "--load-crl", house.crl, "--infile", leaf],
            capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    # The server's own copy of whom to trust went along.
    assert (house.server.cert.parent / "ca.pem").read_bytes() == \
        house.ca.read_bytes()
    house.command("check")


def test_each_revocation_is_in_the_list_of_its_own_issuer(house):
    old = house.issue("alice", "laptop")
    house.command("issuer", "rotate")
    house.command("issue", "alice", "--device", "phone")
    house.issue("bob", "laptop")
    done = house.json("revoke", "alice")
    assert {x["issuer"] for x in done["lists"]} == {"issuing-1", "issuing-2"}
    done = house.json("revoke", "bob")
    assert [x["issuer"] for x in done["lists"]] == ["issuing-2"]
    assert done["crl"] == max(ca_books.crl_numbers(house.dir).values())
    lists = {c.issuer.rfc4514_string(): c for c in ca_books.crls(house.dir)}
    assert len(lists[issuer_of(old)]) == 1
    assert sorted(len(c) for c in lists.values()) == [0, 1, 2]


def test_publish_renews_every_list_and_no_number_comes_twice(house):
    house.command("issuer", "rotate")
    before = ca_books.crl_numbers(house.dir)
    done = house.json("crl", "publish")
    after = ca_books.crl_numbers(house.dir)
    assert {x["issuer"] for x in done["lists"]} == {"issuing-1", "issuing-2"}
    assert len(set(after.values())) == 3
    assert sum(after[k] > before[k] for k in after) == 2
    # The root's too when its key is named.
    done = house.json("crl", "publish", "--root-key",
                      house.dir / "private" / "root.pem")
    assert {x["issuer"] for x in done["lists"]} == {
        "root", "issuing-1", "issuing-2"}


def test_a_key_that_does_not_open_keeps_no_other_list_back(house):
    house.command("issuer", "rotate")
    key = house.dir / "private" / "issuing-1.pem"
    whole = key.read_text()
    before = ca_books.crl_numbers(house.dir)
    for harm, code in ((lambda t: t[:200], 6),
                       (lambda t: t.replace("\nM", "\nA", 1), 6)):
        key.write_text(harm(whole))
        done = house.command("crl", "publish", ok=False)
        assert done.returncode == code and "issuing-1" in done.stderr
        assert "Signed: CRL" in done.stdout
        after = ca_books.crl_numbers(house.dir)
        assert [k for k in after if after[k] > before[k]] == [
            k for k in after if "Issuing CA 2" in k]
        before = after
    # The key of another: its list would be believed by nobody.
    key.write_bytes((house.dir / "private" / "issuing-2.pem").read_bytes())
    done = house.command("crl", "publish", "--json", ok=False)
    told = json.loads(done.stdout)
    assert done.returncode == told["exit"] == 6
    assert [f["issuer"] for f in told["failed"]] == ["issuing-1"]
    assert [f["issuer"] for f in told["lists"]] == ["issuing-2"]
    key.write_text(whole)
    assert house.json("crl", "publish")["failed"] == []


def test_where_no_key_opens_no_list_is_published(house, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.touch(mode=0o600)
    wrong.write_text("not this one\n")
    before = everything(house.dir)
    done = run(BUILD / "sicher-ca", "--dir", house.dir, "--passphrase-file",
               wrong, "crl", "publish")
    assert done.returncode == 1 and "passphrase" in done.stderr
    assert everything(house.dir) == before


def test_the_root_s_key_is_needed_where_the_root_signs_and_nowhere_else(house):
    key = medium(house)
    assert not (house.dir / "private" / "root.pem").exists()
    shown = house.json("root", "show")
    assert not shown["key_here"] and shown["key_moved_to"] == str(key)
    house.issue("alice", "laptop")
    house.command("revoke", "alice")
    house.command("crl", "publish")
    serial = issuers(house)["issuing-1"]["serial"]
    for words in (("issuer", "create"), ("issuer", "rotate"),
                  ("revoke", "--serial", serial)):
        assert str(key) in refused(house, 3, *words)
    assert "not the key" in refused(
        house, 4, "issuer", "create", "--root-key",
        house.dir / "private" / "issuing-1.pem")
    house.command("issuer", "create", "--root-key", key)
    house.command("issuer", "rotate")
    house.command("revoke", "--serial", serial, "--root-key", key)
    assert states(house) == {"issuing-1": "revoked", "issuing-2": "active"}


def test_a_key_that_is_open_to_others_or_of_another_passphrase_is_refused(
        house, tmp_path):
    key = medium(house)
    key.chmod(0o644)
    assert "chmod" in refused(house, 1, "issuer", "create", "--root-key", key)
    key.chmod(0o600)
    wrong = tmp_path / "wrong"
    wrong.touch(mode=0o600)
    wrong.write_text("not this one\n")
    more = ("issuer", "create", "--root-key", key, "--root-passphrase-file")
    assert "passphrase" in refused(house, 1, *more, wrong)
    wrong.chmod(0o644)
    refused(house, 1, *more, wrong)
    house.command(*more, house.secret)


def test_the_root_s_key_moves_to_a_medium_and_not_elsewhere(house):
    assert "own folder" in refused(house, 4, "root", "offline",
                                   house.dir / "people")
    refused(house, 3, "root", "offline", house.dir.parent / "none" / "x.pem")
    other = house.dir.parent / "other.pem"
    shutil.copy(house.dir / "private" / "issuing-1.pem", other)
    assert "not this root" in refused(house, 4, "root", "offline", other)
    key = medium(house)
    assert key.stat().st_mode & 0o777 == 0o600
    assert str(key) in refused(house, 3, "root", "offline", other)


def test_a_wrong_passphrase_moves_no_key_and_makes_no_issuer(house, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.touch(mode=0o600)
    wrong.write_text("not this one\n")
    before = everything(house.dir)
    for words in (("root", "offline", tmp_path), ("issuer", "create"),
                  ("issuer", "rotate")):
        done = subprocess.run(
            [BUILD / "sicher-ca", "--dir", house.dir, "--passphrase-file",
             wrong, *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "passphrase" in done.stderr
        assert everything(house.dir) == before
    assert not (tmp_path / "root.pem").exists()


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_link_to_the_root_s_key_is_not_taken_for_its_copy(
        house, tmp_path, link):
    stick = tmp_path / "stick"
    stick.mkdir(mode=0o700)
    link(house.dir / "private" / "root.pem", stick / "root.pem")
    assert "very file" in refused(house, 4, "root", "offline", stick)
    assert (house.dir / "private" / "root.pem").exists()


def test_a_copy_of_the_root_s_key_made_by_hand_is_synced_before_the_key_goes(
        house, tmp_path):
    stick = tmp_path / "stick"
    stick.mkdir(mode=0o700)
    shutil.copy2(house.dir / "private" / "root.pem", stick / "root.pem")
    log = tmp_path / "log"
    done = run("strace", "-y", "-e", "trace=fsync,unlink", "-o", log,
               BUILD / "sicher-ca", "root", "offline", stick, "--dir",
               house.dir, "--passphrase-file", house.secret)
    assert done.returncode == 0, done.stderr
    calls = log.read_text()
    gone = calls.index(f'unlink("{house.dir}/private/root.pem")')
    assert 0 < calls.index(f"{stick}/root.pem>)") < gone
    assert 0 < calls.index(f"{stick}>)") < gone


def test_the_root_is_exported_without_its_key(house, tmp_path):
    file = tmp_path / "root.pem"
    told = house.json("root", "export", file)
    root = x509.load_pem_x509_certificate(file.read_bytes())
    assert root.subject == root.issuer and b"PRIVATE" not in file.read_bytes()
    assert told["fingerprint"] == house.json("root", "show")["fingerprint"]
    assert house.command("root", "export", "-").stdout == file.read_text()
    done = house.command("root", "export", file, ok=False)
    assert done.returncode == 4 and "exists" in done.stderr


def test_a_revoked_issuing_ca_signs_nothing_until_another_is_there(house):
    serial = issuers(house)["issuing-1"]["serial"]
    done = house.command("revoke", "--serial", serial, "--reason",
                         "cACompromise")
    assert "issuer rotate" in done.stdout
    assert "issuer rotate" in refused(house, 4, "issue", "alice")
    house.command("issuer", "rotate")
    assert "Issuing CA 2" in issuer_of(house.issue("alice", "laptop"))


def test_a_rotation_and_a_revoked_ca_reach_the_server_s_sessions(
        own_authority, make_server):
    alice = own_authority.issue("alice", "laptop")
    server = make_server(authority=own_authority)
    server.enrol(alice)
    server.write_config(tls={"crl": str(own_authority.crl),
                             "authority": str(own_authority.ca)})
    server.reload()
    control = ("--control", server.control)
    with server.login(alice) as session:
        done = own_authority.command("issuer", "rotate", *control)
        assert done.returncode == 0 and "in force, 0 sessions" in done.stdout
        bob = own_authority.issue("bob", "desk")
        server.enrol(bob)
        with server.login(bob) as other:
            serial = issuers(own_authority)["issuing-1"]["serial"]
            done = own_authority.command("revoke", "--serial", serial,
                                         *control)
            assert done.returncode == 0 and "1 session closed" in done.stdout
            last = session.ending()[-1]
            assert (kind(last), last.code) == ("BYE", "revoked")
            other.ping()
    assert "certificate_revoked" in knock(server, alice.context())


def test_where_no_server_answers_the_list_is_unconfirmed_in_whole_sentences(
        own_authority, tmp_path):
    own_authority.issue("alice", "laptop")
    done = own_authority.command("revoke", "alice", "--control",
                                 tmp_path / "control", ok=False)
    assert done.returncode == 5
    assert "in its configuration? Next: sicherctl reload on" in done.stdout


def test_a_server_with_another_list_does_not_confirm(
        own_authority, make_server):
    """It reads a copy that nobody has renewed."""
    server = make_server(authority=own_authority)
    own_authority.issue("alice", "laptop")
    done = own_authority.command("revoke", "alice", "--control",
                                 server.control, ok=False)
    assert done.returncode == 5
    assert "unconfirmed" in done.stdout and "another file" in done.stdout
    server.publish()
    done = own_authority.command("revoke", "alice", "--control",
                                 server.control, ok=False)
    assert done.returncode == 0 and "in force" in done.stdout


KILLED = {
    "issuer create": ["issuer", "create"],
    "issuer rotate": ["issuer", "rotate"],
    "root offline": ["root", "offline"],
}


@pytest.mark.parametrize("name", KILLED)
def test_killed_at_any_write_it_is_done_by_running_it_again(
        base, tmp_path, name):
    stick = tmp_path / "stick"
    stick.mkdir()

    def command(folder, *words):
        return [BUILD / "sicher-ca", "--dir", folder, "--passphrase-file",
                base.secret, *words]

    words = KILLED[name] + ([stick] if name == "root offline" else [])
    before = ca_books.crl_numbers(base.dir)
    traced = shutil.copytree(base.dir, tmp_path / "traced")
    writes = [p for p in points(command(traced, *words), tmp_path / "trace")
              if p[0] in WRITES]
    assert len(writes) > 3
    # By default some of them, and always the last, where most is done.
    writes = writes if TORTURE else writes[-1::-5]
    for call, ordinal in writes:
        at = f"{name} killed at {call} number {ordinal}"
        for left in stick.iterdir():
            left.unlink()
        folder = shutil.copytree(base.dir, tmp_path / "killed")
        killed_at(command(folder, *words), call, ordinal)
        done = run(*command(folder, *words))
        assert done.returncode in (0, 3, 4, 5), f"{at}: {done.stderr}"
        now = ca_books.crl_numbers(folder)
        assert all(now[k] >= before[k] for k in before), at
        if name == "root offline":
            assert (stick / "root.pem").exists(), at
            assert not (folder / "private" / "root.pem").exists(), at
        else:
            listed = run(*command(folder, "issuer", "list", "--json"))
            found = json.loads(listed.stdout)["issuers"]
            assert len(found) >= 2, at
            # Lists of all of them, of numbers of their own.
            run(*command(folder, "crl", "publish"))
            numbers = ca_books.crl_numbers(folder)
            assert len(set(numbers.values())) == len(found) + 1, at
        check = run(*command(folder, "check"))
        assert check.returncode == 0, f"{at}: {check.stdout}{check.stderr}"
        shutil.rmtree(folder)
