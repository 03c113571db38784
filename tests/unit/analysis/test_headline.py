"""The clause about a stage: only what was seen."""

from __future__ import annotations

import pytest
from tests.support import evidence as good
from tests.support.evidence import FAIL, PASS, SKIP, cases, record, stage

from truegreen.analysis import headline
from truegreen.model.coverage import Coverage
from truegreen.model.evidence import ToolRun
from truegreen.model.run import StageEvidence
from truegreen.model.testrun import TestRun

NO_TIME = (record("wiring", tools=()),)


def wiring(*outcomes):
    return stage("wiring", tests=cases(*outcomes), records=NO_TIME)


@pytest.mark.parametrize(
    ("evidence", "clause"),
    [
        (StageEvidence(stage="unit"), "ran to its end"),
        (StageEvidence(stage="unit", tests=TestRun(), coverage=Coverage()), "ran to its end"),
        (wiring(PASS), "1 test"),
        (wiring(PASS, FAIL), "2 tests"),
        (wiring(SKIP), "0 tests (1 skipped)"),
        (wiring(PASS, SKIP), "1 test (1 skipped)"),
        (StageEvidence(stage="unit", coverage=good.coverage(999, 1)), "99.9 % of lines"),
        (StageEvidence(stage="unit", coverage=good.coverage(9999, 1)), "99.9 % of lines"),
        (StageEvidence(stage="unit", coverage=good.coverage(2, 1)), "66.6 % of lines"),
        (StageEvidence(stage="x", persistence=(good.recording(1),)), "1 row committed"),
        (StageEvidence(stage="x", persistence=(good.recording(2), good.recording(1))), "3 rows committed"),
        (
            StageEvidence(
                stage="x", persistence=(good.recording(phases=(good.phase(0, good.change(), phase="setup"),)),)
            ),
            "0 rows committed",
        ),
        (StageEvidence(stage="x", scans=(good.scan(), good.scan())), "no findings by 2 tools"),
        (StageEvidence(stage="x", scans=(good.scan(good.finding()), good.scan())), "1 finding by 2 tools"),
        (StageEvidence(stage="x", scans=(good.scan(good.finding(), good.finding()),)), "2 findings by 1 tool"),
        (StageEvidence(stage="x", load=good.load(requests=0)), "ran to its end"),
        (StageEvidence(stage="x", image=good.image(digest="")), "ran to its end"),
        (StageEvidence(stage="x", image=good.image(signatures=())), "sha256:dddddddddddd…, 0 signatures verified"),
        (
            StageEvidence(stage="x", image=good.image(signatures=(good.signature(), good.signature(verified=False)))),
            "sha256:dddddddddddd…, 1 signature verified",
        ),
    ],
)
def test_headline_tells_what_was_seen(evidence, clause):
    assert headline.of_stage(evidence) == clause


def test_headline_of_shards_has_the_time_of_the_slowest():
    slow = (ToolRun(name="pytest", duration_s=7.0), ToolRun(name="pytest-rerun-1", duration_s=2.0))
    records = (record("wiring", shard="1"), record("wiring", shard="2", tools=(*slow, ToolRun(name="x", duration_s=9))))
    assert headline.of_stage(stage("wiring", records=records)) == "3 tests in 9.0 s"


def test_duration_is_that_of_the_slowest_shard():
    records = (record("unit", duration_s=3.0), record("unit", shard="2", duration_s=8.0))
    assert headline.duration_s(StageEvidence(stage="unit", records=records)) == 8.0
    assert headline.duration_s(StageEvidence(stage="unit")) == 0.0
