"""`truegreen summary --preview` and `--report`: the page that is opened, and the report that is read back from one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.app_desk import LAUNCHER
from tests.support.app_evidence import FINDING, leave, linted

from truegreen.errors import EXIT_EVIDENCE, EXIT_OK

if TYPE_CHECKING:
    from tests.support.app_desk import Desk


@pytest.fixture
def page(desk: Desk) -> Path:
    leave(desk.root / ".truegreen", "lint", linted([FINDING]), commit=desk.git("rev-parse", "HEAD"))
    desk.run("gate", "lint")
    return desk.root / ".truegreen" / "report" / "report.html"


def test_preview_without_a_browser_prints_the_path(desk: Desk, page: Path) -> None:
    page.unlink()
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        desk.monkeypatch.delenv(name, raising=False)
    ended = desk.run("summary", "--preview")
    assert (ended.code, ended.out.strip()) == (EXIT_OK, str(page))
    if sys.platform == "linux":
        assert "no browser is here" in ended.err
    assert "unused import" in page.read_text()


def test_preview_opens_the_page_in_the_browser_that_is_named(desk: Desk, page: Path, tmp_path: Path) -> None:
    program, note = tmp_path / "browser", tmp_path / "note"
    program.write_text(f'#!/bin/sh\necho "$1" > {note}\n')
    program.chmod(0o755)
    env = {**os.environ, "BROWSER": f"{program} %s"}
    env.pop("CI", None)
    command = [*LAUNCHER, "summary", "--preview"]
    ended = subprocess.run(command, cwd=desk.root, env=env, capture_output=True, text=True, check=True)
    assert "opened in the browser" in ended.stderr
    assert note.read_text().strip() == page.resolve().as_uri()


def test_preview_in_ci_opens_nothing(desk: Desk, page: Path) -> None:
    assert page.is_file()
    desk.env(CI="true", BROWSER="false")
    assert "no browser is here" in desk.run("summary", "--preview").err


@pytest.mark.parametrize("name", ["report.html", "verdict.json"])
def test_report_of_somebody_else_is_read_from_its_page_or_document(
    desk: Desk, page: Path, tmp_path: Path, name: str
) -> None:
    other = tmp_path / f"theirs-{name}"
    other.write_bytes(page.with_name(name).read_bytes())
    expected = desk.run("summary").out
    page.with_name("verdict.json").unlink()
    assert desk.run("summary", "--report", str(other)).out == expected


@pytest.mark.parametrize("wrong", [{"outcomes": ""}, {"outcomes": "z"}, {"durations_s": [1.0, 2.0]}, {"names": []}])
@pytest.mark.parametrize("name", ["junit", "ctrf", "sonar-tests", "terminal"])
def test_report_whose_columns_contradict_each_other_is_refused(
    desk: Desk, tmp_path: Path, wrong: dict[str, object], name: str
) -> None:
    tests = {"stage": "unit", "total": 1, "names": ["a"], "outcomes": "f", "durations_s": [1.0], **wrong}
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"status": "fail", "headline": "red", "detail": {"tests": [tests]}}))
    ended = desk.run("summary", "--report", str(other), "--format", name)
    assert ended.code == EXIT_EVIDENCE
    assert "cannot be what a run left" in ended.err


@pytest.mark.parametrize("words", [("--format", "html"), ("--preview",), ("--format", "json")])
def test_report_with_covered_lines_beyond_all_lines_is_refused(desk: Desk, tmp_path: Path, words: tuple[str]) -> None:
    other = tmp_path / "other.json"
    point = {"commit": "a" * 40, "created": "2026-11-21T07:00:00Z", "status": "fail", "line_ratio": 1e308}
    detail = {"now": point, "comparison": {"base": {**point, "line_ratio": 0.5}}}
    other.write_text(json.dumps({"status": "fail", "headline": "red", "detail": detail}))
    ended = desk.run("summary", "--report", str(other), *words)
    assert ended.code == EXIT_EVIDENCE
    assert "cannot be what a run left" in ended.err


def test_report_that_is_a_page_of_something_else_is_refused_with_the_place(desk: Desk, tmp_path: Path) -> None:
    other = tmp_path / "other.html"
    other.write_text("<html>hello</html>")
    ended = desk.run("summary", "--report", str(other))
    assert ended.code == EXIT_EVIDENCE
    assert "other.html is no report of truegreen" in ended.err
    assert desk.run("summary", "--report", str(tmp_path / "absent.html")).code == EXIT_EVIDENCE


def test_preview_of_another_report_leaves_the_projects_own_page(desk: Desk, page: Path, tmp_path: Path) -> None:
    desk.env(CI="true")
    other = tmp_path / "other"
    (other / "report").mkdir(parents=True)
    verdict = page.with_name("verdict.json").read_text().replace("unused import", "a stranger's words")
    (other / "report" / "verdict.json").write_text(verdict)
    before = page.read_text()
    for words in (["--report", str(other / "report" / "verdict.json")], ["--evidence", str(other)]):
        ended = desk.run("summary", "--preview", *words)
        assert ended.out.strip() == str(desk.root / ".truegreen" / "preview" / "report.html")
        assert "a stranger" in (desk.root / ".truegreen" / "preview" / "report.html").read_text()
    assert page.read_text() == before
