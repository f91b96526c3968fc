"""What scripts/check and scripts/mutate make of what they read."""

import shutil
import signal
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

from authority import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

import mutants  # noqa: E402

REPORT = """<testsuites><testsuite>
<testcase classname="tests.e2e.test_a" name="test_good" time="1"/>
<testcase classname="tests.e2e.test_b" name="test_bad" time="1"><failure/>
</testcase>
<testcase time="0"/>
</testsuite></testsuites>"""
LINES = ["\tif (a)", "\t\treturn (b);", "\tif (c)", "\t\treturn (b);"]


def script(name):
    loader = SourceFileLoader(name, str(ROOT / "scripts" / name))
    module = module_from_spec(spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


def test_a_test_cut_off_by_another_that_failed_hides_neither(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    assert script("check").by_file(report, "why") == [
        (1, 0, "e2e/test_a", "", 1.0), (0, 1, "e2e/test_b", "why", 1.0)]


def test_a_mutant_is_made_where_its_line_stands_and_nowhere_else():
    assert mutants.place(LINES, {"old": "if (c)"}) == 2
    assert mutants.place(LINES, {"old": "return (b);", "nth": "2"}) == 3
    for stale in ({"old": "if (d)"}, {"old": "return (b);"},
                  {"old": "return (b);", "nth": "3"},
                  {"old": "return (b);", "nth": "0"},
                  {"old": "if (a)", "nth": "1"}):
        assert mutants.place(LINES, stale) is None


def test_what_runs_from_the_mutants_copy_is_ended_and_nothing_else(tmp_path):
    mutate = script("mutate")
    mutate.TREE = tmp_path / "copy"
    running = []
    for folder in ("copy/build", "copy/buildings", "build"):
        program = tmp_path / folder / "cat"
        program.parent.mkdir(parents=True)
        shutil.copy("/bin/cat", program)
        running.append(subprocess.Popen([program], stdin=subprocess.PIPE))
    mutate.sweep()
    ends = [process.communicate() and process.returncode
            for process in running]
    assert ends == [-signal.SIGKILL, 0, 0]


CMOCKA = """[ RUN      ] a_good_one
[       OK ] a_good_one
[  FAILED  ] a_bad_one
[  FAILED  ] 2 test(s), listed below:
[  FAILED  ] a_bad_one
[  FAILED  ] another
FAIL  test_gate  1 passed, 2 failed  (0.1 s)
"""
PYTEST = """.F
FAILED tests/e2e/test_rooms.py::test_refused[a b] - AssertionError: assert 1 == 2
FAIL  e2e/test_rooms  1 passed, 1 failed  (3.0 s)
"""


def test_the_test_that_killed_a_mutant_is_told_by_its_name():
    killer = script("mutate").killer
    assert killer(CMOCKA) == "a_bad_one"
    assert killer(PYTEST) == "e2e/test_rooms.py::test_refused[a b]"
    assert killer("aborted\ntest_gate ended with -6\nFAIL  test_gate  0 p"
                  ) == "test_gate ended with -6"
    assert killer("") == "a run that named no test"
