"""Real pytest runs through the unit stage, judged: what ended how, and what is never green."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
PASSES = "import app\ndef test_passes(): pass\n"
FLAKY = """
    from pathlib import Path
    def test_flaky():
        mark = Path(__file__).with_name("ran-before")
        if not mark.exists():
            mark.touch()
            raise AssertionError("the first time")
    def test_steady(): pass
"""


@pytest.fixture
def project(home):
    home.clear()
    home.write("app.py", "VALUE = 1\n")  # coverage needs something to measure beside the tests
    return home


def test_run_of_passing_tests_is_green_and_leaves_every_evidence(project):
    judged = project.run("import app\ndef test_a(): pass\ndef test_b(): pass\n")
    assert judged.status == "pass"
    assert set(judged.record.expects) == {"junit", "pytest-session", "coverage-json"}
    assert judged.ids == {"test_it.py::test_a", "test_it.py::test_b"}
    (session,) = judged.evidence.sessions
    assert (session.exit_code, session.selected, session.finished) == (0, 2, True)
    (tool,) = judged.record.tools
    assert (tool.name, tool.version, tool.exit_code) == ("pytest", session.pytest, 0)
    assert judged.record.python == session.python
    assert "2 passed" in judged.shown


def test_run_in_parallel_finds_the_same_tests(project):
    text = "import app, pytest\n@pytest.mark.parametrize('n', range(6))\ndef test_n(n): pass\n"
    judged = project.run(text, workers="2")
    assert judged.status == "pass"
    assert len(judged.ids) == 6
    assert judged.evidence.sessions[0].collected == 6
    assert "2 workers" in judged.log()


# --- nothing ran, or not all of it -------------------------------------------------------------------------------


def test_run_without_any_test_is_blind(project):
    judged = project.run("def helper(): pass\n")
    assert judged.status == "blind"
    assert judged.says("tests-ran") == "blind"
    assert judged.evidence.sessions[0].exit_code == 5


def test_run_whose_tests_belong_to_other_stages_is_blind(project):
    judged = project.run("import pytest\n@pytest.mark.wiring\ndef test_wired(): pass\n")
    assert judged.says("tests-ran") == "blind"
    assert judged.evidence.sessions[0].deselected == 1


def test_run_of_the_wiring_stage_takes_the_marked_tests_only(project):
    judged = project.run(
        "import pytest\n@pytest.mark.wiring\ndef test_wired(): pass\ndef test_other(): 1/0\n", stage="wiring"
    )
    assert judged.status == "pass"
    assert judged.ids == {"test_it.py::test_wired"}


def test_run_with_a_marker_of_its_own_takes_those_tests(project):
    project.write("pytest.ini", "[pytest]\nmarkers = quick\n")
    text = "import pytest\n@pytest.mark.quick\ndef test_quick(): pass\n@pytest.mark.wiring\ndef test_wired(): 1/0\n"
    assert project.run(text, marker="quick").ids == {"test_it.py::test_quick"}
    assert project.run(text, stage="wiring", marker="quick").ids == {"test_it.py::test_quick"}


def test_run_whose_tests_are_all_skipped_is_blind(project):
    judged = project.run("import pytest\ndef test_a(): pytest.skip('not today')\n")
    assert judged.status == "blind"
    assert "skipped" in judged.verdict("tests-ran").reason


@pytest.mark.parametrize("workers", ["0", "2"])
def test_run_with_a_module_that_cannot_be_collected_is_blind(project, workers):
    project.write("test_broken.py", "import no_such_module\n")
    judged = project.run(PASSES, workers=workers)
    assert judged.status in ("blind", "fail")
    assert judged.says("tests-ran") == "blind"
    assert judged.evidence.sessions[0].collection_errors == 1


def test_run_that_goes_on_after_a_collection_error_is_blind_still(project):
    project.write("test_broken.py", "import no_such_module\n")
    judged = project.run(PASSES, args=["--continue-on-collection-errors"])
    assert judged.says("tests-ran") == "blind"
    assert "could not be collected" in judged.verdict("tests-ran").reason


@pytest.mark.parametrize("option", ["--collect-only", "--setup-plan", "--no-such-option"])
def test_run_with_an_option_that_runs_no_test_is_blind(project, option):
    judged = project.run(PASSES, after=(option,))
    assert judged.says("tests-ran") == "blind"
    assert judged.status in ("blind", "fail")


# --- failures ----------------------------------------------------------------------------------------------------


def test_run_with_a_failing_test_fails_and_tries_it_twice(project):
    judged = project.run("def test_bad(): assert 1 == 2\ndef test_good(): pass\n")
    assert judged.status == "fail"
    assert judged.says("no-failures") == "fail"
    assert judged.case("test_bad").attempts == ("fail", "fail")
    assert judged.case("test_good").attempts == ()
    assert [tool.name for tool in judged.record.tools] == ["pytest", "pytest rerun 1"]


@pytest.mark.parametrize("phase", ["setup", "teardown"])
def test_run_with_an_error_outside_the_test_fails(project, phase):
    before, after = ("1 / 0", "pass") if phase == "setup" else ("pass", "1 / 0")
    judged = project.run(
        f"""
        import pytest
        @pytest.fixture
        def broken():
            {before}
            yield
            {after}
        def test_uses_it(broken): pass
        """
    )
    assert judged.status == "fail"
    assert judged.case("test_uses_it").outcome == "error"
    assert judged.case("test_uses_it").attempts == ("error", "error")


@pytest.mark.parametrize("workers", ["1", "2", "auto"])
def test_run_of_a_flaky_test_is_recorded_as_flaky_and_not_as_clean(project, workers):
    judged = project.run(FLAKY, workers=workers)
    assert judged.case("test_flaky").attempts == ("fail", "pass")
    assert judged.says("no-failures") == "pass"
    assert judged.says("flakiness") == "fail"
    assert judged.status == "fail"


def test_run_without_reruns_leaves_a_flaky_test_failed(project):
    judged = project.run(FLAKY, reruns=0)
    assert judged.case("test_flaky").outcome == "fail"
    assert judged.says("no-failures") == "fail"
    assert not list(judged.out.glob("*rerun*"))


def test_rerun_ends_as_soon_as_nothing_fails(project):
    judged = project.run(FLAKY, reruns=5)
    assert [path.name for path in judged.out.glob("junit*.xml")] == ["junit.xml", "junit-rerun-1.xml"]


def test_rerun_of_more_than_fifty_failures_does_not_happen(project):
    judged = project.run(
        "import pytest\n@pytest.mark.parametrize('n', range(51))\ndef test_n(n): assert not 'broken'\n"
    )
    assert judged.status == "fail"
    assert not list(judged.out.glob("*rerun*"))


def test_rerun_finds_tests_below_a_configuration_of_their_own(project):
    project.write("sub/pytest.ini", "[pytest]\n")
    project.write("sub/test_flaky.py", FLAKY)
    judged = project.run(paths=["sub"])
    assert judged.case("test_flaky").attempts == ("fail", "pass")


def test_rerun_keeps_the_root_of_the_first_run(project):
    project.write("pytest.ini", "[pytest]\n")
    project.write("sub/pytest.ini", "[pytest]\n")
    project.write("sub/test_flaky.py", FLAKY)
    judged = project.run()
    assert judged.case("test_flaky").attempts == ("fail", "pass")
    assert judged.case("test_flaky").id == "sub/test_flaky.py::test_flaky"


def test_rerun_is_not_undone_by_a_marker_of_the_project(project):
    project.write("pytest.ini", "[pytest]\naddopts = -m 'not wiring'\n")
    judged = project.run(
        FLAKY.replace("def test_flaky", "@pytest.mark.wiring\n    def test_flaky").replace(
            "from pathlib", "import pytest\n    from pathlib"
        ),
        stage="wiring",
    )
    assert judged.case("test_flaky").attempts == ("fail", "pass")


def test_rerun_has_the_arguments_of_the_stage(project):
    project.write(
        "conftest.py",
        "import pytest\ndef pytest_addoption(parser): parser.addoption('--level')\n"
        "@pytest.fixture\ndef level(request): return request.config.getoption('--level')\n",
    )
    judged = project.run(
        FLAKY.replace("def test_flaky():", "def test_flaky(level):\n        assert level == '7'"), args=["--level=7"]
    )
    assert judged.case("test_flaky").attempts == ("fail", "pass")


def test_rerun_of_a_test_whose_name_fits_no_command_line_leaves_it_failed(project):
    judged = project.run(
        """
        import pytest
        @pytest.mark.parametrize("n", [1, 2], ids=["x" * 140_000, "short"])
        def test_long(n): assert not n
        """
    )
    assert judged.record.state == "ran", judged.record.error
    assert json.loads((judged.out / "session-rerun-1.json").read_text())["ids"] == ["test_it.py::test_long[short]"]
    assert judged.status in ("fail", "blind")


# --- killed, crashed, hanging ------------------------------------------------------------------------------------


@pytest.mark.parametrize("death", ["os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_run_that_a_test_kills_is_blind(project, death):
    judged = project.run(f"import os, signal\ndef test_a(): pass\ndef test_deadly(): {death}\n")
    assert judged.status == "blind"
    assert not (judged.out / "junit.xml").exists()
    assert judged.says("stage-complete") == "blind"
    assert not judged.evidence.sessions[0].finished


def test_run_that_a_module_kills_while_it_is_collected_is_blind(project):
    judged = project.run("import os\nos._exit(0)\n")
    assert judged.status == "blind"
    assert judged.evidence.sessions == ()


def test_run_whose_worker_a_test_kills_is_never_green(project):
    judged = project.run("import os\ndef test_a(): pass\ndef test_deadly(): os._exit(0)\n", workers="2")
    assert judged.status in ("fail", "blind")
    assert "crashed" in judged.log()


def processes_of(project):
    """Return the command lines of processes that work in the project's folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "cwd").readlink() == project.root:
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return [line for line in found if line]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_run_that_hangs_is_killed_at_its_limit_with_everything_it_started(project, workers):
    begun = time.monotonic()
    judged = project.run(
        """
        import signal, subprocess, sys, time
        def test_hangs():
            stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
            subprocess.Popen([sys.executable, "-c", stubborn])
            time.sleep(600)
        """,
        workers=workers,
        timeout_s=4.0,
    )
    assert time.monotonic() - begun < 30
    assert judged.status == "blind"
    assert judged.record.error.code == "TG306"
    assert processes_of(project) == []
    assert judged.log(), "the log so far is kept"


# --- arguments ---------------------------------------------------------------------------------------------------


def test_arguments_after_the_dashes_reach_pytest_unchanged(project):
    after = ("-k", "one and not (two or three)", "-vv")
    judged = project.run("def test_one(): pass\ndef test_two(): pass\n", after=after)
    assert judged.ids == {"test_it.py::test_one"}
    assert judged.evidence.sessions[0].deselected == 1
    argv = judged.record.tools[0].argv
    at = argv.index("-k")
    assert argv[at : at + 3] == after
    assert judged.record.command.endswith("-vv")


def test_arguments_that_stop_early_are_never_green(project):
    judged = project.run("def test_a(): assert 0\ndef test_b(): pass\n", after=("--maxfail", "1"))
    assert judged.says("tests-ran") == "blind"
    assert "test_b" in judged.verdict("tests-ran").reason
    assert judged.status == "fail"


def test_options_of_the_project_for_xdist_do_not_break_a_serial_run(project):
    project.write("pytest.ini", "[pytest]\naddopts = -n 2 --dist loadfile\n")
    judged = project.run(PASSES, workers="0")
    assert judged.status == "pass"
    assert "workers" not in judged.log()


def test_groups_of_xdist_do_not_change_the_ids(project):
    project.write("pytest.ini", "[pytest]\naddopts = --dist loadgroup\n")
    text = FLAKY.replace("def test_flaky", "@pytest.mark.xdist_group('g')\n    def test_flaky").replace(
        "from pathlib", "import pytest\n    from pathlib"
    )
    judged = project.run(text, workers="2")
    assert judged.ids == {"test_it.py::test_flaky", "test_it.py::test_steady"}
    assert judged.case("test_flaky").attempts == ("fail", "pass")
    assert judged.says("tests-ran") == "pass"


def test_paths_of_the_stage_choose_the_tests(project):
    project.write("one/test_one.py", PASSES)
    project.write("two/test_two.py", PASSES)
    assert project.run(paths=["two"]).ids == {"two/test_two.py::test_passes"}
