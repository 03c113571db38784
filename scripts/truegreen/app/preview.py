"""`truegreen summary --preview`: the report in the browser, and a team's own summary as the forge will show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen import registry
from truegreen.app import drawing, templates
from truegreen.runtime import browser, files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from truegreen.app.shell import Shell
    from truegreen.model.verdict import Report
    from truegreen.reporters.base import Layout

DRAWN = "preview.html"
"""Beside the page: what the templates make of the report."""


def show(shell: Shell, report: Report, page: Path, layouts: Mapping[str, Layout]) -> Path:
    """Write the page of a report, and with templates what they make of it, open the latter, and return its path."""
    files.write_atomic(page, registry.load("reporter", "html")().render(report).body)
    if layouts:
        page = _drawn(shell, report, page, layouts)
    opened = browser.open_file(page, shell.env)
    shell.console.line("opened in the browser" if opened else "no browser is here; open it with one")
    return page


def _drawn(shell: Shell, report: Report, page: Path, layouts: Mapping[str, Layout]) -> Path:
    """Return the page of the templates' documents; that of the report where nothing here can draw Markdown."""
    texts = {f"{name}.md": templates.reporter(name, layouts).render(report).text for name in sorted(layouts)}
    for name, text in texts.items():
        files.write_atomic(page.with_name(name), text)
    try:
        drawn = drawing.page("truegreen: preview of the templates", texts)
    except ImportError:
        made = ", ".join(str(page.with_name(name)) for name in texts)
        shell.console.line(f"the templates made {made}; to see it drawn, install truegreen[preview]")
        return page
    return files.write_atomic(page.with_name(DRAWN), drawn)
