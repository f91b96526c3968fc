"""The fixtures.  One authority a worker, one sicherd a test: its data is a
copy of a seed in which everybody has a password already."""

import pathlib
import secrets
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "e2e"))

from authority import Authority, Stranger  # noqa: E402
from client import Client  # noqa: E402
from server import Server  # noqa: E402

PEOPLE = {
    "alice": ("laptop", "phone"),
    "bob": ("desk", "phone"),
    "carol": ("desk",),
    "dave": ("desk",),
}


class House:
    """What tests share: the authority, its people's certificates, a seed."""

    def __init__(self, folder):
        self.authority = Authority(folder / "ca")
        self.people = {
            f"{account}_{device}": self.authority.issue(account, device)
            for account, devices in PEOPLE.items() for device in devices}
        server = Server(folder / "seed", self.authority).start()
        try:
            for account, devices in PEOPLE.items():
                server.enrol(self.people[f"{account}_{devices[0]}"])
            assert server.stop() == 0, server.tail()
        finally:
            server.close()
        self.seed = server.data


def assert_sound(server):
    """No broken invariant and no sanitizer's finding in its log."""
    bad = [line.text for line in server.lines
           if line.event in ("session.fault", "child.died")
           and not server.rough
           or "Sanitizer" in line.text or "runtime error:" in line.text]
    assert not bad, "\n".join(bad)


@pytest.fixture(scope="session")
def house(tmp_path_factory):
    return House(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    return Stranger(tmp_path_factory.mktemp("stranger"))


@pytest.fixture
def people(house):
    """people.alice_laptop, people.bob_desk: certificates of the house."""
    return type("People", (), house.people)


@pytest.fixture
def make_server(house, tmp_path):
    """make_server(settings, seed=True): a running sicherd of its own."""
    made = []

    def make(settings=None, seed=True, authority=None, start=True):
        server = Server(tmp_path / f"server{len(made)}",
                        authority or house.authority, settings,
                        house.seed if seed and not authority else None)
        made.append(server)
        if start:
            server.start()
        return server

    yield make
    for server in made:
        server.close()
    for server in made:
        assert_sound(server)


@pytest.fixture
def server(make_server):
    """A sicherd with the quick settings, where everybody has a password."""
    return make_server()


@pytest.fixture
def client(server, people, tmp_path):
    """client("alice_laptop"): sicher on that device, with its password."""
    return lambda who, **keys: Client(tmp_path, server,
                                      getattr(people, who), **keys)


@pytest.fixture
def alice(client):
    return client("alice_laptop")


@pytest.fixture
def bob(client):
    return client("bob_desk")


@pytest.fixture(scope="session")
def shared(house, tmp_path_factory):
    """A sicherd that tests share who leave it as they found it."""
    server = Server(tmp_path_factory.mktemp("shared"), house.authority,
                    {"limits": {"frame_rate": 1000000}}, house.seed).start()
    yield server
    server.close()
    assert_sound(server)


@pytest.fixture
def newcomer(house, tmp_path):
    """newcomer(server): an account nobody has used yet, as (identity,
    one-time secret)."""
    def make(server, account=None):
        account = account or "n" + secrets.token_hex(6)
        identity = house.authority.forge(tmp_path / "newcomers", account, "new")
        return identity, server.add(account)
    return make


@pytest.fixture
def own_authority(tmp_path):
    """An authority of the test's own, to revoke and break things in."""
    return Authority(tmp_path / "own-ca")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what its servers logged."""
    outcome = yield
    report = outcome.get_result()
    folder = item.funcargs.get("tmp_path") if hasattr(item, "funcargs") else None
    if report.failed and folder:
        for log in sorted(folder.glob("*/log")):
            text = log.read_text().splitlines()[-60:]
            report.sections.append((f"log of {log.parent.name}", "\n".join(text)))
