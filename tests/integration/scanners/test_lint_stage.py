"""The lint stage with the real ruff, black, prettier, actionlint and zizmor; above all, where they would be blind."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.support.scans import Ran, run_stage, tree_digest, write_tree

from truegreen.runtime.toolchain import TOOLS

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.model.finding import Finding

GOOD = "def double(value: int) -> int:\n    return value * 2\n"
WORKFLOW = """on: push
permissions: {}
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: echo hello
"""
HOSTILE = WORKFLOW + "      - run: echo ${{ github.event.issue.title }}\n"


def project(root: Path, **files: str) -> Path:
    return write_tree(root, {"pyproject.toml": "[project]\nname = 'p'\nversion = '1'\n", "src/good.py": GOOD, **files})


def unused(ran: Ran) -> Finding:
    """Return ruff's finding about an import nobody uses."""
    return next(row for row in ran.scans["ruff"].findings if row.rule == "F401")


def test_clean_project_is_clean_and_every_tool_read_something(tmp_path: Path) -> None:
    project(tmp_path, **{".github/workflows/ci.yml": WORKFLOW})
    before = tree_digest(tmp_path)
    ran = run_stage("lint", tmp_path)
    assert ran.outcome.expects == ("ruff", "formatter", "actionlint", "zizmor", "test-style")
    # pyproject.toml is one of the files ruff looks at.
    assert {tool: scan.scanned for tool, scan in ran.scans.items()} == {
        "ruff": 2,
        "ruff-format": 2,
        "actionlint": 1,
        "zizmor": 1,
    }
    assert all(scan.findings == scan.unread == () for scan in ran.scans.values() if scan.tool != "zizmor")
    assert ran.scans["zizmor"].unread == ()
    assert tree_digest(tmp_path) == before


def test_tools_and_versions_are_recorded(tmp_path: Path) -> None:
    ran = run_stage("lint", project(tmp_path), tools=["ruff"])
    (listing, check, _) = ran.outcome.tools
    assert (listing.name, listing.version, check.version) == ("ruff", TOOLS["ruff"].version, TOOLS["ruff"].version)
    assert (check.exit_code, check.timed_out) == (0, False)
    assert ran.scans["ruff"].version == TOOLS["ruff"].version
    assert ("ruff.raw.json", "log") in ran.outcome.files


def test_findings_of_ruff_and_its_formatter_carry_place_and_fingerprint(tmp_path: Path) -> None:
    ran = run_stage("lint", project(tmp_path, **{"src/bad.py": "import os\nx = [1,2]\n"}))
    found = unused(ran)
    assert (found.path, found.line) == ("src/bad.py", 1)
    assert not found.fingerprint.endswith(":-")
    (unformatted,) = ran.scans["ruff-format"].findings
    assert (unformatted.path, unformatted.fix) == ("src/bad.py", "run: ruff format src/bad.py")


def test_fingerprint_survives_lines_that_move(tmp_path: Path) -> None:
    project(tmp_path, **{"src/bad.py": "import os\n"})
    first = unused(run_stage("lint", tmp_path, tools=["ruff"]))
    write_tree(tmp_path, {"src/bad.py": '"""Moved."""\n\nimport os\n'})
    second = unused(run_stage("lint", tmp_path, tools=["ruff"]))
    assert (first.line, second.line) == (1, 3)
    assert first.fingerprint == second.fingerprint


def test_project_configuration_of_ruff_is_used(tmp_path: Path) -> None:
    project(tmp_path, **{"ruff.toml": "[lint]\nselect = ['D100']\n"})
    ran = run_stage("lint", tmp_path, tools=["ruff"])
    assert ran.rules("ruff") == {"D100"}


def test_ruff_without_any_rule_is_blind_although_it_read_files(tmp_path: Path) -> None:
    project(tmp_path, **{"ruff.toml": "[lint]\nselect = []\n", "src/bad.py": "import os\n"})
    scan = run_stage("lint", tmp_path, tools=["ruff"]).scans["ruff"]
    assert scan.scanned == 4
    assert "selects no rule" in scan.unread[0]


def test_settings_of_ruff_in_the_environment_are_not_used(tmp_path: Path) -> None:
    project(tmp_path, **{"src/bad.py": "import os\n"})
    ran = run_stage("lint", tmp_path, env={"RUFF_OUTPUT_FORMAT": "concise"}, tools=["ruff"])
    assert "F401" in ran.rules("ruff")


def test_syntax_error_is_found_by_ruff_and_unread_for_the_formatter(tmp_path: Path) -> None:
    ran = run_stage("lint", project(tmp_path, **{"src/bad.py": "def f(:\n"}))
    assert ran.rules("ruff") == {"invalid-syntax"}
    assert ran.scans["ruff-format"].unread[0].startswith("src/bad.py: ")


def test_path_that_is_not_there_is_unread(tmp_path: Path) -> None:
    ran = run_stage("lint", project(tmp_path), paths=["nowhere"])
    assert ran.scans["ruff"].scanned == 0
    assert "No such file" in ran.scans["ruff"].unread[0]


def test_folder_without_python_reads_nothing(tmp_path: Path) -> None:
    write_tree(tmp_path, {"docs/readme.md": "hello\n"})
    ran = run_stage("lint", tmp_path, paths=["docs"])
    assert (ran.scans["ruff"].scanned, ran.scans["ruff-format"].scanned) == (0, 0)


def test_broken_configuration_of_ruff_is_unread_with_its_words(tmp_path: Path) -> None:
    ran = run_stage("lint", project(tmp_path, **{"ruff.toml": "required-version = '==0.0.1'\n"}))
    assert ran.scans["ruff"].unread[0].startswith("ruff: ended with 2")
    assert "0.0.1" in ran.scans["ruff"].unread[0]
    assert ran.scans["ruff-format"].unread


def test_black_is_run_where_the_project_uses_it(tmp_path: Path) -> None:
    files = {"src/bad.py": "x = [1,2]\n", "src/broken.py": "def f(:\n"}
    write_tree(project(tmp_path, **files), {"pyproject.toml": "[tool.black]\nline-length = 100\n"})
    scan = run_stage("lint", tmp_path, tools=["formatter"]).scans["black"]
    assert [finding.path for finding in scan.findings] == ["src/bad.py"]
    assert (scan.scanned, scan.version) == (2, TOOLS["black"].version)
    assert scan.unread[0].startswith("src/broken.py: cannot parse: 1:")


def test_formatter_can_be_chosen(tmp_path: Path) -> None:
    project(tmp_path)
    assert set(run_stage("lint", tmp_path, tools=["formatter"], formatter="black").scans) == {"black"}


def test_black_on_nothing_reads_nothing(tmp_path: Path) -> None:
    write_tree(tmp_path, {"docs/readme.md": "hello\n"})
    ran = run_stage("lint", tmp_path, tools=["formatter"], formatter="black", paths=["docs"])
    assert ran.scans["black"].scanned == 0


def test_untrusted_value_in_a_script_is_found_by_both_workflow_linters(tmp_path: Path) -> None:
    ran = run_stage("lint", project(tmp_path, **{".github/workflows/ci.yml": HOSTILE}))
    assert "expression" in ran.rules("actionlint")
    assert "template-injection" in ran.rules("zizmor")
    found = next(row for row in ran.scans["zizmor"].findings if row.rule == "template-injection")
    assert (found.path, found.line) == (".github/workflows/ci.yml", 8)


def test_workflow_that_does_not_parse_is_found_and_unread(tmp_path: Path) -> None:
    files = {".github/workflows/ci.yml": WORKFLOW, ".github/workflows/bad.yml": "on: push\njobs:\n  a: [\n"}
    ran = run_stage("lint", project(tmp_path, **files))
    assert "syntax-check" in ran.rules("actionlint")
    assert ran.scans["zizmor"].scanned == 1
    assert ran.scans["zizmor"].unread[0].startswith(".github/workflows/bad.yml: ")


def test_only_workflow_does_not_parse_and_zizmor_is_blind(tmp_path: Path) -> None:
    ran = run_stage("lint", project(tmp_path, **{".github/workflows/bad.yml": "jobs: [\n"}))
    assert ran.scans["zizmor"].scanned == 0
    assert ran.scans["zizmor"].unread


def test_stricter_persona_of_zizmor_finds_more(tmp_path: Path) -> None:
    project(tmp_path, **{".github/workflows/ci.yml": WORKFLOW})
    usual = run_stage("lint", tmp_path, tools=["zizmor"]).scans["zizmor"].findings
    strict = run_stage("lint", tmp_path, tools=["zizmor"], zizmor_persona="auditor").scans["zizmor"].findings
    assert len(strict) > len(usual)


def test_without_workflows_their_linters_do_not_run_and_a_note_says_so(tmp_path: Path) -> None:
    ran = run_stage("lint", project(tmp_path))
    assert set(ran.scans) == {"ruff", "ruff-format"}
    assert ran.outcome.notes == ("no workflows: actionlint and zizmor did not run",)


@pytest.mark.skipif(shutil.which("npx") is None, reason="needs Node")
def test_prettier_that_is_named_and_not_installed_is_blind(tmp_path: Path) -> None:
    write_tree(tmp_path, {"package.json": '{"devDependencies": {"prettier": "3.6.2"}}\n'})
    scan = run_stage("lint", tmp_path, tools=["prettier"]).scans["prettier"]
    assert scan.scanned == 0
    assert "npm ci" in scan.unread[0]


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs Node")
def test_prettier_of_the_project_is_run(tmp_path: Path) -> None:
    package = {"private": True, "devDependencies": {"prettier": "3.6.2"}}
    files = {"package.json": json.dumps(package, indent=2) + "\n", "good.yml": "a: 1\n", "bad.yml": "a: [ 1,2]\n"}
    write_tree(tmp_path, {**files, "broken.json": '{"a": 1\n', ".prettierignore": "package-lock.json\n.truegreen\n"})
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=tmp_path, check=True)
    scan = run_stage("lint", tmp_path, tools=["prettier"]).scans["prettier"]
    assert (scan.version, scan.scanned) == ("3.6.2", 3)
    assert [finding.path for finding in scan.findings] == ["bad.yml"]
    assert scan.unread[0].startswith("broken.json: SyntaxError")
