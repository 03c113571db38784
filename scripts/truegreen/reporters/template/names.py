"""What a template can name: sections, values and conditions."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from truegreen.model.verdict import Status
from truegreen.reporters import links
from truegreen.reporters.words import ICON, WORD, duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from truegreen.model.verdict import Report
    from truegreen.reporters.budget import Part

SECTIONS = {
    "stages": "the table of stages",
    "reasons": "details of ",
    "base": "what changed against the base",
    "coverage": "coverage by component and file",
    "findings": "findings against the base",
    "waivers": "waivers",
    "waived": "what is waived",
    "logs": "logs of services of ",
    "advice": "advice",
    "not-judged": "what was not judged",
    "not-run": "stages that did not run",
    "notes": "notes",
    "history": "the history",
    "provenance": "provenance",
}
"""Section → how the names of its parts begin."""
MORE = "more"
"""The section of parts that belong to no other."""
HEAD = "the headline"
"""The part that is always there, and always first."""

VALUES: dict[str, Callable[[Report], str]] = {
    "verdict": lambda report: WORD[report.status],
    "headline": lambda report: report.headline,
    "red-stages": lambda report: ", ".join(stage.stage for stage in report.stages if stage.status.red),
    "repository": lambda report: report.provenance.repository,
    "commit": lambda report: report.provenance.commit[:12],
    "ref": lambda report: report.provenance.ref,
    "event": lambda report: report.provenance.event,
    "pull-request": lambda report: str(report.provenance.pull_request or ""),
    "run-id": lambda report: report.provenance.run_id,
    "run-url": lambda report: links.run(report.provenance),
    "duration": lambda report: duration(report.duration_s) if report.duration_s else "",
    "created": lambda report: report.provenance.created,
    "version": lambda report: report.provenance.pack_version,
}
"""Value → its text, which is foreign and goes through the escaping of text wherever it is shown."""
_SIGNS = "".join(dict.fromkeys(char for sign in ICON.values() for char in sign if char != "\ufe0f"))
_LOOKS_LIKE = re.compile(
    rf"[\W\d_]*(?:[{_SIGNS}]|true[\W_]{{0,3}}green[\W_]*(?P<word>{'|'.join(WORD.values())})\b)", re.IGNORECASE
)
_UNSEEN = ("Mn", "Me", "Cf", "Cc")
_FILLERS = "\u115f\u1160\u3164\uffa0"
"""Letters of which nothing is seen."""
RED = "red"
VERDICTS = tuple(WORD[status] for status in Status if status is not Status.SKIPPED)
CONDITIONS = (RED, *VERDICTS, *SECTIONS, MORE, *VALUES)


def looks_like_verdict(shown: str, *, heading: bool, verdict: str = "") -> bool:
    """Return whether own words as they are shown could be taken for the verdict's line, and do not say `verdict`.

    A sign makes a heading look like it, and no other line.
    """
    found = _LOOKS_LIKE.match(_seen(shown))
    if found is None:
        return False
    return heading if found["word"] is None else found["word"].lower() != verdict


def _seen(text: str) -> str:
    """Return text without accents and what is not seen, each letter in its plain form."""
    if text.isascii():
        return text
    parts = unicodedata.normalize("NFKD", text)
    return "".join(char for char in parts if unicodedata.category(char) not in _UNSEEN and char not in _FILLERS)


def section(part: Part) -> str:
    """Return the section that a part belongs to; `more` for one that no section knows."""
    return next((name for name, start in SECTIONS.items() if part.name.startswith(start)), MORE)


def true(report: Report, filled: set[str]) -> set[str]:
    """Return the conditions that hold: of the verdict, of sections with something in them, of values with a text."""
    given = {name for name, value in VALUES.items() if value(report)}
    return {*filled, *given, WORD[report.status], *([RED] if report.status.red else [])}
