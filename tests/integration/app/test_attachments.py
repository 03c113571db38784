"""A file that a failing test leaves, from the test through the evidence to the page that links it."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from tests.support import app_desk
from tests.support.app_project import borrow

from truegreen.errors import EXIT_GATE_FAILED

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from tests.support.app_desk import Desk

TESTS = """\
import pathlib

def test_shows_the_balance():
    place = pathlib.Path("test-results/tests-test-app-py-test-shows-the-balance")
    place.mkdir(parents=True, exist_ok=True)
    (place / "test-failed-1.png").write_bytes(b"\\x89PNG\\r\\n\\x1a\\npixels")
    (place / "page.html").write_text("<script>")
    assert 0
"""


def test_attachment_of_a_failing_test_is_kept_and_linked_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk: Desk = app_desk.desk(tmp_path / "project", monkeypatch, capsys)
    old = desk.write("test-results/of-last-year.txt", "old")
    borrow(desk, tests=TESTS)
    os.utime(old, (1_000_000_000, 1_000_000_000))
    ended = desk.run("run", "unit", "--set", 'unit.attachments=["test-results/**/*"]', "--json")
    assert ended.code == EXIT_GATE_FAILED
    record = json.loads((desk.root / ".truegreen/unit/stage.json").read_text())
    name = "test-results_tests-test-app-py-test-shows-the-balance_test-failed-1.png"
    assert [file["path"] for file in record["files"] if "attachments" in file["path"]] == [f"attachments/{name}"]
    assert any("1 attachment is not kept" in note for note in record["notes"])
    report = desk.root / ".truegreen" / "report"
    (copy,) = (report / "attachments").iterdir()
    assert copy.name.endswith(f"-{name}")
    page = (report / "report.html").read_text()
    failure = re.search(r'<details class="failure item"[^>]*>.*?</details>', page, re.DOTALL)
    assert failure
    assert f'<p>It left: <a href="attachments/{copy.name}">{name}</a></p>' in failure[0]
    assert f"attachments beside report.html: {name}" in (report / "summary.md").read_text()
    (stage,) = (stage for stage in ended.json["report"]["stages"] if stage["stage"] == "unit")
    assert [file["attachment"] for file in stage["files"] if file["attachment"]] == [f"attachments/{copy.name}"]


TOLD = """<testsuite><testcase classname="login" name="refuses [1]" time="0.1"><failure message="no">x</failure>
<system-out>[[ATTACHMENT|shots/page.png]] [[ATTACHMENT|/etc/passwd]] [[ATTACHMENT|../up.png]]</system-out>
</testcase></testsuite>"""


def test_file_that_a_test_of_another_runner_names_is_kept_and_linked_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk: Desk = app_desk.desk(tmp_path / "project", monkeypatch, capsys)
    borrow(desk)
    (desk.root / "shots").mkdir()
    (desk.root / "shots" / "page.png").write_bytes(b"\x89PNG\r\n\x1a\npixels")
    desk.write("junit.xml", TOLD)
    assert desk.run("ingest", "e2e", "junit.xml", "--exit-code", "1").code == 0
    record = json.loads((desk.root / ".truegreen/e2e/stage.json").read_text())
    assert "attachments/login_refuses_1_page.png" in {file["path"] for file in record["files"]}
    assert record["notes"] == [
        "2 files that tests name are not kept: /etc/passwd (outside of the project), ../up.png (outside of the project)"
    ]
    assert desk.run("gate", "e2e").code == EXIT_GATE_FAILED
    page = (desk.root / ".truegreen/report/report.html").read_text()
    failure = re.search(r'<details class="failure item"[^>]*>.*?</details>', page, re.DOTALL)
    assert failure
    assert 'login_refuses_1_page.png">login_refuses_1_page.png</a>' in failure[0]
