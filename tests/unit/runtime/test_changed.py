"""Which lines changed, from real repositories."""

from __future__ import annotations

import subprocess

import pytest

from truegreen.errors import EvidenceMissing
from truegreen.runtime.changed import python_lines
from truegreen.runtime.process import ProcessRunner


def git(root, *words):
    argv = ["git", "-c", "user.name=n", "-c", "user.email=a@example.org", *words]
    return subprocess.run(argv, cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def root(tmp_path):
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "a.py").write_text("one\ntwo\nthree\nfour\n")
    (tmp_path / "gone.py").write_text("x\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "base")
    git(tmp_path, "checkout", "-qb", "work")
    return tmp_path


def lines(root, base="", **env):
    return {file.path: sorted(file.lines) for file in python_lines(root, ProcessRunner(), base=base, env=env).files}


def test_changed_added_and_untracked_lines_are_found_and_deleted_ones_are_not(root):
    (root / "a.py").write_text("one\nTWO\nfour\nfive\n")
    (root / "gone.py").unlink()
    git(root, "commit", "-qam", "change")
    (root / "new.py").write_text("x = 1\ny = 2")
    (root / "a.py").write_text("one\nTWO\nfour\nfive\nsix\n")
    assert lines(root) == {"a.py": [2, 4, 5], "new.py": [1, 2]}


@pytest.mark.parametrize(
    "name", ["with space.py", "grüße.py", '"quoted".py', "tab\there.py", "*.py", "-n.py", ":(top).py"]
)
def test_name_that_git_would_quote_or_take_for_a_pattern_is_a_name(root, name):
    (root / name).write_text("one\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "names")
    (root / name).write_text("one\ntwo\n")
    assert lines(root, base="HEAD") == {name: [2]}


def test_settings_that_change_how_differences_look_change_nothing(root):
    for key, value in {
        "diff.interHunkContext": "9",
        "diff.noprefix": "true",
        "diff.external": "false",
        "color.ui": "always",
    }.items():
        git(root, "config", key, value)
    (root / "a.py").write_text("ONE\ntwo\nthree\nFOUR\n")
    assert lines(root) == {"a.py": [1, 4]}


def test_only_the_folder_of_the_project_counts_and_paths_are_relative_to_it(root):
    (root / "sub").mkdir()
    (root / "sub" / "b.py").write_text("one\n")
    (root / "a.py").write_text("other\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "sub")
    assert lines(root / "sub") == {"b.py": [1]}


def test_what_the_base_branch_did_meanwhile_is_no_change(root):
    git(root, "checkout", "-q", "main")
    (root / "a.py").write_text("main\n")
    git(root, "commit", "-qam", "main goes on")
    git(root, "checkout", "-q", "work")
    (root / "b.py").write_text("mine\n")
    assert lines(root) == {"b.py": [1]}


def test_base_of_the_pull_request_comes_before_the_default_branch(root):
    git(root, "checkout", "-qb", "release")
    (root / "b.py").write_text("release\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "release")
    git(root, "checkout", "-qb", "fix")
    (root / "c.py").write_text("fix\n")
    assert lines(root, GITHUB_BASE_REF="release") == {"c.py": [1]}
    assert set(lines(root)) == {"b.py", "c.py"}


@pytest.mark.parametrize(("base", "env"), [("nowhere", {}), ("", {"GITHUB_BASE_REF": "gone"}), ("--all", {})])
def test_base_that_is_not_here_is_refused_with_the_remedy(root, base, env):
    with pytest.raises(EvidenceMissing) as caught:
        lines(root, base, **env)
    assert "fetch-depth: 0" in caught.value.fix


def test_folder_without_a_repository_and_repository_without_a_commit_are_refused(tmp_path):
    with pytest.raises(EvidenceMissing):
        lines(tmp_path)
    git(tmp_path, "init", "-q")
    with pytest.raises(EvidenceMissing):
        lines(tmp_path)


def test_machine_without_git_is_told_what_is_missing(root, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EvidenceMissing, match="git is not installed"):
        lines(root)


def test_folder_that_git_refuses_to_compare_is_refused_with_what_git_says(root):
    (root / "a.py").write_text("changed\n")
    objects = root / ".git" / "objects"
    blob = git(root, "rev-parse", "main:a.py").strip()
    (objects / blob[:2] / blob[2:]).unlink()
    with pytest.raises(EvidenceMissing, match="git diff gave no answer"):
        lines(root)
