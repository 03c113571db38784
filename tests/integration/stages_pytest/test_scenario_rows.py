"""The scenario rows of the documentation: a team can paste them, and each is judged by the test that names it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.support import evidence as good

from truegreen.config import requirements
from truegreen.config import settings as config
from truegreen.gates.base import RUN
from truegreen.gates.requirements import Requirements, RequirementsOptions
from truegreen.model.verdict import Status

pytest_plugins = ["pytester"]

PAGE = Path(__file__).resolve().parents[3] / "docs" / "requirement-registry.md"
SUCCESS = [f"ORD-S{number}" for number in range(1, 9)]
ERRORS = [f"ORD-E{number}" for number in range(1, 8)]


@pytest.fixture
def rows(tmp_path):
    """Paste the rows of the page into a project, and load them as every command does."""
    blocks = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (text,) = [block for block in blocks if '"scenario"' in block]
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "orders"\n')
    (tmp_path / "requirements.toml").write_text(text)
    return requirements.load(config.load(tmp_path))


def judge(rows, stage, named):
    session = good.session(len(named), requirements={row: (good.name(n),) for n, row in enumerate(named)})
    seen = good.stage(stage, tests=good.cases(*[good.PASS] * len(named)), sessions=(session,))
    evidence = good.run(seen, requirements=rows, today=good.TODAY)
    return Requirements().evaluate(evidence, RUN, RequirementsOptions(), good.NO_HISTORY)


def test_fifteen_rows_are_loaded_with_their_kind(rows):
    assert [row.id for row in rows] == SUCCESS + ERRORS
    assert {row.type for row in rows} == {"scenario"}
    assert [row.text.partition(":")[0] for row in rows if row.id in ERRORS] == [
        *("404", "403", "401", "400"),
        *("Missing state", "Invalid", "Malformed"),
    ]


@pytest.mark.parametrize("stage", ["unit", "wiring", "persistence", "e2e"])
def test_rows_are_proved_by_tests_of_any_stage_that_runs_tests(rows, stage):
    verdict = judge(rows, stage, SUCCESS + ERRORS)
    assert (verdict.status, verdict.reason) == (Status.PASS, "15 of 15 requirements proved")


@pytest.mark.parametrize("left_out", ["ORD-S8", "ORD-E5"])
def test_scenario_without_a_test_is_red_by_name(rows, left_out):
    # In unit alone another planned stage could still prove it, so all four are planned.
    named = [row for row in SUCCESS + ERRORS if row != left_out]
    stages = [good.stage(name, sessions=(good.session(requirements={}),)) for name in ("wiring", "persistence", "e2e")]
    session = good.session(len(named), requirements={row: (good.name(n),) for n, row in enumerate(named)})
    unit = good.stage("unit", tests=good.cases(*[good.PASS] * len(named)), sessions=(session,))
    evidence = good.run(unit, *stages, requirements=rows, today=good.TODAY)
    verdict = Requirements().evaluate(evidence, RUN, RequirementsOptions(), good.NO_HISTORY)
    assert verdict.status is Status.FAIL
    assert left_out in verdict.reason


def test_test_of_the_page_names_each_row_by_one_parameter(pytester, monkeypatch):
    (block,) = re.findall(r"```python\n(@pytest.mark.parametrize.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    answers = {("1", "other"): 403, ("1", ""): 401, ("999999", "owner"): 404}
    application = f"""
import pytest, types

OWNER, OTHER = {{"Authorization": "owner"}}, {{"Authorization": "other"}}

@pytest.fixture
def client():
    answers = {answers!r}
    def get(path, headers):
        asked = (path.rpartition("/")[2], headers.get("Authorization", ""))
        return types.SimpleNamespace(status_code=answers[asked])
    return types.SimpleNamespace(get=get)

"""
    pytester.makepyfile(application + block)
    path = pytester.path / "out.json"
    monkeypatch.setenv("TRUEGREEN_SESSION_FILE", str(path))
    monkeypatch.setenv("TRUEGREEN_SELECTION", json.dumps({"marker": "", "claims": {}, "marks": []}))
    pytester.runpytest_subprocess("-p", "truegreen_pytest").assert_outcomes(passed=3)
    proving = json.loads(path.read_text())["requirements"]
    assert {row: len(tests) for row, tests in proving.items()} == {"ORD-E1": 1, "ORD-E2": 1, "ORD-E3": 1}
