"""The HTML report in a real Chromium, opened from a file: with and without JavaScript, light, dark, printed, narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.browser import chromium, opened
from tests.support.known_reports import REPORTS

from truegreen import registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 320, "height": 640}},
    "scriptless": {"java_script_enabled": False},
    "narrow-scriptless": {"viewport": {"width": 320, "height": 640}, "java_script_enabled": False},
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    reporter = registry.load("reporter", "html")()
    written = {}
    for name, report in REPORTS.items():
        written[name] = folder / f"{name}.html"
        written[name].write_bytes(reporter.render(report()).body)
    return written


def shown(page: Page, what: str) -> list[str]:
    """Return the text of what is visible."""
    script = "(nodes) => nodes.filter((node) => node.checkVisibility()).map((node) => node.innerText)"
    found: list[str] = page.locator(what).evaluate_all(script)
    return found


# The flaky report has every section of the page.
WANTED = [(name, "light") for name in REPORTS if name not in ("huge", "flaky")] + [("flaky", look) for look in LOOKS]


@pytest.mark.parametrize(("name", "look"), WANTED)
def test_page_in_every_look_is_accessible_and_breaks_no_policy(browser, pages, name, look):
    with opened(browser, pages[name], **LOOKS[look]) as seen:
        assert seen.page.locator("h1").is_visible()
        assert seen.too_wide() <= 0
        assert seen.noise == []
        if "scriptless" not in look:  # axe itself is a script
            assert seen.barriers() == []
            assert seen.violations() == []


def test_page_of_hostile_text_runs_nothing_and_links_only_to_its_own_commit(browser, pages):
    with opened(browser, pages["hostile"]) as seen:
        assert seen.page.evaluate("window.__pwned") is None
        assert seen.page.locator("script").count() == 2
        assert seen.page.locator("img, iframe, object, embed, link, base, style:not(head style)").count() == 0
        links = seen.page.evaluate("[...document.links].map((link) => link.getAttribute('href'))")
        assert all(link.startswith(("#", "https://github.com/acme/ledger/")) for link in links)
        handlers = "[...document.querySelectorAll('*')].flatMap((node) => node.getAttributeNames())"
        assert not {name for name in seen.page.evaluate(handlers) if name.startswith("on") or name == "style"}


def test_policy_stops_a_script_that_got_into_the_page_all_the_same(browser, pages, tmp_path):
    broken = tmp_path / "broken.html"
    text = pages["red"].read_text()
    injected = "<script>window.__pwned = 1</script><img src=x onerror='window.__pwned = 2'><style>h1{color:red}</style>"
    broken.write_text(text.replace("<main", f"{injected}<main", 1))
    with opened(browser, broken) as seen:
        assert seen.page.evaluate("window.__pwned") is None
        assert {one.split()[0] for one in seen.violations()} >= {"script-src-elem", "img-src", "style-src-elem"}


def test_page_without_javascript_shows_the_failing_tests_and_no_dead_controls(browser, pages):
    with opened(browser, pages["red"], java_script_enabled=False) as seen:
        assert seen.page.get_by_text("E   assert 0 == 100").is_visible()
        assert seen.page.get_by_text("truegreen run unit -- tests/test_a.py::test_1").is_visible()
        assert shown(seen.page, "button, input") == []
        seen.page.locator("#every-test > summary").click()
        assert seen.page.locator("#t-tests tbody tr").count() == sum(
            len(stage.names) for stage in REPORTS["red"]().detail.tests
        )
        assert seen.page.locator("#t-tests tbody tr").first.is_visible()


def test_search_finds_tests_and_stays_in_the_address(browser, pages):
    with opened(browser, pages["huge"]) as seen:
        seen.page.keyboard.press("/")
        seen.page.keyboard.type("module_7.py [357]")
        seen.page.wait_for_selector("#found:not(:empty)")
        assert seen.page.locator("#found").inner_text() == "1 of 10,000 tests"
        assert shown(seen.page, "#t-tests tbody tr td:nth-child(3)") == [
            "tests/area_0/test_module_7.py::TestLedger::test_operation_is_booked_once[357]"
        ]
        assert "q=module_7.py+%5B357%5D" in seen.page.url
        seen.page.keyboard.press("Escape")
        seen.page.wait_for_selector("#found:empty", state="attached")
        assert seen.page.url.endswith("#")
        assert seen.noise == []


def test_tests_that_fail_alike_are_one_head_which_opens_for_what_a_search_finds(browser, pages):
    with opened(browser, pages["huge"]) as seen:
        heads = shown(seen.page, ".cause > summary")
        assert len(heads) == 1
        assert heads[0].startswith("34 tests fail alike, first tests/area_0/")
        folded = "test_module_6.py::TestLedger::test_operation_is_booked_once[307]"
        assert not any(folded in text for text in shown(seen.page, ".others summary"))
        seen.page.locator("#search").fill("module_6.py booked_once[307]")
        seen.page.wait_for_selector("#found:not(:empty)")
        assert [text for text in shown(seen.page, ".others > .failure > summary") if folded in text]
        seen.page.locator("#search").fill("booked_once[107]")
        seen.page.wait_for_selector(".cause[hidden]", state="attached")
        assert len(shown(seen.page, ".failure > summary")) == 1
        assert seen.noise == []


def test_keys_walk_over_causes_and_over_tests_that_are_in_sight(browser, pages):
    with opened(browser, pages["huge"]) as seen:
        focused = "document.activeElement.textContent"
        found = []
        for _ in range(3):
            seen.page.keyboard.press("j")
            found.append(seen.page.evaluate(focused))
        assert [text.split("]")[0].rpartition("[")[2] for text in found] == ["7", "7", "107"]


def test_address_restores_search_filter_and_order(browser, pages):
    with opened(browser, pages["flaky"], fragment="?show=fk&sort=t-tests.3.desc") as seen:
        assert shown(seen.page, "#t-tests tbody td:nth-child(3)") == [
            "tests/test_a.py::test_1",
            "tests/test_a.py::test_2",
        ]
        assert seen.page.locator("#t-tests th[aria-sort=descending]").inner_text().startswith("Seconds")
        assert shown(seen.page, "#tools [aria-pressed=true]") == ["fail", "flaky"]
        seen.page.get_by_role("button", name="fail", exact=True).click()
        assert shown(seen.page, "#t-tests tbody td:nth-child(3)") == ["tests/test_a.py::test_1"]
        assert "show=k" in seen.page.url


@pytest.mark.parametrize(
    "fragment", ["?sort=t-tests.9.desc", "?sort=x", "?show=%3Cimg%3E", "?q=%E0%A4%A", "?sort=__proto__.0"]
)
def test_address_of_somebody_else_breaks_nothing(browser, pages, fragment):
    with opened(browser, pages["flaky"], fragment=fragment) as seen:
        assert seen.page.locator("h1").is_visible()
        assert seen.noise == []


def test_columns_sort_by_number_and_by_text_from_the_keyboard(browser, pages):
    with opened(browser, pages["flaky"]) as seen:
        seen.page.locator("#every-test > summary").click()
        seconds = seen.page.locator("#t-tests").get_by_role("button", name="Seconds")
        seconds.focus()
        seen.page.keyboard.press("Enter")
        assert shown(seen.page, "#t-tests tbody td:nth-child(4)") == ["0.010", "0.010", "0.400", "2.500", "5.200"]
        seen.page.keyboard.press("Enter")
        assert shown(seen.page, "#t-tests tbody td:nth-child(4)")[0] == "5.200"


def test_keys_walk_over_failing_tests_open_all_and_explain_themselves(browser, pages):
    with opened(browser, pages["red"]) as seen:
        focused = "document.activeElement.textContent"
        seen.page.keyboard.press("j")
        first = seen.page.evaluate(focused)
        seen.page.keyboard.press("j")
        assert "test_1" in first
        assert "test_2" in seen.page.evaluate(focused)
        seen.page.keyboard.press("k")
        assert seen.page.evaluate(focused) == first
        seen.page.keyboard.press("o")
        assert seen.page.locator("details:not([open]):not(#every-test)").count() == 0
        seen.page.keyboard.press("?")
        assert seen.page.locator("#help").is_visible()
        seen.page.get_by_role("button", name="Close").click()
        assert not seen.page.locator("#help").is_visible()
        assert seen.violations() == []


def test_first_tab_leads_past_the_contents(browser, pages):
    with opened(browser, pages["red"]) as seen:
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.activeElement.className") == "skip"
        seen.page.keyboard.press("Enter")
        assert seen.page.url.endswith("#main")


def test_printed_page_holds_what_stands_in_closed_places(browser, pages):
    with opened(browser, pages["flaky"]) as seen:
        assert shown(seen.page, "#advice details:not([open]) td") == []
        seen.page.emulate_media(media="print")
        assert shown(seen.page, "#tools, nav, button") == []
        assert shown(seen.page, "#advice details:not([open]) td")
        assert seen.page.pdf()[:5] == b"%PDF-"


def test_saved_document_is_the_verdict_document(browser, pages, tmp_path):
    with opened(browser, pages["red"]) as seen:
        with seen.page.expect_download() as download:
            seen.page.locator("#save").click()
        download.value.save_as(tmp_path / "verdict.json")
        assert (tmp_path / "verdict.json").read_bytes() == registry.load("reporter", "json")().render(
            REPORTS["red"]()
        ).body
        assert seen.violations() == []


def test_changes_against_the_base_are_read_and_followed_without_javascript(browser, pages):
    with opened(browser, pages["flaky"], java_script_enabled=False) as seen:
        coverage, findings = (seen.page.locator(f"#{name}") for name in ("coverage-change", "findings-change"))
        assert coverage.get_by_role("table", name="Coverage by component").get_by_text("billing").is_visible()
        changed = coverage.get_by_role("table", name="Coverage by changed file")
        assert changed.get_by_role("link").first.get_attribute("href").endswith("/src/a.py#L89-L100")
        assert findings.get_by_role("table", name="New findings").get_by_text("no docstring").is_visible()


def test_columns_of_shares_sort_by_number(browser, pages):
    with opened(browser, pages["flaky"]) as seen:
        seen.page.locator("#t-components").get_by_role("button", name="Lines not covered").click()
        lacking = shown(seen.page, "#t-components tbody td:last-child")
        assert lacking == sorted(lacking, key=lambda text: int(text.split()[0]))
        assert len(lacking) == 2


def test_printed_changes_fit_on_the_paper(browser, pages):
    with opened(browser, pages["flaky"], viewport={"width": 720, "height": 900}) as seen:
        seen.page.emulate_media(media="print")
        ends = "(tables) => tables.map((table) => table.getBoundingClientRect().right)"
        found = seen.page.locator("#coverage-change table, #findings-change table").evaluate_all(ends)
        assert len(found) == 3
        assert max(found) <= 720
