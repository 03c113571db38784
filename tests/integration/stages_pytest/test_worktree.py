"""Another commit beside the project: there while it is used, gone afterwards whatever happens."""

from __future__ import annotations

import subprocess

import pytest

from truegreen.errors import ToolFailed
from truegreen.runtime import worktree
from truegreen.runtime.process import ProcessRunner


def git(root, *words):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "repository"
    (root / "service").mkdir(parents=True)
    git(root, "init", "-q")
    (root / "README").write_text("first")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "without the service")
    (root / "service" / "a.py").write_text("A = 1\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "with it")
    hook = root / ".git" / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    return root


def test_folder_of_a_project_is_given_and_everything_is_gone_after_an_error(repository, tmp_path):
    place, head = tmp_path / "bases" / "one", git(repository, "rev-parse", "HEAD").strip()
    (place / "left").mkdir(parents=True)
    (repository / "service" / "a.py").write_text("A = 2\n")

    def interrupted():
        with worktree.checked_out(repository / "service", head, place, ProcessRunner()) as project:
            assert project == place / "service"
            assert (project / "a.py").read_text() == "A = 1\n"
            assert not (place / "left").exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not place.exists()
    assert git(repository, "worktree", "list").count("\n") == 1
    assert (repository / "service" / "a.py").read_text() == "A = 2\n"


@pytest.mark.parametrize("commit", ["HEAD~1", "b" * 40, "--orphan"])
def test_commit_that_is_not_there_or_lacks_the_project_is_told(repository, tmp_path, commit):
    place = tmp_path / "bases" / "one"
    with (
        pytest.raises(ToolFailed, match="cannot be checked out"),
        worktree.checked_out(repository / "service", commit, place, ProcessRunner()),
    ):
        pass
    assert not place.exists()
    assert git(repository, "worktree", "list").count("\n") == 1
