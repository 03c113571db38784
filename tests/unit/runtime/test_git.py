"""Facts about a real work tree."""

from __future__ import annotations

import os
import subprocess

import pytest

from truegreen.runtime import git
from truegreen.runtime.git import WorkTree
from truegreen.runtime.process import ProcessRunner

RUNNER = ProcessRunner()


@pytest.fixture(autouse=True)
def _only_these_settings(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))


@pytest.fixture
def repo(tmp_path):
    root = tmp_path / "repo"
    root.mkdir()
    run(root, "init", "--quiet", "--initial-branch", "trunk")
    (root / "code.py").write_text("a = 1\n")
    commit(root)
    return root


def run(root, *words):
    argv = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words]
    return subprocess.run(argv, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def commit(root):
    run(root, "add", "--all")
    run(root, "commit", "--quiet", "--allow-empty", "--message", "change")
    return run(root, "rev-parse", "HEAD")


def inspect(root):
    return git.inspect(root, RUNNER)


def test_inspect_clean_tree_names_commit_tree_and_branch(repo):
    assert inspect(repo) == WorkTree(
        commit=run(repo, "rev-parse", "HEAD"),
        tree=run(repo, "rev-parse", "HEAD^{tree}"),
        dirty=False,
        branch="trunk",
    )


def test_inspect_same_content_has_the_same_tree_in_another_commit(repo):
    before = inspect(repo)
    commit(repo)
    after = inspect(repo)
    assert before.commit != after.commit
    assert before.tree == after.tree


@pytest.mark.parametrize("change", ["modified", "staged", "untracked", "deleted", "mode", "renamed"])
def test_inspect_any_change_is_dirty(repo, change):
    path = repo / "code.py"
    if change in ("modified", "staged"):
        path.write_text("a = 2\n")
    if change == "staged":
        run(repo, "add", "--all")
    elif change == "untracked":
        (repo / "new.py").touch()
    elif change == "deleted":
        path.unlink()
    elif change == "mode":
        path.chmod(0o755)
    elif change == "renamed":
        run(repo, "mv", "code.py", "moved.py")
    assert inspect(repo).dirty


def test_inspect_ignored_file_is_not_dirty(repo):
    (repo / ".gitignore").write_text("*.log\n")
    commit(repo)
    (repo / "x.log").touch()
    assert not inspect(repo).dirty


def test_inspect_our_own_folder_is_not_dirty(repo):
    (repo / ".truegreen" / "unit").mkdir(parents=True)
    (repo / ".truegreen" / "unit" / "stage.json").write_text("{}")
    assert not inspect(repo).dirty
    (repo / "new.py").touch()
    assert inspect(repo).dirty


@pytest.mark.parametrize(
    "name", ["notes.truegreen.py", ".truegreen.py", "my.truegreen/code.py", "x/.truegreen/code.py"]
)
def test_inspect_name_that_only_looks_like_ours_is_dirty(repo, name):
    path = repo / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x\n")
    assert inspect(repo).dirty


def test_inspect_code_moved_out_of_our_folder_is_dirty(repo):
    (repo / ".truegreen").mkdir()
    (repo / ".truegreen" / "code.py").write_text("b = 1\n" * 9)
    commit(repo)
    run(repo, "mv", ".truegreen/code.py", "moved.py")
    assert inspect(repo).dirty


def test_inspect_folder_of_a_repository_is_judged_alone(repo):
    (repo / "app").mkdir()
    (repo / "app" / "x.py").touch()
    commit(repo)
    (repo / "code.py").write_text("outside\n")
    (repo / "app" / ".truegreen").mkdir()
    (repo / "app" / ".truegreen" / "x").touch()
    assert not inspect(repo / "app").dirty
    (repo / "app" / "x.py").write_text("inside\n")
    assert inspect(repo / "app").dirty
    assert inspect(repo / "app").commit == run(repo, "rev-parse", "HEAD")


def test_inspect_detached_head_has_no_branch(repo):
    first = run(repo, "rev-parse", "HEAD")
    commit(repo)
    run(repo, "checkout", "--quiet", "--detach", first)
    found = inspect(repo)
    assert (found.commit, found.branch, found.dirty) == (first, "", False)


@pytest.mark.parametrize("branch", ["feature/x", "heads/x", "v1"])
def test_inspect_branch_has_its_own_name_even_beside_a_tag(repo, branch):
    run(repo, "checkout", "--quiet", "-b", branch)
    run(repo, "tag", branch)
    assert inspect(repo).branch == branch


def test_inspect_repository_without_commit_is_nothing(tmp_path):
    run(tmp_path, "init", "--quiet")
    assert inspect(tmp_path) == WorkTree()


def test_inspect_outside_a_repository_is_nothing(tmp_path):
    assert inspect(tmp_path) == WorkTree()


def test_inspect_without_git_is_nothing(repo, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert inspect(repo) == WorkTree()


def test_inspect_tree_that_git_cannot_compare_does_not_count_as_clean(repo):
    (repo / ".git" / "index").write_bytes(b"broken")
    found = inspect(repo)
    assert found.commit == run(repo, "rev-parse", "HEAD")
    assert found.dirty


def test_inspect_changes_nothing_in_the_repository(repo):
    before = run(repo, "for-each-ref"), run(repo, "config", "--list", "--local")
    inspect(repo)
    assert (run(repo, "for-each-ref"), run(repo, "config", "--list", "--local")) == before
