"""The plugin's order of tests: a seed is one order, in every process, and never a test less."""

from __future__ import annotations

import json
from itertools import groupby

import pytest

pytest_plugins = ["pytester"]
FUNCTIONS = "".join(f"def test_{name}(): pass\n" for name in "abcdef")
CLASSES = "".join(f"class Test{name}:\n    def test_x(self): pass\n    def test_y(self): pass\n" for name in "ABC")


@pytest.fixture
def ordered(pytester, monkeypatch):
    """A way to run the folder's tests; returns the result and what the plugin wrote."""
    path = pytester.path / "session.json"
    monkeypatch.setenv("TRUEGREEN_SESSION_FILE", str(path))
    for name in ("TRUEGREEN_RECORDER", "TRUEGREEN_SEED", "TRUEGREEN_ONLY", "TRUEGREEN_CHANGED", "PYTHONHASHSEED"):
        monkeypatch.delenv(name, raising=False)

    def run(*args, fresh=False, **environment):
        with monkeypatch.context() as patch:
            for key, value in environment.items():
                patch.setenv(key, value)
            start = pytester.runpytest_subprocess if fresh else pytester.runpytest_inprocess
            return start("-p", "truegreen_pytest", "-p", "no:cacheprovider", *args), json.loads(path.read_text())

    return run


@pytest.fixture
def tree(pytester):
    for name in ("one", "two", "three"):
        folder = pytester.mkdir(name)
        for module in ("test_p", "test_q"):
            (folder / f"{module}_{name}.py").write_text(FUNCTIONS + CLASSES)
    return pytester


def ids(session):
    return session["ids"]


def test_order_without_a_seed_is_as_written(ordered, tree):
    _, session = ordered()
    assert (session["order"], session["seed"], session["hash_seed"]) == ("as-written", "", "")
    assert ids(session)[:3] == [f"one/test_p_one.py::test_{name}" for name in "abc"]


def test_seed_shuffles_and_leaves_no_test_out(ordered, tree):
    _, written = ordered()
    result, session = ordered(TRUEGREEN_SEED="7", PYTHONHASHSEED="5")
    assert sorted(ids(session)) == sorted(ids(written))
    assert ids(session) != ids(written)
    assert (session["order"], session["seed"], session["hash_seed"]) == ("random", "7", "5")
    assert (session["collected"], session["selected"], session["deselected"]) == (72, 72, 0)
    result.assert_outcomes(passed=72)


def test_seed_is_the_same_order_in_every_process_and_another_seed_is_another(ordered, tree):
    orders = [
        ids(ordered(TRUEGREEN_SEED=seed, PYTHONHASHSEED=hashes, fresh=True)[1])
        for seed, hashes in (("7", "1"), ("7", "2"), ("8", "1"))
    ]
    assert orders[0] == orders[1] != orders[2]


def test_seed_keeps_directories_modules_and_classes_together(ordered, tree):
    for seed in map(str, range(5)):
        parts = [test.split("::") for test in ids(ordered(TRUEGREEN_SEED=seed)[1])]
        for group in (
            [path.partition("/")[0] for path, *_ in parts],
            [path for path, *_ in parts],
            [(path, rest[0]) for path, *rest in parts if len(rest) > 1],
        ):
            runs = [name for name, _ in groupby(group)]
            assert len(runs) == len(set(runs)), seed


def test_seed_orders_a_part_of_the_tests_as_it_orders_all(ordered, tree):
    _, whole = ordered(TRUEGREEN_SEED="7")
    _, part = ordered("-k", "test_a or test_x", TRUEGREEN_SEED="7")
    assert ids(part) == [test for test in ids(whole) if "test_a" in test or "test_x" in test]


@pytest.mark.parametrize("workers", ["2", "3"])
def test_seed_with_workers_runs_every_test_once(ordered, tree, workers):
    result, session = ordered("-n", workers, TRUEGREEN_SEED="7", fresh=True)
    result.assert_outcomes(passed=72)
    assert ids(session) == ids(ordered(TRUEGREEN_SEED="7")[1])
    assert (session["seed"], session["order"], session["finished"]) == ("7", "random", True)


def test_seed_does_not_tear_a_parametrised_fixture_of_a_module_apart(ordered, pytester):
    pytester.makepyfile(
        test_it="""
        import pytest
        made = []
        @pytest.fixture(scope="module", params=range(4))
        def wide(request):
            made.append(request.param)
            return request.param
        @pytest.mark.parametrize("n", range(6))
        def test_wide(wide, n):
            assert len(made) == len(set(made))
        """
    )
    for seed in ("1", "2", "3"):
        ordered(TRUEGREEN_SEED=seed)[0].assert_outcomes(passed=24)


def test_seed_is_overruled_by_a_hook_of_the_project(ordered, pytester):
    pytester.makeconftest("def pytest_collection_modifyitems(items): items.sort(key=lambda item: item.name)\n")
    pytester.makepyfile(test_it=FUNCTIONS)
    _, session = ordered(TRUEGREEN_SEED="7")
    assert ids(session) == [f"test_it.py::test_{name}" for name in "abcdef"]


# --- exact lists -------------------------------------------------------------------------------------------------


def listed(pytester, tests, *, in_order):
    path = pytester.path / "only.json"
    path.write_text(json.dumps({"ids": tests, "ordered": in_order}))
    return str(path)


def test_list_of_tests_runs_in_its_order_and_the_others_are_deselected(ordered, tree):
    wanted = ["two/test_q_two.py::test_b", "one/test_p_one.py::TestA::test_x", "two/test_q_two.py::test_a"]
    result, session = ordered(TRUEGREEN_ONLY=listed(tree, wanted, in_order=True), TRUEGREEN_SEED="7")
    assert ids(session) == wanted
    assert (session["collected"], session["selected"], session["deselected"], session["ran"]) == (72, 3, 69, 3)
    result.assert_outcomes(passed=3, deselected=69)


def test_list_of_tests_without_an_order_follows_the_seed(ordered, tree):
    _, whole = ordered(TRUEGREEN_SEED="7")
    wanted = ["two/test_q_two.py::test_b", "one/test_p_one.py::test_a", "two/test_q_two.py::test_a"]
    _, session = ordered(TRUEGREEN_ONLY=listed(tree, wanted, in_order=False), TRUEGREEN_SEED="7")
    assert ids(session) == [test for test in ids(whole) if test in wanted]


def test_list_with_a_test_that_does_not_exist_shows_by_its_count(ordered, tree):
    wanted = ["one/test_p_one.py::test_a", "one/test_p_one.py::test_gone"]
    _, session = ordered(TRUEGREEN_ONLY=listed(tree, wanted, in_order=True))
    assert ids(session) == wanted[:1]


def test_count_of_tests_that_ran_leaves_out_those_after_an_early_end(ordered, pytester):
    pytester.makepyfile(test_it="def test_a(): pass\ndef test_b(): assert 0\ndef test_c(): pass\n")
    only = listed(pytester, [f"test_it.py::test_{name}" for name in "abc"], in_order=True)
    _, session = ordered("-x", TRUEGREEN_ONLY=only)
    assert (len(ids(session)), session["ran"]) == (3, 2)


# --- places of tests ---------------------------------------------------------------------------------------------

PLACES = """\
import pytest, unittest

@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.skipif(False, reason="")
def test_many(n):
    assert n

class TestIn:
    class TestDeep:
        def test_deep(self):
            pass

class TestCase(unittest.TestCase):
    def test_case(self):
        pass

if True:
    def test_behind():
        pass
else:
    def test_behind():
        pass

def made():
    return lambda: None

test_made = made()

class Base:
    def test_inherited(self):
        pass

class TestHeir(Base):
    pass

async def test_async():
    pass

try:
    def test_try():
        pass
except ImportError:
    def test_try():
        pass
"""


def test_places_of_a_changed_file_have_the_lines_of_each_test_with_its_decorators(ordered, pytester):
    path = pytester.makepyfile(test_places=PLACES)
    pytester.makepyfile(test_other="def test_other(): pass\n")
    changed = pytester.path / "changed.json"
    changed.write_text(json.dumps([str(path.resolve()), "/gone.py"]))
    _, session = ordered(TRUEGREEN_CHANGED=str(changed))
    found = {row[0].partition("::")[2]: tuple(row[2:4]) for row in session["places"]}
    assert {row[1] for row in session["places"]} == {str(path.resolve())}
    assert all(row[4] >= 0 for row in session["places"])
    assert found == {
        "test_many[1]": (3, 6),
        "test_many[2]": (3, 6),
        "TestIn::TestDeep::test_deep": (10, 11),
        "TestCase::test_case": (14, 15),
        "test_behind": (18, 22),
        "test_made": (1, 1 << 31),
        "TestHeir::test_inherited": (33, 34),
        "test_async": (36, 37),
        "test_try": (40, 44),
    }


@pytest.mark.parametrize("text", ["", "not json", "7"])
def test_places_asked_for_by_an_unreadable_file_are_none(ordered, pytester, text):
    pytester.makepyfile(test_it="def test_a(): pass\n")
    changed = pytester.path / "changed.json"
    changed.write_text(text)
    result, session = ordered(TRUEGREEN_CHANGED=str(changed))
    assert session["places"] == []
    result.assert_outcomes(passed=1)


def test_places_with_workers_are_those_of_the_workers(ordered, pytester):
    path = pytester.makepyfile(test_it="import time\ndef test_a(): time.sleep(0.05)\ndef test_b(): pass\n")
    changed = pytester.path / "changed.json"
    changed.write_text(json.dumps([str(path.resolve())]))
    _, session = ordered("-n", "2", TRUEGREEN_CHANGED=str(changed), fresh=True)
    assert [row[0] for row in session["places"]] == ["test_it.py::test_a", "test_it.py::test_b"]
    assert session["places"][0][4] >= 0.05
    assert session["ran"] == 2


def test_places_of_tests_that_are_no_python_cover_their_file(ordered, pytester):
    path = pytester.path / "notes.txt"
    path.write_text(">>> 1 + 1\n2\n")
    changed = pytester.path / "changed.json"
    changed.write_text(json.dumps([str(path.resolve())]))
    _, session = ordered("--doctest-glob=*.txt", TRUEGREEN_CHANGED=str(changed))
    assert [tuple(row[2:4]) for row in session["places"]] == [(1, 1 << 31)]
