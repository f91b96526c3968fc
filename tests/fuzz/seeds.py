"""seeds.py FOLDER: good inputs for each target, one folder each."""

import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from authority import Authority  # noqa: E402
from protocol import encode  # noqa: E402
from test_states import SAMPLES  # noqa: E402


def main():
    out = pathlib.Path(sys.argv[1])

    def seed(target, name, data):
        (out / target).mkdir(parents=True, exist_ok=True)
        (out / target / name).write_bytes(data)

    for name, fields in SAMPLES.items():
        seed("frame", name, encode(name, *fields))
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(pathlib.Path(folder) / "ca")
        leaf = authority.issue("alice", "laptop")
        authority.revoke("alice", "laptop")
        seed("cert", "ca", authority.ca.read_bytes())
        seed("cert", "leaf", leaf.cert.read_bytes())
        seed("crl", "crl", authority.crl.read_bytes())
    for conf in (ROOT / "conf").glob("*.conf"):
        seed("conf", conf.name, conf.read_bytes())


main()
