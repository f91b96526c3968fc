"""What the programs of tests/bench make of their figures."""

import sys

import pytest

from authority import ROOT

sys.path.insert(0, str(ROOT / "tests" / "bench"))

import compare  # noqa: E402
import growth  # noqa: E402
import page  # noqa: E402
import profile as profiler  # noqa: E402
from found import Found  # noqa: E402
from rivals import RIVALS  # noqa: E402
from rows import GOALS, ROWS  # noqa: E402

REPORT = """\
# Samples: 4K of event 'cycles'
#
# Overhead  Shared Object      Symbol
    40.10%  [kernel.kallsyms]  [k] copy_folio
    22.05%  sicherd            [.] apply_message
    10.00%  [kernel.kallsyms]  [k] _raw_spin_lock
     5.50%  liblmdb.so.0.0.0   [.] 0x00000000000069d6
"""
PAGE = "before\n\n<!-- compare -->\n\n    old\n    rows\n\nafter\n"


def test_a_profile_is_told_by_binary_and_by_function():
    lines = list(profiler.lines(profiler.shares(REPORT), top=2))
    assert lines[:3] == ["   50.1 %  kernel", "   22.1 %  sicherd",
                         "    5.5 %  liblmdb.so.0.0.0"]
    assert lines[-2:] == [
        "   40.1 %  kernel               copy_folio",
        "   22.1 %  sicherd              apply_message"]


def test_a_profile_of_nothing_is_no_profile():
    with pytest.raises(SystemExit, match="saw nothing"):
        profiler.shares("# Samples: 0  of event 'cycles'\n")


def test_a_block_of_the_page_is_replaced_and_nothing_else():
    assert page.replaced(PAGE, "compare", "new\n\nlines\n") == \
        "before\n\n<!-- compare -->\n\n    new\n\n    lines\n\nafter\n"
    again = page.replaced(page.replaced(PAGE, "compare", "a\n\nb"),
                          "compare", "old\nrows")
    assert again == PAGE


@pytest.mark.parametrize("text, block, why", (
    (PAGE, "limit", "no block"), (PAGE, "compare", "nothing came in"),
    (PAGE + PAGE, "compare", "no block")))
def test_a_page_without_that_block_or_a_block_without_text_is_refused(
        text, block, why):
    with pytest.raises(SystemExit, match=why):
        page.replaced(text, block, "" if "nothing" in why else "new")


def found_with(ours, theirs):
    cost = "server_cpu_per_operation"
    found = Found({"sicher": "this build", "bare": "alone"}, "how")
    for mine, other in zip(ours, theirs):
        found.add(ROWS[0], "sicher", {cost: mine})
        found.add(ROWS[0], "bare", {cost: other})
    return found


def test_what_was_found_is_told_alike_from_the_file(tmp_path):
    found = found_with((90, 110, 100), (100, 50, 200))
    lines = list(found.lines())
    assert lines[0] == "sicherd this build; bare loop alone"
    assert "100.0 (90.0-110.0)" in lines[4] and lines[4].endswith("1.00")
    assert lines[-1].startswith(ROWS[0].name) and \
        lines[-1].endswith(" reached")
    found.save(tmp_path / "found.json")
    assert list(Found.load(tmp_path / "found.json").lines()) == lines


def test_a_goal_that_is_missed_is_not_reached():
    lines = list(found_with((111,), (100,)).lines())
    assert lines[-1].endswith("not reached")
    lines = list(found_with((110,), (100,)).lines())
    assert not lines[-1].endswith("not reached")


@pytest.mark.parametrize("text, why", (
    ("", "no comparison"), ("{}", "no comparison"), ("[]", "no comparison"),
    ('{"versions": {}, "how": "", "rows": {"flying": {}}}', "flying")))
def test_a_file_without_a_comparison_of_these_rows_is_refused(
        tmp_path, text, why):
    path = tmp_path / "found.json"
    path.write_text(text)
    with pytest.raises(SystemExit, match=why):
        Found.load(path)
    with pytest.raises(SystemExit, match="no comparison"):
        Found.load(tmp_path / "missing")


def test_rows_with_a_goal_are_measured_oftener_and_long_ones_once():
    class Arguments:
        repetitions, others = 5, 2

    names = {goal.row for goal in GOALS}
    assert names <= {row.name for row in ROWS}
    for row in ROWS:
        expected = 1 if row.once else 5 if row.name in names else 2
        assert compare.times(row, Arguments) == expected
    assert {goal.rival for goal in GOALS} - {None} <= set(RIVALS)


def test_repetitions_are_interleaved():
    class Arguments:
        repetitions, others, rivals = 2, 1, [RIVALS["sicher"], RIVALS["bare"]]

    rows = [row for row in ROWS if row.name in
            ("handshake and login", "... by password",
             "idle, 10,000 connections")]
    assert [(row.name[:4], rival.protocol)
            for row, rival in compare.turns(rows, Arguments)] == [
        ("hand", "sicher"), ("hand", "bare"), ("... ", "sicher"),
        ("idle", "sicher"), ("idle", "bare"),
        ("hand", "sicher"), ("hand", "bare")]


def test_growth_goes_by_tens_in_accounts_and_then_in_messages():
    assert growth.steps(1_000_000, 10_000_000) == [
        (100, 0), (10_000, 0), (100_000, 0), (1_000_000, 0),
        (1_000_000, 100_000), (1_000_000, 1_000_000),
        (1_000_000, 10_000_000)]
    assert growth.steps(100, 0) == [(100, 0)]
    assert growth.steps(500, 7) == [(100, 0), (500, 0), (500, 7)]


def test_growth_begins_only_with_the_room_for_it():
    need = growth.check_space(1_000_000, 10_000_000, 2**40)
    assert growth.check_space(1_000_000, 10_000_000, need) == need
    with pytest.raises(SystemExit, match="GiB and there are"):
        growth.check_space(1_000_000, 10_000_000, need - 1)


def test_growth_is_flat_up_to_its_bound_and_not_beyond():
    def told(worst):
        costs = [([10, 10, 10], [11, 9, 10])] * (len(growth.ROWS) - 1)
        return growth.verdict([((100, 0), costs + [([100], [worst])])])

    assert told(115).startswith("flat") and "1.15, away" in told(115)
    assert told(116).startswith("not flat")
    assert "100 accounts and 0 messages" in told(116)
    line = growth.line((100, 0), [([10, 20, 12], [6, 9, 7])])
    assert line.endswith("7.0 to 12.0 (0.58)")
