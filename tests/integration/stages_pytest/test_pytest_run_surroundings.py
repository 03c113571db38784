"""Real pytest runs in projects that shadow, unload, outdo or read what is ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.hostile import CORPUS

pytestmark = pytest.mark.slow
PASSES = "import app\ndef test_passes(): pass\n"


@pytest.fixture
def project(home):
    home.clear()
    home.write("app.py", "VALUE = 1\n")  # coverage needs something to measure beside the tests
    return home


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
    done = subprocess.run(command, cwd=project.root, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["state"] == "ran"
    session = json.loads((project.root / ".truegreen" / "wiring" / "session.json").read_text())
    assert session["ids"] == ["test_it.py::test_passes"]
    assert not (project.root / "ran").exists()


def test_helper_cannot_be_imported_by_the_tests(project):
    judged = project.run(
        """
        import importlib.util
        import app
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
    assert {file.path for file in judged.evidence.coverage.files} == {"app.py", "module.py", "test_it.py"}


def test_coverage_measures_src_where_there_is_one(project):
    project.write("src/module.py", "def unused():\n    return 2\n")
    judged = project.run(PASSES)
    assert {file.path for file in judged.evidence.coverage.files} == {"src/module.py"}
    assert (judged.evidence.coverage.covered_lines, judged.evidence.coverage.lines) == (0, 2)


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


# --- what pytest refuses -------------------------------------------------------------------------------------------

REFUSED = {
    "[pytest]\naddopts = --no-such-option 1\n": ("unrecognized arguments: --no-such-option", PASSES),
    "[pytest]\n": (
        "test_it.py:2: marker persist of test_it.py::test_a is nobody's: write persists, which is truegreen's",
        "import pytest\n@pytest.mark.persist('ops')\ndef test_a(): pass\n",
    ),
}


@pytest.mark.parametrize("ini", REFUSED)
def test_run_that_pytest_refuses_says_so_in_its_own_words(project, ini):
    project.write("pytest.ini", ini)
    words, tests = REFUSED[ini]
    judged = project.run(tests)
    assert (judged.status, judged.record.error.code) == ("blind", "TG305")
    assert judged.record.error.what == "pytest refused to run"
    assert words in judged.record.error.why
    assert "pytest refused to run" in judged.verdict("stage-complete").reason


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"paths": ["nope"]}, "ERROR: file or directory not found: nope"),
        ({"marker": "(("}, "ERROR: Wrong expression passed to '-m': (("),
    ],
)
def test_run_that_pytest_refuses_begins_with_its_own_error(project, options, words):
    judged = project.run(PASSES, **options)
    assert judged.record.error.what == "pytest refused to run"
    assert judged.record.error.why.startswith(words)
    assert "rootdir" not in judged.record.error.why


def test_preparation_that_outlives_the_time_limit_is_told_as_that(project):
    judged = project.run(PASSES, prepare=["sh -c 'echo waits; sleep 30'"], timeout_s=1)
    assert (judged.record.error.code, judged.record.error.why) == ("TG306", "waits")
    assert "did not end within 1 s" in judged.record.error.what
