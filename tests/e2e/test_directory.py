"""DIRECTORY: the devices of an account, and who may see them."""

import hashlib
import ssl
import time

import pytest

from protocol import Refused, encode


@pytest.fixture
def alice(server, people):
    with server.login(people.alice_laptop) as session:
        yield session


def der_of(identity):
    return ssl.PEM_cert_to_DER_cert(identity.cert.read_text().split(
        "-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")


def whole(session, account, wait=10):
    """Once every certificate is on the disk: that is a moment after READY."""
    limit = time.monotonic() + wait
    while True:
        devices = session.directory(account)
        if all(d.certificate for d in devices):
            return devices
        assert time.monotonic() < limit


def unknown(session, account):
    with pytest.raises(Refused, match="unknown-target") as refused:
        session.directory(account)
    return refused.value.frame.text


def test_ones_own_devices_come_with_their_certificates(server, people, alice):
    with server.login(people.alice_phone):
        devices = {d.device: d for d in whole(alice, "alice")}
    for identity in (people.alice_laptop, people.alice_phone):
        device = devices.pop(identity.device)
        assert device.certificate == der_of(identity)
        assert device.fingerprint == hashlib.sha256(device.certificate).digest()
        assert device.not_after > 0 and device.serial
        assert "Test House" in device.issuer
    assert devices == {}


def test_a_slow_reader_gets_it_whole_all_the_same(server, people, alice):
    with server.login(people.alice_phone):
        whole(alice, "alice")
    count = 3000
    alice.write(b"".join(encode("DIRECTORY", i, "alice") for i in range(count)))
    for i in range(count):
        found, end = alice.items("DEVICE", i)
        assert (len(found), end.count, end.more) == (2, 2, False)


def test_others_devices_are_seen_by_those_who_share_something(
        server, people, alice):
    with server.login(people.bob_desk) as bob:
        assert unknown(alice, "bob") == unknown(alice, "nobody")
        bob.call("DONE", "ROOM_CREATE", "#ops", False, "")
        bob.call("DONE", "ROOM_INVITE", "#ops", "alice")
        assert [d.certificate for d in whole(alice, "bob")
                if d.device == "desk"] == [der_of(people.bob_desk)]
        bob.call("DONE", "ROOM_REMOVE", "#ops", "alice")
        unknown(alice, "bob")
        bob.post("alice", "hello")
        assert alice.directory("bob")


def test_a_revoked_device_is_not_in_it(server, people, alice):
    with server.login(people.alice_phone) as phone:
        phone.ping()
        server.ctl("device.revoke", "alice", "phone")
    assert [d.device for d in alice.directory("alice")] == ["laptop"]


def test_it_survives_restarts(server, people):
    with server.login(people.alice_laptop) as alice:
        before = whole(alice, "alice")
    server.restart()
    with server.login(people.alice_phone) as phone:
        assert before[0] in [d._replace(ref=before[0].ref)
                             for d in phone.directory("alice")]


@pytest.mark.parametrize("visible, seen", [("all", True), ("self", False)])
def test_a_setting_says_who_may_see(make_server, people, visible, seen):
    server = make_server({"account": {"visible": visible}})
    with server.login(people.bob_desk), \
            server.login(people.alice_laptop) as alice:
        assert alice.directory("alice")
        if seen:
            assert alice.directory("bob")
        else:
            alice.post("bob", "hello")
            unknown(alice, "bob")
