"""The table of faults: stage by stage, with the cause that was named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tests.faults.bench import Honest, Result
from tests.faults.corpus import Fault

WANTED = 39 / 40
"""Share of faults that must be noticed."""
STAGES = ("unit", "wiring", "persistence", "e2e", "prove")
_CAUSE_LENGTH = 96


def passed(results: Iterable[Result], honest: Iterable[Honest]) -> bool:
    """Return whether enough faults were noticed, and nothing honest was red."""
    listed = list(results)
    noticed = sum(one.noticed for one in listed)
    useful = all(one.unit == "pass" for one in listed)
    return useful and noticed >= WANTED * len(listed) and not any(one.alarms for one in honest)


def terminal(results: list[Result], honest: list[Honest]) -> Iterator[str]:
    """Yield the lines of the table."""
    width = max((len(one.fault.name) for one in results), default=20)
    yield f"{'fault':{width}}  {'family':18}  {'  '.join(f'{name:11}' for name in STAGES)}  {'noticed by':11}  cause"
    for one in results:
        cells = "  ".join(f"{_cell(one, name):11}" for name in STAGES)
        cause = _cut(one) if one.noticed else f"MISSED: {one.why}"
        means = one.fault.means if one.noticed else "-"
        yield f"{one.fault.name:{width}}  {one.fault.family:18}  {cells}  {means:11}  {cause}"
    yield "* every test passed: a gate alone turned the stage red\n"
    noticed = sum(one.noticed for one in results)
    by_means = _counts(one.fault.means for one in results if one.noticed)
    yield f"noticed: {noticed} of {len(results)} ({', '.join(f'{name} {n}' for name, n in by_means.items())})"
    for run in honest:
        kind = "tests that ask the application alone" if run.weak else "honest tests"
        yield f"{run.app}: {run.tests} {kind}, {len(run.alarms)} false alarms ({run.seconds:.0f} s)"
        yield from (f"  FALSE ALARM {alarm}" for alarm in run.alarms)
    if honest:
        tests = sum(run.tests for run in honest if not run.weak)
        yield f"false alarms: {sum(len(run.alarms) for run in honest)} of {tests}"


def page(faults: Sequence[Fault], apps: int) -> Iterator[str]:
    """Yield the table of the documentation, from the declarations alone."""
    yield "## The faults\n"
    yield f"{len(faults)} faults in {apps} applications, of {len({one.family for one in faults})} families.\n"
    yield "| fault | family | what is wrong | why unit stays green | red | noticed by | said |"
    yield "|---|---|---|---|---|---|---|"
    for one in faults:
        cells = (f"`{one.name}`", one.family, one.title, one.unit, one.stage, f"`{one.gate}`", f"`{one.cause}`")
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _cell(one: Result, stage: str) -> str:
    if stage == "unit":
        return "green" if one.unit == "pass" else one.unit
    if any(text.startswith(f"{stage}: ") for text in one.red):
        tests_failed = f"{stage}: no-failures" in one.red
        return "RED" if tests_failed or stage != one.fault.stage else "RED*"
    return "green" if stage == one.fault.stage else "."


def _cut(one: Result) -> str:
    """Return what was said from the words on that name the cause."""
    text = " ".join(one.said[one.said.find(one.fault.cause) :].split())
    return text if len(text) <= _CAUSE_LENGTH else f"{text[: _CAUSE_LENGTH - 1]}…"


def _counts(names: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        found[name] = found.get(name, 0) + 1
    return dict(sorted(found.items(), key=lambda row: -row[1]))
