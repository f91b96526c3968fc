"""sicher-bench as an operator runs it: against our server, and where they
are installed against the others that it can speak to."""

import json
import pathlib
import subprocess
import sys

import pytest

from authority import BUILD, ROOT
from server import PASSWORD

sys.path.insert(0, str(ROOT / "tests" / "bench"))

from house import House  # noqa: E402
from rivals import RIVALS, Bare, Mosquitto, Nats  # noqa: E402

SHORT = ("--seconds", "0.3", "--warm-up", "0")


def bench(*arguments):
    return subprocess.run([BUILD / "sicher-bench", *map(str, arguments)],
                          text=True, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=120)


def measured(*arguments):
    done = bench(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Load:
    """sicher-bench with what it needs to know of a running server."""

    def __init__(self, server, folder):
        self.server = server
        self.password = folder / "load.password"
        self.password.touch(mode=0o600)
        self.password.write_text(PASSWORD)
        self.tokens = folder / "load.tokens"
        self.options = ("--to", f"127.0.0.1:{server.address[1]}",
                        "--server-name", "localhost", "--people",
                        server.authority.dir / "people", "--pid",
                        server.process.pid)

    def enrol(self):
        done = bench("enrol", *self.options, "--password-file", self.password,
                     "--tokens", self.tokens, "--control",
                     self.server.control)
        assert done.returncode == 0, done.stderr
        return done

    def __call__(self, *arguments):
        return measured(*arguments, *self.options, "--tokens", self.tokens)


@pytest.fixture
def load(make_server, tmp_path):
    made = Load(make_server(), tmp_path)
    made.enrol()
    return made


def passwords_checked(server):
    return server.ctl("status")["keeper"]["passwords_checked"]


def test_everybody_is_enrolled_with_a_token_in_a_private_file(load):
    assert load.tokens.stat().st_mode & 0o777 == 0o600
    names = [line.split()[0] for line in load.tokens.read_text().splitlines()]
    assert names == sorted(set(names)) and "alice" in names


def test_accounts_that_are_missing_are_made(make_server, tmp_path,
                                            own_authority):
    own_authority.issue("zoe", "laptop")
    server = make_server(seed=False, authority=own_authority)
    load = Load(server, tmp_path)
    assert "1 people" in load.enrol().stdout
    assert "1 people" in load.enrol().stdout  # Being there is no error.
    assert server.ctl("account", "show", "zoe")["ok"] is True


def test_a_file_of_tokens_that_others_may_read_is_refused(load):
    load.tokens.chmod(0o644)
    done = bench("connect", *load.options, "--tokens", load.tokens)
    assert done.returncode == 70 and "chmod" in done.stderr


def test_each_workload_is_measured_and_costs_no_password(load):
    checked = passwords_checked(load.server)
    for words, least in ((("connect", "-c", 3, *SHORT), 1),
                         (("direct", "-c", 4, "-f", 5, *SHORT), 5),
                         (("direct", "-d", "-c", 4, "-f", 5, *SHORT), 5),
                         (("fanout", "-d", "-c", 3, "-f", 2, *SHORT), 5),
                         (("durable", "-c", 1, "-f", 10, *SHORT), 5)):
        found = load(*words)
        assert found["workload"] == words[0] and found["protocol"] == "sicher"
        assert found["operations"] >= least, (words, found)
        assert found["server_cpu_per_operation"] >= 0
        assert found["server_memory"] > 0
    assert found.keys().isdisjoint({"memory_per_connection"})
    assert load("idle", "-c", 8)["memory_per_connection"] >= 0
    assert load("storm", "-c", 8)["all_back_after"] > 0
    assert passwords_checked(load.server) == checked


def test_a_fixed_rate_is_kept_and_a_password_checked_each_time(load):
    found = load("direct", "-d", "-c", 2, "--rate", 100, "--seconds", 1)
    assert 80 <= found["operations"] <= 120
    assert found["server_cpu_per_operation"] > 0
    assert found["latency_p50"] <= found["latency_p99"] <= found["latency_max"]
    for _ in range(20):  # A busy machine may check none in a short while.
        checked = passwords_checked(load.server)
        done = measured("connect", *load.options, "-c", 2,
                        "--login", "password",
                        "--password-file", load.password, *SHORT)
        if done["operations"] > 0:
            break
    assert passwords_checked(load.server) - checked >= done["operations"] > 0


def test_what_is_missing_is_named(server, tmp_path):
    load = Load(server, tmp_path)
    done = bench("connect", *load.options, *SHORT)
    assert done.returncode == 70 and "--tokens" in done.stderr
    done = bench("connect", *load.options, "--tokens", load.tokens,
                 "--login", "token", *SHORT)
    assert done.returncode == 70 and "enrol" in done.stderr
    done = bench("direct", "-d", "-c", 5000, *load.options, *SHORT)
    assert done.returncode == 70 and "sicher-ca issue" in done.stderr


def test_a_wrong_password_ends_it_with_the_servers_word(server, tmp_path):
    load = Load(server, tmp_path)
    load.password.write_text("not this one")
    done = bench("enrol", *load.options, "--password-file", load.password,
                 "--tokens", load.tokens)
    assert done.returncode == 70 and "auth-failed" in done.stderr
    assert not load.tokens.exists()


def test_a_server_that_goes_away_ends_it(load):
    load.server.kill()
    load.server.rough = True
    done = bench("connect", *load.options, "--tokens", load.tokens, *SHORT)
    assert done.returncode == 70
    assert done.stderr.startswith("sicher-bench: ")
    assert done.stdout == "" or "operations" not in done.stdout


def test_a_wrong_command_line_is_refused():
    for words, reason in (
            (("direct", "--in-flight", "0"), "--in-flight"),
            (("direct", "--in-flight", "x"), "--in-flight"),
            (("direct", "--size", "23"), "--size"),
            (("direct", "--size", "61441"), "--size"),
            (("direct", "--connections", "-1"), "--connections"),
            (("direct", "--seconds", "0"), "--seconds"),
            (("direct", "--seconds", "nan"), "--seconds"),
            (("direct", "--warm-up", "-1"), "--warm-up"),
            (("direct", "--rate", "0"), "--rate"),
            (("direct", "--to", "localhost"), "--to"),
            (("direct", "--to", "no.such.host.invalid:1"), "--to"),
            (("direct", "--protocol", "smtp"), "mqtt"),
            (("connect", "--login", "luck"), "--login"),
            (("connect", "--pid", "1x"), "--pid"),
            (("enrol",), "--tokens"),
            (("enrol", "--tokens", "t"), "--password-file"),
            (("idle", "--rate", "5"), "--rate"),
            (("fly",), "no command")):
        done = bench(*words)
        assert done.returncode == 64, words
        assert reason in done.stderr and done.stdout == ""


def test_what_cannot_be_measured_says_so(load):
    for words, reason in ((("direct", "-b", "257"), "--durable"),
                          (("direct", "-d", "-c", "1"), "two connections"),
                          (("fanout",), "--durable"),
                          (("direct", "-d", "--people", "."),
                           "sicher-ca issue"),
                          (("connect", "--pid", 2**30), "not there")):
        done = bench(words[0], *load.options, "--tokens", load.tokens, *SHORT,
                     *words[1:])
        assert done.returncode == 70 and reason in done.stderr


@pytest.mark.parametrize("rival", (Bare, Mosquitto, Nats),
                         ids=lambda rival: rival.protocol)
def test_the_same_workloads_run_against_others(tmp_path, rival):
    if not rival.there():
        pytest.skip(f"{rival.program} is not installed; make bench does it")
    server = rival(House(tmp_path / "house", 4), tmp_path)
    server.start()
    try:
        for words in (("connect", "-c", 3, *SHORT),
                      ("direct", "-c", 4, "-f", 5, *SHORT),
                      ("direct", "-d", "-c", 4, "-f", 5, *SHORT),
                      ("fanout", "-c", 3, "-f", 2, *SHORT),
                      ("durable", "-c", 2, "-f", 10, *SHORT)):
            found = measured(*words, *server.options())
            assert found["operations"] >= 1, (words, found)
        assert "memory_per_connection" in measured(
            "idle", "-c", 8, *server.options())
        assert measured("storm", "-c", 8,
                        *server.options())["dialled_again"] == 0
    finally:
        server.stop()


def test_the_comparison_prints_a_table_and_writes_json(tmp_path):
    out = tmp_path / "found.json"
    done = subprocess.run(
        [sys.executable, ROOT / "tests/bench/compare.py", "--servers",
         "sicher,bare", "--only", "durable -c 1 -f 64", "--repetitions", "1",
         "--seconds", "0.3", "--house", tmp_path / "house", "--json", out],
        text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bare loop" in done.stdout and "ratio" in done.stdout
    rows = json.loads(pathlib.Path(out).read_text())["rows"]
    (row,) = rows.values()
    assert set(row) == {"sicher", "bare"}
    assert row["sicher"][0]["operations"] > 0


def test_the_comparison_refuses_what_it_does_not_know(tmp_path):
    for words in (("--servers", "smtp"), ("--only", "flying"),
                  ("--repetitions", "0")):
        done = subprocess.run(
            [sys.executable, ROOT / "tests/bench/compare.py", *words,
             "--house", tmp_path / "house"], text=True, capture_output=True)
        assert done.returncode != 0 and done.stderr
        assert not (tmp_path / "house").exists()
    assert set(RIVALS) == {"sicher", "mqtt", "nats", "bare"}
