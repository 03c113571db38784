"""Scratch copies hold what a run needs and nothing that would reach the network."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.harness import workspace
from tests.harness.shell import HarnessError


def _write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("text", "first_line"),
    [
        ("name: CI\non: push\n", 'name: "x1 CI"'),
        ("name: 'My CI'\non: push\n", 'name: "x1 My CI"'),
        ("on: push\njobs:\n  a:\n    name: inner\n", 'name: "x1 ci.yml"'),
    ],
)
def test_tag_workflows_with_or_without_name_tag_comes_first(tmp_path: Path, text: str, first_line: str) -> None:
    _write(tmp_path, {".github/workflows/ci.yml": text})
    workspace.tag_workflows(tmp_path, "x1")
    tagged = (tmp_path / ".github/workflows/ci.yml").read_text()
    assert tagged.splitlines()[0] == first_line
    assert "on: push" in tagged


def test_used_actions_finds_every_way_to_write_uses(tmp_path: Path) -> None:
    workflow = """
jobs:
  a:
    uses: own/er/.github/workflows/x.yml@v1
  b:
    steps:
      - uses: actions/cache/restore@0123abc # v4
      - name: n
        uses: "quoted/action@v2"
      - uses: ./local
      # uses: not/this@v1
"""
    _write(tmp_path, {".github/workflows/ci.yml": workflow, "actions/z/action.yml": "  - uses: deep/one@v3\n"})
    found = workspace.used_actions(tmp_path)
    assert found == {("own/er", "v1"), ("actions/cache", "0123abc"), ("quoted/action", "v2"), ("deep/one", "v3")}


def test_resolve_with_exact_and_general_folder_exact_wins() -> None:
    known = {"a/b": Path("/general"), "a/b@v1": Path("/exact")}
    options = workspace.resolve({("a/b", "v1"), ("a/b", "v2"), ("actions/checkout", "v7")}, known)
    assert options == ["--local-repository=a/b@v1=/exact", "--local-repository=a/b@v2=/general"]


def test_resolve_with_unknown_action_names_it_and_the_remedy() -> None:
    with pytest.raises(HarnessError, match=r"No local stand-in for c/d@v1\.\nRemedy: add one to .*standins"):
        workspace.resolve({("c/d", "v1")}, {})


def test_copy_pack_of_git_tree_leaves_ignored_and_deleted_files_out(tmp_path: Path) -> None:
    source = _write(tmp_path / "source", {"a": "1", "b": "2", ".gitignore": "big/\n", "big/file": "3", "gone": "4"})
    subprocess.run(["git", "init", "-q"], cwd=source, check=True)
    subprocess.run(["git", "add", "a", "gone"], cwd=source, check=True)
    (source / "gone").unlink()
    copy = workspace.copy_pack(source, tmp_path / "copy")
    assert sorted(path.name for path in copy.rglob("*")) == [".gitignore", "a", "b"]


@pytest.mark.parametrize("has_history", [False, True])
def test_copy_caller_with_or_without_history_is_tagged_and_clean(tmp_path: Path, *, has_history: bool) -> None:
    source = _write(tmp_path / "source", {"app.py": "1", ".github/workflows/ci.yml": "name: CI\non: push\n"})
    if has_history:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "one"]):
            subprocess.run(["git", *identity, *words], cwd=source, check=True)
    copy = workspace.copy_caller(source, tmp_path / "copy", slug="some/one", tag="x1")
    git = ["git", "-C", str(copy)]
    assert (copy / ".github/workflows/ci.yml").read_text().startswith('name: "x1 CI"')
    assert subprocess.check_output([*git, "rev-list", "--count", "HEAD"], text=True).strip() == "1"
    assert subprocess.check_output([*git, "status", "--porcelain"], text=True) == ""
    remotes = subprocess.check_output([*git, "remote", "-v"], text=True)
    assert ("some/one.git" in remotes) is not has_history
    assert (source / ".git").exists() is has_history


def test_free_place_taken_twice_at_once_is_two_places_and_comes_again_empty():
    with workspace.free_place() as one, workspace.free_place() as two:
        assert one != two
        one.mkdir()
        (one / "left").touch()
    with workspace.free_place() as again:
        assert again == one
        assert not again.exists()
