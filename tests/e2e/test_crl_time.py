"""A revocation list that comes to its end: said early and often, and what is
configured then happens to those who come, never to those who are there."""

import datetime
import time

from test_certificates import knock
from test_revocation import publish_list


def seconds(n):
    return datetime.timedelta(seconds=n)


def lapse(server, n=2):
    """A list that ends in ${n} whole seconds, and the wait for that."""
    publish_list(server, [], seconds(n))
    server.reload()
    time.sleep(n + 1.1)  # Time itself is what is waited for.


def state(server):
    return server.ctl("status")["crl_state"]


def test_a_list_near_its_end_is_told_again_and_again(make_server):
    server = make_server({"tls": {"crl_alarm": "48h",
                                  "crl_alarm_every": "1s"}})
    assert state(server) == "ok"
    assert "ALARM" not in server.command("status").stdout
    since = server.now()
    publish_list(server, [], datetime.timedelta(hours=47))
    server.reload()
    first = server.wait_line("crl.ends", since=since, state="soon")
    assert first.level == "warn" and "Issuing" in first.fields["issuer"]
    server.wait_line("crl.ends", since=server.now(), state="soon")
    assert state(server) == "soon"
    assert "it ends in 1 d 22 h" in server.command("status").stdout
    publish_list(server, [], datetime.timedelta(hours=11), (1 << 40) + 1)
    server.reload()
    assert server.wait_line("crl.ends", state="last").level == "alarm"
    publish_list(server, [], datetime.timedelta(hours=49), (1 << 40) + 2)
    server.reload()
    server.wait_line("crl.fresh")
    assert state(server) == "ok"


def test_past_its_end_nobody_new_comes_and_nobody_goes(make_server, people):
    server = make_server({"tls": {"crl_expired": "refuse"}})
    with server.login(people.alice_laptop) as alice:
        lapse(server)
        assert "certificate_unknown" in knock(
            server, people.bob_desk.context())
        server.wait_line("gate.refused", reason="crl-expired")
        server.wait_line("crl.ends", state="expired")
        alice.ping()
        told = server.ctl("explain", pem=people.bob_desk.cert.read_text())
        assert not told["admitted"] and "ended" in told["verdict"]
        assert "nobody new is let in" in server.command("status").stdout
        publish_list(server, [], number=(1 << 40) + 1)
        server.reload()
        server.login(people.bob_desk).close()
        alice.ping()


def test_a_grace_lets_in_until_it_ends(make_server, people):
    server = make_server({"tls": {"crl_expired": "grace",
                                  "crl_grace": "48h"}})
    lapse(server)
    server.login(people.bob_desk).close()
    assert server.wait_line("crl.ends", state="grace").level == "alarm"
    assert "still believed" in server.command("status").stdout
    server.write_config(tls={"crl_grace": "1s"})
    server.reload()
    time.sleep(1.1)  # Past the grace as well.
    assert "certificate_unknown" in knock(server, people.bob_desk.context())
    assert state(server) == "expired"


def test_a_grace_forgives_no_revocation(make_server, people):
    server = make_server({"tls": {"crl_expired": "grace"}})
    publish_list(server, [people.alice_laptop], seconds(2))
    server.reload()
    time.sleep(3.1)  # Past its end.
    assert state(server) == "grace"
    assert "certificate_revoked" in knock(
        server, people.alice_laptop.context())
    server.login(people.bob_desk).close()


def test_a_server_started_with_an_ended_list_keeps_everybody_out(
        make_server, people):
    server = make_server()
    lapse(server)
    server.stop()
    server.start()
    server.wait_line("crl.ends", state="expired")
    assert "certificate_unknown" in knock(
        server, people.alice_laptop.context())
    publish_list(server, [], number=(1 << 40) + 1)
    server.reload()
    server.login(people.alice_laptop).close()
