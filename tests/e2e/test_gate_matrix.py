"""Every certificate of bad_certificates.py is refused with its reason, and
the good one beside it is let in."""

import subprocess

import pytest

from authority import BUILD
from bad_certificates import House, cases

HOUSE = House()
NAMES = [case.name for case in cases(HOUSE)]
COUNT = 150  # At least so many, or the matrix has lost some.


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    """Answers (word, alert, sentence) or ("ok", key, label)."""
    folder = tmp_path_factory.mktemp("gate")
    (folder / "ca.pem").write_bytes(HOUSE.authority_pem())
    (folder / "crl.pem").write_bytes(HOUSE.crl_pem())
    probe = subprocess.Popen(
        [BUILD / "e2e" / "gate_probe"], text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def ask(rule, chain):
        print(rule, folder / "ca.pem", folder / "crl.pem",
              *(der.hex() for der in chain), file=probe.stdin, flush=True)
        word, more, rest = probe.stdout.readline().rstrip("\n").split(" ", 2)
        return word, more, rest

    yield ask
    probe.stdin.close()
    assert probe.wait(10) == 0


@pytest.fixture(scope="module")
def made():
    """All cases, made when they are wanted: some hold for minutes only."""
    return {case.name: case for case in cases(HOUSE)}


def test_the_matrix_is_whole(capsys):
    assert len(set(NAMES)) == len(NAMES)
    assert len(NAMES) >= COUNT
    with capsys.disabled():
        print(f"\n{len(NAMES)} certificates to refuse, each beside one to "
              "let in")


@pytest.mark.parametrize("name", NAMES, ids=lambda n: n.replace(" ", "-"))
def test_a_bad_certificate_is_refused_and_its_twin_is_let_in(gate, made, name):
    case = made[name]
    words = {case.word} if isinstance(case.word, str) else case.word
    word, alert, sentence = gate(case.rule, case.bad)
    assert word in words, (word, alert, sentence)
    assert len(sentence) > 10 and "internal" not in alert
    word, *rest = gate(case.rule, case.good)
    assert word == "ok", (word, *rest)
