"""What a comparison found: kept as JSON, and told as the table and the goals.
"""

import json
import pathlib
import statistics

from rivals import RIVALS, Sicher
from rows import ROWS, goals, number


class Found:
    """${rows}: for each row's name the values of each protocol's runs."""

    def __init__(self, versions, how, rows=None):
        self.versions, self.how = versions, how
        self.rows = rows if rows is not None else {}

    def add(self, row, protocol, values):
        self.rows.setdefault(row.name, {}).setdefault(
            protocol, []).append(values)

    def save(self, path):
        pathlib.Path(path).write_text(json.dumps(
            {"versions": self.versions, "how": self.how, "rows": self.rows},
            indent=1) + "\n", encoding="ascii")

    @classmethod
    def load(cls, path):
        try:
            read = json.loads(pathlib.Path(path).read_text(encoding="ascii"))
            found = cls(read["versions"], read["how"], read["rows"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SystemExit(f"{path} has no comparison in it: {error!r}; "
                             "scripts/bench compare --json writes one"
                             ) from error
        found.check(path)
        return found

    def check(self, path):
        names = {row.name for row in ROWS}
        for name, runs in self.rows.items():
            if name not in names or not runs.keys() <= RIVALS.keys():
                raise SystemExit(f"{path} has a row {name!r} that rows.py has "
                                 "no more; measure again")

    def measured(self):
        """The rows that there are, in their order, and their values."""
        rows = [row for row in ROWS if row.name in self.rows]
        return rows, [self.rows[row.name] for row in rows]

    def lines(self):
        rows, results = self.measured()
        yield "; ".join(f"{RIVALS[p].name} {v}"
                        for p, v in self.versions.items())
        yield self.how
        yield ""
        yield from table(rows, results,
                         [RIVALS[p] for p in self.versions])
        yield ""
        yield from goals(rows, results)


def table(rows, results, rivals):
    """Lines of a row and a column, as wide as its servers are many."""
    head = f"{'':<33}{'':<8}"
    for rival in rivals:
        head += f"{rival.name:>27}"
        head += f"{'ratio':>7}" if rival is not Sicher else ""
    yield head
    for row, found in zip(rows, results):
        for column, unit in row.columns:
            values = {p: [run[column] for run in runs if column in run]
                      for p, runs in found.items()}
            if not any(values.values()):
                continue
            line = f"{row.name:<33}{unit:<8}"
            for rival in rivals:
                line += cell(values.get(rival.protocol),
                             values.get("sicher"), rival is Sicher)
            yield line.rstrip()


def cell(values, ours, mine):
    if not values:
        return " " * (27 if mine else 34)
    middle = statistics.median(values)
    text = f"{number(middle)} ({number(min(values))}-" \
           f"{number(max(values))})"
    if mine:
        return f"{text:>27}"
    if not ours or middle == 0:
        return f"{text:>27}{'':>7}"
    return f"{text:>27}{statistics.median(ours) / middle:>7.2f}"
