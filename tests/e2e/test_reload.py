"""Configuration: checked with -t, reloaded whole or not at all."""

import os
import re
import signal
import socket
import time

import pytest

from authority import run
from protocol import Refused
from server import PASSWORD

# What is wrong, the change that makes it so, and what the message names.
WRONG = {
    "an unknown key": (lambda t: t + "colour = \"red\";\n", "colour"),
    "an unknown key in a group": (
        lambda t: t + "limits = { flies = 3; };\n", "flies"),
    "an integer for a text": (
        lambda t: t.replace('name = "test.house"', "name = 5"), "name"),
    "a text for an integer": (
        lambda t: t.replace("loops = 2", 'loops = "two"'), "loops"),
    "a number out of its range": (
        lambda t: t.replace("loops = 2", "loops = 1000"), "loops"),
    "a negative number": (
        lambda t: t.replace("loops = 2", "loops = -1"), "loops"),
    "a number beyond 31 bits": (
        lambda t: t.replace("loops = 2", "loops = 4294967298"), "loops"),
    "a duration without its unit": (
        lambda t: t.replace('"100ms"', '"100"'), "answer_time"),
    "a size of no size": (
        lambda t: t.replace('"1GiB"', '"1GB?"'), "map_size"),
    "a list for a text": (
        lambda t: t.replace('name = "test.house"', 'name = [ "a" ]'), "name"),
    "a group for a text": (
        lambda t: t.replace('name = "test.house"', 'name = { }'), "name"),
    "a syntax error": (lambda t: t + "loops = ;\n", "conf:"),
    "an address of no address": (
        lambda t: t.replace("127.0.0.1:0", "here"), "listen"),
    "a certificate that is not there": (
        lambda t: t.replace("chain.pem", "gone.pem"), "gone.pem"),
    "a text that must not be empty": (
        lambda t: re.sub('crl = ".*"', 'crl = ""', t),
        "tls.crl is empty, and must be set"),
    "a list that is none": (
        lambda t: re.sub('crl = ".*/', 'crl = "', t).replace(
            "crl.pem", "sicherd.conf"),
        "sicherd.conf (tls.crl): there is no revocation list"),
    "an authority that is none": (
        lambda t: re.sub('authority = ".*/', 'authority = "', t).replace(
            "ca.pem", "sicherd.conf"), "sicherd.conf (tls.authority): "),
    "a key that is not the certificate's": (
        lambda t: t, "key"),
}


@pytest.fixture
def idle(make_server):
    """Configured, not started."""
    return make_server(start=False)


def spoil(server, what):
    """Write the wrong configuration; what its complaint must name."""
    change, named = WRONG[what]
    text = server.config.read_text()
    if what == "a key that is not the certificate's":
        server.key.write_bytes(other_key())
    else:
        assert change(text) != text, "the change did not apply"
    server.config.write_text(change(text))
    return named


def other_key():
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption())


def test_a_good_configuration_passes(idle):
    done = idle.check()
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("what", sorted(WRONG))
def test_a_configuration_is_refused_that_has(idle, what):
    named = spoil(idle, what)
    done = idle.check()
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    assert named in said
    if named not in ("gone.pem", "key"):
        assert "sicherd.conf:" in said  # File and line.
    begun = run("sicherd", "--config", idle.config, ok=False)
    assert begun.returncode != 0  # It does not start with it, either.


def test_all_mistakes_are_told_not_the_first(idle):
    idle.config.write_text(
        idle.config.read_text().replace("loops = 2", "loops = 1000")
        + "colour = 1;\nshape = 2;\n")
    said = "".join((lambda d: (d.stdout, d.stderr))(idle.check()))
    assert all(word in said for word in ("loops", "colour", "shape"))


def test_no_configuration_is_a_clear_error(tmp_path):
    done = run("sicherd", "--config", tmp_path / "none.conf", ok=False)
    assert done.returncode != 0
    assert "none.conf: there is no such file" in done.stderr


def test_a_persons_certificate_is_no_servers(idle, people):
    idle.chain.write_bytes(people.alice_laptop.cert.read_bytes())
    idle.key.write_bytes(people.alice_laptop.key.read_bytes())
    done = idle.check()
    assert done.returncode != 0
    assert f"{idle.chain} is no server's certificate" in done.stderr


@pytest.mark.parametrize("mode", [0o644, 0o640])
def test_a_key_that_others_may_read_is_refused(idle, mode):
    idle.key.chmod(mode)
    done = idle.check()
    assert done.returncode != 0 and "key.pem" in done.stdout + done.stderr


@pytest.mark.parametrize("what", ["an unknown key", "an integer for a text",
                                  "a syntax error",
                                  "a certificate that is not there",
                                  "a key that is not the certificate's"])
@pytest.mark.parametrize("how", ["control", "SIGHUP"])
def test_a_bad_reload_changes_nothing(server, people, what, how):
    good = server.config.read_text(), server.key.read_bytes()
    with server.login(people.alice_laptop) as alice:
        named = spoil(server, what)
        since = server.now()
        if how == "control":
            refused = server.ask("reload")
            assert refused["ok"] is False and named in refused["message"]
        else:
            os.kill(server.process.pid, signal.SIGHUP)
            server.wait_line("reload.refused", since=since)
        alice.ping()
        server.login(people.bob_desk).close()
        server.config.write_text(good[0])
        server.key.write_bytes(good[1])
        server.reload()
        alice.ping()


@pytest.mark.parametrize("which, says", [
    ("ca", "(tls.authority): there is no certificate in the text"),
    ("crl", "(tls.crl): there is no revocation list"),
    ("chain", "(tls.certificate): there is no certificate in the text"),
    ("key", "no private key")])
def test_a_bad_file_is_named_with_what_is_wrong_with_it(server, which, says):
    path = getattr(server, which)
    path.write_text("not what it should be\n")
    refused = server.command("reload", ok=False)
    assert refused.returncode != 0
    assert str(path) in refused.stderr and says in refused.stderr
    begun = server.check()
    assert str(path) in begun.stderr and says in begun.stderr


def test_a_list_that_is_refused_for_what_it_says_is_named(
        server, own_authority):
    server.crl.write_bytes(own_authority.crl.read_bytes())
    refused = server.command("reload", ok=False)
    assert f"{server.crl} (tls.crl): the revocation list of" in refused.stderr
    assert "not signed by an authority that is trusted" in refused.stderr


def test_a_list_older_than_the_one_in_force_is_named(
        make_server, own_authority):
    server = make_server(seed=False, authority=own_authority)
    older = server.crl.read_bytes()
    own_authority.issue("eve", "desk")
    own_authority.revoke("eve", "desk")
    server.publish()
    server.reload()
    server.crl.write_bytes(older)
    refused = server.command("reload", ok=False)
    assert f"{server.crl} (tls.crl): the revocation list of" in refused.stderr
    assert "in force already" in refused.stderr


def test_a_reload_takes_what_may_change(server, people):
    server.write_config(limits={"rooms_max": 1})
    server.reload()
    with server.login(people.alice_laptop) as alice:
        alice.call("DONE", "ROOM_CREATE", "#one", True, "")
        with pytest.raises(Refused, match="limit"):
            alice.call("DONE", "ROOM_CREATE", "#two", True, "")
        server.write_config(limits={"rooms_max": 2})
        server.reload()
        alice.call("DONE", "ROOM_CREATE", "#two", True, "")


def test_a_reload_takes_what_is_said_of_passwords(server, people):
    with server.login(people.alice_laptop) as alice:
        token = alice.token
    server.write_config(password={
        "memory": "32MiB", "iterations": 3, "answer_time": "700ms",
        "delay_first": "60s", "token_life": "1s"})
    server.reload()
    with server.session(people.alice_laptop) as alice:
        alice.hello()
        alice.auth(PASSWORD)  # Hashed anew, at the new cost.
    time.sleep(1.1)  # The life that tokens have now.
    with server.session(people.alice_laptop) as alice:
        alice.hello()
        with pytest.raises(Refused, match="token-refused"):
            alice.resume(token)
        begin = time.monotonic()
        with pytest.raises(Refused, match="auth-failed"):
            alice.auth("wrong")
        assert time.monotonic() - begin >= 0.69
        with pytest.raises(Refused, match="auth-failed"):
            alice.auth(PASSWORD)  # Delayed for a minute.
    server.login(people.alice_phone).close()
    server.write_config(password={"workers": 2})
    refused = server.ask("reload")
    assert refused["ok"] is False and "password.workers" in refused["message"]
    # Nor is anything else of that file taken, by whoever asks.
    server.write_config(password={"workers": None, "answer_time": "100ms"},
                        tls={"crl": "/nowhere"})
    assert server.ask("reload")["ok"] is False
    with server.session(people.bob_desk) as bob:
        bob.hello()
        begin = time.monotonic()
        with pytest.raises(Refused, match="auth-failed"):
            bob.auth("wrong")
        assert time.monotonic() - begin >= 0.69


def test_a_restarted_keeper_goes_by_what_was_reloaded(make_server, people):
    server = make_server()
    server.rough = True
    server.write_config(password={"answer_time": "700ms"})
    server.reload()
    os.kill(server.ctl("status")["keeper"]["pid"], signal.SIGKILL)
    server.wait_line("child.restarted", name="keeper")
    with server.session(people.bob_desk) as bob:
        bob.hello()
        begin = time.monotonic()
        with pytest.raises(Refused, match="auth-failed"):
            bob.auth("wrong")
        assert time.monotonic() - begin >= 0.69


def test_a_new_server_certificate_is_taken_without_ending_sessions(
        make_server, own_authority):
    import shutil

    alice = own_authority.issue("alice", "laptop")
    server = make_server(authority=own_authority)
    server.enrol(alice)
    with server.login(alice) as before:
        first = before.tls.getpeercert(True)
        own_authority.command("server", "localhost")
        shutil.copy(own_authority.server.cert, server.chain)
        shutil.copy(own_authority.server.key, server.key)
        server.reload()
        before.ping()
        with server.login(alice) as after:
            assert after.tls.getpeercert(True) != first


def test_sigterm_says_goodbye_and_ends_in_order(server, people):
    with server.login(people.alice_laptop) as alice, \
            server.session(people.bob_desk) as bob:
        bob.hello()
        server.process.send_signal(signal.SIGTERM)
        for session in (alice, bob):
            last = session.ending()[-1]
            assert last.code == "going-away"
        assert server.process.wait(10) == 0
        with pytest.raises(OSError):
            socket.create_connection(server.address, timeout=1).close()


def test_what_was_in_flight_at_sigterm_is_stored_or_not_acknowledged(
        server, people):
    from protocol import Closed, Truncated, encode, kind, new_id
    ids = [new_id() for _ in range(500)]
    with server.login(people.alice_laptop) as alice:
        alice.write(b"".join(encode("SEND", i, "bob", id, "text/plain", b"")
                             for i, id in enumerate(ids)))
        server.process.send_signal(signal.SIGTERM)
        stored = set()
        try:
            while True:
                frame = alice.receive()
                if kind(frame) == "STORED":
                    stored.add(ids[frame.ref])
        except (Closed, Truncated, ConnectionError):
            pass
    assert server.process.wait(15) == 0
    server.start()
    with server.login(people.bob_desk) as bob:
        found, after = [], 0
        while True:
            items, end = bob.history("alice", after=after)
            found += [i.id for i in items]
            if not end.more:
                break
            after = items[-1].seq
    assert stored <= set(found)
    assert len(found) == len(set(found))


def test_the_sample_is_a_configuration(idle):
    sample = run("sicherd", "--sample-config").stdout
    assert "listen" in sample and "authority" in sample


def test_an_encrypted_key_is_opened_at_the_start_and_on_a_reload(
        make_server, people):
    from cryptography.hazmat.primitives import serialization
    server = make_server(start=False)
    key = serialization.load_pem_private_key(server.key.read_bytes(), None)

    def encrypt(passphrase, told):
        server.key.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase)))
        secret = server.dir / "passphrase"
        secret.touch(mode=0o600)
        secret.write_bytes(told + b"\n")
        server.write_config(tls={"key_passphrase_file": str(secret)})

    encrypt(b"first", b"first")
    server.start()
    server.login(people.alice_laptop).close()
    encrypt(b"second", b"second")
    server.reload()
    server.login(people.alice_laptop).close()
    encrypt(b"third", b"another")
    assert server.command("reload", ok=False).returncode == 4
    server.login(people.alice_laptop).close()
