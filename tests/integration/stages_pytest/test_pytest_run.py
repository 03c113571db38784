"""Real pytest runs through the unit stage, judged: what ended how, and what is never green."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.hostile import CORPUS
from tests.support.pytest_projects import Project, shared_cache

pytestmark = pytest.mark.slow
PASSES = "def test_passes(): pass\n"
FLAKY = """
    from pathlib import Path
    def test_flaky():
        mark = Path(__file__).with_name("ran-before")
        if not mark.exists():
            mark.touch()
            raise AssertionError("the first time")
    def test_steady(): pass
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pytest-run")
    return Project(folder / "project", shared_cache(folder / "cache"))


@pytest.fixture
def project(home):
    home.clear()
    return home


def test_run_of_passing_tests_is_green_and_leaves_every_evidence(project):
    judged = project.run("def test_a(): pass\ndef test_b(): pass\n")
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
    text = "import pytest\n@pytest.mark.parametrize('n', range(6))\ndef test_n(n): pass\n"
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


# --- hostile and shadowing files ---------------------------------------------------------------------------------


def test_names_and_texts_that_attack_are_kept_as_they_are(project):
    project.write("corpus.json", json.dumps([text for text in CORPUS if "\ud800" not in text and len(text) < 1000]))
    judged = project.run(
        """
        import json, pathlib, sys
        import pytest
        CORPUS = json.loads(pathlib.Path(__file__).with_name("corpus.json").read_text())
        @pytest.mark.parametrize("text", CORPUS)
        def test_hostile(text):
            print(text); print(text, file=sys.stderr)
            raise AssertionError(text + "\\ud800")
        """,
        reruns=1,
    )
    assert judged.status == "fail"
    assert judged.record.state == "ran"
    assert len(judged.ids) == len(json.loads((project.root / "corpus.json").read_text()))
    assert {case.attempts for case in judged.evidence.tests.cases} == {("fail", "fail")}
    assert not [line for line in judged.shown.splitlines() if line.lstrip().startswith(("::", "##["))]


SHADOWS = ("sitecustomize", "usercustomize", "truegreen", "scripts/truegreen/__init__", "msgspec", "yaml", "uv")


def test_files_of_the_project_never_run_inside_the_helper(project):
    confess = "import sys\nopen('ran', 'a').write(f'{__file__} {sys.orig_argv}')\nraise SystemExit(0)\n"
    for name in SHADOWS:
        project.write(f"{name}.py", confess)
    project.write("test_it.py", PASSES)
    launch = Path(__file__).parents[3] / "scripts" / "launch.py"
    command = [
        sys.executable,
        "-I",
        str(launch),
        "run",
        "wiring",
        "--no-gate",
        "--set",
        "wiring.marker=not x",
        "--json",
    ]
    env = {**project.shell().env, "PYTHONPATH": str(project.root)}
    done = subprocess.run(command, cwd=project.root, env=env, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)[0]["state"] == "ran"
    session = json.loads((project.root / ".truegreen" / "wiring" / "session.json").read_text())
    assert session["ids"] == ["test_it.py::test_passes"]
    assert not (project.root / "ran").exists()


def test_helper_cannot_be_imported_by_the_tests(project):
    judged = project.run(
        """
        import importlib.util
        def test_nothing_of_ours():
            assert importlib.util.find_spec("truegreen") is None
            assert importlib.util.find_spec("msgspec") is None
        """
    )
    assert judged.status == "pass", judged.log()


@pytest.mark.parametrize("text", ["raise SystemExit(0)\n", "def pytest_configure(config): pass\n"])
def test_plugin_that_the_project_shadows_is_blind(project, text):
    project.write("truegreen_pytest.py", text)
    judged = project.run(PASSES)
    assert judged.status == "blind"
    assert judged.says("stage-complete") == "blind"
    assert judged.evidence.sessions == ()


def test_library_that_the_project_shadows_is_never_green(project):
    project.write("json.py", "raise SystemExit(0)\n")
    assert project.run(PASSES).status == "blind"


UNREGISTER = "config.pluginmanager.unregister(name='truegreen-hooks')\n"


@pytest.mark.parametrize(
    "unload",
    [
        f"import pytest\n@pytest.hookimpl(trylast=True)\ndef pytest_configure(config): {UNREGISTER}",
        f"def pytest_collection_finish(session): session.{UNREGISTER}",
        f"def pytest_runtest_setup(item): item.{UNREGISTER}",
        "import os\nos.environ['TRUEGREEN_SESSION_FILE'] = ''\n",
    ],
)
def test_plugin_that_a_conftest_unloads_is_blind(project, unload):
    project.write("conftest.py", unload)
    judged = project.run(PASSES)
    assert judged.status == "blind", judged.report


@pytest.mark.parametrize("option", ["-p no:truegreen-hooks", "-p no:junitxml"])
def test_plugin_that_the_project_switches_off_is_blind(project, option):
    project.write("pytest.ini", f"[pytest]\naddopts = {option}\n")
    judged = project.run(PASSES)
    assert judged.status == "blind"
    assert judged.says("stage-complete") == "blind"


def test_plugin_that_is_switched_off_by_its_name_is_blind_unless_pytest_loads_it_still(project):
    assert project.run(PASSES, after=("-p", "no:truegreen_pytest")).status == "blind"
    project.write("pytest.ini", "[pytest]\naddopts = -p no:truegreen_pytest\n")
    judged = project.run(PASSES)
    assert judged.status == ("pass" if judged.evidence.sessions else "blind")


def test_evidence_folder_that_a_test_removes_is_blind(project):
    judged = project.run("import shutil\ndef test_a(): shutil.rmtree('.truegreen/unit')\n")
    assert judged.status == "blind"


# --- what the project's programs see -----------------------------------------------------------------------------

SECRETS = {
    "GITHUB_TOKEN": "t", "GH_TOKEN": "t", "COSIGN_PRIVATE_KEY": "t", "COSIGN_PASSWORD": "t", "COSIGN_KEY": "t",
    "ACTIONS_ID_TOKEN_REQUEST_URL": "t", "ACTIONS_RUNTIME_URL": "t", "ACTIONS_CACHE_URL": "t",
    "SLACK_WEBHOOK_URL": "t", "SLACK_CHANNEL": "t", "AWS_SECRET_ACCESS_KEY": "t", "AWS_ACCESS_KEY_ID": "t",
    "SOME_API_KEY": "t", "GPG_PASSPHRASE": "t", "MyPassword": "t", "GITHUB_OUTPUT": "t", "GITHUB_ENV": "t",
    "GITHUB_PATH": "t", "GITHUB_STEP_SUMMARY": "t", "GITHUB_STATE": "t", "TG_SET": "reruns=1",
}  # fmt: skip
SEEN = """
    import json, os
    def test_writes_what_it_sees():
        with open("seen.json", "w") as stream:
            json.dump(dict(os.environ), stream)
"""


def seen(project):
    return json.loads((project.root / "seen.json").read_text())


def test_environment_of_the_tests_holds_no_secret_and_no_channel_to_the_runner(project):
    env = {**SECRETS, "TG_SET": "", "TRUEGREEN_TRACEBACK": "", "HARMLESS": "kept", "GITHUB_SHA": "kept"}
    assert project.run(SEEN, env=env).status == "pass"
    found = seen(project)
    assert set(found) & set(env) == {"HARMLESS", "GITHUB_SHA"}
    assert {key for key in found if key.startswith(("TG_", "ACTIONS_"))} == set()


def test_environment_of_the_stage_is_kept_also_where_it_looks_like_a_secret(project):
    project.write("lib/helper_of_mine.py", "VALUE = 7\n")
    text = SEEN + "        from helper_of_mine import VALUE\n        assert VALUE == 7\n"
    judged = project.run(text, env={"PYTHONPATH": "/nowhere"}, variables={"MY_TOKEN": "mine", "PYTHONPATH": "lib"})
    assert judged.status == "pass", judged.log()
    assert seen(project)["MY_TOKEN"] == "mine"
    assert "/nowhere" not in seen(project)["PYTHONPATH"]


def test_preparation_runs_before_the_tests_in_their_environment(project):
    command = "python -c \"import sys; open('prepared', 'w').write(sys.prefix)\""
    text = "import sys\ndef test_prepared(): assert open('prepared').read() == sys.prefix\n"
    assert project.run(text, prepare=[command]).status == "pass"


def test_preparation_that_fails_ends_the_stage_and_says_why(project):
    judged = project.run(PASSES, prepare=["python -c \"raise SystemExit('no such table')\""])
    assert judged.status == "blind"
    assert judged.record.error.code == "TG305"
    assert "no such table" in judged.record.error.why
    assert "no such table" in judged.log("prepare.log")
    assert not (judged.out / "junit.xml").exists()


# --- the project's own reports -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "addopts",
    [
        "--junitxml=mine.xml -o junit_family=xunit2 --cov=. --cov-report=json:mine.json --cov-report=xml -q -q",
        "-o junit_family=legacy -o junit_suite_name=mine -o junit_logging=all --strict-markers --strict-config",
        "-p no:cacheprovider -p no:terminalreporter --import-mode=importlib",
    ],
)
def test_reports_of_the_project_do_not_hide_the_evidence(project, addopts):
    project.write("pytest.ini", f"[pytest]\naddopts = {addopts}\n")
    judged = project.run(PASSES)
    assert judged.status == "pass", judged.log()
    assert judged.ids == {"test_it.py::test_passes"}


@pytest.mark.parametrize(
    "after", [("--cov-report=json:mine.json",), ("-o", "junit_family=xunit2"), ("--junitxml=m.xml",)]
)
def test_reports_asked_for_after_the_dashes_do_not_hide_the_evidence(project, after):
    judged = project.run(PASSES, after=after)
    assert judged.status == "pass", judged.log()


def test_coverage_that_the_project_switches_off_is_blind(project):
    project.write("pytest.ini", "[pytest]\naddopts = --no-cov\n")
    judged = project.run(PASSES)
    assert judged.status == "blind"
    assert judged.says("coverage") == "blind"


def test_coverage_bound_of_the_project_is_never_green(project):
    project.write("pytest.ini", "[pytest]\naddopts = --cov-fail-under=100\n")
    project.write("module.py", "def never():\n    return 1\n")
    judged = project.run(PASSES)
    assert judged.status != "pass"
    assert judged.evidence.sessions[0].exit_code == 1


def test_coverage_counts_the_project_and_nothing_of_ours(project):
    project.write("module.py", "def used():\n    return 1\ndef unused():\n    return 2\n")
    judged = project.run("import module\ndef test_a(): assert module.used() == 1\n")
    assert {file.path for file in judged.evidence.coverage.files} == {"module.py", "test_it.py"}


def test_coverage_measures_src_where_there_is_one(project):
    project.write("src/module.py", "def unused():\n    return 2\n")
    judged = project.run(PASSES)
    assert {file.path for file in judged.evidence.coverage.files} == {"src/module.py"}
    assert judged.says("coverage") == "fail"


def test_coverage_that_is_not_wanted_is_not_promised(project):
    judged = project.run(PASSES, coverage=False)
    assert set(judged.record.expects) == {"junit", "pytest-session"}
    assert judged.says("coverage") == "blind"


# --- the plugin's folder -----------------------------------------------------------------------------------------


def test_plugin_folder_that_is_damaged_is_made_anew(project):
    assert project.run(PASSES, stage="wiring", marker="not x").status == "pass"
    (folder,) = (project.cache / "plugin").glob("*/truegreen_pytest")
    whole = {path.name: path.read_bytes() for path in folder.glob("*.py")}
    assert "plugin.py" in whole
    (folder / "recorder.py").unlink()
    (folder / "plugin.py").write_text("raise SystemExit(0)\n")
    (folder / "more.py").write_text("")
    assert project.run(PASSES, stage="wiring", marker="not x").status == "pass"
    assert {path.name: path.read_bytes() for path in folder.glob("*.py")} == whole
