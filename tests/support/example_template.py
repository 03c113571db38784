"""The template that docs/report.md shows."""

from __future__ import annotations

import re
from pathlib import Path

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "report.md"


def example() -> str:
    """Return the first block of Markdown of the page."""
    found = re.search(r"(?ms)^```markdown\n(.*?)^```$", _PAGE.read_text(encoding="utf-8"))
    assert found, "docs/report.md shows no template"
    return found[1]
