"""What the composite actions call: `truegreen ci plan|stage|report|services` with inputs in the environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.support.app_desk import read_outputs
from tests.support.app_evidence import FINDING, leave, linted, pytest_files
from tests.support.github_api import GithubApi

from truegreen import registry
from truegreen.app.plan import ON_REQUEST
from truegreen.errors import EXIT_CONFIGURATION, EXIT_EVIDENCE, EXIT_GATE_FAILED, EXIT_OK

if TYPE_CHECKING:
    from tests.support.app_desk import Desk

RUFF = '[tool.truegreen.lint]\ntools = ["ruff"]\n'
PLANNED = [name for name in registry.names("stage") if name not in ON_REQUEST]
GATED = ["lint", "unit", "wiring", "persistence", "security-scan"]


# --- plan -----------------------------------------------------------------------------------------


def test_ci_plan_of_a_pull_request_with_a_label(desk: Desk) -> None:
    desk.event("pull_request", {"pull_request": {"number": 7, "labels": [{"name": "truegreen:e2e"}, {"name": "bug"}]}})
    desk.env(TG_PYTHON="3.11, 3.12")
    outputs = desk.outputs()
    assert desk.run("ci", "plan").code == EXIT_OK
    told = read_outputs(outputs)
    assert json.loads(told["stages"]) == ["lint", "unit", "wiring", "persistence", "e2e", "security-scan",
                                          "signed-image"]  # fmt: skip
    assert json.loads(told["python"]) == ["3.11", "3.12"]


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("refs/heads/main", PLANNED),
        ("refs/tags/v1", PLANNED),
        ("refs/heads/x", GATED),
    ],
)
def test_ci_plan_of_a_push_depends_on_where_it_went(desk: Desk, ref: str, expected: list[str]) -> None:
    desk.event("push", {"ref": ref, "repository": {"default_branch": "main"}}, GITHUB_REF=ref)
    outputs = desk.outputs()
    assert desk.run("ci", "plan").code == EXIT_OK
    assert json.loads(read_outputs(outputs)["stages"]) == expected
    assert json.loads(read_outputs(outputs)["python"]) == [""]


def test_ci_plan_leaves_disabled_stages_out_unless_named(desk: Desk) -> None:
    desk.event("push", {"ref": "refs/heads/x"})
    desk.env(TG_SET="lint.enabled=false\n\nunit.enabled=false")
    outputs = desk.outputs()
    desk.run("ci", "plan")
    assert json.loads(read_outputs(outputs)["stages"]) == ["wiring", "persistence", "security-scan"]
    desk.env(TG_STAGES="lint")
    desk.run("ci", "plan")
    assert json.loads(read_outputs(outputs)["stages"]) == ["lint"]


def test_ci_plan_with_nothing_left_says_so(desk: Desk) -> None:
    desk.event("push", {"ref": "refs/heads/x"})
    desk.env(TG_SET="\n".join(f"{name}.enabled=false" for name in GATED))
    outputs = desk.outputs()
    ended = desk.run("ci", "plan")
    assert read_outputs(outputs)["stages"] == "[]"
    assert "push: no stage" in ended.err


@pytest.mark.parametrize(
    ("variables", "code", "words"),
    [
        ({"TG_STAGES": "lint unti"}, "TG105", "perhaps you meant 'unit'"),
        ({"TG_PYTHON": "3.12 three"}, "TG104", "3.12"),
        ({"TG_SET": "gates.coverage.line"}, "TG104", "key=value"),
        ({"GITHUB_EVENT_NAME": "pull_request_target"}, "TG108", "pull_request"),
    ],
)
def test_ci_plan_wrong_input_is_a_configuration_error_without_outputs(
    desk: Desk, variables: dict[str, str], code: str, words: str
) -> None:
    desk.event("push", {"ref": "refs/heads/x"})
    desk.env(**variables)
    outputs = desk.outputs()
    ended = desk.run("ci", "plan")
    assert ended.code == EXIT_CONFIGURATION
    assert f"error {code}" in ended.err
    assert words in ended.err
    assert not outputs.exists()


def test_ci_plan_payload_that_cannot_be_read_leaves_the_variables(desk: Desk) -> None:
    desk.event("push", GITHUB_EVENT_PATH=str(desk.root / "none.json"), GITHUB_REF="refs/tags/v1")
    outputs = desk.outputs()
    assert desk.run("ci", "plan").code == EXIT_OK
    assert json.loads(read_outputs(outputs)["stages"]) == PLANNED


def test_ci_plan_at_a_desk_needs_no_runner(desk: Desk) -> None:
    ended = desk.run("ci", "plan")
    assert ended.code == EXIT_OK
    assert ended.err.startswith("local: lint, unit")


# --- stage ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "verdict", "exit_code"), [("", "pass", EXIT_OK), ("import os\n", "fail", EXIT_GATE_FAILED)]
)
def test_ci_stage_runs_judges_and_writes_its_verdict(desk: Desk, code: str, verdict: str, exit_code: int) -> None:
    desk.configure(RUFF)
    desk.write("a.py", code)
    commit = desk.commit()
    desk.event("push", {"after": commit, "ref": "refs/heads/x"}, GITHUB_ACTIONS="true")
    desk.env(TG_STAGE="lint", TG_SHARD="3.12", TG_PYTHON="3.12", TG_PACK_COMMIT="p" * 40)
    outputs = desk.outputs()
    ended = desk.run("ci", "stage")
    assert ended.code == exit_code
    assert read_outputs(outputs) == {"verdict": verdict}
    assert ("::error" in ended.err) == (verdict == "fail")
    record = json.loads((desk.root / ".truegreen" / "lint-3.12" / "stage.json").read_text())
    assert (record["commit"], record["pack_commit"]) == (commit, "p" * 40)


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({}, "TG104"),
        ({"TG_STAGE": "lint unit"}, "TG104"),
        ({"TG_STAGE": "lnt"}, "TG105"),
        ({"TG_STAGE": "lint", "TG_SHARD": "../../src"}, "TG104"),
        ({"TG_STAGE": "lint", "TG_PYTHON": "2.7; rm -rf /"}, "TG104"),
        ({"TG_STAGE": "lint", "GITHUB_EVENT_NAME": "pull_request_target"}, "TG108"),
    ],
)
def test_ci_stage_wrong_input_runs_nothing(desk: Desk, variables: dict[str, str], code: str) -> None:
    desk.configure(RUFF)
    desk.commit()
    desk.env(**variables)
    outputs = desk.outputs()
    ended = desk.run("ci", "stage")
    assert ended.code == EXIT_CONFIGURATION
    assert f"error {code}" in ended.err
    assert not outputs.exists()
    assert not (desk.root / ".truegreen").exists()


# --- report --------------------------------------------------------------------------------------------


def reported(desk: Desk, stages: list[str], jobs: dict[str, str] | None = None, *, red: bool = False) -> None:
    """Set up the report of a push whose lint job left evidence."""
    commit = desk.git("rev-parse", "HEAD")
    leave(
        desk.root.parent / "artifacts", "lint", linted([FINDING] if red else ()), commit=commit, name="truegreen-lint"
    )
    desk.event("push", {"after": commit, "ref": "refs/heads/x"}, GITHUB_ACTIONS="true", GITHUB_RUN_ID="77")
    desk.env(TG_EVIDENCE=str(desk.root.parent / "artifacts"), TG_STAGES_JSON=json.dumps(stages))
    if jobs is not None:
        desk.env(TG_JOBS=json.dumps({name: {"result": result, "outputs": {}} for name, result in jobs.items()}))


def test_ci_report_green_evidence_of_a_job_that_ended_well_passes(desk: Desk, tmp_path: object) -> None:
    reported(desk, ["lint"], {"plan": "success", "lint": "success", "unit": "skipped"})
    page = desk.root.parent / "summary.md"
    desk.env(GITHUB_STEP_SUMMARY=str(page))
    outputs = desk.outputs()
    ended = desk.run("ci", "report")
    assert ended.code == EXIT_OK
    told = read_outputs(outputs)
    assert told["verdict"] == "pass"
    assert told["headline"] == "stage lint passed"
    assert "lint" in page.read_text()
    assert "GITHUB_TOKEN is not set" in ended.err
    assert (desk.root / ".truegreen" / "report" / "verdict.json").exists()


@pytest.mark.parametrize("result", ["failure", "cancelled", "skipped", "", "unheard-of"])
def test_ci_report_green_evidence_of_a_job_that_did_not_end_well_is_blind(desk: Desk, result: str) -> None:
    reported(desk, ["lint"], {"lint": result})
    outputs = desk.outputs()
    assert desk.run("ci", "report").code == EXIT_OK, "the red belongs to the required check"
    told = read_outputs(outputs)
    assert told["verdict"] == "blind"
    assert "the job of stage lint ended with" in told["headline"]


def test_ci_report_job_that_is_not_among_the_results_is_blind(desk: Desk) -> None:
    reported(desk, ["lint"], {"plan": "success"})
    outputs = desk.outputs()
    desk.run("ci", "report")
    assert read_outputs(outputs)["verdict"] == "blind"


def test_ci_report_job_that_failed_by_its_gate_keeps_the_gates_reason(desk: Desk) -> None:
    reported(desk, ["lint"], {"lint": "failure"}, red=True)
    outputs = desk.outputs()
    desk.run("ci", "report")
    told = read_outputs(outputs)
    assert told["verdict"] == "fail"
    assert "ended with" not in told["headline"]


def test_ci_report_stage_that_found_nothing_to_do_in_a_cancelled_job_is_blind(desk: Desk) -> None:
    reported(desk, ["lint", "e2e"], {"lint": "success", "e2e": "cancelled"})
    leave(
        desk.root.parent / "artifacts",
        "e2e",
        {},
        commit=desk.git("rev-parse", "HEAD"),
        name="truegreen-e2e",
        state="skipped",
        reason="no processes",
    )
    outputs = desk.outputs()
    desk.run("ci", "report")
    assert read_outputs(outputs)["verdict"] == "blind"


def test_ci_report_planned_stage_without_evidence_is_blind(desk: Desk) -> None:
    reported(desk, ["lint", "unit"], {"lint": "success", "unit": "success"})
    outputs = desk.outputs()
    desk.run("ci", "report")
    assert read_outputs(outputs)["verdict"] == "blind"


@pytest.mark.parametrize(("legs", "verdict"), [(("3.11", "3.12"), "pass"), (("3.11",), "blind"), ((), "blind")])
def test_ci_report_python_of_the_matrix_without_evidence_is_blind_though_its_job_ended_well(
    desk: Desk, legs: tuple[str, ...], verdict: str
) -> None:
    reported(desk, ["unit"], {"unit": "success"})
    commit = desk.git("rev-parse", "HEAD")
    for leg in legs:
        name = f"truegreen-unit-{leg}"
        leave(
            desk.root.parent / "artifacts",
            "unit",
            pytest_files("test_a"),
            commit=commit,
            name=name,
            shard=leg,
            python=leg,
        )
    desk.env(TG_PYTHON_JSON='["3.11", "3.12"]', TG_SET="gates.coverage.enabled=false\ngates.time-budget.enabled=false")
    outputs = desk.outputs()
    desk.run("ci", "report")
    told = read_outputs(outputs)
    assert told["verdict"] == verdict
    if legs and verdict == "blind":
        assert told["headline"].endswith("unit was planned for Python 3.12 and left no evidence there")


def test_ci_report_empty_plan_is_blind(desk: Desk) -> None:
    reported(desk, [], {"plan": "success"})
    outputs = desk.outputs()
    desk.run("ci", "report")
    told = read_outputs(outputs)
    assert told["verdict"] == "blind"
    assert "no stage was judged" in told["headline"]


def test_ci_report_plan_that_failed_is_blind_and_named(desk: Desk) -> None:
    reported(desk, [], {"plan": "failure", "lint": "skipped"})
    desk.env(TG_STAGES_JSON="")
    outputs = desk.outputs()
    desk.run("ci", "report")
    told = read_outputs(outputs)
    assert told["verdict"] == "blind"
    assert told["headline"].startswith("job plan ended with failure")


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"TG_STAGES_JSON": "[lint"}, "TG104"),
        ({"TG_STAGES_JSON": '{"lint": 1}'}, "TG104"),
        ({"TG_STAGES_JSON": '["lnt"]'}, "TG105"),
        ({"TG_JOBS": "lint=success"}, "TG104"),
        ({"TG_PYTHON_JSON": "3.11"}, "TG104"),
        ({"TG_JOBS": '{"lint": {"result": null}}'}, "TG104"),
    ],
)
def test_ci_report_input_that_cannot_be_read_is_blind(desk: Desk, variables: dict[str, str], code: str) -> None:
    reported(desk, ["lint"], {"lint": "success"})
    desk.env(**variables)
    outputs = desk.outputs()
    ended = desk.run("ci", "report")
    assert ended.code == EXIT_CONFIGURATION
    assert f"error {code}" in ended.err
    assert read_outputs(outputs)["verdict"] == "blind"


def test_ci_report_full_summary_page_is_told(desk: Desk) -> None:
    reported(desk, ["lint"], {"lint": "success"})
    page = desk.root.parent / "summary.md"
    page.write_text("x" * (1 << 20))
    desk.env(GITHUB_STEP_SUMMARY=str(page))
    assert "no job summary: " in desk.run("ci", "report").err


def test_ci_report_with_a_token_publishes_to_the_forge(desk: Desk) -> None:
    reported(desk, ["lint"], {"lint": "success"})
    with GithubApi() as api:
        desk.env(GITHUB_TOKEN="ghs_secret", GITHUB_API_URL=api.url)
        ended = desk.run("ci", "report")
    assert ended.code == EXIT_OK
    assert [row["state"] for row in api.statuses] == ["success"]
    assert api.check_runs == []
    assert api.violations == []
    assert "ghs_secret" not in ended.out + ended.err


# --- services ----------------------------------------------------------------------------------------------


def test_ci_services_start_and_reach_later_steps(desk: Desk) -> None:
    desk.configure('[tool.truegreen.services.redis]\nprovider = "embedded"\n')
    exported = desk.root.parent / "environment"
    desk.env(TG_SERVICES="redis", GITHUB_ENV=str(exported))
    try:
        assert desk.run("ci", "services").code == EXIT_OK
        assert read_outputs(exported)["REDIS_URL"].startswith("redis://127.0.0.1:")
    finally:
        assert "stopped: redis" in desk.run("services", "down").err


def test_ci_services_without_any_is_a_configuration_error(desk: Desk) -> None:
    ended = desk.run("ci", "services")
    assert (ended.code, "TG105" in ended.err) == (EXIT_CONFIGURATION, True)


def test_ci_stage_evidence_of_another_commit_is_not_judged_with_it(desk: Desk) -> None:
    desk.configure(RUFF)
    commit = desk.commit()
    leave(desk.root / ".truegreen", "lint", linted(), commit="f" * 40, shard="old")
    desk.event("push", {"after": commit, "ref": "refs/heads/x"})
    desk.env(TG_STAGE="lint")
    assert desk.run("ci", "stage").code == EXIT_EVIDENCE
