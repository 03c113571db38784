"""`truegreen doctor`: what would fail is found before the first push, and nothing else is called wrong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from truegreen import registry
from truegreen.errors import EXIT_CONFIGURATION, EXIT_OK

if TYPE_CHECKING:
    from tests.support.app_desk import Desk

SHA = "a" * 40
CALL = "truegreen/truegreen/.github/workflows"
GRANTED = "{contents: read, pull-requests: write, checks: write, statuses: write}"


def caller(job: str) -> str:
    return f"on: push\npermissions: {{}}\njobs:\n  gate:\n{job}"


def checks(desk: Desk, *argv: str) -> dict[str, dict[str, Any]]:
    """Return title → check, workflows and configuration first; tools of the machine are left out."""
    return {row["title"]: row for row in desk.run("doctor", "--json", *argv).json}


@pytest.fixture
def bare(desk: Desk, tmp_path: Path) -> Desk:
    """A desk on a machine without any tool but git."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "git").symlink_to("/usr/bin/git")
    desk.env(PATH=str(tools), TRUEGREEN_CACHE=str(tmp_path / "empty"))
    return desk


def test_doctor_healthy_project_has_no_problem(desk: Desk) -> None:
    desk.configure('[dependency-groups]\ndev = ["pytest", "pytest-cov", "pytest-xdist"]\n')
    desk.write("uv.lock", "")
    job = f"    permissions: {GRANTED}\n    uses: {CALL}/pipeline.yml@{SHA}\n    with: {{stages: lint}}\n"
    desk.write(".github/workflows/truegreen.yml", caller(job))
    ended = desk.run("doctor")
    assert ended.code == EXIT_OK
    assert "FAIL" not in ended.out
    assert "ok    truegreen.yml: gate: calls pipeline.yml" in ended.out
    assert "ok    installation: uv.lock" in ended.out
    assert "warn  pytest" not in ended.out


def test_doctor_bare_project_is_warned_with_a_fix_each(bare: Desk) -> None:
    found = checks(bare)
    for title in ("installation", "pytest-cov", "pytest-xdist", "container engine"):
        assert found[title]["level"] == "warning"
        assert found[title]["fix"]
    assert found["cache"]["message"] == os.environ["TRUEGREEN_CACHE"]
    tools = [row["message"] for title, row in found.items() if title.startswith(("ruff ", "cosign "))]
    assert tools == ["not installed", "not installed"]
    assert bare.run("doctor").code == EXIT_OK


def test_doctor_installs_nothing(bare: Desk) -> None:
    bare.run("doctor")
    assert not (bare.root.parent / "empty").exists()


def test_doctor_own_install_command_and_requirements_are_accepted(bare: Desk) -> None:
    bare.configure('[tool.truegreen]\ninstall = ["make"]\n')
    assert checks(bare)["installation"]["message"] == "its own command"
    bare.write("requirements-dev.txt", "pytest-cov\npytest-xdist\n")
    found = checks(bare)
    assert found["installation"]["message"] == "requirements-dev.txt"
    assert "pytest-cov" not in found


def test_doctor_engine_that_answers_is_ok(bare: Desk, tmp_path: Path) -> None:
    docker = tmp_path / "bin" / "docker"
    docker.write_text("#!/bin/sh\nexit 0\n")
    docker.chmod(0o755)
    assert checks(bare)["container engine"]["level"] == "ok"
    docker.write_text("#!/bin/sh\nexit 1\n")
    assert checks(bare)["container engine"]["level"] == "warning"


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ("[tool.truegreen.gates.coverage]\nlines = 1\n", "pyproject.toml:5"),
        ("[tool.truegreen.gates.coverage]\nline = 'x'\n", "pyproject.toml:5"),
    ],
)
def test_doctor_wrong_configuration_names_the_line(bare: Desk, table: str, place: str) -> None:
    bare.configure(table)
    ended = bare.run("doctor")
    assert ended.code == EXIT_CONFIGURATION
    assert "FAIL  configuration" in ended.out
    assert place in ended.out


def test_doctor_wrong_assignment_is_found_too(bare: Desk) -> None:
    assert checks(bare, "--set", "nonsense=1")["configuration"]["level"] == "error"


@pytest.mark.parametrize(
    ("services", "wrong"),
    [
        ('services = ["postgress"]', "service postgress"),
        ('services = ["queue"]', ""),
        ('services = ["redis"]', ""),
    ],
)
def test_doctor_service_outside_the_catalogue_is_an_error(bare: Desk, services: str, wrong: str) -> None:
    bare.configure(f'[tool.truegreen.unit]\n{services}\n[tool.truegreen.services.queue]\nkind = "nats"\n')
    found = [title for title, row in checks(bare).items() if row["level"] == "error"]
    assert found == ([wrong] if wrong else [])


def pipeline(more: str, *, granted: str = GRANTED, ref: str = SHA, file: str = "pipeline.yml") -> str:
    return caller(f"    permissions: {granted}\n    uses: {CALL}/{file}@{ref}\n{more}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (pipeline("    with: {stage: lint}\n"), "input 'stage' does not exist"),
        (pipeline("    secrets: {slack: x}\n"), "secret 'slack' does not exist"),
        (pipeline("", granted="{contents: read}"), "pull-requests: write"),
        (pipeline("", granted="{contents: read, pull-requests: read, checks: write, statuses: write}"),
         "pull-requests: write"),
        (pipeline("", granted=GRANTED.replace("statuses: write", "statuses: wrte")), "statuses: write"),
        (pipeline("", granted=GRANTED.replace("statuses: write", "statuses: no")), "statuses: write"),
        (pipeline("", file="pipelines.yml"), "no workflow pipelines.yml"),
        ("jobs: [\n", "not valid YAML"),
    ],
)  # fmt: skip
def test_doctor_call_that_would_fail_at_start_up_is_an_error(bare: Desk, text: str, words: str) -> None:
    bare.write(".github/workflows/ci.yml", text)
    ended = bare.run("doctor")
    assert ended.code == EXIT_CONFIGURATION
    assert words in ended.out


def test_doctor_workflow_that_is_not_utf8_is_an_error(bare: Desk) -> None:
    bare.write(".github/workflows/ci.yml", "").write_bytes(b"name: \xff\n")
    assert checks(bare)["ci.yml"]["level"] == "error"


@pytest.mark.parametrize(
    "text",
    [
        pipeline("    secrets: inherit\n"),
        pipeline("", granted="write-all"),
        caller(f"    uses: {CALL}/pipeline.yml@{SHA}\n").replace("permissions: {}\n", ""),
        caller("    uses: other/pack/.github/workflows/theirs.yml@v1\n"),
        caller("    uses: ./.github/workflows/mine.yml\n"),
        caller("    runs-on: ubuntu-latest\n"),
        "on: push\njobs: {gate: true}\n",
        "on: push\njobs: []\n",
        "- a\n",
    ],
)
def test_doctor_workflow_with_nothing_to_say_against_is_no_error(bare: Desk, text: str) -> None:
    bare.write(".github/workflows/ci.yaml", text)
    assert bare.run("doctor").code == EXIT_OK


@pytest.mark.parametrize(
    ("table", "called", "level", "words"),
    [
        ('branch = "h"', True, "ok", "kept on the branch h"),
        ('branch = "h"', False, "warning", "no workflow keeps a run there"),
        ("", True, "error", "no branch is named"),
    ],
)
def test_doctor_history_that_is_read_and_not_kept_or_kept_nowhere_is_told(
    bare: Desk, table: str, called: object, level: str, words: str
) -> None:
    bare.configure(f"[tool.truegreen.history]\n{table}\n")
    job = f"    permissions: {GRANTED}\n    uses: {CALL}/pipeline.yml@{SHA}\n"
    sign = "" if called else "# "
    rows = ("permissions: {contents: write}", "needs: gate", f"uses: {CALL}/history.yml@{SHA}")
    job += f"{sign}  history:\n" + "".join(f"{sign}    {row}\n" for row in rows)
    bare.write(".github/workflows/truegreen.yml", caller(job))
    found = checks(bare)
    assert (found["history"]["level"], words in found["history"]["message"]) == (level, True)
    if called:
        assert found["truegreen.yml: history"]["level"] == "ok"


@pytest.mark.parametrize(
    ("trigger", "name", "level", "words"),
    [
        ("{workflow_run: {workflows: [CI], types: [completed]}}", "name: CI\n", "ok", "publishes for CI"),
        ("{workflow_run: {workflows: CI}}", "name: CI\n", "ok", "publishes for CI"),
        ("{workflow_run: {workflows: [.github/workflows/ci.yml]}}", "", "ok", "publishes for .github/workflows/ci.yml"),
        ("{workflow_run: {workflows: [ci]}}", "name: CI\n", "error", "it does not hear of: CI"),
        ("{workflow_run: }", "name: CI\n", "error", "it does not hear of: CI"),
        ("[workflow_run]", "name: CI\n", "error", "it does not hear of: CI"),
        ("push", "name: CI\n", "error", "it does not hear of: CI"),
        ("{workflow_run: {workflows: [CI]}}", None, "error", "no workflow calls the pipeline"),
    ],
)
def test_doctor_publication_that_would_never_start_is_told(
    bare: Desk, trigger: str, name: str | None, level: str, words: str
) -> None:
    if name is not None:
        bare.write(".github/workflows/ci.yml", name + pipeline("").removeprefix("name: CI\n"))
    rows = ("permissions: {actions: read, pull-requests: write, statuses: write}", f"uses: {CALL}/publish.yml@{SHA}")
    job = "jobs:\n  publish:\n" + "".join(f"    {row}\n" for row in rows)
    bare.write(".github/workflows/second.yml", f"on: {trigger}\npermissions: {{}}\n{job}")
    bare.write(".github/workflows/broken.yml", "jobs: [\n")
    found = checks(bare)["second.yml: forks"]
    assert (found["level"], words in found["message"]) == (level, True), found


def judged_workflow(bare: Desk, jobs: str) -> set[str]:
    """Return the jobs of a workflow that the doctor looked at, none of them with an error."""
    bare.write(".github/workflows/truegreen.yml", f"on: push\npermissions: {{}}\n{jobs}")
    rows = {title: row for title, row in checks(bare).items() if title.startswith("truegreen.yml: ")}
    assert {title: row for title, row in rows.items() if row["level"] == "error"} == {}
    return {title.removeprefix("truegreen.yml: ") for title in rows} & {"truegreen", "history"}


def test_doctor_accepts_the_workflow_on_the_page_of_the_history(bare: Desk) -> None:
    page = (Path(__file__).parents[3] / "docs" / "history.md").read_text(encoding="utf-8")
    on_branch, in_artifacts, on_server = (block.partition("```")[0] for block in page.split("```yaml\n")[1:])
    bare.configure('[tool.truegreen.history]\nbranch = "truegreen-history"\n')
    assert judged_workflow(bare, on_branch) == {"truegreen", "history"}
    assert checks(bare)["history"]["level"] == "ok"
    bare.configure("")
    assert judged_workflow(bare, on_server) == {"truegreen"}
    bare.configure("[tool.truegreen.history]\nartifacts = true\n")
    assert judged_workflow(bare, in_artifacts) == {"truegreen", "history"}
    assert checks(bare)["history"]["message"] == "collected from artifacts of earlier runs"


_WAITS = "    needs: history\n    if: ${{ !cancelled() }}\n"


@pytest.mark.parametrize(
    ("table", "order", "level", "words"),
    [
        ("artifacts = true", _WAITS, "ok", "collected from artifacts"),
        ("artifacts = true", _WAITS.replace("history", "[other, history]"), "ok", "collected from artifacts"),
        ("artifacts = true", _WAITS.replace("!cancelled()", "always()"), "ok", "collected from artifacts"),
        ("artifacts = true", "", "error", "truegreen.yml: gate does not wait for a job that calls history-artifacts"),
        ("artifacts = true", _WAITS.replace("history", "other"), "error", "does not wait for a job"),
        ("artifacts = true", "    needs: history\n", "error", "is skipped when the history cannot be collected"),
        ("artifacts = true", None, "warning", "no workflow collects them"),
        ("", _WAITS, "error", "history-artifacts.yml is called, and the history is not kept in artifacts"),
    ],
)
def test_doctor_history_in_artifacts_needs_key_job_and_order(
    bare: Desk, table: str, order: str | None, level: str, words: str
) -> None:
    bare.configure(f"[tool.truegreen.history]\n{table}\n")
    job = f"    permissions: {GRANTED}\n    uses: {CALL}/pipeline.yml@{SHA}\n{order or ''}"
    if order is not None:
        rows = ("permissions: {contents: read, actions: read}", f"uses: {CALL}/history-artifacts.yml@{SHA}")
        job += "  history:\n" + "".join(f"    {row}\n" for row in rows)
    bare.write(".github/workflows/truegreen.yml", caller(job))
    found = checks(bare)["history"]
    assert (found["level"], words in found["message"]) == (level, True), found
    assert bool(found.get("fix")) is (level != "ok")


def test_doctor_branch_job_where_artifacts_hold_the_history_is_an_error(bare: Desk) -> None:
    bare.configure("[tool.truegreen.history]\nartifacts = true\n")
    job = f"    permissions: {{contents: write}}\n    uses: {CALL}/history.yml@{SHA}\n"
    bare.write(".github/workflows/truegreen.yml", caller(job))
    ended = bare.run("doctor")
    assert "take that call away: artifacts are kept by themselves" in ended.out


def test_doctor_collecting_job_that_may_not_read_is_an_error(bare: Desk) -> None:
    bare.configure("[tool.truegreen.history]\nartifacts = true\n")
    job = f"    permissions: {{contents: read}}\n    uses: {CALL}/history-artifacts.yml@{SHA}\n"
    bare.write(".github/workflows/truegreen.yml", caller(job))
    assert "actions: read" in checks(bare)["truegreen.yml: gate"]["message"]


def test_doctor_history_that_nobody_wants_is_not_mentioned(bare: Desk) -> None:
    assert "history" not in checks(bare)


def test_doctor_keeping_job_that_may_not_write_is_an_error(bare: Desk) -> None:
    bare.configure('[tool.truegreen.history]\nbranch = "h"\n')
    job = f"    permissions: {{contents: read}}\n    uses: {CALL}/history.yml@{SHA}\n"
    bare.write(".github/workflows/truegreen.yml", caller(job))
    assert "contents: write" in checks(bare)["truegreen.yml: gate"]["message"]


def test_doctor_reference_that_can_move_is_a_warning(bare: Desk) -> None:
    bare.write(".github/workflows/ci.yml", pipeline("", ref="v0.1.0"))
    ended = bare.run("doctor")
    assert ended.code == EXIT_OK
    assert "pinned to v0.1.0, which can move" in ended.out


def test_doctor_list_names_every_member_of_every_family(desk: Desk) -> None:
    rows = desk.run("doctor", "--list").out.splitlines()
    listed = {tuple(row.split()[:2]) for row in rows}
    assert listed == {(kind, name) for kind, family in registry.FAMILIES.items() for name in family}
    assert all(len(row.split()) > 2 for row in rows), "each says what it is"
