"""Every command: where it takes the passphrase from, and how it answers."""

import json
import os
import pty
import shutil
import subprocess

import pytest

from authority import BUILD, PASSPHRASE, Authority

# Those that need a key of the authority's; the last word is asked for.
KEYED = {
    "issue": ["issue", "bob", "--device", "laptop"],
    "server": ["server", "other.example.org"],
    "renew": ["renew", "alice", "--device", "laptop"],
    "revoke": ["revoke", "alice"],
    "crl publish": ["crl", "publish"],
    "issuer create": ["issuer", "create"],
    "issuer rotate": ["issuer", "rotate"],
    "root offline": ["root", "offline", "STICK"],
    "key passwd": ["key", "passwd", "--new-passphrase-file", "NEW"],
}
PLAIN = {
    "root show": ["root", "show"],
    "root export": ["root", "export", "-"],
    "issuer list": ["issuer", "list"],
    "crl show": ["crl", "show"],
    "crl check": ["crl", "check"],
    "list": ["list"],
    "show": ["show", "CERT"],
    "expiry": ["expiry"],
    "lint": ["lint", "CERT"],
    "audit": ["audit"],
    "audit verify": ["audit", "verify"],
    "check": ["check"],
    "backup": ["backup", "BACKUP"],
    "restore": ["restore", "EARLIER"],
}


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    house = Authority(tmp_path_factory.mktemp("founded") / "ca").quick_keys()
    house.issue("alice", "laptop")
    house.command("backup", house.dir.parent / "earlier")
    return house


@pytest.fixture
def house(founded, tmp_path):
    house = founded.copy(tmp_path / "ca")
    shutil.copy(founded.dir.parent / "earlier", tmp_path / "earlier")
    (tmp_path / "stick").mkdir(mode=0o700)
    secret(tmp_path, "new", "another one than before")
    return house


def secret(folder, name, text=PASSPHRASE, mode=0o600):
    file = folder / name
    file.touch(mode=0o600)
    file.write_text(text + "\n")
    file.chmod(mode)
    return file


def line(house, words, *more):
    folder = house.dir.parent
    places = {"STICK": folder / "stick", "NEW": folder / "new",
              "CERT": house.server.cert, "BACKUP": folder / "backup",
              "EARLIER": folder / "earlier"}
    return [BUILD / "sicher-ca", "--dir", house.dir, *more,
            *(places.get(w, w) for w in words)]


def run(command, env=None, **more):
    """In a session of its own, so that there is no terminal to ask."""
    return subprocess.run(
        [str(c) for c in command], stdin=subprocess.DEVNULL, text=True,
        capture_output=True, timeout=60, start_new_session=True,
        env=dict(os.environ, **(env or {})), **more)


def books(house):
    return house.json("list")["certificates"], house.crl.read_bytes()


@pytest.mark.parametrize("name", KEYED)
def test_a_passphrase_comes_from_a_closed_file_and_not_from_an_open_one(
        house, name):
    before = books(house)
    file = secret(house.dir.parent, "phrase", mode=0o640)
    refused = run(line(house, KEYED[name], "--passphrase-file", file))
    assert refused.returncode == 1 and "chmod" in refused.stderr
    assert books(house) == before
    file.chmod(0o600)
    done = run(line(house, KEYED[name], "--passphrase-file", file))
    assert done.returncode in (0, 5), done.stderr


@pytest.mark.parametrize("name", KEYED)
def test_a_passphrase_comes_from_a_descriptor_or_a_credential(house, name):
    before = books(house)
    alone = run(line(house, KEYED[name]))
    assert alone.returncode == 1 and "--passphrase-file" in alone.stderr
    closed = run(line(house, KEYED[name], "--passphrase-fd", "77"))
    assert closed.returncode == 2 and books(house) == before
    credentials = house.dir.parent / "credentials"
    credentials.mkdir(mode=0o700)
    given = {"CREDENTIALS_DIRECTORY": str(credentials)}
    secret(credentials, "sicher-ca.passphrase", "not this one")
    wrong = run(line(house, KEYED[name]), env=given)
    assert wrong.returncode == 1 and "passphrase" in wrong.stderr
    assert books(house) == before
    # The descriptor comes first.
    end, start = os.pipe()
    os.write(start, PASSPHRASE.encode() + b"\n")
    os.close(start)
    done = run(line(house, KEYED[name], "--passphrase-fd", end), env=given,
               pass_fds=(end,))
    os.close(end)
    assert done.returncode in (0, 5), done.stderr


def typed(command, *answers):
    """What a terminal shows, and the status."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], [str(c) for c in command])
    shown = b""
    answers = list(answers)
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if answers and shown.rstrip(b" ").endswith(b":") and \
                piece.strip():
            os.write(terminal, answers.pop(0).encode() + b"\n")
    os.close(terminal)
    return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


STRANGERS = {
    "CERTIFICATE REQUEST": ["issue", "mallory", "--csr"],
    "CERTIFICATE": ["verify"],
}


@pytest.mark.parametrize("what", STRANGERS)
def test_no_stranger_s_file_makes_it_ask_for_a_passphrase(
        house, tmp_path, what):
    file = tmp_path / "file"
    file.write_text(
        f"-----BEGIN {what}-----\nProc-Type: 4,ENCRYPTED\n"
        "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
        f"AAAAAAAAAAAAAAAAAAAAAA==\n-----END {what}-----\n")
    shown, status = typed([*line(house, STRANGERS[what]), file,
                           "--passphrase-file", house.secret], "caught")
    assert status not in (0, 5), shown
    assert "pass phrase" not in shown, shown


def test_a_passphrase_is_asked_for_and_not_shown(house):
    shown, status = typed(line(house, KEYED["crl publish"]), PASSPHRASE)
    assert status == 0, shown
    assert "Passphrase of the authority:" in shown
    assert PASSPHRASE not in shown
    shown, status = typed(line(house, ["key", "passwd"]), PASSPHRASE,
                          "the second one", "the second two")
    assert status == 2 and "differ" in shown
    shown, status = typed(line(house, ["key", "passwd"]), PASSPHRASE,
                          "the second one", "the second one")
    assert status == 0 and "second" not in shown, shown


@pytest.mark.parametrize("name", [*KEYED, *PLAIN])
def test_with_json_each_answers_one_object_that_has_its_status(house, name):
    words = {**KEYED, **PLAIN}[name]
    done = run(line(house, words, "--json", "--passphrase-file",
                    house.secret))
    answer = json.loads(done.stdout)
    assert answer["ok"] is True and answer["exit"] == done.returncode
    assert done.returncode in (0, 5) and done.stderr == ""
    done = run([BUILD / "sicher-ca", "--dir", house.dir.parent / "none",
                *line(house, words, "--json", "--passphrase-file",
                      house.secret)[3:]])
    if name in ("lint", "restore"):
        return
    answer = json.loads(done.stdout)
    assert answer["ok"] is False and answer["exit"] == done.returncode == 3
    assert answer["message"] in done.stderr and answer["error"]


@pytest.mark.parametrize("name", [*KEYED, *PLAIN])
def test_each_says_what_it_does_and_what_comes_next(house, name):
    words = {**KEYED, **PLAIN}[name]
    done = run(line(house, words, "--passphrase-file", house.secret))
    assert done.returncode in (0, 5) and done.stdout.strip()
    if name in KEYED or name in ("audit verify", "backup", "restore"):
        assert "Next: " in done.stdout
    helped = run([BUILD / "sicher-ca", *name.split(), "--help"])
    assert helped.returncode == 0 and "example" in helped.stdout
    assert f"sicher-ca {name}" in helped.stdout


@pytest.mark.parametrize("reason, code", [
    ("keyCompromise", 5), ("cACompromise", 5), ("affiliationChanged", 5),
    ("superseded", 5), ("cessationOfOperation", 5), ("privilegeWithdrawn", 5),
    ("unspecified", 5), ("certificateHold", 2), ("removeFromCRL", 2),
    ("", 2), ("7", 2)])
def test_every_reason_but_hold_revokes(house, reason, code):
    done = house.command("revoke", "alice", "--reason", reason, ok=False)
    assert done.returncode == code
    states = {r.get("reason") for r in
              house.json("list", "--account", "alice")["certificates"]}
    assert states == ({reason} if code == 5 else {None})
