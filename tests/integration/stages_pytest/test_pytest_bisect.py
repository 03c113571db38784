"""Real bisections: a planted polluter is found and proved, and what cannot be proved is not claimed."""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess
from pathlib import Path

import pytest
from tests.support import app_desk

from truegreen.app import bisect
from truegreen.config import settings as config
from truegreen.errors import EXIT_GATE_FAILED, EXIT_OK, ToolFailed, UnknownName, UsageError
from truegreen.stages.common.pytest_bisect import Bisection, Found

pytestmark = pytest.mark.slow
HARMLESS = "import app\n" + "".join(f"def test_{name}(): pass\n" for name in "abcde")
POLLUTER = "import app\ndef test_clean(): pass\nclass TestIn:\n    def test_polluter(self): app.VALUE = 2\n"
SEED = 1
"""By this one, TestLater comes before test_victim."""
VICTIM = "import app\ndef test_victim(): assert app.VALUE == 1\n"


@pytest.fixture
def project(home):
    home.clear()
    home.write("app.py", "VALUE = 1\nOTHER = 1\n")
    for number in range(2):
        home.write(f"tests/test_{number}.py", HARMLESS)
    return home


def find(project, test="tests/test_victim.py::test_victim", *, stage="unit", seed=None, assignments=()):
    settings = config.load(project.root, assignments=[f"{stage}.workers='0'", *assignments])
    return bisect.find(project.shell(), settings, stage=stage, test=test, seed=seed)


def rerun(project, command):
    """Run a command as somebody at a desk would, and return its exit code."""
    words = shlex.split(command)
    extra = dict(word.split("=", 1) for word in words if word.startswith("PYTHONHASHSEED="))
    argv = [word for word in words if not word.startswith("PYTHONHASHSEED=")]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(project.root), **extra}
    return subprocess.run(argv, cwd=project.root, env=env, capture_output=True, check=False).returncode


def test_polluter_before_the_victim_is_found_in_log2_runs_and_both_commands_prove_it(project):
    project.write("tests/test_1_bad.py", POLLUTER)
    project.write("tests/test_victim.py", VICTIM)
    found = find(project)
    assert (found.found, found.polluter) == (Found.POLLUTER, "tests/test_1_bad.py::TestIn::test_polluter")
    assert (found.before, found.order, found.seed) == (12, "as-written", "")
    assert found.runs <= 2 + 4 + 1 + 2
    assert (rerun(project, found.fails), rerun(project, found.passes)) == (1, 0)
    assert bisect.told(found)[0].startswith("tests/test_1_bad.py::TestIn::test_polluter makes")


def test_order_of_a_seed_is_replayed_and_that_of_the_last_evidence_is_the_default(project):
    project.write("tests/test_victim.py", VICTIM + "class TestLater:\n    def test_polluter(self): app.VALUE = 2\n")
    name = "tests/test_victim.py::test_victim"
    assert find(project).found is Found.NOT_REPLAYED  # as written, the victim comes first
    judged = project.run(seed=SEED, paths=["tests"])
    assert judged.case("::test_victim").attempts == ("fail", "pass")
    evidence = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in judged.out.rglob("*") if path.is_file()}
    found = find(project)
    assert (found.found, found.seed, found.order) == (Found.POLLUTER, str(SEED), "random")
    assert found.polluter == "tests/test_victim.py::TestLater::test_polluter"
    assert found.before == judged.evidence.sessions[0].ids.index(name)
    assert (rerun(project, found.fails), rerun(project, found.passes)) == (1, 0)
    left = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in judged.out.rglob("*") if path.is_file()}
    assert left == evidence


def test_victim_that_needs_two_tests_names_no_culprit(project):
    project.write("tests/test_0_bad.py", "import app\ndef test_one(): app.VALUE = 2\n")
    project.write("tests/test_1_bad.py", "import app\ndef test_two(): app.OTHER = 2\n")
    project.write("tests/test_victim.py", "import app\ndef test_victim(): assert app.VALUE == 1 or app.OTHER == 1\n")
    found = find(project)
    assert (found.found, found.polluter, found.fails) == (Found.SEVERAL, "", "")
    assert {"tests/test_0_bad.py::test_one", "tests/test_1_bad.py::test_two"} <= set(found.narrowest)
    text = "\n".join(bisect.told(found))
    assert "more than one" in text


def test_victim_that_each_of_several_breaks_has_one_of_them_proved(project):
    for number in (0, 1):
        project.write(f"tests/test_{number}_bad.py", f"import app\ndef test_bad{number}(): app.VALUE = 2\n")
    project.write("tests/test_victim.py", VICTIM)
    found = find(project)
    assert found.found is Found.POLLUTER
    assert found.polluter.startswith(("tests/test_0_bad.py", "tests/test_1_bad.py"))


def test_victim_that_fails_by_itself_accuses_nobody(project):
    project.write("tests/test_victim.py", "def test_victim(): assert 0\n")
    found = find(project)
    assert (found.found, found.polluter, found.runs) == (Found.ALONE, "", 2)
    assert rerun(project, found.fails) == 1


def test_victim_that_an_import_breaks_accuses_no_test(project):
    project.write("tests/test_0_bad.py", "import app\napp.VALUE = 2\ndef test_x(): pass\n")
    project.write("tests/test_victim.py", VICTIM)
    found = find(project)
    assert (found.found, found.polluter, found.fails) == (Found.IMPORTS, "", "")


def test_failure_that_happens_once_does_not_replay(project):
    mark = "mark = pathlib.Path(__file__).with_name('once')"
    project.write(
        "tests/test_victim.py",
        f"import pathlib\n{mark}\ndef test_victim():\n    seen = mark.exists()\n    mark.touch()\n    assert seen\n",
    )
    project.run(paths=["tests"])
    found = find(project)
    assert (found.found, found.polluter) == (Found.NOT_REPLAYED, "")
    assert "does not replay" in bisect.told(found)[0]


def test_failures_before_the_victim_do_not_end_the_replay(project):
    project.write("tests/test_0_bad.py", "import app\ndef test_polluter():\n    app.VALUE = 2\n    assert 0\n")
    project.write("tests/test_victim.py", VICTIM)
    found = find(project, assignments=["unit.args=['-x']"])
    assert found.polluter == "tests/test_0_bad.py::test_polluter"


def test_test_that_dies_in_a_replay_is_told_and_proves_nothing(project):
    project.write("tests/test_0_bad.py", "import os\ndef test_deadly(): os._exit(0)\n")
    project.write("tests/test_victim.py", VICTIM)
    with pytest.raises(ToolFailed, match="proves nothing"):
        find(project)


def test_project_that_reorders_by_itself_is_told_and_proves_nothing(project):
    project.write("tests/test_victim.py", VICTIM)
    project.write(
        "conftest.py",
        "import pytest\n@pytest.hookimpl(wrapper=True, tryfirst=True)\n"
        "def pytest_collection_modifyitems(items):\n    yield\n    items.reverse()\n",
    )
    project.write("tests/test_0_bad.py", "import app\ndef test_one(): app.VALUE = 2\ndef test_two(): pass\n")
    with pytest.raises(ToolFailed) as caught:
        find(project, "tests/test_0.py::test_a")
    assert "another order" in caught.value.why


@pytest.mark.parametrize(
    ("stage", "test", "error"),
    [
        ("unit", "tests/test_0.py::test_aa", UnknownName),
        ("unit", "nothing like it", UnknownName),
        ("no-such-stage", "tests/test_0.py::test_a", UnknownName),
        ("lint", "tests/test_0.py::test_a", UsageError),
        ("e2e", "tests/test_0.py::test_a", UsageError),
    ],
)
def test_bisection_of_what_is_not_there_is_refused(project, stage, test, error):
    settings = config.load(project.root)
    with pytest.raises(error):
        bisect.find(project.shell(), settings, stage=stage, test=test, seed=None)


def test_tests_that_cannot_be_collected_are_told(project):
    project.write("tests/test_broken.py", "import no_such_module\n")
    with pytest.raises(ToolFailed, match="collected"):
        find(project, "tests/test_0.py::test_a")


def test_tests_of_a_root_above_the_project_are_named_from_there(project):
    project.write("tests/pytest.ini", "[pytest]\n")
    project.write("tests/test_1_bad.py", POLLUTER)
    project.write("tests/test_victim.py", VICTIM)
    found = find(project, "test_victim.py::test_victim", assignments=["unit.tests=['tests']"])
    assert (found.found, found.polluter) == (Found.POLLUTER, "test_1_bad.py::TestIn::test_polluter")
    assert (rerun(project, found.fails), rerun(project, found.passes)) == (1, 0)


def test_command_prints_both_commands_or_json_and_ends_with_one_without_a_culprit(project, monkeypatch, capsys):
    project.write("tests/test_1_bad.py", POLLUTER)
    project.write("tests/test_victim.py", VICTIM)
    desk = app_desk.Desk(project.root, monkeypatch, capsys)
    monkeypatch.setenv("TRUEGREEN_CACHE", str(project.cache))
    arguments = (
        "bisect",
        "unit",
        "tests/test_victim.py::test_victim",
        "--set",
        "unit.workers=0",
        "-C",
        str(project.root),
    )
    ended = desk.run(*arguments)
    assert ended.code == EXIT_OK
    assert ended.out.splitlines()[0].startswith("tests/test_1_bad.py::TestIn::test_polluter makes")
    assert [line.split(":")[0] for line in ended.out.splitlines()[1:]] == ["fails", "passes"]
    assert json.loads(desk.run(*arguments, "--json").out)["found"] == "polluter"
    ended = desk.run("bisect", "unit", "tests/test_0.py::test_a", *arguments[3:])
    assert ended.code == EXIT_GATE_FAILED
    assert not (Path(project.root) / ".truegreen" / "unit").exists()


@pytest.mark.parametrize(
    ("text", "seed"),
    [
        ('{"order": "random", "seed": "7"}', 7),
        ('{"order": "as-written", "seed": ""}', None),
        ('{"order": "pytest-random-order", "seed": "words"}', None),
        ('{"seed": 7}', None),
        ("{}", None),
        ("no json", None),
        ("", None),
    ],
)
def test_seed_of_the_last_evidence_is_taken_where_it_is_one(project, text, seed):
    project.write(".truegreen/unit/session.json", text)
    assert bisect._last_seed(config.load(project.root), "unit") == seed


def test_seed_of_no_evidence_is_none(project):
    assert bisect._last_seed(config.load(project.root), "unit") is None


@pytest.mark.parametrize("found", list(Found))
def test_each_end_of_a_bisection_is_told_and_only_a_proof_names_commands(found):
    proved = found is Found.POLLUTER
    names = tuple(f"t{number}" for number in range(12))
    result = Bisection(
        found=found,
        victim="v",
        polluter="t1" if proved else "",
        narrowest=names,
        fails="pytest t1 v" if proved else "",
        passes="pytest v" if proved else "",
        runs=3,
    )
    first, *more = bisect.told(result)
    assert "(3 runs)" in first
    assert any("pytest t1 v" in line for line in more) is proved
    if found is Found.SEVERAL:
        assert more[-1].strip() == "and 2 more"
