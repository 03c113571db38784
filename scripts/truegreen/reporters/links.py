"""Where links of a report lead; there is none where the report does not say it beyond doubt."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from truegreen.model.verdict import Provenance

_RUN_URL = re.compile(r"(https://[A-Za-z0-9.:-]+/)([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)/actions/runs/\d+")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


def run(origin: Provenance) -> str:
    """Return the address of the run in the CI, empty when it is not one of its repository."""
    match = _RUN_URL.fullmatch(origin.run_url)
    return match[0] if match and match[2] == origin.repository else ""


def blob(origin: Provenance) -> str:
    """Return the address below which the forge shows files of the judged commit, empty when they may differ."""
    match = _RUN_URL.match(origin.run_url)
    if match and match[2] == origin.repository and _COMMIT.fullmatch(origin.commit) and not origin.dirty:
        return f"{match[1]}{match[2]}/blob/{origin.commit}"
    return ""


def place(folder: str, path: str, line: int, last_line: int = 0) -> str:
    """Return the address of lines of a file below a `blob` address, empty when the path leads out of it."""
    if not folder or not path or path.startswith("/") or ".." in path.split("/"):
        return ""
    lines = f"#L{line}" + (f"-L{last_line}" if last_line > line else "") if line > 0 else ""
    return f"{folder}/{quote(path.encode('utf-8', 'replace'), safe='/')}{lines}"
