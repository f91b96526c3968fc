"""Revocation that finishes: a new CRL closes exactly the right sessions."""

import datetime
import os
import signal
import time

import pytest

from authority import utcnow
from protocol import kind
from test_certificates import knock


@pytest.fixture
def town(own_authority, make_server):
    """A server of its own authority, with alice's two devices and bob's."""
    people = {(a, d): own_authority.issue(a, d) for a, d in (
        ("alice", "laptop"), ("alice", "phone"), ("bob", "desk"))}
    server = make_server(authority=own_authority)
    for account, device in (("alice", "phone"), ("bob", "desk")):
        server.enrol(people[account, device])
    return server, people


def revoke(server, account="alice", device="laptop"):
    server.authority.revoke(account, device)
    server.publish()


def test_a_revoked_device_is_out_within_a_second_and_no_other(town):
    server, people = town
    with server.login(people["alice", "laptop"]) as laptop, \
            server.login(people["alice", "laptop"]) as second, \
            server.login(people["alice", "phone"]) as phone, \
            server.login(people["bob", "desk"]) as bob:
        revoke(server)
        begin = time.monotonic()
        answer = server.ctl("reload")
        for session in (laptop, second):
            last = session.ending()[-1]
            assert (kind(last), last.code) == ("BYE", "revoked")
        assert time.monotonic() - begin < 1 + 0.5  # A process start besides.
        assert answer["closed"] == 2
        phone.ping()
        bob.ping()
    assert "certificate_revoked" in knock(
        server, people["alice", "laptop"].context())
    server.login(people["alice", "phone"]).close()


def test_a_revoked_device_in_the_middle_of_its_login_is_out(town):
    """Let in at the handshake, revoked before the password."""
    server, people = town
    with server.session(people["alice", "laptop"]) as laptop, \
            server.session(people["alice", "laptop"]) as silent:
        laptop.hello()
        revoke(server)
        server.reload()
        for session in (laptop, silent):
            last = session.ending()[-1]
            assert (kind(last), last.code) == ("BYE", "revoked")


def revoked_among(server, revoked, staying):
    """Sessions of forged certificates: (those to revoke, the others)."""
    pem = [server.authority.forge(server.dir / "many", "alice", f"d{i}")
           for i in range(revoked + staying)]
    return pem[:revoked], pem[revoked:]


def publish_list(server, identities, until=None, number=1 << 40):
    """A list of these certificates, signed by the issuing CA; ${until} is a
    timedelta from now."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    lists = server.crl.read_bytes().split(b"-----END X509 CRL-----\n")
    pems = [part + b"-----END X509 CRL-----\n" for part in lists[:-1]]
    # The key first, which takes its time to open: the list's runs then.
    issuer, key = server.authority.issuer, server.authority.issuer_key
    others = [pem for pem in pems
              if x509.load_pem_x509_crl(pem).issuer != issuer.subject]
    builder = (x509.CertificateRevocationListBuilder()
               .issuer_name(issuer.subject)
               .last_update(utcnow() - datetime.timedelta(days=1))
               .next_update(utcnow() + (until or datetime.timedelta(days=7)))
               .add_extension(x509.CRLNumber(number), False)
               .add_extension(
                   x509.AuthorityKeyIdentifier.from_issuer_public_key(
                       issuer.public_key()), False))
    for identity in identities:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(identity.leaf.serial_number)
            .revocation_date(utcnow()).build())
    signed = builder.sign(key, hashes.SHA256())
    server.crl.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM) + b"".join(others))


def test_one_list_throws_out_many_and_the_others_stay(own_authority,
                                                      make_server):
    """Thirty of sixty: each with its reason and its line, none comes back
    by token, nor through a connection that was at the door meanwhile."""
    phone = own_authority.issue("alice", "phone")
    server = make_server({"account": {"devices_max": 100}},
                         authority=own_authority)
    server.enrol(phone)
    out, stay = revoked_among(server, 30, 30)
    live = [(i, server.login(i)) for i in out + stay]
    tokens = [session.token for _, session in live[:30]]
    doors = [server.session(i) for i in out[:10]]
    publish_list(server, out)
    since, begin = server.now(), time.monotonic()
    assert server.ctl("reload")["closed"] == 40
    for _, session in live[:30]:
        last = session.ending()[-1]
        assert (kind(last), last.code) == ("BYE", "revoked")
    assert time.monotonic() - begin < 3
    for door in doors:
        assert door.ending()[-1].code == "revoked"
    for _, session in live[30:]:
        session.ping()
    for identity, _ in live[:30]:
        server.wait_line("session.bye", since=since, reason="revoked",
                         serial=identity.serial)
    gone = [line for line in server.lines[since:]
            if line.event == "session.bye"]
    assert {line.fields["serial"] for line in gone} == {
        identity.serial for identity in out}
    for identity, token in zip(out, tokens):
        assert token and "certificate_revoked" in knock(
            server, identity.context())
    for _, session in live:
        session.close()


def test_sighup_takes_a_new_crl(town):
    server, people = town
    with server.login(people["alice", "laptop"]) as laptop, \
            server.login(people["bob", "desk"]) as bob:
        revoke(server)
        os.kill(server.process.pid, signal.SIGHUP)
        assert laptop.ending()[-1].code == "revoked"
        bob.ping()


def test_revocation_outlives_a_restart(town):
    server, people = town
    revoke(server)
    server.reload()
    server.kill()
    server.start()
    assert "certificate_revoked" in knock(
        server, people["alice", "laptop"].context())
    server.login(people["alice", "phone"]).close()


@pytest.mark.parametrize("damage", ["torn", "empty", "foreign", "forged",
                                    "gone", "text"])
def test_a_crl_that_is_no_good_is_refused_and_the_last_one_stays(
        town, damage, stranger, tmp_path):
    server, people = town
    revoke(server)
    server.reload()
    good = server.crl.read_bytes()
    if damage == "torn":
        server.crl.write_bytes(good[:len(good) // 2])
    elif damage == "empty":
        server.crl.write_bytes(b"")
    elif damage == "gone":
        server.crl.unlink()
    elif damage == "text":
        server.crl.write_text("no revocations today\n")
    elif damage == "foreign":
        server.crl.write_bytes(foreign_crl(stranger.cert, stranger.key))
    else:
        server.crl.write_bytes(foreign_crl(server.authority.issuer,
                                           stranger.key))
    refused = server.ask("reload")
    assert refused["ok"] is False
    assert "revocation list" in refused["message"] or damage == "gone"
    assert "certificate_revoked" in knock(
        server, people["alice", "laptop"].context())
    with server.login(people["alice", "phone"]) as phone:
        phone.ping()
    server.crl.write_bytes(good)
    server.reload()


def foreign_crl(issuer, key, number=1 << 40):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    return (x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.subject)
            .last_update(utcnow())
            .next_update(utcnow() + datetime.timedelta(days=7))
            .add_extension(x509.CRLNumber(number), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    issuer.public_key()), False)
            .sign(key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM))


def test_an_older_crl_is_refused(town):
    server, people = town
    old = server.crl.read_bytes()
    revoke(server)
    server.reload()
    server.crl.write_bytes(old)
    assert server.ask("reload")["ok"] is False
    assert "certificate_revoked" in knock(
        server, people["alice", "laptop"].context())


def test_sicher_ca_tells_the_server_itself(town):
    """The admin's one command ends the session."""
    server, people = town
    with server.login(people["alice", "laptop"]) as laptop, \
            server.login(people["alice", "phone"]) as phone:
        server.write_config(tls={"crl": str(server.authority.crl)})
        server.reload()
        done = server.authority.command(
            "revoke", "alice", "--device", "laptop", "--control",
            server.control)
        assert "1 session" in done.stdout
        assert laptop.ending()[-1].code == "revoked"
        phone.ping()


def test_a_certificate_that_expires_ends_its_session(
        server, house, tmp_path):
    brief = house.authority.forge(
        tmp_path, "alice", "brief",
        end=utcnow() + datetime.timedelta(seconds=3))
    with server.login(brief) as session, \
            server.login(house.people["alice_laptop"]) as laptop:
        last = session.ending()[-1]
        assert (kind(last), last.code) == ("BYE", "expired")
        laptop.ping()
    assert "certificate_expired" in knock(server, brief.context())


def test_sessions_tell_who_is_there(town):
    server, people = town
    phone = people["alice", "phone"]
    with server.login(phone) as alice, \
            server.login(people["bob", "desk"]) as bob, \
            server.session(people["alice", "laptop"]) as waiting:
        waiting.hello()
        bob.sync()
        alice.post("bob", "one")
        alice.post("bob", "two")
        assert len(bob.deliveries(2)) == 2
        listed = {s["account"]: s for s in server.ctl("sessions")["sessions"]}
        assert set(listed) == {"alice", "bob"}
        mine = listed["alice"]
        assert mine["device"] == "phone"
        assert mine["serial"] == phone.serial
        end = phone.leaf.not_valid_after
        assert mine["not_after"] == end.isoformat() + "Z"
        host, port = alice.tls.getsockname()[:2]
        assert mine["address"] == f"{host}:{port}"
        since = datetime.datetime.fromisoformat(mine["since"][:-1])
        assert abs(utcnow() - since) < datetime.timedelta(minutes=5)
        assert mine["cipher"] == alice.tls.cipher()[0]
        assert (mine["messages_in"], mine["messages_out"]) == (2, 0)
        assert (listed["bob"]["messages_in"],
                listed["bob"]["messages_out"]) == (0, 2)
        told = server.command("sessions").stdout
        for text in (phone.serial, mine["not_after"], mine["address"],
                     mine["since"], mine["cipher"], "phone", "alice"):
            assert text in told, told
