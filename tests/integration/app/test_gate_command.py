"""`truegreen gate`, `summary`, `history`, `explain` and `config explain` on real evidence."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support import verdict_schema
from tests.support.app_broken import BuggyStore
from tests.support.app_evidence import FINDING, leave, linted

from truegreen import errors, registry
from truegreen.app.plan import ON_REQUEST
from truegreen.errors import EXIT_BUG, EXIT_CONFIGURATION, EXIT_ENGINE, EXIT_EVIDENCE, EXIT_GATE_FAILED, EXIT_OK
from truegreen.runtime import git
from truegreen.runtime.process import ProcessRunner

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.app_desk import Desk


def lint(desk: Desk, *, red: bool = False, folder: str = ".truegreen") -> None:
    leave(desk.root / folder, "lint", linted([FINDING] if red else ()), commit=desk.git("rev-parse", "HEAD"))


# --- gate -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["pass", "fail"])
def test_gate_writes_a_verdict_valid_against_its_schema(desk: Desk, status: str) -> None:
    lint(desk, red=status == "fail")
    ended = desk.run("gate", "lint", "--json")
    written = json.loads((desk.root / ".truegreen" / "report" / "verdict.json").read_text())
    for document in (written, ended.json):
        verdict_schema.check(document)
    assert written == ended.json
    assert written["status"] == status
    assert written["provenance"]["commit"] == desk.git("rev-parse", "HEAD")


def test_gate_blind_verdict_is_valid_against_its_schema(desk: Desk) -> None:
    ended = desk.run("gate", "--json")
    verdict_schema.check(ended.json)
    assert (ended.code, ended.json["status"]) == (EXIT_EVIDENCE, "blind")
    others = {stage["status"] for stage in ended.json["stages"] if stage["stage"] not in ("run", *ON_REQUEST)}
    assert others == {"blind"}


def test_gate_with_a_waiver_is_green_and_shows_it_and_its_expiry_is_red(desk: Desk) -> None:
    lint(desk, red=True)
    row = 'gate = "lint-clean"\nstage = "lint"\nreason = "moves out"\nauthor = "jo"\napprover = "kim"\n'
    waivers = desk.root / "truegreen-waivers.toml"
    today = datetime.now(UTC).date()
    waivers.write_text(f"[[waivers]]\n{row}issued = {today}\nexpires = {today}\n")
    ended = desk.run("gate", "lint", "--json")
    assert (ended.code, ended.json["status"]) == (EXIT_OK, "waived")
    assert "moves out; approved by kim for jo" in (desk.root / ".truegreen/report/summary.md").read_text()
    waivers.write_text(f"[[waivers]]\n{row}issued = 2020-01-01\nexpires = 2020-01-02\n")
    ended = desk.run("gate", "lint", "--json")
    assert (ended.code, ended.json["status"]) == (EXIT_GATE_FAILED, "fail")
    assert "expired on 2020-01-02" in ended.err


@pytest.mark.parametrize("command", [("gate", "lint"), ("run", "lint"), ("doctor",), ("ci", "plan")])
def test_waiver_that_cannot_be_honoured_stops_before_anything_runs(desk: Desk, command: tuple[str, ...]) -> None:
    (desk.root / "truegreen-waivers.toml").write_text('\n[[waivers]]\ngate = "lint-cleen"\n')
    ended = desk.run(*command)
    assert ended.code != EXIT_OK
    assert "truegreen-waivers.toml:2" in ended.out + ended.err
    assert not (desk.root / ".truegreen" / "lint").exists()


def test_gate_writes_summary_comment_and_page(desk: Desk) -> None:
    lint(desk, red=True)
    desk.run("gate", "lint")
    report = desk.root / ".truegreen" / "report"
    assert sorted(path.name for path in report.iterdir()) == ["comment.md", "report.html", "summary.md", "verdict.json"]
    for name in ("summary.md", "report.html"):
        assert "unused import" in (report / name).read_text()


def test_gate_with_evidence_elsewhere_reads_it_there(desk: Desk) -> None:
    lint(desk, folder="artifacts")
    assert desk.run("gate", "lint").code == EXIT_EVIDENCE
    assert desk.run("gate", "lint", "--evidence", "artifacts").code == EXIT_OK


def test_gate_quiet_prints_nothing_but_json(desk: Desk) -> None:
    lint(desk)
    ended = desk.run("gate", "lint", "--json", "-q")
    assert ended.err == ""
    assert ended.json["status"] == "pass"


def test_gate_in_ci_annotates_the_line_of_a_finding(desk: Desk) -> None:
    lint(desk, red=True)
    assert "::error" not in desk.run("gate", "lint").err
    desk.env(GITHUB_ACTIONS="true")
    assert "::error" in desk.run("gate", "lint").err


def test_gate_outside_a_repository_judges_evidence_without_commit(desk: Desk, tmp_path: Path) -> None:
    loose = tmp_path / "loose"
    loose.mkdir()
    (loose / "pyproject.toml").write_text("")
    leave(loose / ".truegreen", "lint", linted(), commit="")
    assert desk.run("gate", "lint", "-C", str(loose)).code == EXIT_OK
    leave(loose / ".truegreen", "lint", linted(), commit="f" * 40)
    assert desk.run("gate", "lint", "-C", str(loose)).code == EXIT_EVIDENCE


def test_gate_commit_of_the_event_decides_what_is_stale(desk: Desk) -> None:
    lint(desk)
    head = desk.git("rev-parse", "HEAD")
    desk.event("push", {"after": head, "ref": "refs/heads/x"})
    assert desk.run("gate", "lint").code == EXIT_OK
    desk.event("push", {"after": "f" * 40, "ref": "refs/heads/x"})
    assert desk.run("gate", "lint").code == EXIT_EVIDENCE


def test_gate_record_with_a_garbled_start_is_not_green(desk: Desk) -> None:
    leave(desk.root / ".truegreen", "lint", linted(), commit=desk.git("rev-parse", "HEAD"), started="yesterday")
    ended = desk.run("gate", "lint", "--json")
    assert ended.code == EXIT_EVIDENCE
    assert ended.json["duration_s"] == 0.0


def test_gate_dirty_tree_is_told(desk: Desk) -> None:
    lint(desk)
    assert desk.run("gate", "lint", "--json").json["provenance"]["dirty"] is False
    desk.write("new.py", "")
    assert desk.run("gate", "lint", "--json").json["provenance"]["dirty"] is True


def test_gate_components_of_the_project_reach_the_coverage_gate(desk: Desk) -> None:
    desk.configure('[tool.truegreen.components.core]\npaths = ["core/**"]\nline = 99\n')
    ended = desk.run("gate", "unit", "--json")
    assert ended.code == EXIT_EVIDENCE
    rows = {row["key"]: row["value"] for row in desk.run("config", "explain", "components", "--json").json}
    assert rows["components"]["core"]["line"] == 99


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("gate", "unti"), "TG105", "perhaps you meant 'unit'"),
        (("gate", "--set", "gates.coverage.lines=1"), "TG103", "perhaps you meant gates.coverage.line"),
        (("gate", "--set", "gates.coverage.line=many"), "TG104", "config explain"),
        (("gate", "--event", "pull_request_target"), "TG108", "pull_request"),
        (("gate", "--", "-k", "x"), "TG106", "no arguments after --"),
    ],
)
def test_gate_wrong_call_is_a_configuration_error(desk: Desk, argv: tuple[str, ...], code: str, words: str) -> None:
    ended = desk.run(*argv)
    assert ended.code == EXIT_CONFIGURATION
    assert f"error {code}" in ended.err
    assert words in ended.err


def test_gate_broken_pyproject_names_file_and_line(desk: Desk) -> None:
    desk.write("pyproject.toml", "[project]\nname = \n")
    ended = desk.run("gate")
    assert ended.code == EXIT_CONFIGURATION
    assert "TG102" in ended.err
    assert "line 2" in ended.err


def test_gate_without_project_says_so(desk: Desk, tmp_path: Path) -> None:
    desk.monkeypatch.chdir("/")
    ended = desk.run("gate")
    assert (ended.code, "TG101" in ended.err) == (EXIT_CONFIGURATION, True)


def test_gate_history_that_is_no_database_costs_no_verdict_and_is_told(desk: Desk) -> None:
    lint(desk)
    desk.write(".truegreen/history.sqlite", "not a database, but long enough to be looked at" * 40)
    shown = desk.run("history")
    assert (shown.code, "error TG406" in shown.err) == (EXIT_ENGINE, True)
    ended = desk.run("gate", "lint")
    assert (ended.code, "TG406" in ended.err) == (EXIT_OK, True)


def test_gate_bug_of_our_own_ends_with_70_and_a_remedy(
    desk: Desk, register: Callable[[str, str, type[BuggyStore]], None]
) -> None:
    lint(desk)
    register("store", "sqlite", BuggyStore)
    ended = desk.run("gate", "lint")
    assert ended.code == EXIT_BUG
    assert "error TG900" in ended.err
    assert "ZeroDivisionError" in ended.err
    assert "TRUEGREEN_TRACEBACK=1" in ended.err


def test_gate_bug_with_the_traceback_asked_for_shows_it(
    desk: Desk, register: Callable[[str, str, type[BuggyStore]], None]
) -> None:
    lint(desk)
    register("store", "sqlite", BuggyStore)
    desk.env(TRUEGREEN_TRACEBACK="1")
    with pytest.raises(ZeroDivisionError):
        desk.run("gate", "lint")


@pytest.mark.parametrize("argv", [("gate",), ("init",), ("doctor",), ("run", "lint")])
def test_folder_that_does_not_exist_is_refused_instead_of_taking_the_project_around_it(
    desk: Desk, argv: tuple[str, ...]
) -> None:
    ended = desk.run(*argv, "-C", "servces/api")
    assert (ended.code, "TG106" in ended.err) == (EXIT_CONFIGURATION, True)
    assert not (desk.root / ".truegreen").exists()


# --- summary and history -----------------------------------------------------------------------------


def test_summary_before_any_verdict_is_evidence_missing(desk: Desk) -> None:
    ended = desk.run("summary")
    assert (ended.code, "TG201" in ended.err) == (EXIT_EVIDENCE, True)


@pytest.mark.parametrize(
    "content",
    [b'{"schema_version": 1', b'{"status": "pass", "headline": "\xff"}', b'{"more": ' + b"[" * 100_000, b"[]"],
)
def test_summary_of_a_damaged_report_is_unreadable(desk: Desk, content: bytes) -> None:
    desk.write(".truegreen/report/verdict.json", "").write_bytes(content)
    ended = desk.run("summary")
    assert (ended.code, "TG202" in ended.err) == (EXIT_EVIDENCE, True)


def test_summary_of_another_version_is_refused(desk: Desk) -> None:
    desk.write(".truegreen/report/verdict.json", '{"schema_version": 9, "status": "pass", "headline": "all green"}')
    ended = desk.run("summary")
    assert (ended.code, "TG202" in ended.err) == (EXIT_EVIDENCE, True)
    assert "all green" not in ended.out


@pytest.mark.parametrize("form", registry.names("reporter"))
def test_summary_prints_each_form(desk: Desk, form: str) -> None:
    lint(desk, red=True)
    desk.run("gate", "lint")
    ended = desk.run("summary", "--format", form)
    assert ended.code == EXIT_OK
    assert "unused import" in ended.out or form.startswith(("sonar-", "badge-"))
    if form == "json":
        verdict_schema.check(ended.json)


def test_history_without_runs_says_how_to_get_one(desk: Desk) -> None:
    ended = desk.run("history")
    assert (ended.code, ended.out) == (EXIT_OK, "")
    assert "truegreen run" in ended.err


def test_history_shows_runs_newest_first(desk: Desk) -> None:
    first = desk.git("rev-parse", "HEAD")
    lint(desk, red=True)
    desk.run("gate", "lint")
    second = desk.commit()
    lint(desk)
    desk.run("gate", "lint")
    rows = desk.run("history").out.splitlines()
    assert sorted(row.split()[1:3] for row in rows) == sorted([[first[:12], "fail"], [second[:12], "pass"]])
    assert "coverage -" in rows[0]
    found = desk.run("history", "--json", "--limit", "1").json
    assert len(found["runs"]) == 1


# --- explain ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(errors.all_errors()))
def test_explain_every_code_says_what_and_exit_code(desk: Desk, code: str) -> None:
    ended = desk.run("explain", code.lower())
    assert ended.code == EXIT_OK
    assert ended.out.startswith(f"{code} ")
    assert "exit code" in ended.out


@pytest.mark.parametrize(("kind", "name"), [("gate", "coverage"), ("stage", "persistence"), ("reader", "junit")])
def test_explain_member_of_a_family_prints_its_page(desk: Desk, kind: str, name: str) -> None:
    ended = desk.run("explain", name)
    assert ended.code == EXIT_OK
    assert ended.out.startswith(f"{kind} {name}\n\n")


@pytest.mark.parametrize(("word", "fix"), [("coverge", "perhaps you meant coverage"), ("zzzzzz", "docs/errors")])
def test_explain_unknown_word_offers_the_nearest(desk: Desk, word: str, fix: str) -> None:
    ended = desk.run("explain", word)
    assert ended.code == EXIT_CONFIGURATION
    assert "TG105" in ended.err
    assert fix in ended.err


# --- config explain -----------------------------------------------------------------------------------------


def test_config_explain_names_the_source_of_each_value(desk: Desk) -> None:
    desk.configure("[tool.truegreen.gates.coverage]\nline = 91\n")
    desk.env(TRUEGREEN_SET_GATES__LOAD__MIN_RPS="7", TG_SET="gates.findings.enabled=false")
    rows = {row["key"]: row for row in desk.run("config", "explain", "--json", "--set", 'python="3.12"').json}
    assert (rows["gates.coverage.line"]["value"], rows["gates.coverage.line"]["place"]) == (91.0, "pyproject.toml:5")
    assert rows["gates.load.min-rps"]["source"] == "environment"
    assert rows["gates.findings.enabled"]["source"] == "action inputs"
    assert rows["gates.full-run-budget.max-s"]["source"] == "shipped defaults"
    assert rows["lint.enabled"]["source"] == "built-in default"


def test_config_explain_for_people_shows_value_source_and_meaning(desk: Desk) -> None:
    ended = desk.run("config", "explain", "gates.coverage.line")
    first, second, third, *_ = ended.out.splitlines()
    assert first == "gates.coverage.line = 80.0"
    assert "from shipped defaults (defaults.toml:" in second
    assert third.startswith("    ")


def test_config_explain_unknown_key_is_refused(desk: Desk) -> None:
    ended = desk.run("config", "explain", "gates.covrage")
    assert (ended.code, "TG105" in ended.err) == (EXIT_CONFIGURATION, True)


def test_gate_of_evidence_made_before_a_file_was_changed_is_blind(desk: Desk) -> None:
    desk.write("src/a.py", "A = 1\n")
    desk.git("add", "-A")
    desk.git("commit", "-qm", "a")
    tree = desk.git("rev-parse", "HEAD^{tree}")
    leave(desk.root / ".truegreen", "lint", linted(), commit=desk.git("rev-parse", "HEAD"), tree=tree)
    assert desk.run("gate", "lint").code == EXIT_OK
    desk.write("src/a.py", "A = 2\n")
    ended = desk.run("gate", "lint", "--json")
    assert ended.code == EXIT_EVIDENCE
    assert "was made before files were changed" in ended.json["headline"]


def test_gate_of_evidence_made_on_uncommitted_changes_holds_until_they_change(desk: Desk) -> None:
    desk.write("src/a.py", "A = 1\n")
    desk.git("add", "-A")
    desk.git("commit", "-qm", "a")
    before = desk.git("count-objects")
    desk.write("src/a.py", "A = 2\n")
    tree = git.inspect(desk.root, ProcessRunner()).tree
    assert tree not in ("", desk.git("rev-parse", "HEAD^{tree}"))
    assert desk.git("count-objects") == before, "nothing is written into the repository"
    leave(desk.root / ".truegreen", "lint", linted(), commit=desk.git("rev-parse", "HEAD"), tree=tree, dirty=True)
    assert desk.run("gate", "lint").code == EXIT_OK
    desk.write("src/a.py", "A = 1\n")
    assert desk.run("gate", "lint").code == EXIT_EVIDENCE
