"""What the readers of test results share: ids that do not clash, attempts, and totals that are checked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import EvidenceUnreadable
from truegreen.model.testrun import Outcome, TestCase, TestRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

TEXT_LIMIT = 16_000
"""Characters of one case's text; the end is kept, where the assertion is."""
MESSAGE_LIMIT = 2_000
NAME_LIMIT = 64 << 10
"""Characters of one test's name; a longer one is no name."""
_SEVERITY = {Outcome.PASS: 0, Outcome.SKIP: 1, Outcome.FAIL: 2, Outcome.ERROR: 3}


class Cases:
    """Cases in the order of the file, each under an id of its own.

    Most producers allow two tests of one name. Reading them as one would lose a result, so the second one
    is called `name (2)`.
    """

    def __init__(self) -> None:
        self._found: dict[str, TestCase] = {}
        self._times: dict[str, int] = {}

    def add(self, case: TestCase) -> None:
        """Take one case."""
        name = case.id
        while name in self._found:
            self._times[case.id] = self._times.get(case.id, 1) + 1
            name = f"{case.id} ({self._times[case.id]})"
        self._found[name] = case if name == case.id else msgspec.structs.replace(case, id=name)

    def result(self) -> TestRun:
        """Return all cases."""
        return TestRun(cases=tuple(self._found.values()))


def worst_last(attempts: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Return attempts of which the worst decides: it is moved to the end, where the deciding one stands."""
    worst = max(attempts, key=lambda outcome: _SEVERITY[outcome])
    rest = list(attempts)
    rest.remove(worst)
    return (*rest, worst)


def seconds(value: float | None) -> float:
    """Return a duration; nonsense is 0."""
    return value if value is not None and math.isfinite(value) and value >= 0 else 0.0


def number(attributes: Mapping[str, str], name: str) -> int | None:
    """Return a declared count; None when it is absent or no number."""
    text = attributes.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None  # noqa: PLR2004


def time(text: str) -> float:
    """Return seconds from a decimal text; nonsense is 0."""
    try:
        return seconds(float(text))
    except ValueError:
        return 0.0


def first_line(message: str, detail: str = "") -> str:
    """Return what a person reads first: the message, else the last line of the text."""
    told = message.strip() or (detail.strip().splitlines() or [""])[-1]
    return told[:MESSAGE_LIMIT]


def last(text: str) -> str:
    """Return the end of a text, within the limit of one case."""
    return text if len(text) <= TEXT_LIMIT else f"[… the beginning was cut off]\n{text[-TEXT_LIMIT:]}"


def contradiction(label: str, declared: Iterable[tuple[str, int | None, Iterable[int]]]) -> str:
    """Return the first declared count that is none of those that were counted; empty when all can be true.

    Args:
        label: what declares them, such as `assembly 'a.dll'`.
        declared: word, declared count (None: not declared), and the counts that would agree with it.
    """
    for word, told, counted in declared:
        held = tuple(dict.fromkeys(counted))
        if told is not None and told not in held:
            return f"{label} declares {told:,} {word}, counted {held[0]:,}"
    return ""


def refuse_contradictions(path: Path, found: Sequence[str]) -> None:
    """Refuse a file that declares other totals than it holds.

    Raises:
        EvidenceUnreadable: there are contradictions.
    """
    if found:
        raise EvidenceUnreadable(
            f"{path.name} declares other totals than it holds",
            where=f"{path}:1",
            why="; ".join(found[:3]),
            fix="run the tests again: results were lost or added after they were written",
        )
