"""The second workflow of docs/publishing.md, as it stands there, run by act without a container.

act starts it with the event that GitHub sends when another run has ended; that GitHub does send it is not shown.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.harness.tools import ensure_tool
from tests.real import pipeline
from tests.support import foreign_runs
from tests.support.github_api import GithubApi

from truegreen.model.verdict import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.slow]
DOCUMENTED = pipeline.ROOT / "docs" / "publishing.md"
SECOND = re.compile(r"```yaml\n# \.github/workflows/truegreen-publish\.yml\n(.*?)```", re.DOTALL)
TOKEN = "ghs_0123456789publishtoken0123456789abcde"  # long: act masks each occurrence


@pytest.fixture
def api() -> Iterator[GithubApi]:
    with GithubApi() as server:
        server.add_pull(7, foreign_runs.SHA)
        yield server
    assert server.violations == []


@pytest.fixture
def act(pack: Path, api: GithubApi, tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Run the second workflow after a run of a fork that ended with a conclusion."""
    caller, home = tmp_path / "caller", tmp_path / "home"
    match = SECOND.search(DOCUMENTED.read_text(encoding="utf-8"))
    assert match
    (caller / ".github" / "workflows").mkdir(parents=True)
    text = re.sub(r"@v\d+\.\d+\.\d+ # pin.*", f"@{pipeline.REF}", match[1])
    (caller / ".github" / "workflows" / "truegreen-publish.yml").write_text(text, encoding="utf-8")
    pipeline.commit(caller)
    subprocess.run(["git", "remote", "set-url", "origin", "https://github.com/o/r.git"], cwd=caller, check=True)
    (home / ".config" / "act").mkdir(parents=True)
    (home / ".config" / "act" / "actrc").touch()  # without one it asks which image to take

    def run(conclusion: str) -> subprocess.CompletedProcess[str]:
        event = tmp_path / "event.json"
        event.write_text(json.dumps(foreign_runs.payload(conclusion=conclusion)))
        words = ["workflow_run", "-e", str(event), "-P", "ubuntu-latest=-self-hosted", "-s", "GITHUB_TOKEN"]
        words += ["--local-repository", f"{pipeline.SLUG}@{pipeline.REF}={pack}"]
        known = {"GITHUB_API_URL": api.url, "TRUEGREEN_CACHE": str(tmp_path / "cache")}
        words += [f"--env={name}={value}" for name, value in known.items()]
        env = {**os.environ, "HOME": str(home), "GITHUB_TOKEN": TOKEN}
        return subprocess.run(
            [ensure_tool("act"), *words], cwd=caller, env=env, capture_output=True, text=True, timeout=300, check=False
        )

    return run


def test_second_workflow_publishes_the_run_of_a_fork_and_no_pass_of_a_run_that_failed(
    act: Callable[[str], subprocess.CompletedProcess[str]], api: GithubApi
) -> None:
    api.add_artifact(foreign_runs.RUN, foreign_runs.archive(foreign_runs.left(Status.PASS)))
    done = act("success")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [row["state"] for row in api.statuses] == ["success"]
    assert "truegreen: pass" in api.comments[7][0]["body"]
    assert "set-output:: verdict=pass" in done.stdout

    forged = act("failure")
    assert forged.returncode != 0, "the job is red"
    assert [row["state"] for row in api.statuses] == ["success", "error"]
    assert len(api.comments[7]) == 1
    assert "it says pass, and the run ended with failure" in api.comments[7][0]["body"]
    assert TOKEN not in done.stdout + forged.stdout
