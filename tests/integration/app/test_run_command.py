"""`truegreen run` for real: stages, evidence, exit codes, interrupts."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support import app_desk, verdict_schema
from tests.support.app_broken import BuggyStage
from tests.support.app_evidence import leave
from tests.support.app_project import borrow

from truegreen.app import stage_record
from truegreen.errors import EXIT_BUG, EXIT_CONFIGURATION, EXIT_ENGINE, EXIT_EVIDENCE, EXIT_GATE_FAILED, EXIT_OK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.app_desk import Desk

RUFF = '[tool.truegreen.lint]\ntools = ["ruff"]\n'


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the project is installed once for all tests that need it."""
    return tmp_path_factory.mktemp("installed")


@pytest.fixture
def project(installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    desk = app_desk.desk(installed / "project", monkeypatch, capsys)
    if not (desk.root / "install.py").exists():
        borrow(desk)
    return desk


def record(desk: Desk, folder: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((desk.root / ".truegreen" / folder / "stage.json").read_text())
    return found


# --- a linter as the cheapest real stage ----------------------------------------------------------


def lint(desk: Desk, code: str = "") -> str:
    desk.configure(RUFF)
    desk.write("a.py", code)
    return desk.commit()


def test_run_clean_code_is_green_and_leaves_everything(desk: Desk) -> None:
    commit = lint(desk)
    ended = desk.run("run", "lint", "--json")
    assert ended.code == EXIT_OK
    verdict_schema.check(ended.json["report"])
    assert ended.json["persistence"] == []
    left = record(desk, "lint")
    assert (left["state"], left["commit"], left["dirty"], left["expects"]) == ("ran", commit, False, ["ruff"])
    assert (desk.root / ".truegreen" / "report" / "verdict.json").exists()
    assert desk.run("history").out.count(commit[:12]) == 1


def test_run_finding_fails(desk: Desk) -> None:
    lint(desk, "import os\n")
    ended = desk.run("run", "lint")
    assert ended.code == EXIT_GATE_FAILED
    assert "F401" in ended.err


def test_run_without_gate_leaves_evidence_only(desk: Desk) -> None:
    lint(desk, "import os\n")
    ended = desk.run("run", "lint", "--no-gate", "--json")
    assert ended.code == EXIT_OK
    assert [row["stage"] for row in ended.json] == ["lint"]
    assert not (desk.root / ".truegreen" / "report").exists()
    assert desk.run("gate", "lint").code == EXIT_GATE_FAILED


def test_run_clears_what_an_earlier_run_left(desk: Desk) -> None:
    commit = lint(desk)
    stale = leave(desk.root / ".truegreen", "lint", {"old.json": ("ruff", b"{}")}, commit=commit)
    assert desk.run("run", "lint").code == EXIT_OK
    assert not (stale / "old.json").exists()


def test_run_shards_are_kept_apart_and_judged_together(desk: Desk) -> None:
    lint(desk)
    desk.run("run", "lint", "--shard", "one")
    ended = desk.run("run", "lint", "--shard", "two", "--json")
    assert ended.code == EXIT_OK
    assert record(desk, "lint-one")["shard"] == "one"
    assert record(desk, "lint-two")["shard"] == "two"


@pytest.mark.parametrize("name", ["/../../app", "../x", "a b", ".", "a/b"])
def test_run_shard_that_is_a_path_is_refused_and_nothing_is_deleted(desk: Desk, name: str) -> None:
    lint(desk)
    kept = desk.write("app/kept.py", "")
    (desk.root / ".truegreen" / "lint-").mkdir(parents=True)
    ended = desk.run("run", "lint", "--shard", name)
    assert (ended.code, "TG104" in ended.err) == (EXIT_CONFIGURATION, True)
    assert kept.exists()


@pytest.mark.parametrize("name", ["pull_request_target", "workflow_run", "issue_comment"])
def test_run_on_an_event_that_hands_out_secrets_runs_no_code(desk: Desk, name: str) -> None:
    lint(desk)
    desk.event(name)
    for argv in (("run", "lint"), ("run", "lint", "--event", "push")):
        ended = desk.run(*argv)
        assert (ended.code, "TG108" in ended.err) == (EXIT_CONFIGURATION, True)
    assert not (desk.root / ".truegreen" / "lint").exists()


def test_run_disabled_stage_is_not_planned_and_says_why(desk: Desk) -> None:
    desk.configure(
        "".join(f"[tool.truegreen.{name}]\nenabled = false\n" for name in
                ("lint", "unit", "wiring", "persistence", "e2e", "performance", "security-scan", "signed-image"))
    )  # fmt: skip
    ended = desk.run("run", "--json")
    assert ended.code == EXIT_EVIDENCE, "a run that judged nothing is not green"
    reasons = {row["stage"]: row["headline"] for row in ended.json["report"]["stages"]}
    assert reasons["lint"] == "disabled in [tool.truegreen]"


def test_run_stage_with_a_service_that_does_not_exist_is_broken_and_blind(desk: Desk) -> None:
    lint(desk)
    ended = desk.run("run", "lint", "--set", 'lint.services=["postgress"]', "--json")
    assert ended.code == EXIT_EVIDENCE
    assert "perhaps you meant 'postgres'" in ended.err
    left = record(desk, "lint")
    assert (left["state"], left["error"]["code"]) == ("broken", "TG105")


def test_run_without_gate_returns_the_code_of_what_broke(desk: Desk) -> None:
    lint(desk)
    ended = desk.run("run", "lint", "--no-gate", "--set", 'lint.services=["postgress"]')
    assert ended.code == EXIT_CONFIGURATION


def test_run_stage_with_a_bug_is_blind_and_keeps_its_files(
    desk: Desk, register: Callable[[str, str, type[BuggyStage]], None]
) -> None:
    desk.commit()
    register("stage", "lint", BuggyStage)
    ended = desk.run("run", "lint")
    assert ended.code == EXIT_EVIDENCE
    assert "error TG900" in ended.err
    left = record(desk, "lint")
    assert left["state"] == "broken"
    assert [file["path"] for file in left["files"]] == ["half.log"]
    assert desk.run("run", "lint", "--no-gate").code == EXIT_BUG
    desk.env(TRUEGREEN_TRACEBACK="1")
    with pytest.raises(ZeroDivisionError):
        desk.run("run", "lint")


def test_run_stage_with_an_embedded_service_records_it(desk: Desk) -> None:
    desk.configure('[tool.truegreen.services.redis]\nprovider = "embedded"\n' + RUFF)
    desk.commit()
    ended = desk.run("run", "lint", "--set", 'lint.services=["redis"]', "--no-gate", "--json")
    assert ended.code == EXIT_OK
    (service,) = ended.json[0]["services"]
    assert (service["name"], service["provider"]) == ("redis", "embedded")
    assert desk.run("services", "status", "--json").json == []


def test_run_in_ci_folds_each_stage_and_records_the_run(desk: Desk) -> None:
    commit = lint(desk)
    desk.event("push", {"after": commit, "ref": "refs/heads/x"}, GITHUB_ACTIONS="true", GITHUB_RUN_ID="77")
    ended = desk.run("run", "lint")
    assert ended.code == EXIT_OK
    assert "::group::stage lint" in ended.err
    assert record(desk, "lint")["run_id"] == "77.1"


# --- the user's tests ---------------------------------------------------------------------------------


def test_run_hands_arguments_after_the_dashes_to_pytest_unchanged(project: Desk) -> None:
    words = ["-k", "unit and not nobody", "--maxfail=1", "-o", "addopts=", "tests/test_app.py"]
    ended = project.run("run", "unit", "--json", "--", *words)
    told = json.loads((project.root / "told.json").read_text())
    at = told["argv"].index("-k")
    assert told["argv"][at : at + len(words)] == words
    assert ended.code == EXIT_OK
    assert record(project, "unit")["command"] == (
        "truegreen run unit -- -k 'unit and not nobody' --maxfail=1 -o addopts= tests/test_app.py"
    )


def test_run_keeps_secrets_and_our_variables_from_the_tests(project: Desk) -> None:
    project.env(GITHUB_TOKEN="t0ken", TG_STAGE="unit", SLACK_WEBHOOK_URL="http://x", HARMLESS="1")
    assert project.run("run", "unit", "--set", 'unit.env={EXTRA="2"}').code == EXIT_OK
    seen = json.loads((project.root / "told.json").read_text())["env"]
    assert (seen["HARMLESS"], seen["EXTRA"]) == ("1", "2")
    assert not {"GITHUB_TOKEN", "TG_STAGE", "SLACK_WEBHOOK_URL"} & set(seen)


def test_run_hands_a_password_to_the_tests_only_where_the_stage_names_it(project: Desk) -> None:
    project.env(DATABASE_URL="postgres://u:pw@db/x", MY_PAT="t", PAGE="http://127.0.0.1:80/a@b")
    assert project.run("run", "unit", "--set", 'unit.env={DB_PASS="named"}').code == EXIT_OK
    seen = json.loads((project.root / "told.json").read_text())["env"]
    assert (seen["DB_PASS"], seen["PAGE"], seen["PWD"]) == ("named", "http://127.0.0.1:80/a@b", os.environ["PWD"])
    assert not {"DATABASE_URL", "MY_PAT"} & set(seen)


def test_run_selection_that_matches_nothing_is_not_green(project: Desk) -> None:
    assert project.run("run", "unit", "--", "-k", "nobody").code == EXIT_EVIDENCE


@contextlib.contextmanager
def interrupted(sign: Path, signum: int) -> Iterator[None]:
    """Send this process a signal once a file appears."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            if sign.exists():
                os.kill(os.getpid(), signum)
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_run_interrupted_keeps_evidence_and_ends_in_order(project: Desk, signum: int) -> None:
    sign = project.root / ".truegreen" / "hangs"
    sign.unlink(missing_ok=True)
    prepare = "unit.prepare=[\"sh -c 'mkdir -p .truegreen; touch .truegreen/hangs; exec sleep 60'\"]"
    start = time.monotonic()
    with interrupted(sign, signum):
        ended = project.run("run", "unit", "wiring", "--set", prepare)
    assert time.monotonic() - start < 20
    assert ended.code == EXIT_ENGINE
    assert "error TG308" in ended.err
    left = record(project, "unit")
    assert (left["state"], left["error"]["code"]) == ("broken", "TG308")
    assert project.run("gate", "unit").code == EXIT_EVIDENCE


def test_describe_leaves_out_links_and_a_record_that_is_already_there(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.log").write_text("a")
    (tmp_path / "b.json").write_text("{}")
    (tmp_path / "link.json").symlink_to("b.json")
    (tmp_path / "stage.json").write_text("{}")
    found = stage_record.describe(tmp_path, (("b.json", "ruff"), ("gone.json", "bandit")))
    assert [(file.path, file.kind, file.size_bytes) for file in found] == [
        ("b.json", "ruff", 2),
        ("deep/a.log", "log", 1),
    ]


def test_interrupt_outside_a_stage_ends_with_the_same_code(desk: Desk, tmp_path: Path) -> None:
    sign = tmp_path / "asked"
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "docker").write_text(f"#!/bin/sh\ntouch {sign}\nexec sleep 60\n")
    (tools / "docker").chmod(0o755)
    desk.env(PATH=f"{tools}:{os.environ['PATH']}")
    with interrupted(sign, signal.SIGTERM):
        ended = desk.run("doctor")
    assert (ended.code, "error TG308" in ended.err) == (EXIT_ENGINE, True)
    assert ended.out == ""
