"""The drawing of a summary in a real browser: nothing runs, loads or breaks its policy, whatever the report holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.browser import chromium, opened
from tests.support.known_reports import REPORTS
from tests.support.told_report import unwired

from truegreen.app import drawing
from truegreen.reporters.summary import SummaryReporter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def drawn(tmp_path: Path, *names: str) -> Path:
    reports = {**REPORTS, "unwired": unwired}
    page = tmp_path / "drawn.html"
    texts = {name: SummaryReporter().render(reports[name]()).text for name in names}
    page.write_text(drawing.page("drawn", texts), encoding="utf-8")
    return page


@pytest.mark.parametrize("look", [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"java_script_enabled": False}])
def test_drawing_of_hostile_text_runs_and_loads_nothing(
    browser: Browser, tmp_path: Path, look: dict[str, object]
) -> None:
    with opened(browser, drawn(tmp_path, "hostile", "flaky"), **look) as seen:
        assert seen.noise == []
        if look.get("java_script_enabled", True):
            assert seen.violations() == []
            assert seen.page.evaluate("window.__pwned") is None
        assert seen.page.locator("img, script, iframe, svg, object").count() == 0
        assert [place.inner_text() for place in seen.page.locator(".name").all()] == ["hostile", "flaky"]


def test_drawing_shows_tables_code_and_folds_as_the_forge_does(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, drawn(tmp_path, "unwired")) as seen:
        assert seen.page.locator("h2").inner_text().endswith("truegreen: fail · wiring failed; persistence failed")
        assert seen.page.locator("table").first.locator("tr").count() == 7
        assert seen.page.locator("pre").first.inner_text().startswith("    def test_factory_wires_the_dependency")
        assert seen.page.locator("td[align=right]").first.inner_text() == "0.1 s"
        assert seen.page.locator(".name").count() == 0
        assert seen.too_wide() == 0
        assert not [barrier for barrier in seen.barriers() if barrier.startswith("color-contrast")]
