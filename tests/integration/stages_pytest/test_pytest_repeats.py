"""New tests of a change run again through a stage: what disagrees is red, and what is said is what was run."""

from __future__ import annotations

import json
import re

import pytest

from truegreen.model.changes import Changes, FileChange

pytestmark = pytest.mark.slow
STEADY = "import app\ndef test_a(): pass\ndef test_b(): pass\n"
NEW = Changes(base="b", files=(FileChange(path="test_new.py", added=True),))
FAILS_AT = """
    import os, signal, pathlib, pytest
    def runs():
        path = pathlib.Path(__file__).with_name("runs")
        number = int(path.read_text()) + 1 if path.exists() else 1
        path.write_text(str(number))
        return number
    def test_steady(): pass
    def test_other():
        if runs() == {run}:
            {deed}
"""


@pytest.fixture
def project(home):
    home.clear()
    home.write("app.py", "VALUE = 1\n")
    home.write("test_it.py", STEADY)
    return home


def repeats(judged):
    return [tool for tool in judged.record.tools if "new tests" in tool.name]


def attempts(judged, name):
    return judged.case(name).attempts


def said(judged):
    """Return the runs and the rate that the notes claim."""
    (found,) = [
        re.search(r"(\d+) runs? ?(?:each)?.*p ≥ (\S+) %", note) for note in judged.record.notes if "p ≥" in note
    ]
    return int(found[1]), found[2]


def test_new_tests_run_29_times_in_fresh_processes_and_the_claim_is_what_that_shows(project):
    project.write("test_new.py", "import os\ndef test_x(): print(os.getpid())\ndef test_y(): pass\n")
    judged = project.run(changes=NEW, new_tests_s=120.0)
    assert judged.status == "pass"
    assert attempts(judged, "test_x") == attempts(judged, "test_y") == ("pass",) * 29
    assert attempts(judged, "test_a") == ()
    assert (len(repeats(judged)), said(judged)) == (28, (29, "9.9"))
    assert any(note.startswith("2 new tests, 29 runs each: could have caught") for note in judged.record.notes)
    assert not any("stable" in note for note in judged.record.notes)
    sessions = [json.loads(path.read_text()) for path in judged.out.glob("session-rerun-*.json")]
    assert len({session["seed"] for session in sessions}) == len({session["hash_seed"] for session in sessions}) == 28
    assert len({tuple(session["ids"]) for session in sessions}) == 2
    assert judged.verdict("time-budget").facts[0].value  # the suite's own time, repeats left out
    assert float(judged.record.tools[0].duration_s) < 10


@pytest.mark.parametrize("run", [2, 4])
def test_new_test_that_fails_once_is_flaky_red_and_not_run_again(project, run):
    project.write("test_new.py", FAILS_AT.format(run=run, deed="raise AssertionError('now')"))
    judged = project.run(changes=NEW, new_tests_s=8.0)
    assert judged.status == "fail"
    assert attempts(judged, "test_other") == ("pass",) * (run - 1) + ("fail",)
    assert judged.says("no-failures") == judged.says("flakiness") == "fail"
    assert "now" in judged.case("test_other").message
    assert any(f"failed in run {run}" in note and "test_other" in note for note in judged.record.notes)
    runs, _ = said(judged)
    assert attempts(judged, "test_steady") == ("pass",) * runs
    assert runs >= run


def test_new_test_that_a_plugin_would_repeat_until_it_passes_is_no_steady_one(project):
    project.write("test_new.py", FAILS_AT.format(run=2, deed="raise AssertionError('now')"))
    project.write(
        "conftest.py",
        """
        import pytest
        from _pytest.runner import runtestprotocol
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item, nextitem):
            for _ in range(3):
                reports = runtestprotocol(item, nextitem=nextitem, log=False)
                if not any(report.failed for report in reports):
                    break
            for report in reports:
                item.ihook.pytest_runtest_logreport(report=report)
            return True
    """,
    )
    judged = project.run(changes=NEW, new_tests_s=5.0)
    assert judged.says("flakiness") == "fail"
    assert judged.status == "fail"
    assert "fail" in attempts(judged, "test_other")


@pytest.mark.parametrize("deed", ["os._exit(0)", "os._exit(5)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_new_test_that_takes_its_process_along_once_is_never_green(project, deed):
    project.write("test_new.py", FAILS_AT.format(run=3, deed=deed))
    judged = project.run(changes=NEW, new_tests_s=60.0)
    assert judged.status == "blind"
    assert judged.record.error.code == "TG305"
    assert "run 3" in judged.record.error.what


def test_new_test_that_hangs_once_is_never_green(project):
    project.write("test_new.py", FAILS_AT.format(run=2, deed="__import__('time').sleep(600)"))
    judged = project.run(changes=NEW, new_tests_s=3.0)
    assert judged.status == "blind"
    assert judged.record.error.code == "TG306"


def test_new_test_that_is_skipped_once_is_not_counted_any_more(project):
    project.write("test_new.py", FAILS_AT.format(run=2, deed="pytest.skip('not now')"))
    judged = project.run(changes=NEW, new_tests_s=4.0)
    assert len(attempts(judged, "test_other")) == 2
    assert any("were skipped in run 2" in note for note in judged.record.notes)
    assert any(note.startswith("1 new test,") for note in judged.record.notes)


def test_new_test_that_failed_at_first_is_not_made_green_by_repeats(project):
    project.write("test_new.py", FAILS_AT.format(run=1, deed="raise AssertionError('now')"))
    judged = project.run(changes=NEW, new_tests_s=4.0)
    assert attempts(judged, "test_other") == ("fail", "pass")
    assert judged.says("flakiness") == "fail"
    assert len(attempts(judged, "test_steady")) > 1
    names = sorted(path.name for path in judged.out.glob("junit-rerun-*.xml"))
    assert len(names) == len(repeats(judged)) + 1


def test_new_test_that_always_fails_stays_failed(project):
    project.write("test_new.py", "def test_bad(): assert 0\n")
    judged = project.run(changes=NEW, new_tests_s=60.0)
    assert attempts(judged, "test_bad") == ("fail", "fail")
    assert repeats(judged) == []
    assert not any("p ≥" in note for note in judged.record.notes)


def test_new_tests_that_depend_on_their_order_are_found_out(project):
    project.write(
        "test_new.py",
        """
        import app
        def test_first(): app.VALUE = 2
        def test_second(): assert app.VALUE == 2
    """,
    )
    judged = project.run(changes=NEW, new_tests_s=60.0)
    assert "fail" in attempts(judged, "test_second")
    assert judged.status == "fail"


def test_new_test_that_needs_an_old_one_is_found_out(project):
    project.write("test_a_old.py", "import app\ndef test_old(): app.VALUE = 2\n")
    project.write("test_new.py", "import app\ndef test_x(): assert app.VALUE == 2\n")
    judged = project.run(changes=NEW, new_tests_s=60.0)
    assert attempts(judged, "test_x") == ("pass", "fail")


def test_changed_lines_of_an_old_file_choose_its_tests(project):
    project.write("test_it.py", STEADY)
    changes = Changes(base="b", files=(FileChange(path="test_it.py", lines=frozenset({3})),))
    judged = project.run(changes=changes, new_tests_s=2.0)
    assert attempts(judged, "test_a") == ()
    assert len(attempts(judged, "test_b")) == said(judged)[0] > 1


def test_new_tests_with_workers_run_again_one_after_the_other(project):
    project.write("test_new.py", "import pytest\n@pytest.mark.parametrize('n', range(5))\ndef test_x(n): pass\n")
    judged = project.run(changes=NEW, new_tests_s=3.0, workers="2")
    assert judged.status == "pass"
    assert {len(attempts(judged, f"test_x[{number}]")) for number in range(5)} == {said(judged)[0]}


def test_new_tests_are_not_cut_short_by_an_option_of_the_stage(project):
    project.write("test_new.py", FAILS_AT.format(run=2, deed="raise AssertionError('now')"))
    judged = project.run(changes=NEW, new_tests_s=6.0, args=["-x"])
    assert attempts(judged, "test_other") == ("pass", "fail")
    assert len(attempts(judged, "test_steady")) == said(judged)[0] >= 2


def test_new_tests_that_take_longer_than_the_budget_run_once_and_that_is_said(project):
    project.write("test_new.py", "import time\ndef test_x(): time.sleep(1.5)\n")
    judged = project.run(changes=NEW, new_tests_s=1.0)
    assert attempts(judged, "test_x") == ()
    assert said(judged) == (1, "95")
    assert any("new-tests-s = 1" in note for note in judged.record.notes)


def test_new_tests_whose_names_change_are_not_claimed(project):
    project.write(
        "test_new.py",
        """
        import uuid, pytest
        @pytest.mark.parametrize("name", [str(uuid.uuid4())])
        def test_x(name): pass
        def test_y(): pass
    """,
    )
    judged = project.run(changes=NEW, new_tests_s=60.0)
    assert judged.status == "pass"
    assert said(judged)[0] == 1
    assert any("selected 1 of them" in note for note in judged.record.notes)


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        (NEW, {"new_tests_s": 0.0}),
        (None, {"new_tests_s": 60.0}),
        (Changes(base="b"), {"new_tests_s": 60.0}),
        (Changes(base="b", files=(FileChange(path="test_new.py", deleted=True),)), {"new_tests_s": 60.0}),
        (Changes(base="b", files=(FileChange(path="app.py", added=True),)), {"new_tests_s": 60.0}),
    ],
    ids=["no budget", "no change", "empty", "deleted", "no test"],
)
def test_run_without_new_tests_repeats_nothing_and_claims_nothing(project, changes, options):
    project.write("test_new.py", "def test_x(): pass\n")
    judged = project.run(changes=changes, **options)
    assert judged.status == "pass"
    assert (repeats(judged), [note for note in judged.record.notes if "new test" in note]) == ([], [])


def test_run_of_a_change_that_cannot_be_known_says_so_and_claims_nothing(project):
    project.write("test_new.py", "def test_x(): pass\n")
    judged = project.run(unknown="the base is not in this clone", new_tests_s=60.0)
    assert (repeats(judged), judged.status) == ([], "pass")
    assert [note for note in judged.record.notes if "new tests" in note] == [
        "new tests cannot be told from old ones, so none ran again: the base is not in this clone"
    ]


def test_repeat_that_pytest_calls_failed_without_a_failed_test_is_never_green(project):
    project.write("test_new.py", "def test_x(): pass\n")
    project.write(
        "conftest.py",
        """
        import os
        def pytest_sessionfinish(session):
            if "TRUEGREEN_ONLY" in os.environ:
                session.exitstatus = 1
        """,
    )
    judged = project.run(changes=NEW, new_tests_s=60.0)
    assert (judged.status, judged.record.error.code) == ("blind", "TG305")


def test_threshold_of_the_project_for_coverage_does_not_fail_a_repeat(project):
    project.write("pytest.ini", "[pytest]\naddopts = --cov=app --cov-fail-under=50\n")
    project.write("app.py", "VALUE = 1\ndef one():\n    x = 1\n    y = 2\n    z = 3\n    return x\n")
    project.write("test_it.py", "import app\ndef test_one(): assert app.one()\n")
    project.write("test_new.py", "def test_x(): pass\n")
    judged = project.run(changes=NEW, new_tests_s=4.0)
    assert judged.status == "pass"
    assert len(attempts(judged, "test_x")) == said(judged)[0] > 1
    assert (judged.out / ".coverage").is_file()
