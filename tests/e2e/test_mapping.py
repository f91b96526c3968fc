"""Whose a certificate is: subjects mapped to accounts by hand, and the rules
dn and san-uri.  Each way in stands beside the nearest that is shut."""

import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from protocol import Refused, kind
from test_certificates import knock
from test_revocation import foreign_crl

NEW = "a password of my own"


def dn(*parts):
    """(type, value[, encoding]) as a subject's attributes."""
    return [x509.NameAttribute(*part) for part in parts]


PARTNER = dn((NameOID.ORGANIZATION_NAME, "Partner"),
             (NameOID.COMMON_NAME, "Alice Adams"))


def trust(server, stranger):
    """The stranger's authority beside the house's own."""
    from cryptography.hazmat.primitives import serialization
    with open(server.ca, "ab") as ca:
        ca.write(stranger.cert.public_bytes(serialization.Encoding.PEM))
    with open(server.crl, "ab") as crl:
        crl.write(foreign_crl(stranger.cert, stranger.key))


@pytest.fixture
def forge(house, stranger, tmp_path):
    """A certificate of the partner's authority."""
    def make(names=PARTNER, uri=False, **more):
        return stranger.forge(tmp_path / "partner", house.authority.ca,
                              names=names, uri=uri, **more)
    return make


@pytest.fixture
def joint(make_server, stranger):
    """A server that trusts the partner's authority too."""
    server = make_server(start=False)
    trust(server, stranger)
    return server.start()


def add(server, account, identity, ok=True):
    answer = server.ask("map.add", account=account,
                        pem=identity.cert.read_text())
    assert answer["ok"] is ok, answer
    return answer


def shut(server, identity, alert="bad_certificate"):
    assert alert in knock(server, identity.context())


def turned_away(server, identity, code="no-account"):
    with server.session(identity) as session:
        with pytest.raises(Refused) as refused:
            session.hello()
        assert refused.value.code == code


def explain(server, identity):
    return server.ctl("explain", pem=identity.cert.read_text())


def test_a_mapped_subject_opens_its_account_and_no_other_does(joint, forge):
    alice = forge()
    shut(joint, alice)
    assert not explain(joint, alice)["admitted"]
    add(joint, "alice", alice)
    with joint.login(alice) as session:
        assert session.welcome.account == "alice"
        session.ping()
    told = explain(joint, alice)
    assert (told["admitted"], told["rule"], told["account"]) == (
        True, "mapping", "alice")
    assert (told["crl"], told["crl_issuer"]) == (
        1 << 40, "CN=Test House Issuing CA")
    for names in (
            dn((NameOID.ORGANIZATION_NAME, "Partner"),
               (NameOID.COMMON_NAME, "Alice Adams ")),
            dn((NameOID.ORGANIZATION_NAME, "Partner"),
               (NameOID.COMMON_NAME, "alice adams")),
            dn((NameOID.COMMON_NAME, "Alice Adams"),
               (NameOID.ORGANIZATION_NAME, "Partner")),
            dn((NameOID.ORGANIZATION_NAME, "Partner"),
               (NameOID.COMMON_NAME, "Alice Adams", _ASN1Type.PrintableString)),
            dn((NameOID.COMMON_NAME, "Alice Adams"))):
        shut(joint, forge(names))
    # Another certificate of the very subject is another device of hers.
    joint.login(forge()).close()
    assert len(joint.ctl("device", "list", "alice")["devices"]) >= 2


def test_a_mapping_asks_for_the_accounts_own_password(joint, forge):
    alice = forge()
    add(joint, "alice", alice)
    with joint.session(alice) as session:
        session.hello()
        with pytest.raises(Refused, match="auth-failed"):
            session.auth("not hers")


def test_a_mapping_outlives_a_restart(joint, forge):
    alice = forge()
    key = add(joint, "alice", alice)["key"]
    joint.kill()
    joint.start()
    joint.login(alice).close()
    assert [m["key"] for m in joint.ctl("map.list")["mappings"]] == [key]


def test_a_subject_with_two_names_counts_only_as_a_whole(joint, forge):
    both = forge(dn((NameOID.COMMON_NAME, "alice"),
                    (NameOID.COMMON_NAME, "bob")))
    swapped = forge(dn((NameOID.COMMON_NAME, "bob"),
                       (NameOID.COMMON_NAME, "alice")))
    shut(joint, both)
    add(joint, "alice", both)
    with joint.login(both) as session:
        assert session.welcome.account == "alice"
    shut(joint, swapped)


def test_a_subject_is_not_led_away_from_the_name_in_it(joint, forge, people):
    bobs = forge(dn((NameOID.ORGANIZATION_NAME, "Partner"),
                    (NameOID.COMMON_NAME, "bob")))
    assert add(joint, "alice", bobs, ok=False)["error"] == "refused"
    assert add(joint, "bob", bobs)["closed"] == 0
    joint.login(people.bob_desk).close()


def test_no_account_is_made_whose_name_a_mapping_has(joint, forge):
    erin = forge(dn((NameOID.COMMON_NAME, "erin")))
    key = add(joint, "alice", erin)["key"]
    with joint.login(erin) as session:
        assert session.welcome.account == "alice"
    refused = joint.ask("account.add", account="erin")
    assert (refused["ok"], refused["error"]) == (False, "refused")
    joint.ctl("map.remove", "alice", key=key)
    joint.add("erin")
    turned_away(joint, erin)  # It is alice's for ever.
    with joint.session(forge(dn((NameOID.COMMON_NAME, "erin")))) as session:
        assert session.hello().account == "erin"


def test_a_uri_that_names_another_account_is_refused(joint, forge):
    plain, good, bad = (forge(), forge(uri="urn:sichernetz:account:alice"),
                        forge(uri="urn:sichernetz:account:bob"))
    add(joint, "alice", plain)
    joint.login(good).close()
    turned_away(joint, bad)
    assert "another" in explain(joint, bad)["verdict"]
    joint.wait_line("login.refused", serial=bad.serial)


def test_a_mapping_leads_to_one_account(joint, forge):
    alice = forge()
    add(joint, "alice", alice)
    assert add(joint, "bob", alice, ok=False)["error"] == "exists"
    assert add(joint, "alice", alice, ok=False)["error"] == "exists"
    assert joint.ask("map.add", account="nobody-here",
                     pem=alice.cert.read_text())["error"] == "not-found"
    for pem in ("no certificate", alice.key.read_text()):
        assert joint.ask("map.add", account="alice",
                         pem=pem)["error"] == "invalid"


def test_a_mapping_taken_away_ends_its_sessions_and_no_other(
        joint, forge, people):
    alice = forge()
    key = add(joint, "alice", alice)["key"]
    with joint.login(alice) as mapped, \
            joint.login(people.alice_laptop) as own, \
            joint.session(alice) as waiting:
        waiting.hello()
        gone = joint.ctl("map.remove", "alice", key=key)
        assert gone["closed"] == 2
        for session in (mapped, waiting):
            last = session.ending()[-1]
            assert (kind(last), last.code) == ("BYE", "no-account")
        own.ping()
    shut(joint, alice)
    assert joint.ask("map.remove", account="alice",
                     key=key)["error"] == "not-found"
    joint.login(people.alice_laptop).close()


def test_a_device_stays_its_accounts_whatever_is_mapped(joint, forge):
    alice = forge()
    key = add(joint, "alice", alice)["key"]
    joint.login(alice).close()
    joint.ctl("map.remove", "alice", key=key)
    add(joint, "bob", alice)
    turned_away(joint, alice)
    with joint.login(forge()) as fresh:
        assert fresh.welcome.account == "bob"


def test_a_deleted_accounts_mapping_revives_no_certificate(
        joint, forge):
    """Not even one that was never used."""
    import datetime

    from authority import utcnow
    used, unused = forge(), forge()
    add(joint, "alice", used)
    joint.login(used).close()
    joint.ctl("account", "delete", "alice")
    shut(joint, unused)
    assert joint.ctl("map.list")["mappings"] == []
    secret = joint.add("alice")
    add(joint, "alice", used)
    turned_away(joint, used)
    turned_away(joint, unused)
    fresh = forge(begin=utcnow() + datetime.timedelta(minutes=2))
    with joint.session(fresh) as session:
        session.hello()
        session.auth(secret)
        session.choose(secret, NEW)


def test_under_the_rule_dn_accounts_wait_for_their_subjects(
        make_server, house, people, tmp_path):
    server = make_server({"account": {"rule": "dn"}}, start=False).start()
    server.wait_line("subject.check", finding="unreachable", account="carol")
    turned_away(server, people.alice_laptop)
    add(server, "alice", people.alice_laptop)
    with server.login(people.alice_laptop) as session:
        assert session.welcome.account == "alice"
    told = explain(server, people.alice_phone)
    assert (told["admitted"], told["account"]) == (True, "alice")
    other = house.authority.forge(tmp_path, "alice", "x", uri=False, names=dn(
        (NameOID.COMMON_NAME, "alice"), (NameOID.LOCALITY_NAME, "here")))
    turned_away(server, other)
    secret = server.add("erin")
    erin = house.authority.forge(tmp_path, "erin", "desk")
    turned_away(server, erin)
    add(server, "erin", erin)
    with server.session(erin) as session:
        session.hello()
        session.auth(secret)
        session.choose(secret, NEW)


def test_under_the_rule_san_uri_the_uri_counts(
        make_server, house, people, tmp_path):
    server = make_server({"account": {"rule": "san-uri"}}, seed=False)
    secret = server.add("erin")
    forge = house.authority.forge
    erin = forge(tmp_path, "erin", "desk",
                 names=dn((NameOID.COMMON_NAME, "Erin Eriksen")))
    with server.session(erin) as session:
        assert session.hello().account == "erin"
        session.auth(secret)
        session.choose(secret, NEW)
    shut(server, forge(tmp_path, "erin", "x", uri=False))
    shut(server, forge(tmp_path, "erin", "x", uri="erin"))
    robot = forge(tmp_path, "robot", "x", uri="spiffe://house/robot")
    turned_away(server, robot)
    key = server.ctl("map.add", "erin", uri="spiffe://house/robot")["key"]
    assert key == "spiffe://house/robot"
    with server.login(robot, NEW) as session:
        assert session.welcome.account == "erin"
    turned_away(server, forge(tmp_path, "robot", "x",
                              uri="spiffe://house/robot2"))
    for uri in ("spiffe://house/*", "robot", "urn:sichernetz:account:erin"):
        assert server.ask("map.add", account="erin",
                          uri=uri)["error"] == "invalid"


def test_a_uri_is_mapped_under_its_rule_only(server):
    assert server.ask("map.add", account="alice",
                      uri="spiffe://house/alice")["error"] == "invalid"


def test_a_changed_rule_is_found_at_the_start_and_can_be_mended(
        make_server, people):
    server = make_server()
    assert server.command("map", "check").returncode == 0
    server.stop()
    server.write_config(account={"rule": "san-uri"})
    server.start()
    for name in ("alice", "bob", "carol", "dave"):
        server.wait_line("subject.check", finding="unreachable", account=name)
    told = server.command("map", "check", ok=False)
    assert told.returncode == 1 and "alice" in told.stdout
    turned_away(server, people.alice_laptop)
    done = server.command("map", "add", "alice")
    assert "urn:sichernetz:account:alice" in done.stdout
    server.login(people.alice_laptop).close()
    assert "alice" not in server.command("map", "check", ok=False).stdout


def test_an_ambiguous_mapping_is_found_at_the_start(make_server, house,
                                                    tmp_path):
    """Made under a rule where it was not."""
    server = make_server({"account": {"rule": "dn"}})
    bobs = house.authority.forge(tmp_path, "bob", "x", uri=False)
    add(server, "alice", bobs)
    server.login(bobs).close()
    server.stop()
    server.write_config(account={"rule": "cn"})
    server.start()
    server.wait_line("subject.check", finding="ambiguous", account="alice")
    turned_away(server, bobs)
    assert "ambiguous" in server.command("map", "check", ok=False).stdout


def test_the_commands_say_what_they_did(joint, forge):
    alice = forge()
    done = joint.command("map", "add", "alice", alice.cert)
    assert "Alice Adams" in done.stdout
    undo = done.stdout.split("sicherctl ")[-1].split()
    assert undo[:3] == ["map", "remove", "alice"]
    listed = joint.command("map", "list", "alice").stdout
    assert undo[3] in listed and "Alice Adams" in listed
    assert joint.command("map", "list", "bob").stdout.startswith("Nothing")
    joint.command(*undo)
    assert joint.command(*undo, ok=False).returncode == 3
    assert joint.command("map", "add", "alice", alice.cert, "--uri", "a:b",
                         ok=False).returncode == 2
    assert joint.command("map", "add", "alice", "/nowhere",
                         ok=False).returncode == 3
