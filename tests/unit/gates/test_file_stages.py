"""The gate on files of a change: each has a stage, or a reason why it needs none."""

from __future__ import annotations

import msgspec
import pytest
from tests.support import evidence as good

from truegreen.gates.base import RUN
from truegreen.gates.file_stages import FileStages
from truegreen.gates.judging import judge
from truegreen.model.changes import Changes, FileChange
from truegreen.model.verdict import Status

PATHS = {"unit": ["src", "tests/**"], "e2e": ["prompts/**"], "lint": [".github", "*.toml"]}


def change(*names, **more):
    files = tuple(FileChange(path=name, **more) for name in names)
    return Changes(base=good.BASE, head=good.COMMIT, files=files)


def ask(*names, paths=PATHS, elsewhere=(), **more):
    policy = msgspec.convert({"paths": paths, "elsewhere": dict(elsewhere)}, FileStages.Options)
    evidence = good.run(**{"changes": change(*names), **more})
    return FileStages().evaluate(evidence, RUN, policy, good.NO_HISTORY)


def test_files_that_all_have_a_stage_pass_and_are_counted():
    verdict = ask("src/a.py", "tests/unit/test_a.py", "prompts/ask.txt", ".github/workflows/ci.yml", "pyproject.toml")
    assert (verdict.status, verdict.reason) == (Status.PASS, "each of 5 changed files belongs to a stage")
    assert [(fact.label, fact.value) for fact in verdict.facts] == [
        ("unit", "2 files"),
        ("e2e", "1 file"),
        ("lint", "2 files"),
        ("of no stage", "0"),
    ]


@pytest.mark.parametrize("name", ["prompt.txt", "docs/a.md", "src.py", "deep/x.toml", "tests"])
def test_file_of_no_stage_fails_by_name(name):
    verdict = ask("src/a.py", name)
    assert verdict.status is Status.FAIL
    assert [(item.title, item.path) for item in verdict.items] == [(name, name)]
    assert "elsewhere" in verdict.remedy


def test_file_that_was_deleted_or_is_no_text_counts_too():
    assert ask("config.json", changes=change("config.json", deleted=True)).status is Status.FAIL


def test_file_that_needs_no_stage_is_told_with_the_reason():
    verdict = ask("docs/a.md", elsewhere={"docs": "read by people"})
    assert verdict.status is Status.PASS
    assert ("elsewhere: docs", "read by people (docs/a.md)") in {(fact.label, fact.value) for fact in verdict.facts}


def test_stage_that_is_switched_off_verifies_nothing():
    verdict = ask("prompts/ask.txt", switched_off=("e2e",), planned=("unit",))
    assert verdict.status is Status.FAIL
    assert "e2e is switched off" in verdict.reason
    assert ask("src/a.py", switched_off=("e2e",)).status is Status.PASS


def test_stage_that_is_not_planned_for_the_event_is_listed():
    verdict = ask("prompts/ask.txt", "src/a.py", planned=("unit", "lint"))
    assert verdict.status is Status.PASS
    assert [(item.title, item.level) for item in verdict.items] == [("prompts/ask.txt", "notice")]


def test_change_that_changes_nothing_passes():
    assert ask().reason == "nothing was changed"


def verdicts(evidence, paths=PATHS):
    policies = {"file-stages": msgspec.convert({"paths": paths}, FileStages.Options)}
    reports = judge(evidence, policies, good.NO_HISTORY, gates=[FileStages()])
    return [verdict for report in reports if report.stage == RUN for verdict in report.verdicts]


def test_gate_is_asked_only_with_a_map_and_a_change():
    assert verdicts(good.run(), paths={}) == []
    assert verdicts(good.run(changes=None)) == []
    (verdict,) = verdicts(good.run(changes=None, changes_unknown="no base"))
    assert verdict.status is Status.BLIND


@pytest.mark.parametrize(("item", "covered"), [("prompt.txt", True), ("*.md", False)])
def test_waiver_covers_a_file(item, covered):
    waiver = good.waiver(gate="file-stages", stage=RUN, items=(item,))
    evidence = good.run(changes=change("prompt.txt", "src/a.py"), waivers=(waiver,), today=good.TODAY)
    (verdict,) = verdicts(evidence)
    assert verdict.status is (Status.WAIVED if covered else Status.FAIL)
