"""A run that cannot be judged says so everywhere: silence would leave an older, greener word standing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.app_desk import PROJECT, read_outputs
from tests.support.app_evidence import leave, linted

from truegreen.app import forks, gate
from truegreen.errors import EXIT_BUG, EXIT_CONFIGURATION, EXIT_ENGINE, EXIT_OK
from truegreen.forge.origin import Run
from truegreen.model.verdict import Status
from truegreen.reporters.ctrf_json import CtrfReporter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.app_desk import Desk
    from tests.support.github_api import GithubApi

WAIVERS = "truegreen-waivers.toml"


@pytest.fixture
def run(desk: Desk, api: GithubApi) -> Any:
    """Return a function that reports a run of pull request 7 whose lint job left green evidence."""
    desk.env(GITHUB_TOKEN="ghs_secret", GITHUB_API_URL=api.url, GITHUB_ACTIONS="true")
    desk.env(GITHUB_WORKSPACE=str(desk.root), GITHUB_STEP_SUMMARY=str(desk.root.parent / "summary.md"))

    def report(number: int, **variables: str) -> Any:
        commit = desk.commit()
        leave(desk.root.parent / "artifacts", "lint", linted(), commit=commit, name="truegreen-lint")
        payload = {"pull_request": {"number": 7, "head": {"sha": commit}}}
        desk.event("pull_request", payload, GITHUB_RUN_ID=str(number))
        desk.env(TG_EVIDENCE=str(desk.root.parent / "artifacts"), TG_STAGES_JSON='["lint"]')
        desk.env(TG_JOBS=json.dumps({"lint": {"result": "success"}}))
        desk.env(**variables)
        return desk.run("ci", "report")

    return report


@pytest.mark.parametrize(
    ("name", "text", "said", "remedy"),
    [
        (WAIVERS, "[[waivers\n", "is not valid TOML", "mend the line"),
        (WAIVERS, "[[waivers]]\ngate = 1\n", WAIVERS, "TG1"),
        ("pyproject.toml", PROJECT + "[tool.truegreen.lint]\ntols = []\n", "unknown key lint.tols", "tools"),
        ("pyproject.toml", PROJECT + "[tool.truegreen\n", "is not valid TOML", "mend the"),
        ("truegreen-quarantine.toml", "[[quarantine\n", "is not valid TOML", "mend the line"),
    ],
)
def test_push_that_breaks_a_file_of_the_configuration_takes_the_green_word_back(
    desk: Desk, api: GithubApi, run: Any, name: str, text: str, said: str, remedy: str
) -> None:
    assert run(77).code == EXIT_OK
    assert "truegreen: pass" in api.comments[7][0]["body"]
    desk.write(name, text)
    outputs = desk.outputs()
    page = desk.root.parent / "summary.md"
    page.unlink()

    ended = run(78)

    assert ended.code == EXIT_CONFIGURATION
    (comment,) = api.comments[7]
    for shown in (comment["body"], page.read_text()):
        assert "truegreen: blind" in shown
        assert said in shown
        assert remedy in shown
    assert "<!-- truegreen:run 78.1 -->" in comment["body"]
    assert [(row["state"], row["target_url"][-2:]) for row in api.statuses] == [("success", "77"), ("error", "78")]
    assert read_outputs(outputs)["verdict"] == "blind"
    assert said in read_outputs(outputs)["headline"]
    kept = gate.read_report(desk.root / ".truegreen")
    assert (kept.status, kept.provenance.run_id, kept.provenance.commit) == (
        Status.BLIND,
        "78",
        desk.git("rev-parse", "HEAD"),
    )
    assert f"error {kept.stages[0].verdicts[0].code}" in ended.err
    assert "ghs_secret" not in ended.out + ended.err


def test_blind_report_of_a_broken_configuration_names_the_line(desk: Desk, run: Any) -> None:
    desk.write("pyproject.toml", PROJECT + "[tool.truegreen.lint]\ntols = []\n")
    run(77)
    (verdict,) = gate.read_report(desk.root / ".truegreen").red_verdicts()
    assert [(item.path, item.line) for item in verdict.items] == [("pyproject.toml", 5)]


def test_project_that_is_gone_is_told_too(desk: Desk, api: GithubApi, run: Any) -> None:
    (desk.root / "pyproject.toml").unlink()
    assert run(77).code == EXIT_CONFIGURATION
    assert [row["state"] for row in api.statuses] == ["error"]
    assert "truegreen: blind" in api.comments[7][0]["body"]


def test_evidence_folder_that_is_a_link_costs_the_files_alone(desk: Desk, api: GithubApi, run: Any) -> None:
    (desk.root / ".truegreen").symlink_to(desk.root.parent)
    assert run(77).code == EXIT_CONFIGURATION
    assert [row["state"] for row in api.statuses] == ["error"]
    assert "symbolic link" in api.comments[7][0]["body"]


def test_bug_of_ours_while_judging_is_published_as_blind(
    desk: Desk, api: GithubApi, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OverflowError("cannot convert float infinity to integer")

    monkeypatch.setattr(gate, "judge", fail)
    assert run(77).code == EXIT_BUG
    assert "truegreen stopped on a bug of its own" in api.comments[7][0]["body"]
    assert [row["state"] for row in api.statuses] == ["error"]


def test_output_for_another_program_that_fails_costs_its_file_alone(
    desk: Desk, api: GithubApi, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OverflowError("cannot convert float infinity to integer")

    monkeypatch.setattr(CtrfReporter, "render", fail)
    desk.configure('[tool.truegreen.report]\noutputs = ["ctrf", "junit"]\n')
    ended = run(77)
    assert ended.code == EXIT_OK
    assert "ctrf.json is not written" in ended.err
    assert "truegreen: pass" in api.comments[7][0]["body"]
    folder = desk.root / ".truegreen" / "report"
    assert (folder / "junit.xml").exists()
    assert not (folder / "ctrf.json").exists()


def test_outputs_of_an_earlier_verdict_are_not_left_beside_a_newer_one(desk: Desk, run: Any) -> None:
    desk.configure('[tool.truegreen.report]\noutputs = ["junit", "badge-verdict"]\n')
    run(77)
    folder = desk.root / ".truegreen" / "report"
    (folder / "notes.txt").write_text("of somebody else")
    assert {"junit.xml", "badge-verdict.svg"} <= {path.name for path in folder.iterdir()}
    desk.configure("")
    run(78)
    assert {path.name for path in folder.iterdir() if path.is_file()} == {*gate.FORMS, "notes.txt"}


def test_summary_page_that_cannot_be_written_costs_nothing_else(
    desk: Desk, api: GithubApi, run: Any, tmp_path: Path
) -> None:
    outputs = desk.outputs()
    ended = run(77, GITHUB_STEP_SUMMARY=str(tmp_path))
    assert ended.code == EXIT_OK
    assert "no job summary: " in ended.err
    assert read_outputs(outputs)["verdict"] == "pass"
    assert "truegreen: pass" in api.comments[7][0]["body"]


def test_headline_that_quotes_a_command_is_no_command_as_an_output(desk: Desk, run: Any) -> None:
    desk.write("pyproject.toml", PROJECT + '[tool.truegreen.lint]\n"##[add-mask]pass" = 1\n')
    outputs = desk.outputs()
    run(77)
    headline = read_outputs(outputs)["headline"]
    assert "add-mask" in headline
    assert "##[" not in headline


def test_outputs_that_cannot_be_written_are_an_error_and_the_report_is_published(
    desk: Desk, api: GithubApi, run: Any, tmp_path: Path
) -> None:
    assert run(77, GITHUB_OUTPUT=str(tmp_path)).code == EXIT_ENGINE
    assert [row["state"] for row in api.statuses] == ["success"]


def test_broken_configuration_and_outputs_that_cannot_be_written_are_both_told(
    desk: Desk, api: GithubApi, run: Any, tmp_path: Path
) -> None:
    desk.write(WAIVERS, "[[waivers\n")
    ended = run(77, GITHUB_OUTPUT=str(tmp_path))
    assert ended.code == EXIT_CONFIGURATION
    assert "error TG309" in ended.err
    assert "error TG102" in ended.err
    assert [row["state"] for row in api.statuses] == ["error"]


def test_artifact_of_a_broken_configuration_is_published_for_a_fork_as_it_stands(desk: Desk, run: Any) -> None:
    desk.write(WAIVERS, "[[waivers\n")
    run(77)
    kept = gate.read_report(desk.root / ".truegreen")
    ended = Run(id=77, head_sha=kept.provenance.commit, conclusion="failure")
    assert forks.contradiction(kept, ended) == ""
