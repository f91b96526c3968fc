"""sicherctl beside a server that says what the test wants."""

import json
import socket
import threading

import pytest

from authority import run


class Fake:
    """Answers each line with the next of ${answers}; keeps what it heard."""

    def __init__(self, path, answers):
        self.path, self.answers, self.heard = path, list(answers), []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(4)
        self.listener.settimeout(20)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        try:
            connection, _ = self.listener.accept()
        except OSError:
            return
        with connection, connection.makefile("rb") as lines:
            for answer in self.answers:
                self.heard.append(json.loads(lines.readline()))
                if isinstance(answer, dict):
                    answer = json.dumps(answer).encode() + b"\n"
                try:
                    connection.sendall(answer)
                except OSError:
                    return

    def ask(self, *arguments, **more):
        return run("sicherctl", "--socket", self.path, *arguments,
                   ok=False, **more)


@pytest.fixture
def fake(tmp_path):
    made = []

    def make(*answers):
        made.append(Fake(tmp_path / f"s{len(made)}", answers))
        return made[-1]

    yield make
    for one in made:
        one.listener.close()


def accounts(*names, more=False):
    return {"ok": True, "more": more, "accounts": [
        {"account": n, "state": "active", "role": "user", "display": "",
         "created": "2026-11-24T03:00:00Z"} for n in names]}


def test_a_list_is_followed_over_all_its_pages(fake):
    server = fake(accounts("ann", "bob", more=True),
                  accounts("cy", more=True), accounts("dee"))
    done = server.ask("account", "list", "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 0 and answer["ok"] is True
    assert [a["account"] for a in answer["accounts"]] == [
        "ann", "bob", "cy", "dee"]
    assert "more" not in answer
    assert [r.get("after") for r in server.heard] == [None, "bob", "cy"]


def test_pages_of_sessions_go_on_behind_the_last(fake):
    one = {"account": "ann", "loop": 1, "id": 7}
    server = fake({"ok": True, "sessions": [one], "more": True},
                  {"ok": True, "sessions": [one], "more": False})
    done = server.ask("sessions")
    assert done.stdout.count("ann") == 2
    assert server.heard[1]["after"] == {"loop": 1, "id": 7}


def test_an_empty_page_ends_a_list_whatever_it_says(fake):
    done = fake({"ok": True, "accounts": [], "more": True}).ask(
        "account", "list")
    assert done.returncode == 0 and "account add" in done.stdout


def test_a_page_that_fails_fails_the_list(fake):
    done = fake(accounts("ann", more=True),
                {"ok": False, "error": "internal", "message": "broken"}).ask(
        "account", "list", "--json")
    assert done.returncode == 1 and "broken" in done.stderr
    assert json.loads(done.stdout)["ok"] is False


@pytest.mark.parametrize("code, status", [
    ("not-found", 3), ("refused", 4), ("denied", 4), ("bad-key", 4),
    ("invalid", 2), ("usage", 2), ("bad-request", 2), ("exists", 1),
    ("internal", 1), ("something new", 1)])
def test_a_failure_has_its_exit_status_and_its_sentence(fake, code, status):
    refusal = {"ok": False, "error": code, "message": "so it is"}
    done = fake(refusal).ask("account", "show", "ann")
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr == "sicherctl: so it is\n"
    done = fake(refusal).ask("--json", "account", "show", "ann")
    assert done.returncode == status and json.loads(done.stdout) == refusal


@pytest.mark.parametrize("answer", [
    b"", b"no json\n", b"[1]\n", b"null\n", b'{"ok":true', b"\n",
    b"x" * 1200000 + b"\n"], ids=lambda b: b[:9].decode() + str(len(b)))
def test_what_is_no_answer_is_an_error(fake, answer):
    done = fake(answer).ask("status")
    assert done.returncode in (1, 5) and done.stderr.startswith("sicherctl: ")
    assert done.stdout == ""


def test_a_server_that_refuses_before_it_reads_is_heard(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen(1)

        def refuse():
            connection, _ = listener.accept()
            connection.sendall(b'{"ok":false,"error":"denied",'
                               b'"message":"not you"}\n')
            connection.close()

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        done = run("sicherctl", "--socket", tmp_path / "s", "status", ok=False)
        thread.join(10)
    assert done.returncode == 4 and "not you" in done.stderr


def test_text_of_others_cannot_steer_the_terminal(fake):
    evil = "\x1b]0;owned\x07\u009b31m\x7f\ttab"
    page = accounts("ann")
    page["accounts"][0]["display"] = evil
    done = fake(page).ask("account", "list")
    assert not set(done.stdout) & set("\x1b\x07\x7f\u009b\t")
    assert "\\x1b]0;owned\\x07" in done.stdout
    refusal = {"ok": False, "error": "refused", "message": evil}
    assert "\x1b" not in fake(refusal).ask("reload").stderr


def test_a_password_comes_from_a_private_file_and_never_from_arguments(
        fake, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    secret.chmod(0o600)
    server = fake({"ok": True, "account": "ann"})
    done = server.ask("account", "add", "ann", "--password-file", secret)
    assert done.returncode == 0 and "correct horse" not in done.stdout
    assert server.heard[0]["password"] == "correct horse"
    secret.chmod(0o644)
    server = fake({"ok": True})
    done = server.ask("account", "add", "ann", "--password-file", secret)
    assert done.returncode == 1 and "chmod" in done.stderr
    assert server.heard == []


@pytest.mark.parametrize("arguments", [
    (), ("acount",), ("account",), ("account", "add"),
    ("account", "add", "a", "b"), ("kick",), ("status", "now"),
    ("account", "add", "a", "--role", "king"), ("status", "--what"),
    ("device", "revoke", "alice"), ("account", "show", "a", "--display", "b")],
    ids=" ".join)
def test_a_wrong_command_line_is_2_and_asks_nothing(fake, arguments):
    server = fake({"ok": True})
    done = server.ask(*arguments)
    assert done.returncode == 2 and done.stderr.startswith("sicherctl")
    assert server.heard == []


def test_the_environment_names_the_socket(fake):
    server = fake({"ok": True, "crl": 7, "closed": 1})
    done = run("sicherctl", "reload",
               env={"SICHERD_CONTROL": str(server.path)})
    assert "CRL number 7; 1 session closed" in done.stdout


def test_explain_tells_by_its_status_whether_it_is_let_in(fake, tmp_path):
    (tmp_path / "cert.pem").write_text("any text\n")
    verdict = {"ok": True, "admitted": True, "verdict": "it is let in",
               "subject": "CN=ann", "account": "ann", "rule": "cn", "crl": 3}
    done = fake(verdict).ask("explain", tmp_path / "cert.pem")
    assert done.returncode == 0 and "ann" in done.stdout
    verdict["admitted"] = False
    for more in ((), ("--json",)):
        done = fake(verdict).ask("explain", tmp_path / "cert.pem", *more)
        assert done.returncode == 4
