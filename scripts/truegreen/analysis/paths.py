"""Glob patterns over repository paths; pure text, the disk is never asked.

A pattern becomes an automaton whose states are made as paths need them (Thompson, "Regular expression search
algorithm", 1968). A character is looked at once, so that no pattern takes long: as a regular expression one with many
stars would be tried in all its ways.
"""

from __future__ import annotations

import re
from functools import lru_cache, reduce
from operator import getitem

_TOKEN = re.compile(r"(?:\*\*/)+|(?:\*\*(?!/))+|\*|.", re.DOTALL)
_STATES_KEPT = 1000
"""For one set of patterns; more are made again each time, so that hostile names cannot fill the memory."""


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a path (relative, with `/`) matches one of the patterns.

    `*` and `?` stay inside one folder, `**` crosses folders, and a pattern that names a folder means
    everything below it.
    """
    return reduce(getitem, path, _start(patterns)).accepts


@lru_cache(maxsize=256)
def _start(patterns: tuple[str, ...]) -> _State:
    return _Automaton(patterns).start


class _Automaton:
    """All patterns as places between their tokens; sets of places are bit sets, the first place is the lowest bit."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._literal: dict[str, int] = {"/": 0}
        self._one = self._within = self._across = self._folders = self._ends = 0
        place, starts = 1, 0
        for pattern in patterns:
            starts |= place
            place = self._add(pattern.removeprefix("./").rstrip("/"), place)
        self._states: dict[int, _State] = {}
        self.start = self.state(self._grown(starts))

    def _add(self, pattern: str, place: int) -> int:
        """Add a pattern that begins at a place, and return the place after it."""
        for part in _TOKEN.findall(pattern):
            if part == "?":
                self._one |= place
            elif part == "*":
                self._within |= place
            elif part.startswith("**/"):
                self._folders |= place
                place <<= 1  # one more place: inside the name of a folder
            elif part.startswith("**"):
                self._across |= place
            else:
                self._literal[part] = self._literal.get(part, 0) | place
            place <<= 1
        below = place << 1
        self._literal["/"] |= place
        self._across |= below
        self._ends |= place | below
        return below << 2  # the one between is where `below` would lead to

    def state(self, places: int) -> _State:
        """Return the state for a set of places; a new one at times where there are very many."""
        known = self._states.get(places)
        if known is None:
            known = _State(self, places, accepts=bool(places & self._ends))
            if not self.full:
                self._states[places] = known
        return known

    @property
    def full(self) -> bool:
        """Return whether no more states are kept."""
        return len(self._states) >= _STATES_KEPT

    def after(self, places: int, char: str) -> int:
        """Return the places that a character leads to."""
        moved = (places & self._literal.get(char, 0)) << 1 | (places & self._across)
        inside = self._folders << 1
        if char == "/":
            moved |= (places & inside) >> 1
        else:
            moved |= (places & (self._one | self._folders)) << 1 | (places & (self._within | inside))
        return self._grown(moved)

    def _grown(self, places: int) -> int:
        """Return the places with those that are reached without a character."""
        grown = places | (places & (self._within | self._across)) << 1 | (places & self._folders) << 2
        return grown if grown == places else self._grown(grown)


class _State(dict[str, "_State"]):
    """Character → next state; what is not known yet is found when it is asked for."""

    def __init__(self, automaton: _Automaton, places: int, *, accepts: bool) -> None:
        super().__init__()
        self._automaton = automaton
        self._places = places
        self.accepts = accepts

    def __missing__(self, char: str) -> _State:
        """Return the next state."""
        found = self._automaton.state(self._automaton.after(self._places, char))
        if not self._automaton.full:
            self[char] = found
        return found
