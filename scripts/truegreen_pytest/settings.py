"""Databases that the project's settings or its environment choose, as they are in force when the session ends."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

_SQLITE_URL = re.compile(r"(sqlite|spatialite)(\+\w+)?:")
_ENGINE = re.compile(r"\w+(\.\w+)*\.(sqlite3|spatialite)")
_LENGTH = 200


def sqlite() -> dict[str, Any]:
    """Return where SQLite was chosen: `engine` and `files` of Django's default database, and `variables` with URLs."""
    variables = {name: value[:_LENGTH] for name, value in os.environ.items() if _SQLITE_URL.match(value)}
    engine, files = "", list[str]()
    try:
        engine, files = _django()
    except Exception:  # noqa: BLE001 - settings are the project's own code, and may do anything
        engine = ""
    return {"engine": engine, "files": files, "variables": variables}


def _django() -> tuple[str, list[str]]:
    """Return the engine of the default database, if it is SQLite, and the files that may say so, likeliest first."""
    settings = getattr(sys.modules.get("django.conf"), "settings", None)
    if settings is None or not settings.configured:
        return "", []
    engine = str(settings.DATABASES["default"]["ENGINE"])
    if not _ENGINE.fullmatch(engine):
        return "", []
    name = str(getattr(settings, "SETTINGS_MODULE", "") or "")
    package = name.rpartition(".")[0]
    beside = [known for known in list(sys.modules) if package and known.startswith(f"{package}.")]
    modules = [sys.modules.get(known) for known in (name, *sorted(beside))]
    files = [str(getattr(module, "__file__", "") or "") for module in modules]
    return engine[:_LENGTH], [file for file in dict.fromkeys(files) if file.endswith(".py")][:200]
