"""Accounts disabled, enabled, deleted and made anew; devices bound for ever."""

import time

import pytest

from protocol import Refused, kind
from server import PASSWORD

NEW = "another password"


def turned_away(server, identity, code):
    with server.session(identity) as session:
        with pytest.raises(Refused) as refused:
            session.hello()
        assert refused.value.code == code
        assert kind(refused.value.frame) == "BYE"
        session.ending()


def bye(session):
    last = session.ending()[-1]
    return kind(last), last.code


def test_a_disabled_account_is_out_at_once_and_back_when_enabled(
        server, people):
    with server.login(people.alice_laptop) as laptop, \
            server.login(people.alice_phone) as phone, \
            server.login(people.bob_desk) as bob:
        token = laptop.token
        server.ctl("account.disable", "alice")
        assert bye(laptop) == bye(phone) == ("BYE", "disabled")
        turned_away(server, people.alice_laptop, "disabled")
        bob.ping()
        server.ctl("account.enable", "alice")
        with server.session(people.alice_laptop) as again:
            again.hello()
            with pytest.raises(Refused, match="token-refused"):
                again.resume(token)
            assert kind(again.auth(PASSWORD)) == "READY"


def test_messages_before_disabling_are_there_after_enabling(server, people):
    with server.login(people.bob_desk) as bob:
        seq = bob.post("alice", "before").seq
        server.ctl("account.disable", "alice")
        with pytest.raises(Refused, match="unknown-target"):
            bob.post("alice", "while")
        server.ctl("account.enable", "alice")
        with server.login(people.alice_laptop) as alice:
            alice.sync()
            assert [d.seq for d in alice.until(seq)] == [seq]


def test_a_deleted_account_is_out_at_once_and_for_good(server, people):
    with server.login(people.alice_laptop) as laptop:
        server.ctl("account.delete", "alice")
        assert bye(laptop) == ("BYE", "disabled")
    with server.session(people.alice_laptop) as again:
        with pytest.raises(Refused) as refused:
            again.hello()
        assert refused.value.code in ("no-account", "disabled")
    assert not server.ask("account.enable", account="alice")["ok"]


def test_a_new_account_of_the_name_does_not_revive_old_certificates(
        server, people, house, tmp_path):
    with server.login(people.bob_desk) as bob:
        bob.post("alice", "for the first alice")
    server.ctl("account.delete", "alice")
    secret = server.add("alice")
    for old in (people.alice_laptop, people.alice_phone):
        with server.session(old) as session:
            with pytest.raises(Refused) as refused:
                session.hello()
                session.auth(secret)
            assert refused.value.code in ("no-account", "disabled")
    time.sleep(2.1)  # A forged notBefore lies up to two seconds back.
    fresh = house.authority.forge(tmp_path)
    with server.session(fresh) as alice:
        alice.hello()
        assert kind(alice.auth(secret)) == "CHOOSE"
        alice.choose(secret, NEW)
        alice.sync()
        # Nothing of the first alice's is hers.
        assert alice.history("bob")[0] == []
        assert alice.fence("carol") == []


def test_deleting_leaves_the_conversations_of_others(server, people):
    with server.login(people.alice_laptop) as alice:
        seq = alice.post("bob", "remember me").seq
    server.ctl("account.delete", "alice")
    with server.login(people.bob_desk) as bob:
        bob.sync()
        got, = bob.until(seq)
        assert (got.sender, got.body) == ("alice", b"remember me")


def test_a_device_is_bound_once_its_password_was_accepted(
        server, house, tmp_path):
    device = house.authority.forge(tmp_path, "alice", "tablet")
    with server.session(device) as session:
        session.hello()
        with pytest.raises(Refused, match="auth-failed"):
            session.auth("wrong")
    assert "tablet" not in labels(server, "alice")
    time.sleep(0.1)
    server.login(device).close()
    assert "tablet" in labels(server, "alice")


def labels(server, account):
    return {d.get("label", d.get("device"))
            for d in server.ctl("device.list", account)["devices"]}


def test_a_revoked_device_is_out_while_the_others_go_on(server, people):
    with server.login(people.alice_laptop) as laptop, \
            server.login(people.alice_phone) as phone:
        server.ctl("device.revoke", "alice", device="laptop")
        assert bye(laptop) == ("BYE", "revoked")
        phone.ping()
    turned_away(server, people.alice_laptop, "revoked")
    server.login(people.alice_phone).close()
    server.restart()
    turned_away(server, people.alice_laptop, "revoked")


def test_an_account_has_no_more_devices_than_its_limit(
        make_server, people, house, tmp_path):
    server = make_server({"account": {"devices_max": 2}})
    server.login(people.alice_phone).close()
    third = house.authority.forge(tmp_path, "alice", "third")
    with server.session(third) as session:
        session.hello()
        with pytest.raises(Refused) as refused:
            session.auth(PASSWORD)
        assert refused.value.code in (
            "limit", "auth-failed", "denied", "no-account")
    assert server.reached("account.devices_max") == 1
    server.login(people.alice_laptop).close()


def test_devices_that_come_at_once_are_no_more_than_the_limit(
        make_server, people, house, tmp_path):
    server = make_server({"account": {"devices_max": 3},
                          "limits": {"handshake_time": "1m"}})
    server.login(people.alice_laptop).close()
    many = [server.session(house.authority.forge(tmp_path, "alice", f"d{i}"))
            for i in range(6)]
    for session in many:
        session.hello()
    for session in many:
        session.send("AUTH", PASSWORD.encode())
    told = [session.receive() for session in many]
    for session in many:
        session.close()
    assert sorted(map(kind, told)) == ["BYE"] * 4 + ["READY"] * 2
    listed = server.ctl("device", "list", "alice")["devices"]
    assert len(listed) == 3


def test_each_octet_of_a_one_time_secret_is_another_each_time(server):
    """128 bits of it, of a new account's and of one that is reset."""
    secrets = [bytes.fromhex(answer["secret"]) for answer in (
        *(server.ctl("account.add", f"new{i}") for i in range(6)),
        *(server.ctl("account.passwd", f"new{i}") for i in range(6)))]
    assert {len(secret) for secret in secrets} == {16}
    assert len(set(secrets)) == 12
    assert all(len(set(octets)) > 1 for octets in zip(*secrets))
    assert all(secret[:8] != secret[8:] for secret in secrets)


def test_a_reset_password_ends_the_sessions_and_asks_for_a_new_one(
        server, people):
    with server.login(people.alice_laptop) as alice, \
            server.login(people.bob_desk) as bob:
        token = alice.token
        secret = server.ctl("account.passwd", "alice")["secret"]
        assert bye(alice) == ("BYE", "password-reset")
        bob.ping()
    with server.session(people.alice_laptop) as alice:
        alice.hello()
        with pytest.raises(Refused, match="token-refused"):
            alice.resume(token)
        with pytest.raises(Refused, match="auth-failed"):
            alice.auth(PASSWORD)
        time.sleep(0.1)
        assert kind(alice.auth(secret)) == "CHOOSE"
        alice.choose(secret, NEW)
    server.login(people.alice_phone, NEW).close()


def test_a_kick_ends_sessions_and_tokens_and_not_the_account(server, people):
    with server.login(people.alice_laptop) as laptop, \
            server.login(people.alice_phone) as phone, \
            server.login(people.bob_desk) as bob:
        token = laptop.token
        server.ctl("kick", "alice")
        assert bye(laptop) == bye(phone) == ("BYE", "kicked")
        bob.ping()
    with server.session(people.alice_laptop) as alice:
        alice.hello()
        with pytest.raises(Refused, match="token-refused"):
            alice.resume(token)
        alice.auth(PASSWORD)


def test_a_session_waiting_for_its_password_is_turned_out_too(
        server, people, newcomer):
    identity, secret = newcomer(server)
    with server.session(people.alice_laptop) as auth, \
            server.session(identity) as choose:
        auth.hello()
        choose.hello()
        choose.auth(secret)
        server.ctl("account.disable", "alice")
        server.ctl("account.disable", identity.account)
        for session, frame in ((auth, ("AUTH", PASSWORD.encode())),
                               (choose, ("PASSWORD", 1, secret.encode(),
                                         NEW.encode()))):
            try:
                session.send(*frame)
            except OSError:
                pass
            assert bye(session)[1] in ("disabled", "auth-failed")
    server.ctl("account.enable", identity.account)


def test_accounts_are_listed_with_their_state(server):
    server.ctl("account.disable", "carol")
    listed = {a["account"]: a["state"]
              for a in server.ctl("account.list")["accounts"]}
    assert listed["alice"] == "active" and listed["carol"] == "disabled"


@pytest.mark.parametrize("name", ["Alice", "-a", "a b", "", "a" * 65, "#a",
                                  "al\u00efce", "../x", "a\nb"])
def test_an_account_of_a_bad_name_is_not_made(shared, name):
    answer = shared.ask("account.add", account=name)
    assert (answer["ok"], answer["error"]) == (False, "invalid")


def test_a_bad_name_is_a_wrong_argument_on_both_sides(shared, own_authority):
    for done in (shared.command("account", "add", "Alice", ok=False),
                 own_authority.command("issue", "Alice", ok=False)):
        assert done.returncode == 2 and "Alice" in done.stderr


def test_an_account_is_made_once(shared):
    answer = shared.ask("account.add", account="alice")
    assert (answer["ok"], answer["error"]) == (False, "exists")
    assert "alice" in answer["message"]
