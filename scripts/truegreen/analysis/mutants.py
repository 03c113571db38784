"""In which order mutants are tried, so that a time limit leaves out the least."""

from __future__ import annotations

from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Candidate(Protocol):
    """A mutant that could be tried."""

    @property
    def path(self) -> str:
        """File it changes."""
        ...

    @property
    def line(self) -> int:
        """Line it changes."""
        ...

    @property
    def operator(self) -> str:
        """What it changes; the first word is the kind of change."""
        ...


C = TypeVar("C", bound=Candidate)


def spread(candidates: Iterable[C], per_line: int) -> list[C]:
    """Return the candidates so that every line has its first before any has its second, and none too many.

    One mutant of a line tells most of what all of them tell (Petrović and Ivanković, State of Mutation Testing at
    Google, 2018, take one for each line); of one line, changes of different kinds come before more of one kind.
    """
    lines: dict[tuple[str, int], dict[str, list[C]]] = {}
    for one in candidates:
        kinds = lines.setdefault((one.path, one.line), {})
        kinds.setdefault(one.operator.partition(" ")[0], []).append(one)
    return _in_turn(
        [_in_turn(list(kinds.values()))[:per_line] for _, kinds in sorted(lines.items(), key=lambda entry: entry[0])]
    )


def _in_turn(queues: Sequence[Sequence[C]]) -> list[C]:
    """Return the first of each queue, then the second of each, and so on."""
    return [one for one in chain.from_iterable(zip_longest(*queues)) if one is not None]
