"""The certificates of the server and the authority come to their end: said
early and often, and never a reason not to start or to take newer files."""

import datetime
import shutil

from cryptography.x509.oid import ExtendedKeyUsageOID

from authority import utcnow
from test_certificates import knock


def ending(server, tmp_path, **left):
    """The server's certificate, one that ends in this time, or ended."""
    end = utcnow() + datetime.timedelta(**left)
    made = server.authority.forge(
        tmp_path / "server", "localhost", "server", uri=False, end=end,
        begin=end - datetime.timedelta(days=90),
        eku=[ExtendedKeyUsageOID.SERVER_AUTH])
    shutil.copy(made.cert, server.chain)
    shutil.copy(made.key, server.key)
    server.key.chmod(0o600)


def state(server):
    return server.ctl("status")["certificate_state"]


def test_a_servers_certificate_near_its_end_is_told(make_server, tmp_path):
    server = make_server({"tls": {"crl_alarm_every": "1s"}})
    good = server.chain.read_bytes(), server.key.read_bytes()
    assert state(server) == "ok"
    status = server.command("status").stdout
    assert "certificate  until 20" in status and "ALARM" not in status
    check = server.check()
    assert check.returncode == 0 and check.stderr == ""
    assert check.stdout.endswith("are good\n")

    ending(server, tmp_path, days=29)
    check = server.check()
    assert check.returncode == 0 and "1 warning\n" in check.stdout
    assert "warning: the server's certificate" in check.stderr
    assert "ends on" in check.stderr and "sicher-ca server" in check.stderr
    server.reload()
    line = server.wait_line("certificate.ends", state="soon", of="server")
    assert line.level == "warn"
    status = server.command("status").stdout
    assert "ends in 28 d 23 h: sicher-ca server HOST" in status

    ending(server, tmp_path, days=7)
    server.reload()
    line = server.wait_line("certificate.ends", state="last")
    assert line.level == "alarm"
    server.wait_line("certificate.ends", since=server.now(), state="last")

    server.chain.write_bytes(good[0])
    server.key.write_bytes(good[1])
    server.reload()
    server.wait_line("certificate.fresh")
    assert state(server) == "ok"


def test_a_server_past_its_certificates_end_starts_and_takes_a_newer_one(
        make_server, people, tmp_path):
    server = make_server(start=False)
    good = server.chain.read_bytes(), server.key.read_bytes()
    ending(server, tmp_path, days=-1)
    check = server.check()
    assert check.returncode == 0 and "ended on" in check.stderr
    server.start()
    line = server.wait_line("certificate.ends", state="expired", of="server")
    assert line.level == "alarm"
    assert state(server) == "expired"
    assert server.ctl("status")["certificate_left"] < -86000
    assert "ended 1 d" in server.command("status").stdout
    server.chain.write_bytes(good[0])
    server.key.write_bytes(good[1])
    server.reload()
    assert state(server) == "ok"
    assert "WELCOME" in knock(server, people.bob_desk.context())


def test_how_early_is_configured(make_server, tmp_path):
    server = make_server({"tls": {"certificate_alarm": "2d"}})
    ending(server, tmp_path, days=3)
    server.reload()
    assert state(server) == "ok"
    server.write_config(tls={"certificate_alarm": "4000d"})
    assert "certificate_alarm" in server.check().stderr
    # One of the authority's counts as well.
    server.write_config(tls={"certificate_alarm": "3650d"})
    server.reload()
    states = {(c["of"], c["state"])
              for c in server.ctl("status")["certificates"]}
    assert ("server", "last") in states
    assert states & {("authority", "soon"), ("authority", "last")}
    server.wait_line("certificate.ends", of="authority")


def test_a_list_near_its_end_is_a_warning_of_the_check(make_server):
    server = make_server({"tls": {"crl_alarm": "365d"}}, start=False)
    check = server.check()
    assert check.returncode == 0 and "the revocation list of" in check.stderr
    assert "sicher-ca crl publish" in check.stderr
