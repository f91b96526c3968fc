"""The life of a certificate: renewed, kept a while, due, revoked, expired."""

import json
import shlex
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

import ca_books
from authority import BUILD, Authority, request, run


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("founded") / "ca").quick_keys()


@pytest.fixture
def house(founded, tmp_path):
    return founded.copy(tmp_path / "ca")


def later(house, days, *arguments):
    """The command, run when so many days have gone by."""
    return ca_books.later(days, BUILD / "sicher-ca", "--dir", house.dir,
                          "--passphrase-file", house.secret, *arguments)


def named(account):
    return x509.NameAttribute(NameOID.COMMON_NAME, account)


def rows(house, *more):
    return house.json("list", *more)["certificates"]


def row(house, serial):
    return next(r for r in rows(house) if r["serial"] == serial)


def secret(folder, text, mode=0o600):
    file = folder / "secret"
    file.touch(mode=0o600)
    file.write_text(text + "\n")
    file.chmod(mode)
    return file


def test_a_renewed_device_has_a_new_key_and_the_old_one_a_last_day(house):
    old = house.issue("alice", "laptop")
    was, number = old.key.read_bytes(), old.leaf.serial_number
    told = house.json("renew", "alice", "--device", "laptop")
    assert old.key.read_bytes() != was
    assert f"{old.leaf.serial_number:032x}" == told["certificate"]["serial"]
    ca_books.has_working_files(house.dir, "alice", "laptop", "renewed")
    before = row(house, f"{number:032x}")
    assert before["state"] == "valid" and before["due"] == told["old"]["due"]
    assert "due" not in row(house, told["certificate"]["serial"])
    # Fourteen days, as sicher-ca.conf says, and not one more.
    assert later(house, 13, "revoke", "--due").stdout.startswith("Nothing is")
    assert row(house, before["serial"])["state"] == "valid"
    shown = later(house, 15, "expiry", "--within", "1")
    assert shown.returncode == 5 and "revoke --due" in shown.stdout
    done = later(house, 15, "revoke", "--due")
    assert done.returncode == 5 and before["serial"] in done.stdout
    assert row(house, before["serial"])["reason"] == "superseded"
    assert row(house, told["certificate"]["serial"])["state"] == "valid"
    house.command("check")


def test_the_old_one_may_be_kept_no_time_at_all(house):
    old = house.issue("alice", "laptop")
    serial = old.serial
    house.command("renew", "alice", "--device", "laptop", "--keep-old", "0")
    done = house.command("check", ok=False)
    assert done.returncode == 5 and "Due for revocation" in done.stdout
    assert house.json("check")["due"] == 1
    house.command("revoke", "--due")
    assert row(house, serial)["state"] == "revoked"
    done = house.command("check", ok=False)
    assert done.returncode == 0
    # The next run of a timer has nothing to do, and says so with 0.
    assert house.command("revoke", "--due", ok=False).returncode == 0


def test_a_device_whose_renewal_is_revoked_is_not_locked_out(house):
    old = house.issue("alice", "laptop").serial
    new = house.json("renew", "alice", "--device", "laptop", "--keep-old",
                     "0")["certificate"]["serial"]
    told = house.json("revoke", "--serial", new)
    assert [r["serial"] for r in told["released"]] == [old]
    assert "due" not in row(house, old)
    done = later(house, 15, "revoke", "--due")
    assert done.returncode == 0 and done.stdout == \
        "Nothing is due for revocation.\n"
    assert row(house, old)["state"] == "valid"
    # It can be renewed again, and is due then.
    house.command("renew", "alice", "--device", "laptop", "--keep-old", "0")
    assert house.json("revoke", "--due")["revoked"][0]["serial"] == old
    house.command("check")


def test_a_device_whose_renewal_s_issuer_is_revoked_is_not_locked_out(house):
    old = house.issue("alice", "laptop").serial
    house.command("issuer", "rotate")
    new = house.json("renew", "alice", "--device", "laptop", "--keep-old",
                     "0")["certificate"]
    issuer = [r for r in house.json("list")["certificates"]
              if r["kind"] == "issuer"][-1]
    house.command("revoke", "--serial", issuer["serial"])
    told = house.json("revoke", "--due")
    assert told["revoked"] == []
    assert [r["serial"] for r in told["released"]] == [old]
    assert row(house, old)["state"] == row(house, new["serial"])["state"] \
        == "valid"
    # Renewed by one that is believed, it is due again, and goes.
    house.command("issuer", "rotate")
    house.command("renew", "alice", "--device", "laptop", "--keep-old", "0")
    assert old in [r["serial"]
                   for r in house.json("revoke", "--due")["revoked"]]


def test_revoking_a_device_leaves_none_of_its_certificates(house):
    house.issue("alice", "laptop")
    house.command("renew", "alice", "--device", "laptop")
    told = house.json("revoke", "alice", "--device", "laptop")
    assert len(told["revoked"]) == 2 and told["released"] == []


def test_a_renewal_that_was_cut_short_leaves_the_old_one_as_it_was(house):
    """Its key could not be written, and is gone."""
    old = house.issue("alice", "laptop")
    serial, text = old.serial, old.key.read_bytes()
    old.key.unlink()
    (old.key / "in the way").mkdir(parents=True)
    done = house.command("renew", "alice", "--device", "laptop", ok=False)
    assert done.returncode == 1 and "sicher-ca check" in done.stderr
    assert "due" in row(house, serial)
    shutil.rmtree(old.key)
    old.key.write_bytes(text)
    done = house.command("check")
    assert "lost its key" in done.stdout
    assert "due" not in row(house, serial)
    assert later(house, 15, "revoke", "--due").returncode == 0
    assert row(house, serial)["state"] == "valid"


def test_a_server_s_old_certificate_is_due_when_it_has_another(
        house, tmp_path):
    first = house.server.serial
    told = house.json("server", "localhost")
    assert told["old"]["count"] == 1
    assert row(house, first)["due"] == told["old"]["due"]
    second = told["certificate"]["serial"]
    # Another machine's of that name stays, when it is said; and nobody's
    # files are written over.
    done = house.command("server", "localhost", "--beside", ok=False)
    assert done.returncode == 4 and "--out" in done.stderr
    assert house.server.serial == second
    other = tmp_path / "other"
    told = house.json("server", "localhost", "--beside", "--out", other)
    third = told["certificate"]["serial"]
    assert "old" not in told and "due" not in row(house, second)
    done = later(house, 15, "revoke", "--due")
    assert done.returncode == 5, done.stderr
    assert [row(house, s)["state"] for s in (first, second)] == [
        "revoked", "valid"]
    done = house.command("server", "localhost", "--beside", "--keep-old", "1",
                         ok=False)
    assert done.returncode == 2 and "--keep-old" in done.stderr
    # Each is renewed in its folder, and is then alone due.
    later(house, 15, "server", "localhost", "--keep-old", "0", "--out", other)
    done = later(house, 15, "revoke", "--due")
    assert [row(house, s)["state"] for s in (second, third)] == [
        "valid", "revoked"], done.stdout


def test_a_server_s_certificate_elsewhere_is_not_guessed_about(
        house, tmp_path):
    first, empty = house.server.serial, tmp_path / "empty"
    done = house.command("server", "localhost", "--out", empty, ok=False)
    assert done.returncode == 4 and first in done.stderr
    assert "--beside" in done.stderr and "--keep-old" in done.stderr
    assert not empty.exists() and "due" not in row(house, first)
    # The files were moved to the server: this is the same one's next.
    house.command("server", "localhost", "--out", empty, "--keep-old", "3")
    assert "due" in row(house, first)
    # What is due or revoked is in nobody's way.
    shutil.rmtree(empty)
    house.command("server", "other.example.org", "--out", empty)


def test_each_machine_of_a_name_is_announced_before_it_ends(house, tmp_path):
    house.command("server", "two.example.org", "--days", "10")
    house.command("server", "two.example.org", "--beside", "--out",
                  tmp_path / "second")

    def due(days):
        found = json.loads(later(house, days, "expiry", "--json").stdout)
        return [d["next"] for d in found["due"]
                if d["name"] == "two.example.org"]

    assert len(due(0)) == 1 and "--out DIR" in due(0)[0]
    later(house, 11, "server", "two.example.org")
    assert due(11) == []


def as_typed(text):
    """The arguments of the sicher-ca command behind "To undo:"."""
    return shlex.split(text.partition("To undo: sicher-ca")[2])


@pytest.mark.parametrize("words", [
    ["issue", "alice"], ["renew", "bob"], ["server", "b.example.org"]],
    ids=lambda words: words[0])
def test_what_undoes_it_can_be_typed_as_it_is_printed(founded, tmp_path,
                                                      words):
    house = founded.copy(tmp_path / "Bob's CA")
    house.issue("bob", "main")
    told = house.command(*words).stdout
    undo = as_typed(told.splitlines()[-1])
    done = subprocess.run(
        [BUILD / "sicher-ca", *undo, "--passphrase-file", house.secret],
        cwd=tmp_path, text=True, capture_output=True)
    assert done.returncode == 5 and "Revoked: " in done.stdout, done.stderr
    made = house.copy(tmp_path / "b")
    made.dir = tmp_path / "another one"
    assert "LABEL --dir '" in made.command("init", "Ex Ltd").stdout
    # Where the environment says it, nothing has to be added.
    told = run("sicher-ca", *words, "--passphrase-file", house.secret,
               env={"SICHER_CA_DIR": str(house.dir)}).stdout
    assert "--dir" not in told and "To undo" in told


def test_a_request_with_a_new_key_renews_and_a_stranger_s_does_not(
        house, tmp_path):
    house.issue("alice", "laptop")
    key = ec.generate_private_key(ec.SECP256R1())
    csr = tmp_path / "csr.pem"
    csr.write_text(request(key, [named("mallory")]))
    before = rows(house)
    done = house.command("renew", "alice", "--device", "laptop", "--csr", csr,
                         ok=False)
    assert done.returncode == 4 and rows(house) == before
    csr.write_text(request(key, [named("alice")]))
    house.command("renew", "alice", "--device", "laptop", "--csr", csr,
                  "--out", tmp_path / "out")
    leaf = ca_books.certificates(tmp_path / "out" / "cert.pem")[0]
    assert leaf.public_key().public_numbers() == \
        key.public_key().public_numbers()
    assert not (tmp_path / "out" / "key.pem").exists()


@pytest.mark.parametrize("how", ["never", "revoked", "expired"])
def test_only_a_valid_certificate_can_be_renewed(house, how):
    if how != "never":
        house.command("issue", "alice", "--device", "laptop", "--days", "1")
    if how == "revoked":
        house.command("revoke", "alice")
    before = rows(house)
    run = later(house, 2 if how == "expired" else 0, "renew", "alice",
                "--device", "laptop")
    assert run.returncode == 3 and "sicher-ca issue alice" in run.stderr
    assert rows(house) == before


def test_renewing_keeps_the_profile_and_its_limits(house):
    (house.dir / "sicher-ca.conf").write_text(
        'profiles: { brief: { validity = "10d"; validity_max = "20d"; }; };\n')
    house.command("issue", "alice", "--device", "laptop", "--profile", "brief")
    before = rows(house)
    done = house.command("renew", "alice", "--device", "laptop", "--days",
                         "21", ok=False)
    assert done.returncode == 4 and rows(house) == before
    told = house.json("renew", "alice", "--device", "laptop")
    assert told["certificate"]["profile"] == "brief"
    (house.dir / "sicher-ca.conf").write_text("")
    done = house.command("renew", "alice", "--device", "laptop", ok=False)
    assert done.returncode == 3 and "brief" in done.stderr


@pytest.mark.parametrize("words", [
    ["renew"], ["renew", "alice", "--keep-old", "soon"],
    ["renew", "alice", "--keep-old", "-1"], ["renew", "Al ice"],
    ["renew", "alice", "--csr", "x", "--p12", "y"],
    ["renew", "alice", "--compat"], ["expiry", "--within", "x"],
    ["expiry", "--within", ""], ["revoke", "--due", "alice"],
    ["list", "--expiring", "1w"], ["list", "--state", "good"],
    ["issue", "Alice"], ["issue", "alice", "--days", "0"], ["issue", "alice", "--days", "99999"],
])
def test_what_is_typed_wrong_is_told_and_does_nothing(house, words):
    before = rows(house)
    done = house.command(*words, ok=False)
    assert done.returncode == 2 and done.stderr
    assert rows(house) == before


def test_what_ends_soon_is_shown_with_the_command_that_helps(house):
    def due(*more):
        done = house.command("expiry", "--json", *more, ok=False)
        found = json.loads(done.stdout)
        assert done.returncode == found["exit"] == (5 if found["due"] else 0)
        return [(d["what"], d["next"]) for d in found["due"]]

    assert due() == []
    house.command("issue", "alice", "--device", "laptop", "--days", "20")
    house.command("server", "chat.example.org", "--days", "10")
    assert due("--within", "5d") == []
    assert due("--within", "15") == [
        ("certificate", f"sicher-ca server chat.example.org --dir "
                        f"{house.dir}")]
    assert ("certificate", "sicher-ca renew alice --device laptop --dir "
                           f"{house.dir}") in due()
    # Who has been renewed is no longer due; who is revoked neither.
    house.command("renew", "alice", "--device", "laptop")
    house.command("server", "chat.example.org")
    assert due() == []


@pytest.mark.parametrize("days, what", [
    (4, set()), (6, {"crl"}), (8, {"crl"}), (340, {"crl"}),
    (1800, {"crl", "ca"})])
def test_lists_and_cas_are_announced_before_they_end(house, days, what):
    done = later(house, days, "expiry", "--json")
    found = json.loads(done.stdout)["due"]
    assert {d["what"] for d in found} - {"certificate"} == what
    assert done.returncode == (5 if found else 0)
    if days == 340:
        assert {d["name"] for d in found if d["what"] == "crl"} == {
            "root", "issuing-1"}
        # The root's own list, too, is renewed in time.
        later(house, days, "crl", "publish")
        shown = json.loads(later(house, days, "expiry", "--json").stdout)
        assert not [d for d in shown["due"] if d["what"] == "crl"]


def test_the_root_s_list_is_asked_for_when_its_key_is_away(house):
    stick = house.dir.parent / "stick"
    stick.mkdir(mode=0o700)
    house.command("root", "offline", stick)
    done = later(house, 300, "crl", "publish")
    assert done.returncode == 0
    done = later(house, 340, "crl", "publish")
    assert done.returncode == 5 and "--root-key" in done.stdout
    done = later(house, 340, "crl", "publish", "--root-key",
                 stick / "root.pem")
    assert done.returncode == 0, done.stdout


def test_expired_is_a_state_of_its_own(house):
    house.command("issue", "alice", "--device", "laptop", "--days", "1")
    done = later(house, 2, "list", "--account", "alice", "--state", "expired",
                 "--json")
    assert len(json.loads(done.stdout)["certificates"]) == 1
    assert rows(house, "--account", "alice", "--state", "expired") == []
    assert len(rows(house, "--account", "alice", "--expiring", "2d")) == 1
    assert rows(house, "--state", "held") == []


@pytest.mark.parametrize("compat", [False, True])
def test_pkcs12_opens_with_its_password_and_no_other(house, tmp_path, compat):
    file = tmp_path / "alice.p12"
    house.command("issue", "alice", "--p12", file, "--p12-passphrase-file",
                  secret(tmp_path, "of the p12"),
                  *(["--compat"] if compat else []))
    assert file.stat().st_mode & 0o777 == 0o600
    key, leaf, chain = pkcs12.load_key_and_certificates(
        file.read_bytes(), b"of the p12")
    assert leaf.public_key().public_numbers() == \
        key.public_key().public_numbers()
    assert len(chain) == 1
    with pytest.raises(ValueError):
        pkcs12.load_key_and_certificates(file.read_bytes(), b"another")
    info = subprocess.run(
        ["openssl", "pkcs12", "-in", file, "-info", "-noout", "-legacy",
         "-passin", "pass:of the p12"], capture_output=True, text=True)
    assert ("3DES" in info.stderr or "TripleDES" in info.stderr) == compat


def test_a_password_in_an_open_file_makes_nothing(house, tmp_path):
    open_to_all = secret(tmp_path, "of the p12", 0o644)
    before = rows(house)
    for words in (["--p12", tmp_path / "x.p12", "--p12-passphrase-file"],
                  ["--key-passphrase-file"]):
        done = house.command("issue", "alice", *words, open_to_all, ok=False)
        assert done.returncode == 1 and "chmod" in done.stderr
    assert rows(house) == before and not (tmp_path / "x.p12").exists()
    open_to_all.chmod(0o600)
    house.command("issue", "alice", "--key-passphrase-file", open_to_all)
    pem = (house.dir / "people/alice/main/key.pem").read_bytes()
    with pytest.raises(TypeError):
        serialization.load_pem_private_key(pem, None)
    serialization.load_pem_private_key(pem, b"of the p12")
