"""Which lines of code silence a scanner: what nobody sees is told, with its places."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truegreen.errors import EvidenceError
from truegreen.runtime import files

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MARKS = {
    "bandit": ("# nosec", re.compile(rb"#\s*nosec")),
    # Semgrep looks at the line as a whole, whatever stands before the word.
    "semgrep": ("# nosemgrep", re.compile(rb"\bnosem(?:grep)?\b", re.IGNORECASE)),
}
_LIMIT_BYTES = 32 << 20
_SHOWN = 5


def note(tool: str, root: Path, names: Iterable[str]) -> list[str]:
    """Return a note with the number and the places of comments that silence a tool; none without such comments."""
    mark, pattern = MARKS[tool]
    places = [place for name in names for place in _places(root, name, pattern)]
    if not places:
        return []
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return [f"{tool}: {len(places)} lines silenced by {mark}: {', '.join(places[:_SHOWN])}{more}"]


def _places(root: Path, name: str, pattern: re.Pattern[bytes]) -> list[str]:
    try:
        rows = files.read_limited(root / name, _LIMIT_BYTES).splitlines()
    except EvidenceError:
        return []
    return [f"{name}:{number}" for number, row in enumerate(rows, 1) if pattern.search(row)]
