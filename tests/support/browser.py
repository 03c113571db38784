"""Pages in a real Chromium, with everything noted that a page must not do."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_playwright_python
from playwright.sync_api import sync_playwright
from tests.harness.chromium import ensure_chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
_WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(
  `${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a browser without a window."""
    # A container's user may be root, which Chromium's own sandbox refuses.
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=str(ensure_chromium()), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            browser.close()


class Opened:
    """A page that was opened from a file, and what it did."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.noise: list[str] = []
        """Console messages, errors, dialogs and requests; there must be none."""
        page.on("console", lambda message: self.noise.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: self.noise.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.noise.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self._request(request.url))

    def _request(self, url: str) -> None:
        if not url.startswith("file:") or not url.partition("#")[0].endswith(".html"):
            self.noise.append(f"request: {url}")

    def violations(self) -> list[str]:
        """Return what the content security policy stopped."""
        found: list[str] = self.page.evaluate("window.violations")
        return found

    def barriers(self) -> list[str]:
        """Return what axe-core finds, by rule and place."""
        self.page.evaluate(AXE)
        found: Any = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{rule['id']}: {json.dumps(node['target'])} {node.get('failureSummary', '')}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]

    def too_wide(self) -> int:
        """Return by how many pixels the page scrolls sideways."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return width


@contextmanager
def opened(browser: Browser, path: Path, fragment: str = "", **given: Any) -> Iterator[Opened]:
    """Yield a page opened from a file.

    Args:
        browser: from `chromium`.
        path: the file.
        fragment: what follows `#` in the address.
        given: options of the context, such as `java_script_enabled` or `color_scheme`.
    """
    context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **given})
    context.add_init_script(_WATCH)
    try:
        seen = Opened(context.new_page())
        seen.page.goto(path.resolve().as_uri() + (f"#{fragment}" if fragment else ""))
        yield seen
    finally:
        context.close()
