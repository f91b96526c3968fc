"""sicher-ca as an admin types it: what it refuses, beside what it does."""

import concurrent.futures
import json
import subprocess

import pytest

from authority import BUILD, Authority


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("house")).quick_keys()


def rows(house, *more):
    done = house.command("list", "--json", *more)
    listed = json.loads(done.stdout)
    return listed["certificates"] if isinstance(listed, dict) else listed


def test_a_leaf_can_be_revoked_and_a_root_cannot(house):
    root = next(r for r in rows(house) if r["kind"] == "root")
    assert house.command("revoke", "--serial", root["serial"],
                         ok=False).returncode == 4
    assert all(r["state"] == "valid" for r in rows(house)
               if r["kind"] in ("root", "issuer"))
    house.issue("leaf", "laptop")
    house.command("revoke", "leaf", "--device", "laptop")
    assert [r["state"] for r in rows(house, "--account", "leaf")] == [
        "revoked"]


def test_revoking_what_is_not_there_is_not_found(house):
    assert house.command("revoke", "nobody", ok=False).returncode == 3


def test_crl_alone_shows_the_lists_in_force(house):
    assert house.command("crl").stdout == house.command("crl", "show").stdout


def test_a_wrong_passphrase_changes_nothing(house, tmp_path):
    before = rows(house)
    wrong = tmp_path / "wrong"
    wrong.write_text("not the passphrase\n")
    wrong.chmod(0o600)
    done = subprocess.run(
        [BUILD / "sicher-ca", "--dir", house.dir, "--passphrase-file", wrong,
         "issue", "mallory", "--device", "laptop"],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "passphrase" in done.stderr
    assert rows(house) == before


@pytest.mark.parametrize("text, code", [
    ("", 2), ("brief", 2), ("eleven char", 2), ("\u00e4" * 11, 2),
    ("twelve chars", 0), ("\u00e4" * 12, 0)])
def test_a_passphrase_that_is_easily_guessed_makes_no_authority(
        tmp_path, text, code):
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text(text + "\n")
    done = subprocess.run(
        [BUILD / "sicher-ca", "--dir", tmp_path / "ca", "init", "House",
         "--passphrase-file", secret], capture_output=True, text=True,
        timeout=60)
    assert done.returncode == code, done.stderr
    assert (tmp_path / "ca").exists() == (code == 0)
    if text and code:
        assert "12 characters or more" in done.stderr
        assert text not in done.stderr


def test_values_of_the_audit_trail_can_be_told_apart(house, tmp_path):
    for name, shown in (("plain", "to={}"), ("two words", 'to="{}"'),
                        ('a "quoted" one', 'to="{}"'),
                        ("line\nbreak", 'to="{}"')):
        file = tmp_path / name
        house.command("backup", file)
        text = str(file).replace('"', "\\x22").replace("\n", "\\x0A")
        last = json.loads(house.command("audit", "--json").stdout)[
            "entries"][-1]
        assert last["event"] == "backup"
        assert last["text"].lower() == shown.format(text).lower()
    entries = json.loads(house.command("audit", "--json").stdout)["entries"]
    assert any('name="Test House Issuing CA 1"' in e["text"] for e in entries)


def test_a_second_certificate_for_a_device_is_refused(house):
    house.issue("twice", "laptop")
    again = house.command("issue", "twice", "--device", "laptop", ok=False)
    assert again.returncode == 4
    house.issue("twice", "phone")
    assert len(rows(house, "--account", "twice")) == 2


@pytest.mark.parametrize("name", ["Alice", "al ice", "\u0430lice", "", "-a",
                                  "a" * 65])
def test_a_name_that_is_none_is_refused(house, name):
    before = rows(house)
    done = house.command("issue", "--device", "laptop", "--", name, ok=False)
    assert done.returncode in (2, 4)
    assert rows(house) == before


def test_sixty_four_at_once_have_sixty_four_serials(house):
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        list(pool.map(lambda i: house.issue(f"many{i}", "laptop"), range(64)))
    listed = [r for r in rows(house)
              if (r.get("account") or "").startswith("many")]
    assert len(listed) == 64
    assert len({r["serial"] for r in listed}) == 64
    assert all(r["state"] == "valid" for r in listed)
    house.command("check")


def test_one_device_asked_for_by_sixteen_at_once_gets_one_certificate(house):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        done = list(pool.map(
            lambda i: house.command("issue", "rush", "--out",
                                    house.dir.parent / f"rush{i}", ok=False),
            range(16)))
    assert sorted(d.returncode for d in done) == [0] + 15 * [4], [
        d.stderr for d in done]
    states = [r["state"] for r in rows(house, "--account", "rush")]
    assert states == ["valid"]
    house.command("check")


@pytest.mark.parametrize("purpose", ["sslclient", "sslserver"])
def test_openssl_and_gnutls_agree_with_what_was_issued(house, tmp_path,
                                                       purpose):
    if purpose == "sslclient":
        leaf = house.issue("judged", "laptop").cert
    else:
        leaf = house.server.cert
    verify = ["openssl", "verify", "-x509_strict", "-crl_check_all",
              "-purpose", purpose, "-CAfile", house.ca, "-CRLfile",
              house.crl, leaf]
    assert subprocess.run(verify, capture_output=True).returncode == 0
    done = subprocess.run(
        ["certtool", "--verify", "--load-ca-certificate", house.ca,
         "--load-crl", house.crl, "--infile", leaf],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    if purpose == "sslclient":
        house.command("revoke", "judged", "--device", "laptop")
        assert subprocess.run(verify, capture_output=True).returncode != 0
