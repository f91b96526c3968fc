"""sicher-ca issue --batch: many requests, each answered on its own line."""

import concurrent.futures
import json
import subprocess
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

import ca_books
import outside
from authority import BUILD, Authority, request


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("batch") / "ca").quick_keys()


def batch(house, lines, *more):
    """(exit status, answers, what it said) for lines: objects, or text."""
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n"
                   for line in lines)
    done = subprocess.run(
        [BUILD / "sicher-ca", "--dir", house.dir, "--passphrase-file",
         house.secret, "issue", "--batch", "-", *more],
        input=text, capture_output=True, text=True, timeout=60)
    return (done.returncode, [json.loads(a) for a in done.stdout.splitlines()],
            done.stderr)


def certificates(answer):
    return [x509.load_pem_x509_certificate(p)
            for p in ca_books.CERT.findall(answer["pem"].encode())]


KEYS = {
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
}


@pytest.mark.parametrize("kind", KEYS)
def test_every_type_of_key_gets_what_outside_verifiers_accept(
        house, tmp_path, kind):
    key = KEYS[kind]()
    csr = request(key, algorithm=None if kind == "ed25519" else hashes.SHA256())
    status, [answer], _ = batch(
        house, [{"account": "kim", "device": kind, "csr": csr, "days": 40}])
    assert status == 0
    leaf, issuer = certificates(answer)
    assert issuer == house.issuer
    assert leaf.public_key().public_numbers() == \
        key.public_key().public_numbers() if kind != "ed25519" else True
    assert (leaf.not_valid_after - leaf.not_valid_before).days == 40
    row = ca_books.listed(house.dir)[answer["serial"]]
    assert (row["account"], row["device"]) == ("kim", kind)
    assert row["fingerprint"] == leaf.fingerprint(hashes.SHA256()).hex()
    path = tmp_path / "leaf"
    path.write_text(answer["pem"])
    outside.accept(house.ca, house.crl, path, "sslclient")


def test_lines_are_answered_in_order_and_the_refused_ones_keep_nothing_up(
        house):
    good = request()
    lines = [
        {"account": "ada", "csr": good},
        "no json",
        {"account": "Ada", "csr": good},
        {"account": "ada", "device": "la ptop", "csr": good},
        {"account": "ada", "csr": "-----BEGIN NOTHING-----"},
        {"account": "ada"},
        {"account": "ada", "csr": good, "role": "root"},
        '{"account": "ada", "csr": "x", "account": "bob"}',
        '{"account": "ad\\u0000a", "csr": "x"}',
        {"account": "ada", "device": "x", "csr": good, "days": 100000},
        {"account": "ada", "device": "x", "csr": good, "days": 826},
        {"account": "ada", "device": "x", "csr": good, "days": 0},
        {"account": "ada", "device": "x", "csr": good, "days": -1},
        {"account": "ada", "device": "x", "csr": good, "profile": "nope"},
        {"account": "ada", "device": "x", "csr": good, "profile": "server"},
        {"account": "ada", "device": "x",
         "csr": request(rsa.generate_private_key(65537, 1024))},
        {"account": "bea", "csr": good + "x" * 200000},
        {"account": "bea", "csr": good + "x" * 70000},
        "",
        {"account": "bea", "csr": good},
    ]
    before = len(ca_books.listed(house.dir))
    status, answers, said = batch(house, lines)
    assert status == 4
    numbers = [i + 1 for i, line in enumerate(lines) if line != ""]
    assert [a["line"] for a in answers] == numbers
    issued = [a for a in answers if "pem" in a]
    assert [a["line"] for a in issued] == [1, len(lines)]
    assert all(a["error"] and a["message"] for a in answers if "pem" not in a)
    assert "2 certificates issued" in said and "17 refused" in said
    assert len(ca_books.listed(house.dir)) == before + 2
    house.command("check")


def test_a_batch_run_again_is_told_what_it_has_and_issues_nothing(house):
    lines = [{"account": f"cy{i}", "csr": request()} for i in range(5)]
    status, first, _ = batch(house, lines)
    assert status == 0 and not any(a.get("again") for a in first)
    before = ca_books.listed(house.dir)
    status, second, _ = batch(house, lines)
    assert status == 0 and all(a["again"] for a in second)
    assert [a["pem"] for a in first] == [a["pem"] for a in second]
    assert ca_books.listed(house.dir) == before


@pytest.mark.parametrize("source", ["a file", "a pipe"])
def test_more_lines_than_are_worked_on_at_a_time_are_answered_in_order(
        house, tmp_path, source):
    """Long lines, of which 16 MB are read ahead, so that few are needed."""
    csr, many = request(), tmp_path / "many"
    who = "file" if source == "a file" else "pipe"
    many.write_text("".join(
        json.dumps({"account": f"{who}{i % 290}", "csr": csr}) + 100_000 * " "
        + "\n" for i in range(300)))
    with open(many) as f:
        done = subprocess.run(
            [BUILD / "sicher-ca", "--dir", house.dir, "--passphrase-file",
             house.secret, "issue", "--batch",
             many if source == "a file" else "-"],
            input=None if source == "a file" else f.read(),
            capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(a) for a in done.stdout.splitlines()]
    assert [a["line"] for a in answers] == list(range(1, 301))
    assert [a["account"] for a in answers] == \
        [f"{who}{i % 290}" for i in range(300)]
    # The last ten are the first ten, and of another share.
    assert [i for i, a in enumerate(answers) if a.get("again")] == \
        list(range(290, 300))
    assert [a["serial"] for a in answers[290:]] == \
        [a["serial"] for a in answers[:10]]
    house.command("check")


def test_whoever_waits_for_answers_before_writing_on_gets_them(house):
    """What is piped is not read ahead: its writer may wait for us."""
    child = subprocess.Popen(
        [BUILD / "sicher-ca", "--dir", house.dir, "--passphrase-file",
         house.secret, "issue", "--batch", "-"], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    answers, first = [], threading.Event()

    def read():
        for answer in child.stdout:
            answers.append(json.loads(answer)["account"])
            first.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    csr = request()
    # One share is 16 MB; the rest of these is left over, and no end comes.
    for i in range(170):
        child.stdin.write(json.dumps({"account": f"wait{i}", "csr": csr}) +
                          100_000 * " " + "\n")
    child.stdin.flush()
    assert first.wait(30)
    child.stdin.close()
    assert child.wait(30) == 0
    reader.join()
    assert answers == [f"wait{i}" for i in range(170)]
    assert "170 certificates issued" in child.stderr.read()


def test_what_has_left_is_in_the_head_of_the_trail(house, tmp_path):
    """Or books that fell back after a kill would not be noticed."""
    head = house.dir / "inventory" / "head"
    house.command("check", ok=False)
    before = head.read_text()
    csr = request(ec.generate_private_key(ec.SECP256R1()))
    lines = tmp_path / "lines"
    # More than a pipe holds: it is stuck in writing, and killed there.
    lines.write_text("".join(
        json.dumps({"account": f"left-{i}", "csr": csr}) + "\n"
        for i in range(100)))
    with subprocess.Popen(
            [BUILD / "sicher-ca", "--dir", house.dir, "--passphrase-file",
             house.secret, "issue", "--batch", lines],
            stdout=subprocess.PIPE) as running:
        assert json.loads(running.stdout.readline())["line"] == 1
        running.kill()
        running.stdout.read()
    noted = int(head.read_text().split(":")[0])
    assert noted >= int(before.split(":")[0]) + 200
    assert noted == house.json("audit", "verify")["entries"]


def test_what_was_issued_before_a_rotation_comes_with_its_own_issuer(
        tmp_path):
    house = Authority(tmp_path / "ca").quick_keys()
    line = {"account": "rae", "csr": request()}
    _, [first], _ = batch(house, [line])
    house.command("issuer", "rotate")
    _, [again, fresh], _ = batch(
        house, [line, {"account": "ray", "csr": request()}])
    assert again["again"] and again["pem"] == first["pem"]
    leaf, issuer = certificates(fresh)
    assert leaf.issuer == issuer.subject != certificates(first)[1].subject


def test_another_key_for_a_device_that_has_a_certificate_is_refused(house):
    lines = [{"account": "dan", "csr": request()},
             {"account": "dan", "csr": request()}]
    status, answers, _ = batch(house, lines)  # Both in one transaction.
    assert status == 4
    assert ["pem" in a for a in answers] == [True, False]
    status, [answer], _ = batch(house, lines[1:])
    assert status == 4 and answer["error"] == "SN_EEXISTS"
    valid = [r for r in ca_books.listed(house.dir).values()
             if r.get("account") == "dan" and r["state"] == "valid"]
    assert len(valid) == 1
    house.command("check")


def test_batches_at_once_share_no_serial_and_no_device(house):
    csrs = [request() for _ in range(4)]

    def one(n):
        return batch(house, [{"account": f"eve{i}", "csr": csrs[n]}
                             for i in range(50)])

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(one, range(4)))
    winners = [a for _, answers, _ in runs for a in answers if "pem" in a]
    assert len(winners) == 50
    assert len({a["serial"] for a in winners}) == 50
    assert {a["account"] for a in winners} == {f"eve{i}" for i in range(50)}
    house.command("check")


def test_a_summary_in_json_is_the_last_line(house):
    status, answers, said = batch(
        house, [{"account": "fox", "csr": request()}], "--json")
    assert status == 0 and said == ""
    assert answers[-1] == {"issued": 1, "again": 0, "refused": 0, "ok": True,
                           "exit": 0}


@pytest.mark.parametrize("more", [
    ["--device", "x"], ["--csr", "x"], ["--days", "3"], ["--out", "x"],
    ["--p12", "x"], ["--profile", "client"], ["gus"]])
def test_what_each_line_says_is_not_said_for_all(house, more):
    status, answers, said = batch(
        house, [{"account": "gus", "csr": request()}], *more)
    assert status == 2 and not answers and "--batch" in said


def test_a_batch_that_cannot_be_read_is_not_found(house, tmp_path):
    done = house.command("issue", "--batch", tmp_path / "none", ok=False)
    assert done.returncode == 3


def test_the_requests_subject_is_compared_with_the_lines_account(house):
    name = [x509.NameAttribute(NameOID.COMMON_NAME, "hal")]
    status, answers, _ = batch(house, [
        {"account": "hal", "csr": request(subject=name)},
        {"account": "ian", "csr": request(subject=name)}])
    assert status == 4
    assert ["pem" in a for a in answers] == [True, False]
    assert "hal" in answers[1]["message"]
