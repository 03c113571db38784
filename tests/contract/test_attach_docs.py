"""The workflow with native services in the documentation is one that a forge takes."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

from tests.harness.workflow_lint import ROOT

from truegreen.app import shell as shells
from truegreen.config import settings

TEXT = (ROOT / "docs" / "services.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return [part.split("```")[0] for part in TEXT.split(f"```{language}\n")[1:]]


def test_workflow_with_native_services_has_no_finding(tmp_path: Path) -> None:
    (workflow,) = blocks("yaml")
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    shutil.copytree(ROOT / "actions", tmp_path / "actions")  # our inputs are checked where the action is local
    local = workflow.replace("truegreen/truegreen/actions/run@main", "./actions/run")
    assert local != workflow
    (folder / "persistence.yml").write_text(local)
    shell = shells.make(cwd=tmp_path)
    words = ["-no-color", "-oneline", "-shellcheck=", "-pyflakes=", ".github/workflows/persistence.yml"]
    done = shell.processes.run([str(shell.tools.path("actionlint")), *words], cwd=tmp_path, timeout_s=60)
    assert (done.stdout, done.exit_code) == ("", 0)


def test_configuration_of_the_examples_is_taken(tmp_path: Path) -> None:
    found = blocks("toml")
    assert len(found) == 3
    for text in found:
        assert tomllib.loads(text)
        (tmp_path / "pyproject.toml").write_text(text)
        assert settings.load(tmp_path, env={}).project.services
