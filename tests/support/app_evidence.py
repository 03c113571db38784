"""Evidence folders written by hand: what a stage leaves, byte by byte, to be broken one thing at a time."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

Files = dict[str, tuple[str, bytes]]
"""Name → kind and content."""


def scan(tool: str = "ruff", report: Any = (), scanned: tuple[str, ...] = ("a.py",)) -> bytes:
    """Return the report of a linter that read one file."""
    return json.dumps(
        {"schema_version": 1, "tool": tool, "version": "1", "root": "/p", "scanned": scanned, "report": report}
    ).encode()


def junit(*names: str, failed: tuple[str, ...] = ()) -> bytes:
    """Return results of tests in `tests/test_a.py`, as pytest writes them."""
    cases = "".join(
        f'<testcase classname="tests.test_a" name="{name}" file="tests/test_a.py" line="{line}" time="0.01">'
        + ('<failure message="assert 0">assert 0</failure>' if name in failed else "")
        + "</testcase>"
        for line, name in enumerate(names)
    )
    counts = f'errors="0" failures="{len(failed)}" skipped="0" tests="{len(names)}"'
    return f'<testsuites><testsuite name="pytest" {counts} time="0.1">{cases}</testsuite></testsuites>'.encode()


def session(*names: str, exit_code: int = 0, failed: tuple[str, ...] = ()) -> bytes:
    """Return what the plugin saw of these tests."""
    ids = [f"tests/test_a.py::{name}" for name in names]
    return json.dumps(
        {
            "exit_code": exit_code,
            "collected": len(ids),
            "selected": len(ids),
            "ids": ids,
            "failed": [f"tests/test_a.py::{name}" for name in failed],
            "finished": True,
        }
    ).encode()


def pytest_files(*names: str, failed: tuple[str, ...] = ()) -> Files:
    """Return the files of a stage that ran pytest."""
    code = 1 if failed else 0
    return {
        "junit.xml": ("junit", junit(*names, failed=failed)),
        "session.json": ("pytest-session", session(*names, exit_code=code, failed=failed)),
    }


def linted(report: Any = ()) -> Files:
    """Return the files of a lint stage."""
    return {"ruff.json": ("ruff", scan(report=report))}


WIRING = b'{"files": 1, "classes": 0}'
"""What the wiring stage says of sources without a class."""
FINDING = {"filename": "a.py", "message": "unused import", "code": "F401", "location": {"row": 3, "column": 1}}


def leave(folder: Path, stage: str, files: Files, *, commit: str, name: str = "", **more: Any) -> Path:
    """Write the folder of a stage that ran, and return it."""
    if stage == "wiring" and not more.get("ingested"):
        files = {**files, "wiring.json": ("wiring", WIRING)}
    place = folder / (name or "-".join(part for part in (stage, more.get("shard", "")) if part))
    place.mkdir(parents=True, exist_ok=True)
    entries = []
    for file, (kind, content) in files.items():
        (place / file).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        entries.append({"path": file, "kind": kind, "sha256": digest, "size_bytes": len(content)})
    record: dict[str, Any] = {
        "schema_version": 1,
        "stage": stage,
        "state": "ran",
        "commit": commit,
        "started": "2026-11-21T07:00:00Z",
        "duration_s": 1.5,
        "files": entries,
        "expects": list(dict.fromkeys(kind for kind, _ in files.values() if kind != "log")),
        "command": f"truegreen run {stage}",
    }
    (place / "stage.json").write_text(json.dumps(record | more))
    return place


def amend(place: Path, **changes: Any) -> None:
    """Change values of a record that is already there."""
    path = place / "stage.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
