"""The way in: HELLO, the password, the one-time secret, the token."""

import time

import pytest

from protocol import Refused, kind
from server import PASSWORD

NEW = "a password of my own"


def refusal(session, password):
    with pytest.raises(Refused) as refused:
        session.auth(password)
    return refused.value.frame


def test_the_password_opens_the_session(shared, people):
    with shared.session(people.alice_laptop) as alice:
        welcome = alice.hello()
        assert welcome.version == 1
        assert welcome.account == "alice"
        assert welcome.device == "laptop"
        assert welcome.server == "test.house"
        assert welcome.max_frame == 65536
        assert abs(welcome.now - time.time() * 1000) < 60_000
        ready = alice.auth(PASSWORD)
        assert kind(ready) == "READY"
        end = people.alice_laptop.leaf.not_valid_after
        assert ready.not_after == int(
            end.replace(tzinfo=__import__("datetime").timezone.utc)
            .timestamp() * 1000)
        assert 0 < ready.token_until - welcome.now <= 12 * 3600_000 + 60_000


def test_a_wrong_password_is_refused_and_the_right_one_then_accepted(
        server, people):
    with server.session(people.alice_laptop) as alice:
        alice.hello()
        assert refusal(alice, "wrong horse").code == "auth-failed"
        time.sleep(0.1)  # The delay that a failure costs: 10 ms here.
        assert kind(alice.auth(PASSWORD)) == "READY"


def test_the_password_of_another_account_is_refused(server, people, newcomer):
    identity, secret = newcomer(server)
    with server.session(identity) as new:
        new.hello()
        new.auth(secret)
        new.choose(secret, NEW)
    with server.session(people.bob_desk) as bob:
        bob.hello()
        assert refusal(bob, NEW).code == "auth-failed"


def test_five_refused_passwords_end_the_connection(server, people):
    with server.session(people.alice_laptop) as alice:
        alice.hello()
        for _ in range(4):
            assert kind(refusal(alice, "wrong")) == "ERROR"
        last = refusal(alice, "wrong")
        if kind(last) == "ERROR":
            last = alice.receive()
        assert (kind(last), last.code) == ("BYE", "auth-failed")
        assert alice.ending() == []
    time.sleep(0.2)  # Four doublings of 10 ms.
    server.login(people.alice_laptop).close()


def test_every_refusal_has_the_same_words_after_the_same_time(
        make_server, people, newcomer):
    """Wrong password, no password chosen yet, and a delayed device."""
    server = make_server({"password": {"answer_time": "300ms",
                                       "delay_first": "5s"}})
    fresh, _ = newcomer(server)
    answers = []
    for identity, password in ((people.bob_desk, "wrong"), (fresh, "wrong"),
                               (people.bob_desk, PASSWORD)):
        with server.session(identity) as session:
            session.hello()
            begin = time.monotonic()
            frame = refusal(session, password)
            answers.append((frame, time.monotonic() - begin))
    first = answers[0][0]
    assert first.code == "auth-failed"
    for frame, seconds in answers:
        assert frame == first
        assert 0.29 <= seconds < 1.3


def test_a_failure_delays_its_device_and_no_other(make_server, people):
    server = make_server({"password": {"delay_first": "3s"}})
    server.login(people.alice_phone).close()
    with server.session(people.alice_laptop) as laptop:
        laptop.hello()
        refusal(laptop, "wrong")
        failed = time.monotonic()
        assert refusal(laptop, PASSWORD).code == "auth-failed"
        server.login(people.alice_phone).close()
        server.login(people.bob_desk).close()
    server.kill()
    server.start()
    with server.session(people.alice_laptop) as laptop:
        laptop.hello()
        if time.monotonic() - failed < 2.5:
            assert refusal(laptop, PASSWORD).code == "auth-failed"
        time.sleep(max(0, failed + 3.2 - time.monotonic()))
        assert kind(laptop.auth(PASSWORD)) == "READY"


def test_spent_failures_slow_strangers_alone_until_unlocked(
        make_server, people, house, tmp_path):
    """Over a restart, and never a device that has logged in."""
    server = make_server({"password": {"failures_per_day": 3,
                                       "delay_max": "10m"}})
    forge = house.authority.forge
    server.login(people.alice_laptop).close()
    for i in range(3):
        with server.session(forge(tmp_path, "alice", f"g{i}")) as guess:
            guess.hello()
            refusal(guess, "wrong")
    server.wait_line("keeper.guessing")
    server.kill()
    server.start()
    stranger = forge(tmp_path, "alice", "new")
    with server.session(stranger) as session:
        session.hello()
        assert refusal(session, PASSWORD).code == "auth-failed"
    server.login(people.alice_laptop).close()
    server.login(people.bob_desk).close()
    done = server.command("account", "unlock", "alice")
    assert "alice" in done.stdout
    server.login(stranger).close()
    assert server.command("account", "unlock", "nobody-here",
                          ok=False).returncode == 3


def test_a_one_time_secret_opens_only_the_choice_of_a_password(
        server, newcomer):
    identity, secret = newcomer(server)
    with server.session(identity) as new:
        new.hello()
        assert kind(new.auth(secret)) == "CHOOSE"
        assert kind(new.choose(secret, NEW)) == "READY"
        new.ping()
    with server.login(identity, NEW) as new:
        new.ping()
    with server.session(identity) as again:
        again.hello()
        assert refusal(again, secret).code == "auth-failed"


def test_a_secret_is_not_used_up_before_a_password_is_chosen(
        server, newcomer):
    identity, secret = newcomer(server)
    with server.session(identity) as new:
        new.hello()
        assert kind(new.auth(secret)) == "CHOOSE"
    with server.session(identity) as new:
        new.hello()
        assert kind(new.auth(secret)) == "CHOOSE"
        assert kind(new.choose(secret, NEW)) == "READY"


@pytest.mark.parametrize("password, accepted", [
    (b"1234567", False), (b"12345678", True), (b"x" * 1024, True)])
def test_a_chosen_password_has_8_to_1024_bytes(
        server, newcomer, password, accepted):
    identity, secret = newcomer(server)
    with server.session(identity) as new:
        new.hello()
        new.auth(secret)
        if accepted:
            assert kind(new.choose(secret, password)) == "READY"
            server.login(identity, password).close()
            return
        with pytest.raises(Refused, match="weak-password"):
            new.choose(secret, password)
        assert kind(new.choose(secret, NEW)) == "READY"


def test_choosing_needs_the_secret_once_more(server, newcomer):
    identity, secret = newcomer(server)
    with server.session(identity) as new:
        new.hello()
        new.auth(secret)
        with pytest.raises(Refused, match="auth-failed"):
            new.choose("not the secret", NEW)


def test_a_secret_expires(make_server, newcomer):
    server = make_server({"password": {"first_secret_life": "1s"}})
    identity, secret = newcomer(server)
    time.sleep(1.2)
    with server.session(identity) as new:
        new.hello()
        assert refusal(new, secret).code == "auth-failed"


def test_a_token_resumes_and_is_not_extended_by_it(shared, people):
    with shared.session(people.alice_laptop) as alice:
        alice.hello()
        first = alice.auth(PASSWORD)
    with shared.session(people.alice_laptop) as alice:
        alice.hello()
        second = alice.resume(first.token)
        assert second.token_until <= first.token_until
        alice.ping()


@pytest.mark.parametrize("change", [
    lambda t: b"x", lambda t: t[:-1], lambda t: t + b"\0",
    lambda t: bytes([t[0] ^ 1]) + t[1:], lambda t: t[:-1] + bytes([t[-1] ^ 1]),
    lambda t: t[:20] + bytes([t[20] ^ 128]) + t[21:], lambda t: b"\0" * 256])
def test_a_changed_token_is_refused_and_the_password_then_accepted(
        shared, people, change):
    with shared.login(people.alice_laptop) as alice:
        token = alice.token
    with shared.session(people.alice_laptop) as alice:
        alice.hello()
        with pytest.raises(Refused, match="token-refused"):
            alice.resume(change(token))
        assert kind(alice.auth(PASSWORD)) == "READY"


@pytest.mark.parametrize("thief", ["alice_phone", "bob_desk"])
def test_a_token_belongs_to_its_certificate(shared, people, thief):
    with shared.login(people.alice_laptop) as alice:
        token = alice.token
    with shared.session(getattr(people, thief)) as other:
        other.hello()
        with pytest.raises(Refused, match="token-refused"):
            other.resume(token)


def test_a_token_ends_with_its_life(make_server, people):
    server = make_server({"password": {"token_life": "1s"}})
    with server.login(people.alice_laptop) as alice:
        token = alice.token
    time.sleep(1.2)
    with server.session(people.alice_laptop) as alice:
        alice.hello()
        with pytest.raises(Refused, match="token-refused"):
            alice.resume(token)


def test_a_token_costs_no_argon2(server, people):
    with server.login(people.alice_laptop) as alice:
        token = alice.token
    before = server.ctl("status")["keeper"]["passwords_checked"]
    assert before > 0
    with server.session(people.alice_laptop) as alice:
        alice.hello()
        alice.resume(token)
    assert server.ctl("status")["keeper"]["passwords_checked"] == before
    assert f"{before} computed" in server.command("status").stdout
    server.login(people.alice_laptop).close()
    assert server.ctl("status")["keeper"]["passwords_checked"] == before + 1


def test_a_token_outlives_a_restart(server, people):
    with server.login(people.alice_laptop) as alice:
        token = alice.token
    server.kill()
    server.start()
    with server.session(people.alice_laptop) as alice:
        alice.hello()
        assert kind(alice.resume(token)) == "READY"


def voids(server, people, act):
    """${act} on a session voids every token of the account, and the
    password still opens it."""
    with server.login(people.alice_phone) as phone:
        with server.login(people.alice_laptop) as laptop:
            tokens = {people.alice_laptop: laptop.token,
                      people.alice_phone: phone.token}
            act(laptop)
    for identity, token in tokens.items():
        with server.session(identity) as again:
            again.hello()
            with pytest.raises(Refused, match="token-refused"):
                again.resume(token)


def test_logout_voids_the_accounts_tokens(server, people):
    voids(server, people, lambda session: session.logout())
    server.login(people.alice_laptop).close()


def test_a_password_change_voids_tokens_and_keeps_sessions(server, people):
    with server.login(people.alice_phone) as other:
        voids(server, people, lambda session: session.call(
            "DONE", "PASSWORD", PASSWORD.encode(), NEW.encode()))
        other.ping()
    server.login(people.alice_laptop, NEW).close()
    with server.session(people.alice_laptop) as alice:
        alice.hello()
        assert refusal(alice, PASSWORD).code == "auth-failed"


def test_a_password_change_needs_the_old_one(server, people):
    with server.login(people.alice_laptop) as alice:
        with pytest.raises(Refused, match="auth-failed"):
            alice.call("DONE", "PASSWORD", b"not the old one", NEW.encode())
        alice.ping()
    time.sleep(0.1)
    server.login(people.alice_laptop).close()


def test_a_password_change_to_a_short_one_is_refused(server, people):
    with server.login(people.alice_laptop) as alice:
        with pytest.raises(Refused, match="weak-password"):
            alice.call("DONE", "PASSWORD", PASSWORD.encode(), b"short")
        alice.ping()
    server.login(people.alice_laptop).close()


def test_a_certificate_without_an_account_is_told_so(shared, house, tmp_path):
    nobody = house.authority.forge(tmp_path, "nobody-known", "x")
    with shared.session(nobody) as session:
        with pytest.raises(Refused, match="no-account") as refused:
            session.hello()
        assert kind(refused.value.frame) == "BYE"
        assert session.ending() == []


def test_a_version_nobody_speaks_ends_the_connection(shared, people):
    with shared.session(people.alice_laptop) as session:
        session.send("HELLO", 0, [], "old")
        with pytest.raises(Refused, match="version"):
            session.expect("WELCOME")
        assert session.ending() == []


def test_features_nobody_knows_are_passed_over(shared, people):
    with shared.session(people.alice_laptop) as session:
        session.send("HELLO", 1, ["teleport", "x" * 200], "new")
        assert session.expect("WELCOME").features == [
            "rooms", "receipts", "signals", "presence"]
        session.auth(PASSWORD)


def test_a_full_queue_answers_busy_without_looking_at_the_password(
        make_server, people):
    server = make_server({"password": {"workers": 1, "queue": 1,
                                       "iterations": 20},
                          "limits": {"handshake_time": "2m"}})
    sessions = [server.session(people.alice_laptop, wait=60)
                for _ in range(6)]
    answers = []
    for session in sessions:
        session.hello()
    for session in sessions:
        session.send("AUTH", PASSWORD.encode())
    for session in sessions:
        try:
            answers.append(session.expect("READY"))
        except Refused as refused:
            answers.append(refused.frame)
    busy = [a for a in answers if kind(a) == "ERROR"]
    assert busy and len(busy) < len(answers)
    assert server.reached("password.queue") == len(busy)
    assert all(a.code == "busy" and a.retry_ms > 0 for a in busy)
    for session, answer in zip(sessions, answers):
        if kind(answer) == "ERROR":
            # Not one of the five guesses, and not a failure either.
            assert kind(session.auth(PASSWORD)) == "READY"
        session.close()


def test_passwords_and_bodies_are_not_in_the_log(server, people, newcomer):
    identity, secret = newcomer(server)
    with server.session(identity) as new:
        new.hello()
        new.auth(secret)
        new.choose(secret, "shibboleth-password")
        new.post("alice", "shibboleth-body")
        token = new.token
    server.stop()
    log = "\n".join(line.text for line in server.lines)
    for text in (secret, "shibboleth", PASSWORD, token.hex()):
        assert text not in log


def test_a_client_that_closes_during_the_password_check_harms_nobody(
        make_server, people):
    server = make_server({"password": {"answer_time": "500ms"}})
    for _ in range(5):
        session = server.session(people.alice_laptop)
        session.hello()
        session.send("AUTH", PASSWORD.encode())
        session.close()
    with server.login(people.bob_desk) as bob:
        bob.ping()


def test_a_second_auth_waits_for_the_first(shared, people):
    with shared.session(people.alice_laptop) as session:
        session.hello()
        session.send("AUTH", PASSWORD.encode())
        session.send("AUTH", PASSWORD.encode())
        assert kind(session.receive()) == "READY"
        frame = session.receive()
        assert (kind(frame), frame.code) == ("ERROR", "bad-state")
        session.ping()


def test_passwords_are_checked_by_several_threads_and_lanes(
        make_server, people):
    server = make_server({"password": {
        "parallelism": 4, "workers": 3, "memory": "32MiB"}})
    secret = server.ctl("account.passwd", "alice")["secret"]
    with server.session(people.alice_laptop) as alice:
        alice.hello()
        alice.auth(secret)
        alice.choose(secret, "another password")
    server.login(people.alice_phone, "another password").close()
    assert not [line for line in server.lines if line.event == "child.died"]
