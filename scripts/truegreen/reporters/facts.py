"""Which facts of a verdict are shown where there is no room for all of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truegreen.model.verdict import Fact

FACTS_MAX = 20
_FIGURE = r"(?P<figure>\d[\d,]{0,20}(?:\.\d{1,20})?)\s?(?P<unit>%|ms|s|)"
_VALUE = re.compile(rf"{_FIGURE}(?![\w.])")
_WANTED = re.compile(rf"(?P<bound>at least |at most |){_FIGURE}(?: \(advice\))?$")


def foremost(facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """Return so many facts as are shown; of more, those that miss what is wanted first, then those that meet it."""
    if len(facts) <= FACTS_MAX:
        return facts
    return tuple(sorted(facts, key=lambda fact: (not fact.wanted, _meets(fact)))[:FACTS_MAX])


def _meets(fact: Fact) -> bool:
    """Return whether a value is surely what is wanted; what cannot be compared may miss it."""
    if fact.value == fact.wanted:
        return True
    value, wanted = _VALUE.match(fact.value), _WANTED.match(fact.wanted)
    if value is None or wanted is None or value["unit"] != wanted["unit"]:
        return False
    here, limit = (float(found["figure"].replace(",", "")) for found in (value, wanted))
    return {"at least ": here >= limit, "at most ": here <= limit, "": here == limit}[wanted["bound"]]
