"""Each mutant of tests/mutants.txt can still be made: every line it changes
stands once in its file, or is the nth of several, and a test of the name it
tells is there to notice."""

import sys

import mutants


def test_files():
    return [f"{file.parent.name}/{file.name}"
            for folder in ("unit", "e2e", "fault")
            for file in (mutants.ROOT / "tests" / folder).glob("test_*.*")]


def stale(change, texts):
    """What is wrong with the change; None where it can be made."""
    name = change["file"]
    if name not in texts:
        path = mutants.ROOT / name
        texts[name] = (path.read_text().split("\n") if path.is_file() else None)
    if texts[name] is None:
        return f"there is no {name}"
    if change["new"] == change["old"]:
        return f"it changes nothing: {change['old']}"
    if mutants.place(texts[name], change) is not None:
        return None
    times = len(mutants.places(texts[name], change))
    which = f", nth is {change['nth']}" if "nth" in change else ""
    return f"{name} has {times} of this line{which}: {change['old']}"


def faults(mutant, tests, texts):
    if not mutant["changes"]:
        yield "it changes nothing"
    if not mutant["tests"]:
        yield "it names no tests"
    for word in mutant["tests"].split():
        if not any(word in test for test in tests):
            yield f"there is no test {word}"
    for change in mutant["changes"]:
        fault = stale(change, texts)
        if fault:
            yield fault


def main():
    bad, seen, texts, tests = 0, set(), {}, test_files()
    for mutant in mutants.read_table():
        found = list(faults(mutant, tests, texts))
        if mutant["name"] in seen:
            found.append("another has this name")
        seen.add(mutant["name"])
        for fault in found:
            print(f"tests/mutants.txt:{mutant['line']}: "
                  f"[{mutant['name']}] {fault}")
        bad += len(found)
    if not seen:
        print("tests/mutants.txt: no mutant")
    return bad > 0 or not seen


sys.exit(main())
