"""`tests/samples/dialects`: evidence folders for every format of test results, with a table of what each file holds.

`python -m tests.support.dialects [JUNIT_FOLDER]` writes the records (`stage.json`) anew, takes in the JUnit samples of
`tests/samples/junit` as its `dialects.toml` states them, and puts their rows below the marker in `expected.toml`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

from truegreen import registry
from truegreen.app.ingest import recognise
from truegreen.model.testrun import Outcome

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
FOLDER = SAMPLES / "dialects"
TABLE = FOLDER / "expected.toml"
RED = (Outcome.FAIL, Outcome.ERROR)
COUNTS = ("tests", "passed", "failed", "errors", "skipped", "flaky")
_MARK = "# --- JUnit: taken from tests/samples/junit/dialects.toml by tests/support/dialects.py ---\n"
_STAGES = ("unit", "wiring", "e2e", "persistence", "performance")
"""Two files that name the same tests stand in two stages, so that their ids do not clash."""


def rows() -> dict[str, dict[str, Any]]:
    """Return `folder/file` → its row in the table."""
    return {row["file"]: row for row in tomllib.loads(TABLE.read_text(encoding="utf-8"))["sample"]}


def main(junit: Path) -> None:
    """Write the folders of the JUnit samples, the table's part about them, and every record."""
    own = TABLE.read_text(encoding="utf-8").partition(_MARK)[0]
    for row in rows().values():
        if Path(row["file"]).parent.name.partition("-")[2].startswith("junit-"):
            shutil.rmtree((FOLDER / row["file"]).parent, ignore_errors=True)
    taken = {stage: set[str]() for stage in _STAGES}
    for file in tomllib.loads(own)["sample"]:
        taken["unit"] |= _ids(FOLDER / file["file"])
    table = tomllib.loads((junit / "dialects.toml").read_text(encoding="utf-8"))["sample"]
    parts = [_place(junit / row["file"], row, taken) for row in table]
    TABLE.write_text(own + _MARK + "".join(parts), encoding="utf-8")
    for name, row in rows().items():
        _record(FOLDER / name, row)


def _place(path: Path, row: dict[str, Any], taken: dict[str, set[str]]) -> str:
    """Copy a sample into the first stage in which none of its ids is taken, and return its row."""
    ids = _ids(path)
    stage = next(stage for stage in _STAGES if not ids & taken[stage])
    taken[stage] |= ids
    target = FOLDER / f"{stage}-junit-{path.stem}" / path.name
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(path, target)
    named = {**row, "file": target.relative_to(FOLDER).as_posix()}
    return "\n[[sample]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in named.items())


def _ids(path: Path) -> set[str]:
    return {case.id for case in registry.load("reader", recognise(path))().read(path, FOLDER).cases}


def _record(path: Path, row: dict[str, Any]) -> None:
    content, kind = path.read_bytes(), recognise(path)
    stage, _, shard = path.parent.name.partition("-")
    red = row["failed"] + row["errors"] > 0
    entry = {"path": path.name, "kind": kind, "sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
    record = {
        "schema_version": 1,
        "stage": stage,
        "shard": shard,
        "state": "ran",
        "commit": "",
        "ingested": True,
        "tools": [{"name": "test command", "exit_code": int(red)}],
        "files": [entry],
        "expects": [kind],
        "command": f"truegreen ingest {stage} {path.name} --shard {shard} --exit-code {int(red)}",
    }
    (path.parent / "stage.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES / "junit")
