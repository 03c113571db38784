"""Opening a file in the browser of whoever sits at the machine, where somebody does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")


def open_file(path: Path, env: Mapping[str, str]) -> bool:
    """Open a file in a browser and return whether one was there; never a browser that takes over the terminal."""
    if env.get("CI") or not (sys.platform in ("darwin", "win32") or any(env.get(name) for name in _DISPLAYS)):
        return False
    import webbrowser  # noqa: PLC0415 - few commands open anything

    try:
        return webbrowser.open(path.resolve().as_uri())
    except (webbrowser.Error, OSError):
        return False
