"""Profiles of sicher-ca.conf: what they shape, and what they refuse."""

import json
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import outside
from authority import BUILD, Authority

CONFIG = """
crl_life = "3d";
profiles: {
	machine: {
		validity = "30d";
		validity_max = "90d";
		key = "ed25519";
		keys = [ "ed25519", "p256" ];
		permitted = [ "account:bot-*" ];
		excluded = [ "account:bot-evil" ];
	};
	strong: { key = "p384"; keys = [ "p384" ]; };
	server: {
		eku = "serverAuth";
		permitted = [ "dns:example.org", "dns:localhost" ];
		excluded = [ "dns:secret.example.org" ];
		names = 3;
		addresses = false;
	};
	inside: {
		eku = "serverAuth";
		permitted = [ "ip:192.0.2.0/24" ];
		excluded = [ "ip:192.0.2.128/25" ];
	};
};
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    house = Authority(tmp_path_factory.mktemp("profiles") / "ca")
    (house.dir / "sicher-ca.conf").write_text(CONFIG)
    house.command("crl", "publish")
    return house


def count(house):
    return len(house.list()["certificates"])


def leaf_of(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def request(path, key, subject=(), extensions=()):
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name(list(subject)))
    for extension in extensions:
        builder = builder.add_extension(extension, False)
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(
        serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize("profile,account,days,size", [
    ("client", "ann", 365, 256), ("machine", "bot-a", 30, None),
    ("strong", "cid", 365, 384)])
def test_a_clients_profile_shapes_what_outside_verifiers_accept(
        house, profile, account, days, size):
    house.command("issue", account, "--device", "d", "--profile", profile)
    path = house.dir / "people" / account / "d" / "cert.pem"
    outside.accept(house.ca, house.crl, path, "sslclient")
    leaf = leaf_of(path)
    assert (leaf.not_valid_after - leaf.not_valid_before).days == days
    assert getattr(leaf.public_key(), "key_size", None) == size
    assert list(leaf.extensions.get_extension_for_class(
        x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    row = json.loads(house.command("show", path, "--json").stdout)
    assert row["certificate"]["profile"] == profile


@pytest.mark.parametrize("profile,host,san", [
    ("server", "chat.example.org", "b.example.org"),
    ("inside", "192.0.2.7", "any.example.net")])
def test_a_servers_profile_shapes_what_outside_verifiers_accept(
        house, profile, host, san):
    house.command("server", host, "--san", san, "--profile", profile)
    path = house.dir / "servers" / host / "chain.pem"
    outside.accept(house.ca, house.crl, path, "sslserver")
    assert list(leaf_of(path).extensions.get_extension_for_class(
        x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]


@pytest.mark.parametrize("arguments,rule", [
    (["issue", "dora", "--profile", "machine"], "permitted account:bot-*"),
    (["issue", "bot-evil", "--profile", "machine"],
     "excluded account:bot-evil"),
    (["issue", "bot-b", "--profile", "machine", "--days", "91"],
     "validity_max is 90 days"),
    (["issue", "dora", "--days", "826"], "validity_max is 825 days"),
    (["issue", "dora", "--profile", "server"], "for servers"),
    (["server", "a.example.net"], "permitted dns:localhost"),
    (["server", "a.secret.example.org"], "excluded dns:secret.example.org"),
    (["server", "a.example.org", "--san", "192.0.2.1"], "addresses is false"),
    (["server", "a.example.org", "--san", "b.example.org", "--san",
      "c.example.org", "--san", "d.example.org"], "names is 3"),
    (["server", "a.example.org", "--san", "192.0.3.1", "--profile", "inside"],
     "permitted ip:192.0.2.0/24"),
    (["server", "192.0.2.200", "--profile", "inside"],
     "excluded ip:192.0.2.128/25"),
    (["server", "::ffff:192.0.2.200", "--profile", "inside"],
     "excluded ip:192.0.2.128/25"),
])
def test_what_a_rule_refuses_is_named_and_takes_no_serial(house, arguments,
                                                          rule):
    before = count(house)
    done = house.command(*arguments, ok=False)
    assert done.returncode == 4, done.stderr
    assert rule in done.stderr
    assert count(house) == before


def test_a_mapped_address_is_certified_as_what_it_is(house):
    house.command("server", "::ffff:192.0.2.7", "--profile", "inside")
    leaf = leaf_of(house.dir / "servers" / "::ffff:192.0.2.7" / "chain.pem")
    names = leaf.extensions.get_extension_for_class(
        x509.SubjectAlternativeName).value
    assert [str(n) for n in names.get_values_for_type(x509.IPAddress)] == [
        "192.0.2.7"]


def test_what_is_refused_leaves_no_folder(house, tmp_path):
    """Nor is one made for the second certificate of a device."""
    for words in (["issue", "nora", "--days", "10000"],
                  ["issue", "nora", "--days", "826", "--out", tmp_path / "x"],
                  ["server", "a.example.net"]):
        assert house.command(*words, ok=False).returncode == 4
    assert not (house.dir / "people" / "nora").exists()
    assert not (house.dir / "servers" / "a.example.net").exists()
    house.command("issue", "nora")
    done = house.command("issue", "nora", "--out", tmp_path / "x", ok=False)
    assert done.returncode == 4 and "renew it" in done.stderr
    assert not (tmp_path / "x").exists()


def test_days_up_to_the_most_are_granted(house):
    house.command("issue", "bot-c", "--profile", "machine", "--days", "90")


def test_a_profile_that_is_not_there_is_not_found(house):
    assert house.command("issue", "eve", "--profile", "clint",
                         ok=False).returncode == 3


def test_a_request_brings_its_key_and_nothing_else(house, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    csr = request(tmp_path / "csr", key, [], [
        x509.SubjectAlternativeName([x509.DNSName("evil.example.org"),
                                     x509.UniformResourceIdentifier(
            "urn:sichernetz:account:root:device:x")]),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH,
                               ExtendedKeyUsageOID.CODE_SIGNING]),
        x509.NameConstraints([x509.DNSName("x")], None),
        x509.TLSFeature([x509.TLSFeatureType.status_request])])
    house.command("issue", "fay", "--device", "d", "--csr", csr)
    leaf = leaf_of(house.dir / "people" / "fay" / "d" / "cert.pem")
    assert leaf.public_key().public_numbers() == \
        key.public_key().public_numbers()
    assert leaf.subject.get_attributes_for_oid(
        NameOID.COMMON_NAME)[0].value == "fay"
    names = leaf.extensions.get_extension_for_class(
        x509.SubjectAlternativeName).value
    assert [n.value for n in names] == [
        "urn:sichernetz:account:fay:device:d"]
    assert len(leaf.extensions) == 6


def test_a_requests_key_must_be_of_the_profiles_types(house, tmp_path):
    small = request(tmp_path / "small", rsa.generate_private_key(65537, 1024))
    assert house.command("issue", "gil", "--csr", small,
                         ok=False).returncode == 4
    p256 = request(tmp_path / "p256", ec.generate_private_key(ec.SECP256R1()))
    refused = house.command("issue", "gil", "--csr", p256, "--profile",
                            "strong", ok=False)
    assert refused.returncode == 4 and "p384" in refused.stderr
    p384 = request(tmp_path / "p384", ec.generate_private_key(ec.SECP384R1()))
    house.command("issue", "gil", "--csr", p384, "--profile", "strong")


def test_a_crl_lives_as_long_as_the_configuration_says(house):
    crl = x509.load_pem_x509_crl(house.crl.read_bytes())
    assert (crl.next_update - crl.last_update).days == 3


def test_a_broken_configuration_is_told_with_its_line(house, tmp_path):
    before = count(house)
    bad = tmp_path / "bad.conf"
    bad.write_text('crl_life = "7d";\nprofiles: {\n\tm: { keyss = 1; };\n};\n')
    done = house.command("issue", "hal", "--config", bad, ok=False)
    assert done.returncode == 1
    assert f"{bad}:3: there is no key keyss" in done.stderr
    assert count(house) == before
    bad.write_text(CONFIG)
    house.command("issue", "hal", "--config", bad)


def test_init_leaves_a_configuration_that_holds(house, tmp_path):
    sample = subprocess.run([BUILD / "sicher-ca", "--sample-config"],
                            capture_output=True, check=True).stdout
    made = Authority(tmp_path / "plain")
    assert (made.dir / "sicher-ca.conf").read_bytes() == sample
    made.issue("ida", "d")
