"""Every sample of a dialect has the counts that its producer means."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from truegreen.ingest.junit import JUnitReader
from truegreen.model.testrun import Outcome

SAMPLES = Path(__file__).parents[2] / "samples" / "junit"
TABLE = tomllib.loads((SAMPLES / "dialects.toml").read_text(encoding="utf-8"))["sample"]


def test_table_names_every_sample_and_says_where_it_comes_from():
    assert sorted(row["file"] for row in TABLE) == sorted(path.name for path in SAMPLES.glob("*.xml"))
    assert all(row["origin"].startswith(("run: ", "written")) for row in TABLE)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["file"])
def test_dialect_has_the_counts_of_its_producer(row):
    cases = JUnitReader().read(SAMPLES / row["file"], Path("/project")).cases
    found = Counter(case.outcome for case in cases)
    assert {
        "tests": len(cases),
        "passed": found[Outcome.PASS],
        "failed": found[Outcome.FAIL],
        "errors": found[Outcome.ERROR],
        "skipped": found[Outcome.SKIP],
        "flaky": sum(case.flaky for case in cases),
    } == {name: row[name] for name in ("tests", "passed", "failed", "errors", "skipped", "flaky")}
