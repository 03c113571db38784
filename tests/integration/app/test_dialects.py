"""`truegreen gate` says of every file of `tests/samples/dialects` what its producer means."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import dialects

from truegreen import registry
from truegreen.__main__ import main
from truegreen.app import stage_record
from truegreen.errors import EXIT_GATE_FAILED
from truegreen.runtime.files import sha256

if TYPE_CHECKING:
    from tests.support.app_desk import Desk

ROWS = dialects.rows()


def judged(desk: Desk, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the report; the samples hold tracebacks of their own, so `desk.run` would take it for a crash."""
    assert main(["gate", "--evidence", str(dialects.FOLDER), "--json", "-q", "-C", str(desk.root)]) == EXIT_GATE_FAILED
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def inputs(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = [row for stage in report["stages"] for row in stage["inputs"]]
    return {f"{row['stage']}-{row['shard']}/{row['file']}": row for row in found}


def test_gate_states_the_counts_of_every_dialect(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    report = judged(desk, capsys)
    said = {name: {key: row[key] for key in dialects.COUNTS} for name, row in inputs(report).items()}
    assert said == {name: {key: row[key] for key in dialects.COUNTS} for name, row in ROWS.items()}


def test_no_two_files_of_a_stage_name_the_same_test(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    report = judged(desk, capsys)
    told = [verdict["reason"] for stage in report["stages"] for verdict in stage["verdicts"]]
    assert not any("results from two shards" in reason for reason in told)


def test_table_names_every_file_and_where_its_counts_come_from() -> None:
    files = {path.relative_to(dialects.FOLDER).as_posix() for path in dialects.FOLDER.glob("*/*")}
    assert {name for name in files if not name.endswith(f"/{stage_record.NAME}")} == set(ROWS)
    assert all(row["producer"] and row["origin"].startswith(("run", "written")) for row in ROWS.values())


@pytest.mark.parametrize("name", ROWS)
def test_row_adds_up_and_record_matches_its_file(name: str) -> None:
    row = ROWS[name]
    assert row["tests"] == row["passed"] + row["failed"] + row["errors"] + row["skipped"]
    record = stage_record.read(dialects.FOLDER / name.rpartition("/")[0] / stage_record.NAME)
    assert [(file.path, file.sha256) for file in record.files] == [
        (name.rpartition("/")[2], sha256(dialects.FOLDER / name))
    ]


@pytest.mark.parametrize(
    "kind", [name for name in registry.names("reader") if registry.load("reader", name).part == "tests"]
)
def test_every_kind_of_test_results_has_a_sample(kind: str) -> None:
    records = [stage_record.read(path) for path in dialects.FOLDER.glob(f"*/{stage_record.NAME}")]
    assert any(file.kind == kind for record in records for file in record.files)
