"""Base and change run in turn through a stage: a slow-down is seen, a base that cannot run is told, nothing is left."""

from __future__ import annotations

import hashlib
import subprocess

import pytest

from truegreen.model.changes import Changes, FileChange
from truegreen.model.pairs import PairedTimes

pytestmark = pytest.mark.slow
TESTS = "import time\nimport app\ndef test_a(): time.sleep(app.PAUSE_S)\ndef test_b(): pass\n"


def git(project, *words):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *words], cwd=project.root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def project(home):
    home.clear()
    home.write(".gitignore", ".truegreen/\n__pycache__/\n")
    home.write("app.py", "PAUSE_S = 0.01\n")
    home.write("test_it.py", TESTS)
    git(home, "init", "-q", "-b", "main")
    git(home, "add", "-A")
    git(home, "commit", "-qm", "base")
    return home


def changed(project):
    return Changes(base=git(project, "rev-parse", "HEAD"), files=(FileChange(path="app.py", lines=frozenset({1})),))


def times(judged) -> PairedTimes:
    (found,) = judged.evidence.pairs
    return found


def nothing_left(project):
    places = git(project, "worktree", "list", "--porcelain").count("worktree ")
    return places == 1 and not list((project.cache / "bases").glob("*"))


def test_slow_down_is_found_by_pairs_of_runs_and_names_the_test(project):
    project.write("app.py", "PAUSE_S = 0.6\n")
    killed = project.cache / "bases" / hashlib.sha256(str(project.root).encode()).hexdigest()[:12]
    git(project, "worktree", "add", "-q", "--detach", str(killed), "HEAD")  # as a run that was killed leaves it
    judged = project.run(changes=changed(project), against_base_s=120.0, new_tests_s=0.0)
    pairs = times(judged)
    assert len(pairs.suite.base_s) >= 5, judged.record.notes
    slow = pairs.tests["test_it.py::test_a"]
    assert max(slow.base_s) < 0.3
    assert min(slow.change_s) >= 0.6
    assert set(pairs.tests) == {"test_it.py::test_a", "test_it.py::test_b"}
    verdict = judged.verdict("time-regression")
    assert (verdict.status.value, verdict.advisory) == ("fail", True)
    assert "slower than the base" in verdict.reason
    assert "test_it.py::test_a" in [item.title for item in verdict.items]
    assert judged.status == "pass"
    assert nothing_left(project)


@pytest.mark.parametrize(
    ("base", "told"),
    [("def test_a(): assert False\n", "the tests of the base do not all pass"), ("", "cannot be checked out")],
)
def test_base_that_cannot_be_measured_is_told_and_costs_no_verdict(project, base, told):
    if base:
        project.write("test_it.py", base)
        git(project, "commit", "-qam", "broken")
    change = changed(project) if base else Changes(base="b" * 40, files=(FileChange(path="app.py"),))
    project.write("test_it.py", TESTS)
    judged = project.run(changes=change, against_base_s=5.0, new_tests_s=0.0)
    assert judged.status == "pass"
    assert judged.evidence.pairs == ()
    assert any(note.startswith("times not compared with the base") and told in note for note in judged.record.notes)
    assert nothing_left(project)


@pytest.mark.parametrize("options", [{"against_base_s": 0.0}, {"against_base_s": 5.0, "after": ("-k", "test_a")}])
def test_base_runs_only_where_it_is_asked_for_and_the_whole_stage_runs(project, options):
    judged = project.run(changes=changed(project), new_tests_s=0.0, **options)
    assert judged.evidence.pairs == ()
    assert not any("base" in note for note in judged.record.notes)
