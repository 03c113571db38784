"""Workflows run for real: a toy caller uses a toy pack through act."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from tests.harness import act
from tests.harness.engine import docker_client
from tests.harness.interpreters import host_pythons
from tests.harness.shell import HarnessError, harness_dir, probe
from tests.harness.tools import ensure_tool
from tests.harness.trace import Annotation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.harness.act import ActRun

pytestmark = [pytest.mark.real, pytest.mark.docker]

TOKEN = "token-0123456789abcdef"


def _pull_request(title: str) -> dict[str, Any]:
    return {"pull_request": {"title": title, "head": {"ref": "topic"}, "base": {"ref": "main"}}}


@pytest.fixture(scope="module")
def both_runs(run_toy: Callable[..., ActRun]) -> tuple[ActRun, ActRun]:
    """A run that succeeds and one that fails, at once: the names of all jobs are the same."""

    def one(title: str) -> ActRun:
        return run_toy("pull_request", _pull_request(title), "ci.yml", secrets={"GITHUB_TOKEN": TOKEN})

    with ThreadPoolExecutor(2) as pool:
        good, bad = pool.map(one, ["world", "nobody"])
    return good, bad


@pytest.fixture
def good(both_runs: tuple[ActRun, ActRun]) -> ActRun:
    return both_runs[0]


@pytest.fixture
def bad(both_runs: tuple[ActRun, ActRun]) -> ActRun:
    return both_runs[1]


def test_run_of_good_caller_every_job_succeeds(good: ActRun) -> None:
    assert (good.rc, good.timed_out, good.failed_steps()) == (0, False, []), good.log
    assert good.jobs == {"greet": "success", "extra": "success", "result": "success", "after": "success"}


def test_run_of_good_caller_outputs_cross_actions_jobs_and_workflows(good: ActRun) -> None:
    assert good.outputs["greet.greet.greet"] == {"greeting": "hello world"}
    assert good.outputs["result.seen"]["greet"] == "success"
    assert good.outputs["after.seen"] == {"greeting": "hello world", "repository": "example/caller"}


def test_run_with_secret_token_reaches_the_job_and_not_the_log(good: ActRun) -> None:
    assert good.outputs["result.seen"]["token"] == str(len(TOKEN))
    assert TOKEN not in good.raw


def test_run_with_uploads_artifacts_are_files_of_the_host(good: ActRun) -> None:
    assert good.artifact("greeting")["greeting.txt"].read_text() == "hello world\n"
    assert sorted(good.artifact("extra-out")) == ["one.txt", "sub/two.txt"]  # no dot names


def test_run_with_downloads_layout_follows_name_pattern_and_merge(good: ActRun) -> None:
    seen = good.outputs["result.seen"]
    assert seen["one"] == "hello world"
    assert seen["files"].split() == [
        "apart/extra-out/one.txt",
        "apart/extra-out/sub/two.txt",
        "merged/greeting.txt",
        "merged/one.txt",
        "merged/sub/two.txt",
    ]


def test_run_with_summary_and_annotation_each_is_told_once(good: ActRun) -> None:
    assert good.summaries == ("## Greeted\n\nhello **world**\n",)
    assert good.annotations == (Annotation("warning", "greeted world\ntwice", "app.py", 7, "Greeting", "greet"),)


def test_run_of_setup_python_standin_image_interpreter_is_chosen(good: ActRun) -> None:
    assert good.outputs["greet.1"]["python-version"].startswith("3.11.")


def test_run_with_failing_action_inner_always_job_runs_and_fails(bad: ActRun) -> None:
    assert bad.rc == 1
    assert bad.jobs == {"greet": "failure", "extra": "success", "result": "failure"}
    assert bad.outputs["result.seen"]["greet"] == "failure"
    assert "greet: toy/pack/actions/greet@v0" in bad.failed_steps()


def test_run_with_failing_action_evidence_is_kept(bad: ActRun) -> None:
    assert bad.artifact("greeting")["greeting.txt"].read_text() == "hello nobody\n"
    assert bad.summaries == ("## Greeted\n\nhello **nobody**\n",)


def test_run_with_forged_record_in_a_steps_output_is_only_text(good: ActRun, bad: ActRun) -> None:
    assert "forged" not in good.jobs | bad.jobs
    assert '"jobID": "forged"' in good.log


def test_run_on_runner_image_has_node_engine_index_caches_and_mounts(
    run_toy: Callable[..., ActRun], tmp_path: Path
) -> None:
    ensure_tool("docker-compose")
    (tmp_path / "word").write_text("given\n")
    run = run_toy("workflow_dispatch", {}, "machine.yml", job="look", mounts={"/mnt/given": tmp_path})
    assert run.rc == 0, run.log
    seen = run.outputs["look.seen"]
    assert (seen["node"], seen["installed"], seen["mounted"]) == ("v24", "iniconfig", "given")
    assert seen["engine"]
    assert seen["compose"] == "2.40.3"
    assert any(path.read_text().strip() == seen["stamp"] for path in harness_dir().glob("container-*/stamp"))
    # An upload of a dot directory finds nothing unless told; a second of one name is refused.
    assert sorted(run.artifact("twice")) == ["unit.xml"]
    assert [each.message.split(":")[0] for each in run.annotations if each.level == "error"] == ["Conflict"]


def test_run_with_host_pythons_each_leg_has_its_own(run_toy: Callable[..., ActRun]) -> None:
    mounts = host_pythons("3.12", "3.13")
    versions = ["3.11", *sorted({home.name.rpartition(".")[0] for home in mounts.values()})]
    run = run_toy("push", {}, "matrix.yml", mounts=mounts, variables={"PYTHONS": json.dumps(versions)})
    assert run.rc == 0, run.log
    assert run.jobs == {"python": "success"}
    told = [run.artifact(f"python-{version}")["version.txt"].read_text().strip() for version in versions]
    assert told == versions


def test_run_that_hangs_is_ended_and_leaves_nothing(run_toy: Callable[..., ActRun]) -> None:
    started = time.monotonic()
    run = run_toy("workflow_dispatch", {"inputs": {"hang": "true"}}, "machine.yml", job="hang", timeout_s=6)
    assert (run.rc, run.timed_out) == (124, True)
    assert time.monotonic() - started < 40
    assert _left_overs(run.tag) == []


def test_sweep_with_dead_owner_removes_its_container(tmp_path: Path) -> None:
    tag = "x0000dead"
    notes = harness_dir() / "runs"
    notes.mkdir(exist_ok=True)
    image = act.ensure_image("redis").tag
    client = docker_client()
    assert probe([client, "run", "-d", "--name", f"act-{tag}-service", image]).returncode == 0
    assert probe([client, "volume", "create", f"act-{tag}-env"]).returncode == 0
    (notes / f"{tag}.4194999").touch()  # above any process id of this machine
    assert act.sweep_dead_runs() >= 1
    assert _left_overs(tag) == []


def test_run_with_unknown_action_is_refused_before_it_starts(run_toy: Callable[..., ActRun]) -> None:
    with pytest.raises(HarnessError, match="No local stand-in for toy/pack@v0"):
        run_toy("push", {}, "ci.yml", pack_ref="v9")


def _left_overs(tag: str) -> list[str]:
    """Return the names of the containers, networks and volumes that belong to a run."""
    client = docker_client()
    containers = probe([client, "ps", "--all", "--format", "{{.Names}}"]).stdout.split()
    volumes = probe([client, "volume", "ls", "--format", "{{.Name}}"]).stdout.split()
    networks = probe([client, "network", "ls", "--format", "{{.Name}}"]).stdout.split()
    return [name for name in [*containers, *volumes, *networks] if tag in name]
