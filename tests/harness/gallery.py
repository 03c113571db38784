"""`make report-gallery`: every kind of report, as Markdown, as a page and as pictures, in build/gallery/.

The picture in the README is drawn here too: docs/images/summary.png, and it holds the text that it shows.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from tests.support import pictures  # noqa: E402 - the path comes first
from tests.support.browser import chromium, opened  # noqa: E402
from tests.support.example_template import example  # noqa: E402
from tests.support.known_reports import REPORTS, red  # noqa: E402
from tests.support.told_report import unwired  # noqa: E402

from truegreen import registry  # noqa: E402
from truegreen.app import drawing, templates  # noqa: E402
from truegreen.reporters.html.markup import Html, element, joined, row, table  # noqa: E402
from truegreen.reporters.template import layout  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from truegreen.model.verdict import Report
    from truegreen.reporters.base import Layout

FOLDER = ROOT / "build" / "gallery"
README = ROOT / "docs" / "images" / "summary.png"
TEMPLATE = "by-a-template"
CASES = {**REPORTS, "unwired": unwired, TEMPLATE: red}
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1000, "height": 1400}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1000, "height": 1400}},
    "narrow": {"viewport": {"width": 320, "height": 1400}},
}
DRAWN = {"color_scheme": "light", "viewport": {"width": 1020, "height": 1400}}


def main() -> int:
    """Write the gallery and the README's picture, and say where they are."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = [_written(name, make()) for name, make in CASES.items()]
    page = joined((element("h1", "Reports"), table(("Report", "Documents", "Pictures"), rows, label="Reports")))
    (FOLDER / "index.html").write_text(f"<!doctype html><meta charset=utf-8><title>Reports</title>{page}")
    with chromium() as browser:
        for name in CASES:
            _pictured(browser, name)
        README.write_bytes(_readme(browser))
    sys.stdout.write(f"{len(CASES)} reports: {FOLDER / 'index.html'}\nthe README's picture: {README}\n")
    return 0


def _written(name: str, report: Report) -> Html:
    """Write the documents of a report and return its row in the index."""
    layouts: dict[str, Layout] = {"summary": layout.read(example(), "docs/report.md")} if name == TEMPLATE else {}
    summary = templates.reporter("summary", layouts).render(report)
    (FOLDER / f"{name}.md").write_bytes(summary.body)
    (FOLDER / f"{name}-summary.html").write_text(drawing.page(name, {"summary": summary.text}), encoding="utf-8")
    (FOLDER / f"{name}.html").write_bytes(registry.load("reporter", "html")().render(report).body)
    documents = {"page": f"{name}.html", "summary": f"{name}-summary.html", "Markdown": f"{name}.md"}
    shown = {look: f"{name}-{look}.png" for look in ("summary", *LOOKS)}
    return row(name, _links(documents), _links(shown))


def _links(files: dict[str, str]) -> Html:
    return joined(part for word, file in files.items() for part in (element("a", word, href=file), " "))


def _pictured(browser: Browser, name: str) -> None:
    with opened(browser, FOLDER / f"{name}-summary.html", **DRAWN) as seen:
        seen.page.screenshot(path=FOLDER / f"{name}-summary.png")
    for look, given in LOOKS.items():
        with opened(browser, FOLDER / f"{name}.html", **given) as seen:
            seen.page.screenshot(path=FOLDER / f"{name}-{look}.png")


def _readme(browser: Browser) -> bytes:
    """Return the picture of the unwired application's summary, down to what is folded."""
    with opened(browser, FOLDER / "unwired-summary.html", **DRAWN) as seen:
        folded = seen.page.locator("details").first.bounding_box()
        height = int(folded["y"]) if folded else DRAWN["viewport"]["height"]
        shot = seen.page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": 1020, "height": height})
    return pictures.with_source(shot, (FOLDER / "unwired.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
