"""The browser that the tests of the HTML report drive: Debian's Chromium, by a pinned playwright."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.harness.shell import HarnessError, apt_install

_NAMES = ("chromium", "google-chrome", "chromium-browser")
_PACKAGES = ("chromium", "fonts-dejavu-core", "fonts-noto-color-emoji")


def find_chromium() -> Path | None:
    """Return a Chromium on PATH, or None."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    return Path(found) if found else None


def ensure_chromium() -> Path:
    """Return the path of a Chromium, installing it first if it is missing.

    Raises:
        HarnessError: it cannot be installed here.
    """
    found = find_chromium()
    if found is None:
        apt_install(_PACKAGES)
        found = find_chromium()
    if found is None:
        raise HarnessError("There is no Chromium on PATH.", fix="install chromium or google-chrome")
    return found
