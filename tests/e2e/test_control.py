"""The control socket: who may speak to it, and what it says to nonsense."""

import json
import os
import signal
import socket
import stat
import subprocess

import pytest


def speak(path, data, wait=10):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(wait)
        s.connect(str(path))
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while chunk := s.recv(65536):
                answer += chunk
        except ConnectionResetError:
            pass
        return answer


def test_status_tells_who_runs(shared):
    status = shared.ctl("status")
    assert status["ok"] is True
    assert {status["net"]["pid"], status["keeper"]["pid"]} <= set(shared.pids())


def test_the_socket_is_for_its_owner_alone(shared):
    assert stat.S_IMODE(os.stat(shared.control).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(shared.control.parent).st_mode) & 0o077 == 0


def open_the_way(folder):
    """All above ${folder} may be passed through."""
    for above in folder.parents:
        if above != above.parent and not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o011)


def ask_as_nobody(server):
    """What uid 65534 is answered when it asks for the status."""
    script = (
        "import os, socket, sys\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "s = socket.socket(socket.AF_UNIX); s.settimeout(10)\n"
        "s.connect(sys.argv[1])\n"
        "try:\n"
        "    s.sendall(b'{\"cmd\":\"status\"}\\n')\n"
        "    print(s.recv(65536).decode())\n"
        "except OSError as e: print('closed', e)\n")
    done = subprocess.run(["/usr/bin/python3", "-c", script, server.control],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(os.getuid() != 0, reason="needs a second uid")
def test_another_uid_is_refused_even_where_the_modes_let_it_in(make_server):
    server = make_server()
    open_the_way(server.control)
    server.control.chmod(0o666)
    said = ask_as_nobody(server)
    assert '"pid"' not in said and '"ok":true' not in said
    assert server.ctl("status")["ok"] is True


@pytest.mark.skipif(os.getuid() != 0, reason="needs a second uid")
def test_another_uid_is_answered_when_it_is_an_administrator(make_server):
    server = make_server({"admins": ["65534"]}, start=False)
    server.control.parent.chmod(0o711)
    server.start()
    open_the_way(server.control.parent)
    assert '"ok":true' in ask_as_nobody(server)
    server.write_config(admins=["65533"])
    server.reload()
    assert '"ok":true' not in ask_as_nobody(server)


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o731])
def test_a_folder_in_which_others_could_put_their_own_socket_is_refused(
        make_server, mode):
    """Commands, and the passwords in them, would go to whoever did."""
    server = make_server({"admins": ["65534"]}, start=False)
    server.control.parent.chmod(mode)
    server.start(wait=False)
    assert server.process.wait(20) != 0
    server.ended.wait(10)
    assert "chmod go-w" in server.tail()
    server.control.parent.chmod(0o755)
    server.start()


def test_a_second_server_takes_nothing_of_the_first(make_server, people):
    """Its data are its own; the port and the control socket are taken."""
    first = make_server()
    second = make_server(start=False)

    def refused(word, **taken):
        second.write_config(**taken)
        second.start(wait=False)
        assert second.process.wait(30) != 0
        second.ended.wait(10)
        assert word in second.tail(3)

    refused("into listen", listen=["%s:%d" % first.address])
    refused("into control", listen=["127.0.0.1:0"], control=str(first.control))
    assert first.ctl("status")["ok"] is True
    first.login(people.alice_laptop).close()
    second.write_config(control=str(second.control))
    second.start()
    second.login(people.alice_laptop).close()


def test_a_killed_server_comes_back_on_its_port(make_server, people):
    """At once: what it left behind keeps it waiting for a moment at most."""
    server = make_server()
    server.rough = True
    server.write_config(listen=["%s:%d" % server.address])
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(10)
    server.start()
    server.login(people.alice_laptop).close()


@pytest.mark.parametrize("line", [
    b"", b"\n", b"nonsense\n", b"{}\n", b"[]\n", b"null\n",
    b'{"cmd":5}\n', b'{"cmd":"no.such"}\n', b'{"cmd":"kick"}\n',
    b'{"cmd":"kick","account":7}\n', b'{"cmd":"account.add","account":"A"}\n',
    b'{"cmd":"account.add","account":"' + b"a" * 100000 + b'"}\n',
    b"[" * 5000 + b"\n", b"\xff\xfe\n", b'{"cmd":"status"', b"x" * 300000],
    ids=lambda b: b[:24].decode("latin-1") + f"-{len(b)}")
def test_nonsense_is_refused_and_the_server_goes_on(shared, people, line):
    answer = speak(shared.control, line)
    for text in answer.splitlines():
        assert json.loads(text)["ok"] is False, text
    assert shared.ctl("status")["ok"] is True


def test_a_line_in_pieces_is_a_line(shared):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(shared.control))
        for byte in b'{"cmd":"status"}\n':
            s.sendall(bytes([byte]))
        assert json.loads(s.makefile().readline())["ok"] is True


def test_a_client_that_waits_does_not_stop_others(shared):
    with socket.socket(socket.AF_UNIX) as idle:
        idle.connect(str(shared.control))
        idle.sendall(b'{"cmd":')
        assert shared.ctl("status")["ok"] is True


@pytest.mark.parametrize("cmd, fields", [
    ("kick", {"account": "nobody"}),
    ("kick", {"account": "alice", "device": "nothing"}),
    ("account.show", {"account": "nobody"}),
    ("account.disable", {"account": "nobody"}),
    ("account.enable", {"account": "nobody"}),
    ("account.delete", {"account": "nobody"}),
    ("account.passwd", {"account": "nobody"}),
    ("device.list", {"account": "nobody"}),
    ("device.revoke", {"account": "alice", "device": "nothing"})],
    ids=lambda v: v if isinstance(v, str) else "-".join(v.values()))
def test_what_is_not_there_is_named(shared, cmd, fields):
    answer = shared.ask(cmd, **fields)
    assert (answer["ok"], answer["error"]) == (False, "not-found")
    assert list(fields.values())[-1] in answer["message"]


def test_explain_tells_without_connecting(shared, people, house, stranger,
                                          tmp_path):
    good = shared.ctl("explain", pem=people.alice_laptop.cert.read_text())
    assert good["admitted"] is True
    assert (good["account"], good["device"]) == ("alice", "laptop")
    for bad, named in (
            (house.authority.server, "clientAuth"),
            (stranger.forge(tmp_path, house.authority.ca), "authority"),
            (house.authority.forge(tmp_path, "nobody-known"), "account")):
        answer = shared.ctl("explain", pem=bad.cert.read_text())
        assert answer["admitted"] is False
        assert named in answer["verdict"]
    answer = shared.ask("explain", pem="this is no certificate")
    assert not answer["ok"] or answer["admitted"] is False


def test_the_children_are_not_privileged_by_files(shared):
    """net has no file of the key open, and may not be looked into."""
    status = shared.ctl("status")
    net = status["net"]["pid"]
    opened = [os.readlink(f"/proc/{net}/fd/{fd}")
              for fd in os.listdir(f"/proc/{net}/fd")]
    assert not [f for f in opened if "keeper" in f or f.endswith("key.pem")]
    with open(f"/proc/{net}/status", encoding="ascii") as f:
        told = dict(line.split(":\t", 1) for line in f)
    assert told["NoNewPrivs"].strip() == "1"
    reduced = any(line.event == "sandbox.reduced" for line in shared.lines)
    assert reduced or told["Seccomp"].strip() == "2"
