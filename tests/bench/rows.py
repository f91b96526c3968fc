"""What is measured, and what our figures shall be: the rows of the comparison
and the goals."""

import statistics

from rivals import RIVALS

CPU = ("server_cpu_per_operation", "us CPU")
RATE = ("rate", "/s")
P50, P99 = ("latency_p50", "us"), ("latency_p99", "us")
MEMORY = ("memory_per_connection", "bytes")
BACK = ("all_back_after", "s")


class Row:
    """One workload.  ${kept}: by which servers messages are stored and
    acknowledged, all or only ours: for we keep all but short signals between
    people.  ${once}: it takes long, and is measured once."""

    def __init__(self, name, words, *columns, kept=(), only=None, people=2,
                 timed=True, once=False):
        self.name, self.words, self.columns = name, words.split(), columns
        self.kept, self.only, self.people = kept, only, people
        self.timed, self.once = timed, once

    def options(self, server, seconds, warm_up):
        words = list(self.words)
        if server.protocol in self.kept:
            words.append("--durable")
        if self.timed:
            words += ["--seconds", str(seconds), "--warm-up", str(warm_up)]
        return words

    def fits(self, server):
        return self.only is None or server.protocol in self.only


ALL, OURS = tuple(RIVALS), ("sicher",)

ROWS = [
    Row("handshake and login", "connect -c 1000 -f 16", CPU, people=1000),
    Row("... by password", "connect -c 100 -f 4 --login password", CPU,
        only=OURS, people=100),
    Row("direct 100 B, 1 in flight", "direct -c 100 -f 1", CPU, RATE,
        people=100),
    Row("direct 100 B, 10 in flight", "direct -c 100 -f 10", CPU, RATE,
        people=100),
    Row("direct 1 KiB, 10 (ours kept)", "direct -c 100 -f 10 -b 1024", CPU,
        RATE, kept=OURS, people=100),
    Row("direct 100 B, 1,000 conns, 2", "direct -c 1000 -f 2", CPU, RATE,
        people=1000),
    Row("direct 100 B, 2,000/s", "direct -c 100 --rate 2000", P50, P99, CPU,
        people=100),
    Row("kept 100 B, 100 senders, 10", "direct -c 200 -f 10", CPU, RATE,
        kept=ALL, people=200),
    Row("kept 100 B, 2,000/s", "direct -c 100 --rate 2000", P50, P99, CPU,
        kept=ALL, people=100),
    Row("fan-out to 1 (ours kept)", "fanout -c 1 -f 1", CPU, RATE,
        kept=OURS, people=2),
    Row("fan-out to 1,000, 1 (ours kept)", "fanout -c 1000 -f 1", CPU, RATE,
        kept=OURS, people=1001),
    Row("fan-out to 1,000, 20 (ours kept)", "fanout -c 1000 -f 20", CPU, RATE,
        kept=OURS, people=1001),
    Row("away 200 B, 1 sender, 1", "durable -c 1 -f 1 -b 200", RATE, CPU,
        P50),
    Row("away 200 B, 1 sender, 64", "durable -c 1 -f 64 -b 200", RATE, CPU),
    Row("away 200 B, 1 sender, 1,000", "durable -c 1 -f 1000 -b 200", RATE,
        CPU),
    Row("away 200 B, 100 senders, 10", "durable -c 100 -f 10 -b 200", RATE,
        CPU, people=200),
    Row("idle, 1,000 connections", "idle -c 1000", MEMORY, people=1000,
        timed=False),
    Row("idle, 10,000 connections", "idle -c 10000", MEMORY, people=1250,
        timed=False, once=True),
    Row("storm of 10,000", "storm -c 10000", CPU, BACK, people=1250,
        timed=False, once=True),
]


class Goal:
    """What a figure of ours shall be: at most (at least, where it is a rate)
    ${factor} times that of a rival, or of another row of ours, or a number."""

    def __init__(self, row, column, factor, rival=None, of=None):
        self.row, self.column, self.factor = row, column, factor
        self.rival, self.of = rival, of

    def told(self, figures):
        """(what, goal, reached, met), or None where it was not measured."""
        mine = figures.get((self.row, self.column[0], "sicher"))
        base, against = 1.0, ""
        if self.rival:
            base = figures.get((self.row, self.column[0], self.rival))
            against = f" x {RIVALS[self.rival].name}"
        elif self.of:
            base = figures.get((self.of, self.column[0], "sicher"))
            against = f" x {self.of}"
        if not mine or not base:
            return None
        rate = self.column is RATE
        reached = mine / base
        met = reached >= self.factor if rate else reached <= self.factor
        bound = "at least" if rate else "at most"
        unit = against or f" {self.column[1]}"
        return (f"{self.row}, {self.column[1]}",
                f"{bound} {self.factor:,g}{unit}", number(reached), met)


GOALS = [
    Goal("handshake and login", CPU, 1.10, "bare"),
    Goal("direct 100 B, 10 in flight", CPU, 1.0, "nats"),
    Goal("direct 100 B, 10 in flight", CPU, 1.15, "bare"),
    Goal("direct 100 B, 1,000 conns, 2", CPU, 1.0, "nats"),
    Goal("direct 100 B, 1,000 conns, 2", CPU, 1.15, "bare"),
    Goal("kept 100 B, 100 senders, 10", CPU, 0.5, "mqtt"),
    Goal("fan-out to 1,000, 20 (ours kept)", CPU, 0.7, "nats"),
    Goal("fan-out to 1,000, 20 (ours kept)", CPU, 1.15, "bare"),
    Goal("away 200 B, 1 sender, 64", RATE, 0.9, "bare"),
    Goal("away 200 B, 1 sender, 1,000", RATE, 0.9, "bare"),
    Goal("away 200 B, 1 sender, 1,000", RATE, 1.0, "nats"),
    Goal("away 200 B, 1 sender, 1", P50, 1.2, "bare"),
    Goal("idle, 10,000 connections", MEMORY, 20480),
    Goal("kept 100 B, 2,000/s", P50, 1.05, "bare"),
    Goal("storm of 10,000", CPU, 1.2, of="handshake and login"),
]


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 10 else f"{value:.1f}"


def goals(rows, results):
    """Lines about the goals whose figures were measured."""
    figures = {}
    for row, found in zip(rows, results):
        for protocol, runs in found.items():
            for column, _ in row.columns:
                values = [r[column] for r in runs if column in r]
                if values:
                    figures[row.name, column, protocol] = statistics.median(
                        values)
    told = [t for t in (goal.told(figures) for goal in GOALS) if t]
    if told:
        yield f"{'goal':<41}{'':<33}{'measured':>10}"
    for what, goal, reached, met in told:
        yield f"{what:<41}{goal:<33}{reached:>10}  " \
              f"{'reached' if met else 'not reached'}"
