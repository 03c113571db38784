"""`truegreen req list` and `req stub` in a real project, whose stubs run under pytest."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.support.app_evidence import junit, leave, session

from truegreen.errors import EXIT_CONFIGURATION, EXIT_EVIDENCE, EXIT_GATE_FAILED, EXIT_OK

if TYPE_CHECKING:
    from tests.support.app_desk import Desk

ROWS = """\
[[requirements]]
id = "M1-1.3"
text = "the factory gives a repository"
type = "wiring"
milestone = "M1"

[[requirements]]
id = "M1-1.4"
text = 'a "quoted" text \\\\ with \"\"\" inside'
type = "persistence"
milestone = "M1"

[[requirements]]
id = "M1-1.5"
text = "adds up"
type = "unit"
milestone = "M1"
due = 2999-01-01
"""


def ran(desk: Desk, requirements: str = '{"M1-1.5": ["tests/test_a.py::test_adds"]}', **more) -> None:
    """Leave evidence of a unit stage with one test."""
    told = session("test_adds", **more)[:-1] + f', "requirements": {requirements}}}'.encode()
    failed = ("test_adds",) if more else ()
    parts = {"junit.xml": ("junit", junit("test_adds", failed=failed)), "session.json": ("pytest-session", told)}
    leave(desk.root / ".truegreen", "unit", parts, commit=desk.git("rev-parse", "HEAD"))


def test_list_without_evidence_names_every_row(desk: Desk) -> None:
    desk.write("requirements.toml", ROWS)
    ended = desk.run("req", "list")
    assert ended.code == EXIT_OK
    assert [row.split()[0] for row in ended.out.splitlines()] == ["M1-1.3", "M1-1.4", "M1-1.5"]
    assert "0 of 3 proved" in ended.err


def test_list_says_what_the_last_evidence_proved(desk: Desk) -> None:
    desk.write("requirements.toml", ROWS)
    ran(desk)
    found = {row["requirement"]["id"]: row for row in desk.run("req", "list", "--json").json}
    assert (found["M1-1.5"]["state"], found["M1-1.5"]["tests"]) == ("proved", ["tests/test_a.py::test_adds"])
    assert found["M1-1.3"]["state"] == "open"
    assert "M1-1.5" in desk.run("req", "list").out


def test_list_keeps_each_row_on_its_line_whatever_its_text_says(desk: Desk) -> None:
    desk.write("requirements.toml", ROWS.replace('"adds up"', '"adds\\n::error::up\\u001b[31m"'))
    rows = desk.run("req", "list").out.splitlines()
    assert len(rows) == 3
    assert "\x1b" not in rows[2]


def test_list_in_a_project_without_a_registry_says_how_to_begin(desk: Desk) -> None:
    ended = desk.run("req", "list")
    assert ended.code == EXIT_CONFIGURATION
    assert "has no requirement registry" in ended.err


def test_gate_is_red_for_a_row_whose_test_failed_and_open_for_the_rest(desk: Desk) -> None:
    desk.write("requirements.toml", ROWS)
    ran(desk, exit_code=1, failed=("test_adds",))
    report = desk.run("gate", "unit", "--json").json
    (run,) = (stage for stage in report["stages"] if stage["stage"] == "run")
    (verdict,) = (v for v in run["verdicts"] if v["gate"] == "requirements")
    assert verdict["status"] == "skipped", "its row is not due before 2999"
    desk.write("requirements.toml", ROWS.replace("due = 2999-01-01\n", ""))
    ended = desk.run("gate", "unit")
    assert ended.code in (EXIT_GATE_FAILED, EXIT_EVIDENCE)
    assert "1 requirement not proved: M1-1.5" in ended.err


def test_stub_writes_tests_that_pytest_expects_to_fail(desk: Desk) -> None:
    desk.write("requirements.toml", ROWS)
    ended = desk.run("req", "stub", "--missing")
    assert ended.out.splitlines() == [
        "M1-1.3 written to tests/wiring/test_wiring_requirements.py:6",
        "M1-1.4 written to tests/persistence/test_persistence_requirements.py:6",
        "M1-1.5 written to tests/unit/test_unit_requirements.py:6",
    ]
    for path in desk.root.glob("tests/*/*.py"):
        assert path.read_text().splitlines()[5].startswith("@pytest.mark.")
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", "-rx", "tests"]
    done = subprocess.run(argv, cwd=desk.root, capture_output=True, text=True, check=False)
    assert (done.returncode, "3 xfailed" in done.stdout) == (0, True), done.stdout


def test_stub_a_second_time_changes_nothing(desk: Desk) -> None:
    desk.write("requirements.toml", ROWS)
    desk.run("req", "stub", "M1-1.3")
    path = desk.root / "tests" / "wiring" / "test_wiring_requirements.py"
    before = path.read_bytes()
    ended = desk.run("req", "stub", "M1-1.3", "--json")
    assert ended.json == [
        {"id": "M1-1.3", "path": "tests/wiring/test_wiring_requirements.py", "line": 7, "written": False}
    ]
    assert path.read_bytes() == before


@pytest.mark.parametrize("old", ["import pytest\n", "x = 1", "'''doc'''\r\nimport pytest\r\n", "import os\n"])
def test_stub_keeps_what_stands_in_the_file(desk: Desk, old: str) -> None:
    desk.write("requirements.toml", ROWS)
    path = desk.root / "tests" / "wiring" / "test_wiring_requirements.py"
    path.parent.mkdir(parents=True)
    path.write_bytes(old.encode())
    assert desk.run("req", "stub", "M1-1.3").code == EXIT_OK
    text = path.read_bytes().decode()
    assert text.startswith(old)
    compile(text, "stub", "exec")
    assert "import pytest" in text


def test_stub_of_two_rows_with_one_text_gives_two_names(desk: Desk) -> None:
    first = ROWS.partition("\n\n")[0]
    desk.write("requirements.toml", first + "\n" + first.replace("M1-1.3", "M1:1.3"))
    desk.run("req", "stub", "M1-1.3", "M1:1.3")
    body = (desk.root / "tests" / "wiring" / "test_wiring_requirements.py").read_text()
    names = [row for row in body.splitlines() if row.startswith("def ")]
    assert len(set(names)) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("stub",), "no requirement is named"),
        (("stub", "M1-1.33"), "perhaps you meant 'M1-1.3'"),
    ],
)
def test_stub_of_nothing_or_of_an_unknown_row_is_refused(desk: Desk, words: tuple[str, ...], said: str) -> None:
    desk.write("requirements.toml", ROWS)
    ended = desk.run("req", *words)
    assert ended.code == EXIT_CONFIGURATION
    assert said in ended.err


def test_stub_beside_a_file_that_is_no_python_is_refused_and_leaves_it(desk: Desk) -> None:
    desk.write("requirements.toml", ROWS)
    path = desk.write("tests/wiring/test_wiring_requirements.py", "def (\n")
    ended = desk.run("req", "stub", "M1-1.3")
    assert (ended.code, path.read_text()) == (EXIT_CONFIGURATION, "def (\n")


def test_stub_never_writes_through_a_link(desk: Desk) -> None:
    desk.write("requirements.toml", ROWS)
    outside = desk.root.parent / "outside"
    outside.mkdir()
    (desk.root / "tests").symlink_to(outside)
    assert desk.run("req", "stub", "M1-1.3").code == EXIT_CONFIGURATION
    assert list(outside.iterdir()) == []


def test_stub_missing_with_a_test_for_each_row_says_so(desk: Desk) -> None:
    desk.write("requirements.toml", ROWS)
    mark = '@pytest.mark.req("M1-1.3", "M1-1.4", "M1-1.5")'
    desk.write("tests/test_all.py", f"import pytest\n\n{mark}\ndef test_x(): ...\n")
    desk.write("tests/broken.py", "def (: req\n")
    desk.write(".hidden/test_x.py", "raise SystemExit  # req\n")
    assert "every requirement has a test" in desk.run("req", "stub", "--missing").err


def test_stub_goes_where_the_stage_looks_for_tests(desk: Desk) -> None:
    desk.configure('[tool.truegreen.wiring]\ntests = ["checks/wired"]\nmarker = "wired"\n')
    desk.write("requirements.toml", ROWS)
    assert "checks/wired/test_wiring_requirements.py" in desk.run("req", "stub", "M1-1.3").out
    assert "@pytest.mark.wired\n" in (desk.root / "checks/wired/test_wiring_requirements.py").read_text()
