"""Which files of a project are tests, as pytest's own options say, and what the lint stage keeps of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.scans import run_stage, write_tree

from truegreen.model.style import StyleRule

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.model.style import StyleScan

WAIT = "import time\ndef test_a():\n    time.sleep(2)\n    assert 1\n"
SPARE = "import pytest\n@pytest.fixture\ndef spare():\n    return 1\n"
TREE = {
    "src/shop.py": "def test_price():\n    return 1\n",
    "src/shop_test.py": WAIT,
    "tests/conftest.py": SPARE,
    "tests/unit/test_a.py": WAIT,
    "tests/unit/help.py": "PAUSE = 1\n",
    "more/check_b.py": "def check_b():\n    assert 1\n",
    "conftest.py": "",
}


def look(root: Path, **files: str) -> StyleScan:
    """Run the lint stage with this tool alone; nothing is executed, so it runs no program but git."""
    write_tree(root, {name.replace("__", "/"): text for name, text in files.items()})
    ran = run_stage("lint", root, tools=["test-style"])
    assert ran.outcome.expects == ("test-style",)
    assert ran.outcome.files == (("test-style.json", "test-style"),)
    assert ran.style is not None
    return ran.style


def test_tests_helpers_and_conftests_are_read_and_the_application_is_not(tmp_path: Path) -> None:
    found = look(tmp_path, **TREE)
    assert [(file.path, len(file.tests)) for file in found.files] == [
        ("conftest.py", 0),
        ("src/shop_test.py", 1),
        ("tests/conftest.py", 0),
        ("tests/unit/help.py", 0),
        ("tests/unit/test_a.py", 1),
    ]
    assert [(one.path, one.rule) for one in found.remarks] == [
        ("src/shop_test.py", StyleRule.SLEEP),
        ("tests/conftest.py", StyleRule.UNUSED_FIXTURE),
        ("tests/unit/test_a.py", StyleRule.SLEEP),
    ]


INI = "testpaths = {paths}\npython_files = check_*.py test_*.py\npython_functions = check test\n"
LISTS = 'python_files = ["check_*.py", "test_*.py"]\npython_functions = ["check", "test"]\n'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\n" + INI),
        (".pytest.ini", "[pytest]\n" + INI),
        ("tox.ini", "[tox]\n[pytest]\n" + INI),
        ("setup.cfg", "[tool:pytest]\n" + INI),
        ("pyproject.toml", '[tool.pytest.ini_options]\ntestpaths = "{paths}"\n' + LISTS),
        ("pyproject.toml", '[tool.pytest]\ntestpaths = ["more", "tests/unit"]\n' + LISTS),
    ],
)
def test_options_of_pytest_choose_wherever_they_stand(name: str, text: str, tmp_path: Path) -> None:
    found = look(tmp_path, **TREE, **{name: text.replace("{paths}", "more tests/unit")})
    assert [(file.path, [one.name for one in file.tests]) for file in found.files if file.tests] == [
        ("more/check_b.py", ["check_b"]),
        ("tests/unit/test_a.py", ["test_a"]),
    ]
    # What lends fixtures to the tests is read too.
    assert {"conftest.py", "tests/conftest.py"} <= {file.path for file in found.files}


@pytest.mark.parametrize("paths", ["tests", "./tests/", "te*", "tests/unit/test_a.py"])
def test_paths_of_tests_may_be_patterns_and_files(paths: str, tmp_path: Path) -> None:
    found = look(tmp_path, **TREE, **{"pytest.ini": f"[pytest]\ntestpaths = {paths}\n"})
    assert [file.path for file in found.files if file.tests] == ["tests/unit/test_a.py"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "no section\n"),
        ("pyproject.toml", "[tool\n"),
        ("pyproject.toml", "tool = 3\n"),
        ("pyproject.toml", "[tool]\npytest = 3\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\ntestpaths = 3\npython_files = [3]\n"),
        ("setup.cfg", "\x00"),
    ],
)
def test_options_that_cannot_be_read_leave_the_defaults(name: str, text: str, tmp_path: Path) -> None:
    found = look(tmp_path, **TREE, **{name: text})
    assert found.tests == 2


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"#" * (5 << 20), b"def test_(:"])
def test_file_that_cannot_be_read_is_named(data: bytes, tmp_path: Path) -> None:
    write_tree(tmp_path, TREE)
    (tmp_path / "tests" / "test_bad.py").write_bytes(data)
    found = look(tmp_path)
    assert [name.partition(":")[0] for name in found.unread] == ["tests/test_bad.py"]
    assert found.fixtures_unknown == "tests/test_bad.py could not be read"


def test_file_whose_name_is_no_text_is_named_and_crashes_nothing(tmp_path: Path) -> None:
    write_tree(tmp_path, TREE)
    (tmp_path / "tests" / "test_\udcff.py").write_text("def test_a(): pass")
    found = look(tmp_path)
    assert len(found.unread) == 1
    assert "its name cannot be written" in found.unread[0]


def test_file_outside_the_paths_of_tests_may_use_a_fixture_and_is_not_judged(tmp_path: Path) -> None:
    ini = {"pytest.ini": "[pytest]\ntestpaths = tests/unit\n"}
    user = {"tests/other/test_c.py": "import time\ndef test_c(spare):\n    time.sleep(2)\n"}
    found = look(tmp_path, **TREE, **ini)
    assert [one.what for one in found.remarks if one.rule is StyleRule.UNUSED_FIXTURE] == ["spare"]
    found = look(tmp_path, **user)
    assert [one.path for one in found.remarks] == ["tests/unit/test_a.py"]
    found = look(tmp_path, **{"tests/other/test_c.py": "def test_(:"})
    assert (found.unread, found.fixtures_unknown) == ((), "tests/other/test_c.py could not be read")


def test_fixture_that_a_document_asks_for_is_used(tmp_path: Path) -> None:
    found = look(tmp_path, **TREE, **{"docs/use.md": "    >>> getfixture('spare')\n"})
    assert not [one for one in found.remarks if one.rule is StyleRule.UNUSED_FIXTURE]


def test_tool_that_is_not_chosen_leaves_nothing(tmp_path: Path) -> None:
    write_tree(tmp_path, TREE)
    ran = run_stage("lint", tmp_path, tools=["ruff"])
    assert ran.style is None
    assert "test-style" not in ran.outcome.expects
