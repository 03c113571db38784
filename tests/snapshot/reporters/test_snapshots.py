"""Documents against gold files; TRUEGREEN_BLESS=1 rewrites them."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from tests.support import evidence as good
from tests.support.evidence import ERROR, FAIL, case, phase, record, recording, stage
from tests.support.hostile import CORPUS

from truegreen import registry
from truegreen.gates import judging
from truegreen.model.evidence import ErrorRecord, RunState, ServiceRecord
from truegreen.model.run import Problem, StageEvidence
from truegreen.model.testrun import TestRun
from truegreen.model.verdict import Fact, Item, Provenance, Report, StageReport, Status, Verdict
from truegreen.reporters.verdict_json import SCHEMA_PATH, schema

GOLD = Path(__file__).with_name("gold")
ORIGIN = Provenance(
    repository="acme/ledger",
    commit=good.COMMIT,
    event="pull_request",
    run_url="https://github.com/acme/ledger/actions/runs/77",
    run_id="77",
    pack_version="1.0.0",
    pack_commit="f" * 40,
    created="2026-11-21T07:00:00Z",
)
TRACE = """def test_1():
    account = open_account()
>   assert account.balance == 100
E   assert 0 == 100
E    +  where 0 = Account(balance=0).balance

tests/test_a.py:2: AssertionError"""


def judged(run, history=""):
    stages = judging.judge(run, {}, good.NO_HISTORY)
    status, headline = judging.overall(stages)
    return Report(status=status, headline=headline, duration_s=61.0, stages=stages, history=history, provenance=ORIGIN)


def green():
    served = record("persistence", services=(ServiceRecord(name="postgres", provider="embedded", version="18.1"),))
    stages = [stage(s) if s != "persistence" else stage(s, records=(served,)) for s in good.STAGES]
    planned = tuple(s for s in good.STAGES if s != "e2e")
    return judged(good.run(*stages, planned=planned, not_planned={"e2e": "the label truegreen:e2e adds it"}))


def red():
    tests = TestRun(
        cases=(case(0), case(1, FAIL, message="assert 0 == 100", detail=TRACE), case(2, ERROR, message="db gone"))
    )
    empty = recording(
        phases=(phase(0), phase(1, rolled_back=(good.change(2),)), phase(2, good.change(3))),
        demands=(good.demand(0, patched=("ledger.repository.save",)), good.demand(1)),
    )
    return judged(
        good.run(
            stage("lint"),
            stage("unit", tests=tests, sessions=(good.session(exit_code=1),)),
            stage("persistence", persistence=(empty,)),
        ),
        history="compared with 812 earlier runs on branch truegreen-history at origin",
    )


def blind():
    error = ErrorRecord(
        code="TG301", what="postgres did not answer", where="127.0.0.1:5432", why="exit 1", fix="read its log"
    )
    broken = StageEvidence(stage="persistence", records=(record("persistence", state=RunState.BROKEN, error=error),))
    cut = Problem(
        kind="coverage", message="coverage.json is cut", path="unit/coverage.json", line=3, code="TG202", fix="again"
    )
    return judged(
        good.run(stage("unit", coverage=None, problems=(cut,)), broken, planned=("unit", "persistence", "lint"))
    )


def waived():
    old = good.waiver(gate="findings", stage="security-scan", items=("B101",), line=12, owner="ops")
    failed = stage(
        "unit", tests=good.cases(good.PASS, FAIL), sessions=(good.session(2, exit_code=1, failed=(good.name(1),)),)
    )
    return judged(good.governed(failed, waivers=(good.waiver(), old), requirements=None))


def hostile():
    items = tuple(Item(title=text, message=text, detail=text, path=text, line=1) for text in CORPUS)
    facts = tuple(Fact(label=text, value=text, wanted=text) for text in CORPUS[:12])
    verdicts = tuple(
        Verdict(gate=f"g{n}", stage="unit", status=Status.FAIL, reason=t, items=items, facts=facts, remedy=t)
        for n, t in enumerate(CORPUS[:4])
    )
    one = StageReport(
        stage="unit", status=Status.FAIL, headline=CORPUS[1], command=CORPUS[0], verdicts=verdicts, notes=CORPUS[:3]
    )
    return Report(
        status=Status.FAIL,
        headline=CORPUS[0],
        stages=(one,),
        history=CORPUS[2],
        provenance=msgspec.structs.replace(ORIGIN, event=CORPUS[1]),
    )


REPORTS = {"green": green, "red": red, "blind": blind, "waived": waived, "hostile": hostile}
SUFFIX = {"summary": "md", "comment": "md", "json": "json", "terminal": "txt", "annotations": "txt"}
WANTED = [(name, "summary") for name in REPORTS] + [("red", r) for r in ("comment", "json", "terminal", "annotations")]
WANTED.append(("waived", "terminal"))


def compare(path, body):
    if os.environ.get("TRUEGREEN_BLESS") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    assert path.is_file(), f"no gold file {path.name}; TRUEGREEN_BLESS=1 writes it"
    assert path.read_bytes() == body


@pytest.mark.parametrize(("name", "reporter"), WANTED, ids=[f"{n}-{r}" for n, r in WANTED])
def test_document_of_a_known_report_is_the_gold_file(name, reporter):
    document = registry.load("reporter", reporter)().render(REPORTS[name]())
    assert not document.omitted or reporter == "annotations"
    compare(GOLD / f"{name}-{reporter}.{SUFFIX[reporter]}", document.body)


def test_schema_that_is_shipped_is_the_one_of_the_records():
    compare(SCHEMA_PATH, schema())


def test_green_summary_is_short():
    assert len(registry.load("reporter", "summary")().render(green()).text.splitlines()) <= 32


def test_red_summary_names_stage_evidence_and_way_out():
    text = registry.load("reporter", "summary")().render(red()).text
    for words in (
        "persistence",
        "0 committed rows in postgres",
        "Make it green",
        "truegreen run persistence",
        "E   assert 0",
    ):
        assert words in text


def test_comment_is_the_summary_below_its_marker():
    summary, comment = (registry.load("reporter", name)().render(red()).text for name in ("summary", "comment"))
    assert comment == f"<!-- truegreen:report -->\n\n{summary}"


def test_one_cause_is_told_once():
    text = registry.load("reporter", "summary")().render(blind()).text
    assert text.count("persistence stopped: postgres did not answer") == 2  # in the table and in its section
    assert "stage-complete, tests-ran, no-failures" in text


def test_waivers_are_named_however_small_the_budget_is():
    for reporter in ("summary", "comment"):
        text = registry.load("reporter", reporter)().render(waived(), 400).text
        assert "Waivers (2)" in text
        assert "no-failures in unit; findings in security-scan: B101" in text


def test_colour_is_used_only_when_asked_for():
    cls = registry.load("reporter", "terminal")
    assert b"\x1b[31m" in cls(colour=True).render(red()).body
    assert b"\x1b" not in cls().render(red()).body
