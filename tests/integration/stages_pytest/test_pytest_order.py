"""Random order through a stage: the seed is drawn, told, kept, replayed, and left to the project's own plugin."""

from __future__ import annotations

import json
import re

import pytest
from tests.support import app_desk, pytest_projects
from tests.support.pytest_projects import Project, shared_cache

from truegreen.errors import EXIT_OK

pytestmark = pytest.mark.slow
MANY = "import app\n" + "".join(f"def test_{name}(): pass\n" for name in "abcdefghij")
AS_WRITTEN = tuple(f"test_it.py::test_{name}" for name in "abcdefghij")
VICTIM = """
    import app
    def test_a_victim(): assert app.VALUE == 1
    def test_b_polluter(): app.VALUE = 2
"""


@pytest.fixture
def project(home):
    home.clear()
    home.write("app.py", "VALUE = 1\n")
    return home


def seed_of(judged):
    (found,) = [re.search(r"seed (\d+)", note) for note in judged.record.notes if "random order" in note]
    return int(found[1])


def order(judged):
    return judged.evidence.sessions[0].ids


def test_order_is_as_written_unless_told_otherwise(project):
    judged = project.run(MANY)
    assert order(judged) == AS_WRITTEN
    assert judged.evidence.sessions[0].order == "as-written"
    assert not any("order" in note for note in judged.record.notes)
    assert judged.record.command == "truegreen run unit"


def test_random_order_is_told_with_the_command_that_repeats_it(project):
    first = project.run(MANY, order="random", after=("-k", "not test_j"))
    session, seed = first.evidence.sessions[0], seed_of(first)
    assert first.status == "pass"
    assert sorted(order(first)) == list(AS_WRITTEN[:-1])
    assert (session.order, session.seed, session.hash_seed) == ("random", str(seed), str(seed))
    assert first.record.command == f"truegreen run unit --seed {seed} -- -k 'not test_j'"
    assert f"truegreen run unit --seed {seed} -- -k 'not test_j'" in first.shown
    assert first.shown.index(f"random order, seed {seed}") < first.shown.index("9 passed")
    again = project.run(MANY, seed=seed, after=("-k", "not test_j"))
    assert order(again) == order(first)
    assert again.record.command == first.record.command


def test_random_order_draws_a_new_seed_each_time(project):
    assert seed_of(project.run(MANY, order="random")) != seed_of(project.run(MANY, order="random"))


@pytest.mark.parametrize("workers", ["2", "auto"])
def test_random_order_with_workers_loses_no_test(project, workers):
    judged = project.run(MANY, seed=5, workers=workers)
    assert judged.status == "pass"
    assert judged.ids == set(AS_WRITTEN)
    assert order(judged) == order(project.run(MANY, seed=5))


def test_random_order_keeps_a_seed_of_hashes_that_the_stage_sets(project):
    text = "import app, os\ndef test_a(): assert os.environ['PYTHONHASHSEED'] == '3'\n"
    judged = project.run(text, seed=5, variables={"PYTHONHASHSEED": "3"})
    assert judged.status == "pass"
    assert judged.evidence.sessions[0].hash_seed == "3"


def seed_that_breaks(project):
    """Return a seed by which the polluter comes first."""
    for seed in range(20):
        judged = project.run(VICTIM, seed=seed)
        if order(judged)[0].endswith("polluter"):
            return seed, judged
    raise AssertionError("no seed of 20 turned two tests around")


def test_random_order_in_which_a_test_fails_that_passes_alone_is_flaky_and_names_the_way_to_its_cause(project):
    assert project.run(VICTIM).status == "pass"
    seed, judged = seed_that_breaks(project)
    assert judged.case("victim").attempts == ("fail", "pass")
    assert judged.says("flakiness") == "fail"
    assert judged.status == "fail"
    wanted = f"truegreen bisect unit test_it.py::test_a_victim --seed {seed}"
    assert any(note.endswith(wanted) for note in judged.record.notes)
    rerun = json.loads((judged.out / "session-rerun-1.json").read_text())
    assert (rerun["seed"], rerun["order"]) == (str(seed), "random")


def test_seed_of_the_command_line_reaches_the_tests(project, monkeypatch, capsys):
    project.write("test_it.py", MANY)
    monkeypatch.setenv("TRUEGREEN_CACHE", str(project.cache))
    desk = app_desk.Desk(project.root, monkeypatch, capsys)
    ended = desk.run("run", "unit", "--seed", "5", "--no-gate", "-C", str(project.root), "--set", "unit.workers=0")
    assert ended.code == EXIT_OK, ended.err
    session = json.loads((project.root / ".truegreen" / "unit" / "session.json").read_text())
    assert (session["seed"], tuple(session["ids"])) == ("5", order(project.run(MANY, seed=5)))


# --- plugins of the project --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shuffling_home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pytest-shuffling")
    return Project(folder / "project", shared_cache(folder / "cache"))


@pytest.fixture
def shuffling(shuffling_home):
    """A project with both plugins; pytest-random-order does nothing until it is asked."""
    shuffling_home.clear()
    text = pytest_projects.REQUIREMENTS + "pytest-randomly>=3.15\npytest-random-order>=1.1\n"
    shuffling_home.write("requirements.txt", text)
    shuffling_home.write("app.py", "VALUE = 1\n")
    return shuffling_home


@pytest.mark.parametrize("workers", ["0", "2"])
def test_order_of_pytest_randomly_is_kept_and_its_seed_is_told(shuffling, workers):
    first = shuffling.run(MANY, workers=workers)
    session, seed = first.evidence.sessions[0], seed_of(first)
    assert (session.order, session.seed) == ("pytest-randomly", str(seed))
    assert f"--randomly-seed={seed}" in first.log()
    assert first.ids == set(AS_WRITTEN)
    again = shuffling.run(MANY, workers=workers, seed=seed)
    assert order(again) == order(first)
    assert again.evidence.sessions[0].seed == str(seed)


def test_order_of_pytest_randomly_with_a_seed_of_its_own_is_not_overruled(shuffling):
    judged = shuffling.run(MANY, order="random", args=["-p", "randomly", "--randomly-seed=9"])
    assert judged.evidence.sessions[0].seed == "9"
    assert judged.record.command == "truegreen run unit --seed 9"


def test_order_of_pytest_randomly_that_does_not_reorder_is_ours(shuffling):
    judged = shuffling.run(MANY, seed=5, args=["--randomly-dont-reorganize"])
    session = judged.evidence.sessions[0]
    assert (session.order, session.seed) == ("random", "5")
    assert sorted(session.ids) == list(AS_WRITTEN) != list(session.ids)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_order_of_pytest_random_order_is_kept_and_its_seed_is_told(shuffling, workers):
    args = ["-p", "no:randomly", "--random-order"]
    first = shuffling.run(MANY, args=args, workers=workers)
    session, seed = first.evidence.sessions[0], seed_of(first)
    assert (session.order, session.seed) == ("pytest-random-order", str(seed))
    again = shuffling.run(MANY, args=args, workers=workers, seed=seed)
    assert order(again) == order(first) != AS_WRITTEN
    assert first.ids == again.ids == set(AS_WRITTEN)


def test_order_of_pytest_random_order_that_is_not_asked_is_as_written(shuffling):
    judged = shuffling.run(MANY, args=["-p", "no:randomly"])
    assert order(judged) == AS_WRITTEN
    assert judged.evidence.sessions[0].order == "as-written"
