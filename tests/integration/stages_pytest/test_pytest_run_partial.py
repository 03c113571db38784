"""Real pytest runs in which a part ran, was repeated, or ended otherwise than it said."""

from __future__ import annotations

import pytest
from tests.support.pytest_projects import REQUIREMENTS

pytestmark = pytest.mark.slow
TWO = "def test_good(): pass\ndef test_other(): pass\n"
DESK = {"CI": "", "GITHUB_RUN_ID": ""}
IN_CI = {"CI": "true", "GITHUB_RUN_ID": ""}


@pytest.fixture
def project(home):
    home.clear()
    home.write("requirements.txt", REQUIREMENTS + "pytest-rerunfailures>=16\n")
    return home


# --- dropped without a word --------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("when", ["", "@pytest.hookimpl(tryfirst=True)\n"])
def test_run_whose_conftest_drops_tests_is_blind(project, workers, when):
    project.write(
        "conftest.py", f"import pytest\n{when}def pytest_collection_modifyitems(items): items[:] = items[:1]\n"
    )
    judged = project.run(TWO, workers=workers, env=DESK)
    assert judged.says("tests-ran") == "blind"
    assert "1 test of 2 collected disappeared" in judged.verdict("tests-ran").reason


@pytest.mark.parametrize("workers", ["0", "2"])
def test_run_whose_conftest_deselects_tests_says_so(project, workers):
    project.write(
        "conftest.py",
        "def pytest_collection_modifyitems(config, items):\n"
        "    config.hook.pytest_deselected(items=items[1:])\n    items[:] = items[:1]\n",
    )
    judged = project.run(TWO, workers=workers, env=IN_CI)
    assert judged.says("tests-ran") == "pass"
    assert "left out by the project: 1 test" in judged.verdict("tests-ran").reason


# --- ends that contradict each other -----------------------------------------------------------------------------


@pytest.mark.parametrize("hook", ["pytest_sessionfinish(session)", "pytest_unconfigure(config)"])
def test_run_whose_exit_code_is_changed_at_the_end_is_blind(project, hook):
    project.write(
        "conftest.py",
        "import pytest\nseen = []\ndef pytest_sessionstart(session): seen.append(session)\n"
        f"@pytest.hookimpl(trylast=True)\ndef {hook}: seen[0].exitstatus = 1\n",
    )
    judged = project.run(TWO, env=DESK)
    assert judged.evidence.sessions[0].exit_code == judged.record.tools[0].exit_code == 1
    assert judged.says("tests-ran") == "blind"


@pytest.mark.parametrize("death", ["os.kill(os.getpid(), signal.SIGSEGV)", "os._exit(3)"])
def test_run_that_dies_after_its_session_is_blind(project, death):
    project.write("conftest.py", f"import atexit, os, signal\natexit.register(lambda: {death})\n")
    judged = project.run(TWO, env=DESK)
    assert judged.evidence.sessions[0].exit_code == 0
    assert judged.says("tests-ran") == "blind"


def test_run_whose_failure_is_taken_out_of_the_results_is_blind(project):
    project.write(
        "conftest.py",
        "import pytest\n"
        "@pytest.hookimpl(trylast=True)\n"
        "def pytest_sessionfinish(session):\n"
        "    import atexit, pathlib, re\n"
        "    path = pathlib.Path(session.config.option.xmlpath)\n"
        "    def clean():\n"
        "        text = re.sub('<failure.*?</failure>', '', path.read_text(), flags=re.S)\n"
        "        path.write_text(text.replace('failures=\"1\"', 'failures=\"0\"'))\n"
        "    atexit.register(clean)\n",
    )
    judged = project.run("def test_bad(): assert 0\ndef test_good(): pass\n", reruns=0, env=DESK)
    assert judged.case("test_bad").outcome == "pass"
    assert judged.says("tests-ran") == "blind"
    assert "test_bad" in judged.verdict("tests-ran").reason


# --- a part of the tests -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (("-k", "good"), "1 of 2 tests, -k good"),
        (("-kgood",), "1 of 2 tests, -k good"),
        (("--deselect", "test_it.py::test_other"), "1 of 2 tests, --deselect test_it.py::test_other"),
        (("-m", "slow"), "1 of 2 tests, -m slow"),
        (("test_it.py::test_good",), "1 test, test_it.py::test_good"),
    ],
)
def test_part_that_is_asked_for_passes_at_a_desk_with_a_word_and_is_blind_in_ci(project, after, said):
    text = "import pytest\n@pytest.mark.slow\ndef test_good(): pass\ndef test_other(): pass\n"
    judged = project.run(text, after=after, env=DESK)
    assert judged.ids == {"test_it.py::test_good"}
    assert judged.says("tests-ran") == "pass"
    assert f"partial: {said}" in judged.verdict("tests-ran").reason
    assert any(note.startswith("partial: 1") for note in judged.report.notes)
    assert project.run(text, after=after, env=IN_CI).says("tests-ran") == "blind"


def test_files_that_are_ignored_for_one_run_make_it_partial(project):
    project.write("test_more.py", TWO)
    judged = project.run(TWO, after=("--ignore", "test_more.py"), env=DESK)
    assert "partial: 2 tests, --ignore test_more.py" in judged.verdict("tests-ran").reason


@pytest.mark.parametrize("after", [("-vv",), ("-k", "test"), (".",), ("--lf",), ("-x",)])
def test_arguments_that_leave_nothing_out_are_the_whole_stage(project, after):
    judged = project.run(TWO, after=after, env=IN_CI)
    assert judged.says("tests-ran") == "pass"
    assert judged.evidence.sessions[0].asked == ()


def test_path_beside_those_of_the_stage_only_adds(project):
    project.write("one/test_one.py", TWO)
    project.write("two/test_two.py", TWO)
    judged = project.run(paths=["one"], after=("two",), env=IN_CI)
    assert len(judged.ids) == 4
    assert judged.says("tests-ran") == "pass"


# pytest-xdist switches --sw off.
@pytest.mark.parametrize(("option", "workers"), [("--lf", "0"), ("--lf", "2"), ("--sw", "0")])
def test_part_that_pytest_remembers_is_blind(project, option, workers):
    project.write("pytest.ini", f"[pytest]\naddopts = {option}\n")
    project.write("test_more.py", TWO)
    project.run("def test_a(): pass\ndef test_b(): assert 0\n", reruns=0, workers=workers, env=DESK)
    judged = project.run("def test_a(): pass\ndef test_b(): pass\n", workers=workers, env=DESK)
    assert "test_it.py::test_a" not in judged.ids
    assert judged.says("tests-ran") == "blind"
    assert option in judged.verdict("tests-ran").reason
    assert project.run(workers=workers, env=DESK).says("tests-ran") == "pass", "nothing is remembered any more"


def test_part_of_an_environment_variable_is_blind(project):
    judged = project.run(TWO, variables={"PYTEST_ADDOPTS": "-k good"}, env=DESK)
    assert judged.says("tests-ran") == "blind"


def test_part_that_the_project_is_configured_for_is_named(project):
    project.write("pytest.ini", "[pytest]\naddopts = -k good\n")
    judged = project.run(TWO, env=IN_CI)
    assert judged.says("tests-ran") == "pass"
    assert judged.verdict("tests-ran").reason.endswith("left out by the project: 1 test, -k good")


# --- repeated, skipped, divided ----------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", ["0", "2"])
def test_run_of_a_test_that_a_plugin_repeats_is_flaky(project, workers):
    text = """
        from pathlib import Path
        def test_flaky():
            mark = Path(__file__).with_name("ran-before")
            if not mark.exists():
                mark.touch()
                raise AssertionError("the first time")
        def test_steady(): pass
    """
    judged = project.run(text, args=["--reruns=2"], workers=workers, env=DESK)
    assert judged.case("test_flaky").attempts == ("fail", "pass")
    assert judged.evidence.sessions[0].reruns == {"test_it.py::test_flaky": 1}
    assert judged.says("tests-ran") == "pass"
    assert judged.says("flakiness") == "fail"


@pytest.mark.parametrize("workers", ["0", "2"])
def test_run_with_a_module_that_is_skipped_as_a_whole_is_green(project, workers):
    project.write("sub/test_opt.py", "import pytest\npytest.importorskip('no_such_module')\ndef test_x(): pass\n")
    judged = project.run(TWO, workers=workers, env=DESK)
    verdict = judged.verdict("tests-ran")
    assert (verdict.status, verdict.reason) == ("pass", "2 tests ran, 1 were skipped on purpose")
    assert ("skipped modules", "sub/test_opt.py") in {(fact.label, fact.value) for fact in verdict.facts}


SUBTESTS = """
    import unittest
    def test_divided(subtests):
        for n in range(3):
            with subtests.test(n=n): assert n != {bad}
    class TestCase(unittest.TestCase):
        def test_old(self):
            for n in range(4):
                with self.subTest(n=n): self.assertNotEqual(n, {bad})
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_run_with_subtests_that_pass_is_green(project, workers):
    judged = project.run(SUBTESTS.format(bad=9), workers=workers, env=DESK)
    assert judged.says("tests-ran") == judged.says("no-failures") == "pass"
    assert judged.ids == {"test_it.py::test_divided", "test_it.py::TestCase::test_old"}


@pytest.mark.parametrize("workers", ["0", "2"])
def test_run_with_a_subtest_that_fails_names_its_test(project, workers):
    judged = project.run(SUBTESTS.format(bad=1), workers=workers, env=DESK)
    assert judged.says("tests-ran") == "pass"
    verdict = judged.verdict("no-failures")
    assert verdict.status == "fail"
    assert {item.title for item in verdict.items} == {"test_it.py::test_divided", "test_it.py::TestCase::test_old"}
    assert judged.case("test_old").attempts == ("fail", "fail")
