"""The README's picture still shows what a summary says."""

from __future__ import annotations

import difflib

from tests.support import pictures
from tests.support.app_desk import ROOT
from tests.support.example_template import example
from tests.support.known_reports import red
from tests.support.told_report import unwired

from truegreen.reporters.summary import SummaryReporter
from truegreen.reporters.template import layout

PICTURE = ROOT / "docs" / "images" / "summary.png"
ALIKE = 0.9
"""Part of the text that must be as it was drawn: a word may change, a section may not."""


def test_picture_of_the_readme_shows_nearly_what_the_summary_says_today():
    drawn = pictures.source(PICTURE.read_bytes())
    today = SummaryReporter().render(unwired()).text.encode("ascii", "backslashreplace").decode()
    alike = difflib.SequenceMatcher(a=drawn.split(), b=today.split(), autojunk=False).ratio()
    assert alike >= ALIKE, (
        f"only {alike:.0%} of docs/images/summary.png is what a summary says; `make report-gallery` draws it"
    )
    assert drawn.splitlines()[0] == today.splitlines()[0]


def test_picture_of_the_readme_is_small_and_named_there():
    width, height = pictures.size(PICTURE.read_bytes())
    assert (width, height <= 2_000) == (1020, True)
    assert PICTURE.stat().st_size <= 400_000
    assert "(docs/images/summary.png)" in (ROOT / "README.md").read_text()


def test_text_of_a_picture_is_read_back_and_no_picture_without_one_has_any():
    plain = PICTURE.read_bytes()
    stripped = plain[: plain.index(b"zTXt") - 4] + plain[plain.rindex(b"IEND") - 4 :]
    assert pictures.source(stripped) == ""
    assert pictures.source(pictures.with_source(stripped, "a é ❌\n" * 1_000)) == "a \\xe9 \\u274c\n" * 1_000


def test_template_that_the_documentation_shows_is_one():
    text = SummaryReporter(layout.read(example(), "docs/report.md")).render(red()).text
    assert (
        "**Stuck?** Ask in [the CI room](https://chat.example/ci?commit=cccccccccccc), and name `unit, persistence`."
        in text
    )
    assert "### What to mend\n\n### ❌ unit: no-failures" in text
