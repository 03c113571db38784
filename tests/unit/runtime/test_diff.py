"""What a change changes, in real repositories and shallow clones."""

from __future__ import annotations

import os
import subprocess

import pytest

from truegreen.runtime import diff
from truegreen.runtime.diff import Asked, CannotTell
from truegreen.runtime.process import ProcessRunner

RUNNER = ProcessRunner()
CODE = "".join(f"line_{n} = {n}\n" for n in range(1, 21))


@pytest.fixture(autouse=True)
def _only_these_settings(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))


def git(root, *words):
    argv = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always", *words]
    return subprocess.run(argv, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def commit(root, message="change"):
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def origin(tmp_path):
    """Give a repository whose trunk and topic parted, with the merge commit a forge would make."""
    root = tmp_path / "origin"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch", "trunk")
    git(root, "config", "uploadpack.allowAnySHA1InWant", "true")
    (root / "code.py").write_text(CODE)
    (root / "other.py").write_text("a = 1\n")
    commit(root, "start")
    git(root, "checkout", "--quiet", "-b", "topic")
    (root / "code.py").write_text(CODE.replace("line_5 = 5", "line_5 = 50"))
    (root / "new.py").write_text("b = 1\n\nc = 2\n")
    commit(root, "topic")
    git(root, "checkout", "--quiet", "trunk")
    (root / "other.py").write_text("a = 2\nz = 3\n")
    commit(root, "trunk goes on")
    git(root, "checkout", "--quiet", "--detach", "trunk")
    git(root, "merge", "--quiet", "--no-ff", "--message", "merge", "topic")
    git(root, "update-ref", "refs/pull/1/merge", "HEAD")
    git(root, "checkout", "--quiet", "trunk")
    return root


def clone(origin, tmp_path, ref, depth=0):
    root = tmp_path / "clone"
    root.mkdir()
    git(root, "init", "--quiet")
    git(root, "remote", "add", "origin", origin.as_uri())
    git(root, "fetch", "--quiet", *([f"--depth={depth}"] if depth else []), "origin", ref)
    git(root, "checkout", "--quiet", "FETCH_HEAD")
    return root


def asked(origin, **more):
    names = {"base": git(origin, "rev-parse", "trunk"), "head": git(origin, "rev-parse", "topic")}
    return Asked(**{**names, **more})


def lines(found):
    return {file.path: sorted(file.lines) for file in found.files}


TOPIC = {"code.py": [5], "new.py": [1, 2, 3]}


@pytest.mark.parametrize("depth", [1, 2, 0])
def test_merge_commit_of_a_forge_is_compared_with_its_first_parent(origin, tmp_path, depth):
    root = clone(origin, tmp_path, "refs/pull/1/merge", depth)
    found = diff.changes(root, RUNNER, asked(origin))
    assert lines(found) == TOPIC
    assert (found.base, found.head) == (git(origin, "rev-parse", "trunk"), git(root, "rev-parse", "HEAD"))
    assert [file.added for file in found.files] == [False, True]


@pytest.mark.parametrize("depth", [1, 0])
def test_head_itself_is_compared_with_where_it_left_the_base(origin, tmp_path, depth):
    root = clone(origin, tmp_path, "refs/heads/topic", depth)
    assert lines(diff.changes(root, RUNNER, asked(origin))) == TOPIC


@pytest.mark.parametrize("ref", ["refs/pull/1/merge", "refs/heads/topic"])
def test_shallow_clone_that_cannot_fetch_is_told_and_never_compared_with_something_else(origin, tmp_path, ref):
    root = clone(origin, tmp_path, ref, 1)
    git(root, "remote", "set-url", "origin", str(tmp_path / "nowhere"))
    with pytest.raises(CannotTell, match="is not in this clone"):
        diff.changes(root, RUNNER, asked(origin))


def test_clone_of_depth_two_needs_no_remote_for_a_merge_commit(origin, tmp_path):
    root = clone(origin, tmp_path, "refs/pull/1/merge", 2)
    git(root, "remote", "remove", "origin")
    assert lines(diff.changes(root, RUNNER, asked(origin))) == TOPIC


def test_history_cut_between_base_and_head_is_not_guessed(origin, tmp_path):
    git(origin, "checkout", "--quiet", "topic")
    git(origin, "merge", "--quiet", "--no-edit", "trunk")
    (origin / "code.py").write_text(CODE.replace("line_5 = 5", "line_5 = 51"))
    commit(origin)
    git(origin, "checkout", "--quiet", "trunk")
    (origin / "other.py").write_text("a = 3\n")
    commit(origin)
    root = clone(origin, tmp_path, "refs/heads/topic", 3)
    git(root, "fetch", "--quiet", "--depth=1", "origin", "trunk")
    git(root, "remote", "remove", "origin")
    with pytest.raises(CannotTell):
        diff.changes(root, RUNNER, asked(origin))


def test_event_without_a_base_cannot_be_told(origin):
    with pytest.raises(CannotTell, match="does not name the base"):
        diff.changes(origin, RUNNER, asked(origin, base=""))


def test_folder_without_a_repository_cannot_be_told(tmp_path):
    with pytest.raises(CannotTell, match="no git work tree"):
        diff.changes(tmp_path, RUNNER, Asked())


def test_desk_without_a_default_branch_has_no_change(origin):
    assert diff.changes(origin, RUNNER, Asked(uncommitted=True)) is None


def test_desk_counts_what_is_not_committed_and_what_is_new(origin, tmp_path):
    root = clone(origin, tmp_path, "refs/heads/topic")
    git(root, "update-ref", "refs/remotes/origin/HEAD", git(origin, "rev-parse", "trunk~1"))
    (root / "other.py").write_text("a = 1\nnew = 2\n")
    (root / "fresh ä.py").write_text("x = 1\ny = 2")
    (root / ".gitignore").write_text("ignored.py\n.gitignore\n")
    (root / "ignored.py").write_text("x = 1\n")
    (root / ".truegreen").mkdir()
    (root / ".truegreen" / "own.py").write_text("x = 1\n")
    (root / "link.py").symlink_to("other.py")
    found = diff.changes(root, RUNNER, Asked(uncommitted=True))
    assert lines(found) == {**TOPIC, "other.py": [2], "fresh ä.py": [1, 2], "link.py": []}
    assert found.head == ""


NAMES = ["two words.py", "tab\there.py", "new\nline.py", 'quo"te.py', "back\\slash.py", "ümläut.py", "-dash.py", " .py"]


@pytest.mark.parametrize("name", NAMES)
def test_unusual_names_are_told_as_they_are(origin, name):
    start = git(origin, "rev-parse", "HEAD")
    (origin / name).write_text("x = 1\n+++ b/code.py\n@@ -1 +1,9 @@\n")
    commit(origin)
    assert lines(diff.changes(origin, RUNNER, Asked(base=start))) == {name: [1, 2, 3]}


def test_renamed_file_has_only_its_changed_lines(origin):
    start = git(origin, "rev-parse", "HEAD")
    (origin / "code.py").rename(origin / "moved.py")
    (origin / "moved.py").write_text(CODE.replace("line_9 = 9", "line_9 = 90"))
    commit(origin)
    (file,) = diff.changes(origin, RUNNER, Asked(base=start)).files
    assert (file.path, file.old_path, file.lines) == ("moved.py", "code.py", {9})


def test_line_endings_alone_change_no_line(origin):
    start = git(origin, "rev-parse", "HEAD")
    (origin / "code.py").write_bytes(CODE.replace("\n", "\r\n").replace("line_7 = 7", "line_7 = 70").encode())
    commit(origin)
    assert lines(diff.changes(origin, RUNNER, Asked(base=start))) == {"code.py": [7]}


def test_attributes_and_settings_of_the_repository_hide_no_line(origin):
    start = git(origin, "rev-parse", "HEAD")
    for key, value in [("noprefix", "true"), ("interHunkContext", "50"), ("external", "false"), ("renames", "false")]:
        git(origin, "config", f"diff.{key}", value)
    (origin / ".gitattributes").write_text("*.py -diff\n")
    (origin / "code.py").write_text(CODE.replace("line_2 = 2", "line_2 = 0").replace("line_8 = 8", "line_8 = 0"))
    commit(origin)
    assert lines(diff.changes(origin, RUNNER, Asked(base=start)))["code.py"] == [2, 8]


def test_binary_deleted_and_mode_changes_are_told(origin):
    start = git(origin, "rev-parse", "HEAD")
    (origin / "picture.png").write_bytes(b"\x89PNG\0\xff\n\0")
    (origin / "other.py").unlink()
    (origin / "code.py").chmod(0o755)
    commit(origin)
    found = {file.path: file for file in diff.changes(origin, RUNNER, Asked(base=start)).files}
    assert (found["other.py"].deleted, found["other.py"].lines) == (True, frozenset())
    assert (found["code.py"].lines, found["picture.png"].added) == (frozenset(), True)


def test_submodule_has_no_lines(origin, tmp_path):
    start = git(origin, "rev-parse", "HEAD")
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "--quiet")
    commit(inner)
    git(origin, "submodule", "--quiet", "add", inner.as_uri(), "lib")
    commit(origin)
    assert lines(diff.changes(origin, RUNNER, Asked(base=start)))["lib"] == []


def test_paths_are_those_of_a_project_in_a_folder(origin):
    start = git(origin, "rev-parse", "HEAD")
    (origin / "service").mkdir()
    (origin / "service" / "app.py").write_text("x = 1\n")
    (origin / "code.py").write_text("gone\n")
    commit(origin)
    assert lines(diff.changes(origin / "service", RUNNER, Asked(base=start))) == {"app.py": [1]}


def test_machine_without_git_cannot_tell(origin, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CannotTell, match="git is not installed"):
        diff.changes(origin, RUNNER, Asked())


def test_ancestors_of_the_base_are_told_where_the_clone_holds_them_all(origin, tmp_path):
    whole = diff.changes(clone(origin, tmp_path, "refs/pull/1/merge"), RUNNER, asked(origin))
    trunk = git(origin, "rev-list", "trunk").split()
    assert (whole.base in whole.ancestors, whole.ancestors) == (True, frozenset(trunk))


def test_ancestors_are_unknown_in_a_shallow_clone(origin, tmp_path):
    assert diff.changes(clone(origin, tmp_path, "refs/pull/1/merge", 2), RUNNER, asked(origin)).ancestors is None
