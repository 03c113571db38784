"""What holds for every workflow and action of the pack; read as text and as YAML, run by nobody here."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.harness import workflow_lint

from truegreen import registry
from truegreen.app import collected
from truegreen.app import shell as shells
from truegreen.app.plan import ON_REQUEST

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PUBLIC = [path for path in WORKFLOWS if not path.name.startswith("__")]
ACTIONS = sorted((ROOT / "actions").glob("*/action.yml"))
THIRD_PARTY = {"actions/checkout", "actions/upload-artifact", "actions/download-artifact"}
PIPELINE = ROOT / ".github" / "workflows" / "pipeline.yml"
COLLECTING = ROOT / ".github" / "workflows" / "history-artifacts.yml"
HISTORY_ACTION = ROOT / "actions" / "history-artifacts" / "action.yml"
REPORT_ACTION = ROOT / "actions" / "report" / "action.yml"
PULL_REQUEST_ONLY = "${{ github.event_name == 'pull_request' }}"
KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
PINNED = re.compile(r"\s*(?:- )?uses: (?P<action>[\w.-]+/[\w./-]+)@[0-9a-f]{40} # v\d+\.\d+\.\d+")
LIMIT_LINES = 150
LIMIT_PIPELINE_LINES = 300
LIMIT_ACTION_LINES = 60
LIMIT_RUN_LINES = 3
LIMIT_IGNORES = 3


def name_of(path: Path) -> str:
    """Return a short id for a parametrised test."""
    return path.parent.name if path.name == "action.yml" else path.stem


def load(path: Path) -> dict[str, Any]:
    """Return a YAML file; `on` is read by YAML 1.1 as True and put right."""
    document: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in document.items()}


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    """Return the jobs of a workflow."""
    found: dict[str, dict[str, Any]] = load(path)["jobs"]
    return found


def steps(path: Path) -> list[dict[str, Any]]:
    """Return all steps of a workflow or of a composite action."""
    if path.name == "action.yml":
        return list(load(path)["runs"]["steps"])
    return [step for job in jobs(path).values() for step in job.get("steps", [])]


def inputs(path: Path) -> dict[str, dict[str, Any]]:
    """Return the inputs of a reusable workflow or of an action."""
    document = load(path)
    if path.name == "action.yml":
        return document.get("inputs") or {}
    return document["on"]["workflow_call"].get("inputs") or {}


def interface(path: Path) -> dict[str, dict[str, Any]]:
    """Return inputs, outputs and secrets together, by `kind.name`."""
    document = load(path)
    place = document if path.name == "action.yml" else document["on"]["workflow_call"]
    return {
        f"{kind}.{name}": spec
        for kind in ("inputs", "outputs", "secrets")
        for name, spec in (place.get(kind) or {}).items()
    }


each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=name_of)
each_public = pytest.mark.parametrize("path", PUBLIC, ids=name_of)
each_file = pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda p: f"{p.parent.name}-{p.stem}")
each_interface = pytest.mark.parametrize("path", [*PUBLIC, *ACTIONS], ids=lambda p: f"{p.parent.name}-{p.stem}")
each_action = pytest.mark.parametrize("path", ACTIONS, ids=name_of)


@each_workflow
def test_workflow_grants_no_permission_at_the_top(path: Path) -> None:
    assert load(path)["permissions"] == {}


@each_workflow
def test_job_has_name_permissions_and_time_limit(path: Path) -> None:
    for identifier, job in jobs(path).items():
        missing = {"name", "permissions", "timeout-minutes"} - job.keys()
        assert not missing, f"{path.name}: job {identifier} has no {missing}"


@each_workflow
def test_job_time_limit_is_a_whole_number_of_minutes(path: Path) -> None:
    # Fractions are ignored by runners other than GitHub's.
    assert all(isinstance(job["timeout-minutes"], int) for job in jobs(path).values())


@each_workflow
def test_concurrency_cancels_pull_requests_only(path: Path) -> None:
    concurrency = load(path)["concurrency"]
    assert concurrency["cancel-in-progress"] in (False, PULL_REQUEST_ONLY)
    assert "github." in concurrency["group"]


@each_file
def test_reference_to_another_action_is_pinned_by_commit_with_its_version(path: Path) -> None:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not re.match(r"\s*(- )?uses:", line) or "uses: $/" in line:
            continue
        match = PINNED.fullmatch(line)
        assert match, f"{path.name}:{number}: not pinned by commit and version: {line.strip()}"
        assert match["action"] in THIRD_PARTY, f"{path.name}:{number}: a third party we do not need"


def test_third_party_action_has_one_commit_in_the_whole_pack() -> None:
    lines = [line for path in [*WORKFLOWS, *ACTIONS] for line in path.read_text(encoding="utf-8").splitlines()]
    pins = {line.split("uses: ", 1)[1] for line in lines if PINNED.fullmatch(line)}
    assert {pin.partition("@")[0] for pin in pins} == THIRD_PARTY
    assert len(pins) == len(THIRD_PARTY), pins


@each_file
def test_self_reference_names_a_file_of_the_pack(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        assert "uses: ./" not in line, "`./` is the caller's checkout"
        if match := re.search(r"uses: \$/(\S+)", line):
            target = ROOT / match[1]
            assert target.is_file() or (target / "action.yml").is_file(), f"{path.name}: {match[1]} is not there"


@each_file
def test_script_holds_no_expression_and_few_lines(path: Path) -> None:
    for step in steps(path):
        script = step.get("run", "")
        assert "${{" not in script, f"{path.name}: {step.get('name')}: data reaches a script by env only"
        assert len(script.strip().splitlines()) <= LIMIT_RUN_LINES, f"{path.name}: {step.get('name')}"
        assert ("run" in step) == ("shell" in step), f"{path.name}: {step.get('name')}: every script names its shell"


@each_file
def test_checkout_leaves_no_credentials(path: Path) -> None:
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@each_file
def test_file_stays_short(path: Path) -> None:
    limit = LIMIT_ACTION_LINES if path.name == "action.yml" else LIMIT_LINES
    limit = LIMIT_PIPELINE_LINES if path == PIPELINE else limit
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit


@each_interface
def test_input_output_and_secret_are_kebab_case_and_described(path: Path) -> None:
    for name, spec in interface(path).items():
        kind, _, bare = name.partition(".")
        assert KEBAB.fullmatch(bare), f"{path}: {kind} {bare}"
        assert spec["description"].strip().endswith("."), f"{path}: {kind} {bare}: description ends with a full stop"


@each_interface
def test_input_keys_stand_in_the_agreed_order(path: Path) -> None:
    order = ["description", "type", "required", "default"]
    for name, spec in inputs(path).items():
        assert list(spec) == [key for key in order if key in spec], f"{path}: {name}"
        assert spec["required"] is ("default" not in spec), f"{path}: {name}: required, or a default"


@each_public
def test_public_workflow_can_only_be_called(path: Path) -> None:
    assert list(load(path)["on"]) == ["workflow_call"]
    assert all(spec["type"] in ("string", "boolean", "number") for spec in inputs(path).values())


@each_workflow
def test_job_with_rights_or_secrets_never_runs_the_callers_code(path: Path) -> None:
    for identifier, job in jobs(path).items():
        granted = "write" in (job["permissions"] or {}).values()
        text = yaml.safe_dump(job)
        if granted or "secrets." in text or "github.token" in text:
            assert "$/actions/run" not in text, f"{path.name}: job {identifier}"


@each_action
def test_action_is_composite_with_a_description(path: Path) -> None:
    document = load(path)
    assert document["runs"]["using"] == "composite"
    assert document["description"].strip().endswith(".")


@pytest.mark.parametrize("stage", registry.names("stage"))
def test_stage_has_an_entry_workflow_and_a_job_in_the_pipeline(stage: str) -> None:
    assert (ROOT / ".github" / "workflows" / f"{stage}.yml").is_file()
    assert (stage in jobs(PIPELINE)) is (stage not in ON_REQUEST)


def test_report_needs_plan_and_every_stage() -> None:
    assert set(jobs(PIPELINE)["report"]["needs"]) == {"plan", *registry.names("stage")} - set(ON_REQUEST)
    assert jobs(PIPELINE)["report"]["if"] == "always()"


def test_collected_history_is_among_the_evidence_that_the_report_fetches() -> None:
    (upload,) = [step["with"] for step in steps(HISTORY_ACTION) if "upload-artifact" in step.get("uses", "")]
    (fetch,) = [step["with"] for step in steps(REPORT_ACTION) if "download-artifact" in step.get("uses", "")]
    assert upload["name"] == upload["path"].rpartition("/")[2] == collected.ARTIFACT
    assert fnmatch.fnmatch(collected.ARTIFACT, fetch["pattern"])
    assert "merge-multiple" not in fetch, "each artifact in a folder of its own"


def test_right_to_read_artifacts_is_asked_for_by_who_wants_it_alone() -> None:
    asking = {path.stem for path in PUBLIC for job in jobs(path).values() if "actions" in (job["permissions"] or {})}
    assert asking == {"history-artifacts", "publish"}
    assert not [job for job in jobs(COLLECTING).values() if "write" in job["permissions"].values()]


def test_result_is_always_there_and_needs_the_report() -> None:
    result = jobs(PIPELINE)["result"]
    assert (result["name"], result["if"], result["needs"]) == ("result", "always()", "report")
    assert result["permissions"] == {}


def test_result_is_red_unless_the_verdict_is_pass_or_waived(tmp_path: Path) -> None:
    script = jobs(PIPELINE)["result"]["steps"][0]["run"]
    shell = shells.make(cwd=tmp_path, quiet=True)
    for verdict, code in (("pass", 0), ("waived", 0), ("fail", 1), ("blind", 1), ("", 1), ("passed", 1)):
        env = {"PATH": shell.env["PATH"], "TG_VERDICT": verdict, "TG_HEADLINE": "x"}
        assert shell.processes.run(["bash", "-e", "-c", script], env=env).exit_code == code, verdict


def test_result_prints_a_hostile_headline_as_one_line_without_a_command(tmp_path: Path) -> None:
    script = jobs(PIPELINE)["result"]["steps"][0]["run"]
    shell = shells.make(cwd=tmp_path, quiet=True)
    said = "test_x[##[add-mask]pass]\n::error::gone\r\x1b[2J##[##[group]"
    env = {"PATH": shell.env["PATH"], "TG_VERDICT": "pass", "TG_HEADLINE": said}
    done = shell.processes.run(["bash", "-e", "-c", script], env=env, log=tmp_path / "log")
    assert (tmp_path / "log").read_text() == (
        "truegreen: pass: test_x[## [add-mask]pass] ::error::gone  [2J## [## [group]\n"
    ), done


@pytest.mark.parametrize("path", [p for p in PUBLIC if p.stem in registry.names("stage")], ids=name_of)
def test_entry_workflow_calls_the_composite_of_the_pipeline_with_its_own_stage(path: Path) -> None:
    named = {step["with"]["stage"] for step in steps(path) if step.get("uses") == "$/actions/run"}
    assert named == {path.stem}


def test_every_ignore_of_a_linter_has_a_reason_and_there_are_few() -> None:
    texts = [path.read_text(encoding="utf-8") for path in [*WORKFLOWS, *ACTIONS]]
    inline = [line for text in texts for line in text.splitlines() if "zizmor: ignore" in line]
    configured = [path.name for path in (ROOT / ".github").glob("*.y*ml") if path.stem in ("zizmor", "actionlint")]
    assert all(re.search(r"zizmor: ignore\[[\w-]+\] .{10,}", line) for line in inline)
    assert len(inline) + len(configured) <= LIMIT_IGNORES


def test_linters_find_nothing_in_the_tree() -> None:
    shell = shells.make(cwd=ROOT, quiet=True)
    assert workflow_lint.actionlint(shell, ROOT) == []
    assert workflow_lint.zizmor(shell, ROOT) == []


def plant(root: Path, workflow: str) -> Path:
    """Write a pack with one action and one workflow."""
    (root / ".github" / "workflows").mkdir(parents=True)
    (root / "actions" / "plan").mkdir(parents=True)
    (root / ".github" / "workflows" / "x.yml").write_text(workflow)
    (root / "actions" / "plan" / "action.yml").write_text((ROOT / "actions" / "plan" / "action.yml").read_text())
    return root


_PLANTED = """name: x
on: push
permissions: {}
jobs:
  plan:
    name: plan
    runs-on: ubuntu-latest
    timeout-minutes: 5
    permissions:
      contents: read
    steps:
      - uses: $/actions/plan
        with:
          stagess: lint
"""


def test_actionlint_checks_the_inputs_of_our_own_actions(tmp_path: Path) -> None:
    found = workflow_lint.actionlint(shells.make(cwd=ROOT, quiet=True), plant(tmp_path, _PLANTED))
    assert any('input "stagess" is not defined' in line for line in found), found


def test_zizmor_reports_a_file_it_could_not_read(tmp_path: Path) -> None:
    found = workflow_lint.zizmor(shells.make(cwd=ROOT, quiet=True), plant(tmp_path, "jobs: [unclosed"))
    assert any(line.startswith(".github/workflows/x.yml: zizmor did not read") for line in found), found


def test_zizmor_finds_an_expression_in_a_script(tmp_path: Path) -> None:
    planted = _PLANTED.split("      - uses", maxsplit=1)[0] + "      - run: echo ${{ github.head_ref }}\n"
    found = workflow_lint.zizmor(shells.make(cwd=ROOT, quiet=True), plant(tmp_path, planted))
    assert any("template-injection" in line for line in found), found
