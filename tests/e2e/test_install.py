"""make install, and the systemd units that it installs."""

import json
import re
import shutil
import socket
import subprocess

import pytest

from authority import BUILD, ROOT, run

SYSTEMD = "lib/systemd/system"


def install(folder, **variables):
    subprocess.run(
        ["make", "-s", f"BUILD={BUILD.relative_to(ROOT)}",
         *(f"{k}={v}" for k, v in variables.items()), "install"],
        cwd=ROOT, check=True, capture_output=True, timeout=300)
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    return install(folder, prefix=folder)


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *arguments], text=True,
                          capture_output=True, timeout=60)


def lines(unit):
    """A unit's (key, value) pairs."""
    return re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.M)


def test_the_installed_readme_and_pages_lead_somewhere(installed):
    folder = installed / "share/doc/sichernetz"
    checked = 0
    for page in folder.rglob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), (page.name, link)
            checked += 1
    assert checked > 10
    for name in ("sicherd.conf", "sicher.conf", "sicher-ca.conf"):
        assert (folder / "conf" / name).is_file()


def test_installing_goes_below_destdir_and_units_name_the_prefix(tmp_path):
    install(tmp_path, DESTDIR=tmp_path, prefix="/opt/sn")
    assert [p.name for p in tmp_path.iterdir()] == ["opt"]
    unit = (tmp_path / "opt/sn" / SYSTEMD / "sicherd.service").read_text()
    assert "ExecStart=/opt/sn/sbin/sicherd\n" in unit
    assert "@" not in re.sub(r"[~ =]@[a-z-]+", "", unit)
    assert str(tmp_path) not in unit


def test_systemd_understands_every_line_of_the_units(installed, tmp_path):
    units = sorted((installed / SYSTEMD).iterdir())
    assert len(units) == 7
    done = analyze("verify", "--man=no", *map(str, units))
    assert (done.returncode, done.stderr) == (0, "")
    # It would not have been silent about a mistake.
    wrong = shutil.copy(units[-1], tmp_path / "wrong.service")
    wrong.write_text(wrong.read_text().replace("ProtectHome", "ProtectHorne"))
    assert "ProtectHorne" in analyze("verify", "--man=no", wrong).stderr


def test_services_are_hardened(installed):
    for unit in (installed / SYSTEMD).glob("*.service"):
        done = analyze("security", "--offline=yes", "--threshold=20", unit)
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r"exposure level for .*: [01]\.\d", done.stdout)


def test_each_command_of_a_unit_is_one_and_its_options_are(
        installed, tmp_path):
    seen = set()
    for unit in (installed / SYSTEMD).glob("*.service"):
        values = dict(lines(unit))
        control = re.search(r"CONTROL=(.*)\"$", values.get("Environment", ""))
        for key, command in lines(unit):
            if not key.startswith("Exec"):
                continue
            words = command.replace(
                "$CONTROL", control.group(1) if control else "").split()
            done = subprocess.run([*words, "--help"], capture_output=True,
                                  text=True, timeout=20)
            assert done.returncode == 0, (words, done.stderr)
            for option in re.findall(r"--[a-z-]+", " ".join(words)):
                assert option in done.stdout
            seen.add(" ".join(words[:2]).rpartition("/")[2])
    assert seen == {"sicherd", "sicherctl reload", "sicher-ca crl",
                    "sicher-ca revoke", "sicher-ca expiry"}


def test_the_paths_of_the_unit_are_those_of_the_program(installed):
    values = dict(lines(installed / SYSTEMD / "sicherd.service"))
    settings = run("sicherd", "--sample-config").stdout
    assert f'#data = "/var/lib/{values["StateDirectory"]}";' in settings
    assert f'#control = "/run/{values["RuntimeDirectory"]}/control";' in settings
    assert f'/etc/{values["ConfigurationDirectory"]}/sicherd.conf' in run(
        "sicherd", "--help").stdout
    users = (installed / "lib/sysusers.d/sichernetz.conf").read_text()
    assert re.search(rf"^u {values['User']} ", users, re.M)
    # As many files as connections are allowed by default, and more.
    most = int(re.search(r"#connections = (\d+);", settings).group(1))
    assert int(values["LimitNOFILE"]) > most + 1000


def names(group, seen=()):
    """The system calls of a set of systemd's."""
    found = set()
    for line in analyze("syscall-filter", group).stdout.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= names(word, (*seen, group))
        elif word and not word.startswith("#"):
            found.add(word)
    return found


def test_the_unit_allows_every_system_call_that_the_server_makes(
        installed, make_server, people, tmp_path):
    allowed = set()
    for key, value in lines(installed / SYSTEMD / "sicherd.service"):
        if key != "SystemCallFilter":
            continue
        for word in value.lstrip("~").split():
            calls = names(word) if word.startswith("@") else {word}
            allowed = allowed - calls if value[0] == "~" else allowed | calls
    assert "openat" in allowed and "mount" not in allowed
    trace = tmp_path / "trace"
    server = make_server(start=False)
    server.start(wrap=["strace", "-D", "-f", "-qq", "-o", trace])
    with server.login(people.alice_laptop) as alice:
        alice.post("bob", b"hello")
        server.reload()
    server.ctl("backup", dir=str(tmp_path / "backup"))
    assert server.stop() == 0
    made = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.M))
    assert {"openat", "accept4", "landlock_restrict_self"} & made
    assert made - allowed == set()


def test_the_service_manager_is_told_of_start_and_end(make_server, tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(20)
        server = make_server(start=False)
        server.start(env={"NOTIFY_SOCKET": str(path)})
        assert manager.recv(100) == b"READY=1"
        assert server.stop() == 0
        assert manager.recv(100) == b"STOPPING=1"
        # One that cannot start says nothing, and who does not listen harms
        # nothing.
        server.write_config(name=5)
        server.start(env={"NOTIFY_SOCKET": str(path)}, wait=False)
        assert server.process.wait(20) == 78
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.recv(100)
    server.write_config(name="test.house")
    server.start(env={"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    assert json.loads(server.command("status", "--json").stdout)["ok"]
