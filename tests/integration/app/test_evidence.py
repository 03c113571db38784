"""Evidence that cannot be trusted is blind, whatever is wrong with it, and the gate still speaks."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.app_evidence import FINDING, amend, junit, leave, linted, pytest_files, scan, session

from truegreen.app import evidence as loading
from truegreen.errors import EXIT_EVIDENCE, EXIT_GATE_FAILED, EXIT_OK
from truegreen.model.testrun import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.app_desk import Desk

NAMES = ("test_a", "test_b")


@pytest.fixture
def folder(desk: Desk) -> Path:
    return desk.root / ".truegreen"


@pytest.fixture
def lint(desk: Desk, folder: Path) -> Path:
    return leave(folder, "lint", linted(), commit=desk.git("rev-parse", "HEAD"))


def stage_of(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(stage for stage in document["stages"] if stage["stage"] == name)


def codes(document: dict[str, Any], name: str) -> set[str]:
    return {verdict["code"] for verdict in stage_of(document, name)["verdicts"] if verdict["status"] == "blind"}


def test_gate_untouched_evidence_is_green(desk: Desk, lint: Path) -> None:
    ended = desk.run("gate", "lint", "--json")
    assert (ended.code, ended.json["status"]) == (EXIT_OK, "pass")


def test_gate_real_finding_fails(desk: Desk, lint: Path) -> None:
    leave(lint.parent, "lint", linted([FINDING]), commit=desk.git("rev-parse", "HEAD"))
    ended = desk.run("gate", "lint", "--json")
    assert (ended.code, ended.json["status"]) == (EXIT_GATE_FAILED, "fail")


def remove_record(place: Path) -> None:
    (place / "stage.json").unlink()


def cut_record(place: Path) -> None:
    text = (place / "stage.json").read_text()
    (place / "stage.json").write_text(text[: len(text) // 2])


def nest_record(place: Path) -> None:
    text = (place / "stage.json").read_text()
    (place / "stage.json").write_text(text[:-1] + ', "more": ' + "[" * 100_000)


def garble_record(place: Path) -> None:
    data = (place / "stage.json").read_bytes()
    (place / "stage.json").write_bytes(data.replace(b'"lint"', b'"\xff\xfe"', 1))


def replace_record_by_folder(place: Path) -> None:
    (place / "stage.json").unlink()
    (place / "stage.json").mkdir()


def another_version(place: Path) -> None:
    amend(place, schema_version=99)


def change_file(place: Path) -> None:
    (place / "ruff.json").write_bytes(scan(scanned=("a.py", "b.py")))


def remove_file(place: Path) -> None:
    (place / "ruff.json").unlink()


def folder_for_file(place: Path) -> None:
    (place / "ruff.json").unlink()
    (place / "ruff.json").mkdir()


def link_outside(place: Path) -> None:
    outside = place.parent.parent / "outside.json"
    shutil.move(place / "ruff.json", outside)
    (place / "ruff.json").symlink_to(outside)


def link_inside(place: Path) -> None:
    shutil.move(place / "ruff.json", place / "other.json")
    (place / "ruff.json").symlink_to("other.json")


def renamed(place: Path, path: str) -> None:
    record = json.loads((place / "stage.json").read_text())
    amend(place, files=[record["files"][0] | {"path": path}])


def climb_out(place: Path) -> None:
    shutil.move(place / "ruff.json", place.parent / "ruff.json")
    renamed(place, "../ruff.json")


def null_byte(place: Path) -> None:
    renamed(place, "ruff\0.json")


def name_too_long(place: Path) -> None:
    renamed(place, "x" * 5000)


def unknown_kind(place: Path) -> None:
    record = json.loads((place / "stage.json").read_text())
    amend(place, files=[record["files"][0] | {"kind": "ruf"}], expects=["ruf"])


def unknown_promise(place: Path) -> None:
    amend(place, expects=["ruff", "crystal-ball"])


def broken_promise(place: Path) -> None:
    amend(place, expects=["ruff", "zizmor"])


def another_commit(place: Path) -> None:
    amend(place, commit="f" * 40)


def no_commit(place: Path) -> None:
    amend(place, commit="")


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (remove_record, "TG201"),
        (cut_record, "TG202"),
        (nest_record, "TG202"),
        (garble_record, "TG202"),
        (replace_record_by_folder, "TG202"),
        (another_version, "TG202"),
        (change_file, "TG203"),
        (remove_file, "TG201"),
        (folder_for_file, "TG201"),
        (link_outside, "TG202"),
        (link_inside, "TG202"),
        (climb_out, "TG202"),
        (null_byte, "TG202"),
        (name_too_long, "TG202"),
        (unknown_kind, "TG105"),
        (unknown_promise, "TG201"),
        (broken_promise, "TG201"),
        (another_commit, "TG204"),
        (no_commit, "TG204"),
    ],
)
def test_gate_damaged_evidence_is_blind_with_its_cause(
    desk: Desk, lint: Path, damage: Callable[[Path], None], code: str
) -> None:
    damage(lint)
    ended = desk.run("gate", "lint", "--json")
    assert ended.code == EXIT_EVIDENCE
    assert ended.json["status"] == "blind"
    assert code in codes(ended.json, "lint")
    assert all(verdict["status"] != "pass" or verdict["gate"] == "lint-clean" for verdict in
               stage_of(ended.json, "lint")["verdicts"])  # fmt: skip


def test_gate_empty_folder_is_blind(desk: Desk) -> None:
    ended = desk.run("gate", "lint", "--json")
    assert ended.code == EXIT_EVIDENCE
    assert codes(ended.json, "lint") >= {"TG201"}


def test_gate_unreadable_shard_beside_a_good_one_is_blind(desk: Desk, lint: Path) -> None:
    other = leave(lint.parent, "lint", linted(), commit=desk.git("rev-parse", "HEAD"), shard="two")
    cut_record(other)
    ended = desk.run("gate", "lint", "--json")
    assert ended.code == EXIT_EVIDENCE
    assert codes(ended.json, "lint") == {"TG202"}


def test_gate_unreadable_record_of_an_artifact_belongs_to_its_stage(desk: Desk, tmp_path: Path) -> None:
    place = leave(tmp_path / "artifacts", "security-scan", {}, commit="c" * 40, name="truegreen-security-scan-2")
    cut_record(place)
    (found,) = loading.load_all(tmp_path / "artifacts", desk.root)
    assert (found.stage, [problem.code for problem in found.problems]) == ("security-scan", ["TG202"])


def test_load_folder_of_no_stage_is_left_alone(desk: Desk, tmp_path: Path) -> None:
    cut_record(leave(tmp_path / "artifacts", "unicorn", {}, commit="c" * 40))
    assert loading.load_all(tmp_path / "artifacts", desk.root) == []


def test_gate_two_folders_of_one_shard_are_blind(desk: Desk, lint: Path) -> None:
    leave(lint.parent, "lint", linted(), commit=desk.git("rev-parse", "HEAD"), name="lint-copy")
    ended = desk.run("gate", "lint", "--json")
    assert ended.code == EXIT_EVIDENCE
    assert codes(ended.json, "lint") == {"TG205"}


def test_gate_named_duplicate_shard_says_which(desk: Desk, folder: Path) -> None:
    commit = desk.git("rev-parse", "HEAD")
    leave(folder, "lint", linted(), commit=commit, shard="a")
    leave(folder, "lint", linted(), commit=commit, shard="a", name="lint-again")
    assert "shard a" in desk.run("gate", "lint").err


def test_gate_log_that_is_lost_is_no_loss(desk: Desk, folder: Path) -> None:
    files = linted() | {"ruff.stderr.log": ("log", b"warning")}
    place = leave(folder, "lint", files, commit=desk.git("rev-parse", "HEAD"))
    (place / "ruff.stderr.log").unlink()
    assert desk.run("gate", "lint").code == EXIT_OK


# --- tests of several Pythons, shards and reruns ------------------------------------------------


def matrix(desk: Desk, folder: Path, *, failed: tuple[str, ...] = (), pythons: tuple[str, ...] = ("3.11.9", "3.12.4")):
    for number, python in enumerate(pythons):
        files = pytest_files(*NAMES, failed=failed if number == 0 else ())
        leave(folder, "wiring", files, commit=desk.git("rev-parse", "HEAD"), shard=f"p{number}", python=python)


def test_matrix_same_tests_on_two_pythons_are_kept_apart(desk: Desk, folder: Path) -> None:
    matrix(desk, folder)
    (found,) = loading.load_all(folder, desk.root)
    assert found.tests is not None
    assert [case.id for case in found.tests.cases] == [
        f"tests/test_a.py::{name} [{python}]" for name in NAMES for python in ("3.11.9", "3.12.4")
    ]
    assert {test for one in found.sessions for test in one.ids} == {case.id for case in found.tests.cases}
    assert desk.run("gate", "wiring").code == EXIT_OK


def test_matrix_test_that_fails_on_one_python_fails(desk: Desk, folder: Path) -> None:
    matrix(desk, folder, failed=("test_b",))
    ended = desk.run("gate", "wiring", "--json")
    assert ended.code == EXIT_GATE_FAILED
    told = json.dumps(stage_of(ended.json, "wiring")["verdicts"])
    assert "test_b [3.11.9]" in told
    assert "test_b [3.12.4]" not in told


def test_shards_of_one_python_with_the_same_tests_are_blind(desk: Desk, folder: Path) -> None:
    matrix(desk, folder, pythons=("3.12.4", "3.12.4"))
    ended = desk.run("gate", "wiring", "--json")
    assert ended.code == EXIT_EVIDENCE
    assert "TG202" in codes(ended.json, "wiring")


def test_matrix_leaves_coverage_without_a_variant(desk: Desk, folder: Path) -> None:
    desk.write("a.py", "x = 1\ny = 2\n")
    sums = {"num_statements": 2, "covered_lines": 1}
    for number, line in enumerate((1, 2)):
        file = {"executed_lines": [line], "missing_lines": [3 - line], "summary": sums}
        report = {"meta": {"branch_coverage": False}, "files": {"a.py": file}, "totals": sums}
        leave(
            folder,
            "unit",
            pytest_files(*NAMES) | {"coverage.json": ("coverage-json", json.dumps(report).encode())},
            commit=desk.git("rev-parse", "HEAD"),
            shard=f"p{number}",
            python=f"3.1{number}.0",
        )
    (found,) = loading.load_all(folder, desk.root)
    assert found.coverage is not None
    assert [(file.path, file.covered) for file in found.coverage.files] == [("a.py", 0b110)]


def rerun_files(*outcomes: str) -> dict[str, tuple[str, bytes]]:
    """Return a first run in which test_b failed, and a rerun of it for each outcome."""
    files = pytest_files(*NAMES, failed=("test_b",))
    for number, outcome in enumerate(outcomes, start=1):
        failed = () if outcome == "pass" else ("test_b",)
        files[f"junit-rerun-{number}.xml"] = ("junit", junit("test_b", failed=failed))
    return files


def test_rerun_that_passes_is_another_attempt_and_no_second_test(desk: Desk, folder: Path) -> None:
    leave(folder, "wiring", rerun_files("pass"), commit=desk.git("rev-parse", "HEAD"))
    (found,) = loading.load_all(folder, desk.root)
    assert found.tests is not None
    again = next(case for case in found.tests.cases if case.id.endswith("test_b"))
    assert again.attempts == (Outcome.FAIL, Outcome.PASS)
    assert again.flaky


def test_rerun_ten_is_counted_after_rerun_nine(desk: Desk, folder: Path) -> None:
    leave(folder, "wiring", rerun_files(*["fail"] * 9, "pass"), commit=desk.git("rev-parse", "HEAD"))
    (found,) = loading.load_all(folder, desk.root)
    assert found.tests is not None
    again = next(case for case in found.tests.cases if case.id.endswith("test_b"))
    assert again.attempts == (*[Outcome.FAIL] * 10, Outcome.PASS)
    assert again.outcome is Outcome.PASS


def test_shard_whose_name_looks_like_a_rerun_is_a_shard(desk: Desk, folder: Path) -> None:
    commit = desk.git("rev-parse", "HEAD")
    leave(folder, "wiring", pytest_files("test_a"), commit=commit, shard="one")
    leave(folder, "wiring", pytest_files("test_b"), commit=commit, shard="nightly-rerun-1.b")
    (found,) = loading.load_all(folder, desk.root)
    assert found.problems == ()
    assert found.tests is not None
    assert [case.id for case in found.tests.cases] == ["tests/test_a.py::test_a", "tests/test_a.py::test_b"]


def test_failing_test_names_its_shard_where_there_are_several(desk: Desk, folder: Path) -> None:
    commit = desk.git("rev-parse", "HEAD")
    leave(folder, "wiring", pytest_files("test_b", failed=("test_b",)), commit=commit, shard="two")
    (alone,) = loading.load_all(folder, desk.root)
    assert alone.failed_in == {}
    leave(folder, "wiring", pytest_files("test_a"), commit=commit, shard="one")
    (found,) = loading.load_all(folder, desk.root)
    assert found.failed_in == {"tests/test_a.py::test_b": "two"}
    verdicts = stage_of(desk.run("gate", "wiring", "--json").json, "wiring")["verdicts"]
    assert [item["shard"] for one in verdicts if one["gate"] == "no-failures" for item in one["items"]] == ["two"]


def test_rerun_without_its_first_run_is_blind(desk: Desk, folder: Path) -> None:
    files = {name: entry for name, entry in rerun_files("pass").items() if name != "junit.xml"}
    leave(folder, "wiring", files, commit=desk.git("rev-parse", "HEAD"))
    ended = desk.run("gate", "wiring", "--json")
    assert ended.code == EXIT_EVIDENCE
    assert "TG202" in codes(ended.json, "wiring")


def test_session_without_results_is_blind(desk: Desk, folder: Path) -> None:
    files = {"session.json": ("pytest-session", session(*NAMES))}
    leave(folder, "wiring", files, commit=desk.git("rev-parse", "HEAD"))
    ended = desk.run("gate", "wiring", "--json")
    assert (ended.code, ended.json["status"]) == (EXIT_EVIDENCE, "blind")


def test_problem_with_a_line_names_path_and_line(desk: Desk, folder: Path) -> None:
    lying = junit("test_a").replace(b'tests="1"', b'tests="2"')
    files = pytest_files("test_a") | {"junit.xml": ("junit", lying)}
    place = leave(folder, "wiring", files, commit=desk.git("rev-parse", "HEAD"))
    (found,) = loading.load_all(folder, desk.root)
    (problem,) = found.problems
    assert (problem.kind, problem.path, problem.line) == ("tests", os.fspath(place / "junit.xml"), 1)


def test_shard_without_its_record_is_blind(desk: Desk, lint: Path) -> None:
    shutil.copytree(lint, lint.with_name("lint-2"))
    (lint.with_name("lint-2") / "stage.json").unlink()
    ended = desk.run("gate", "lint", "--json")
    assert (ended.code, codes(ended.json, "lint")) == (EXIT_EVIDENCE, {"TG201"})


@pytest.mark.parametrize("content", ["{", '{"schema_version": 1, "stage": "lnt", "state": "ran", "commit": ""}'])
def test_record_that_belongs_to_no_stage_makes_a_doubt_of_all(desk: Desk, lint: Path, content: str) -> None:
    stray = lint.with_name("zzz")
    stray.mkdir()
    (stray / "stage.json").write_text(content)
    assert desk.run("gate", "lint").code == EXIT_EVIDENCE


def test_folder_of_somebody_else_is_no_evidence_and_no_doubt(desk: Desk, lint: Path) -> None:
    lint.with_name("services").mkdir()
    lint.with_name("truegreen-other").mkdir()
    assert desk.run("gate", "lint").code == EXIT_OK


def test_folder_of_evidence_that_is_a_link_is_blind(desk: Desk, lint: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    lint.rename(elsewhere)
    lint.symlink_to(elsewhere)
    assert desk.run("gate", "lint").code == EXIT_EVIDENCE


def test_shard_that_left_nothing_but_logs_is_blind(desk: Desk, lint: Path) -> None:
    commit = desk.git("rev-parse", "HEAD")
    leave(lint.parent, "lint", {"a.log": ("log", b"nothing")}, commit=commit, shard="2")
    ended = desk.run("gate", "lint", "--json")
    assert ended.code == EXIT_EVIDENCE
    assert "lint-2 ran and left no file of evidence" in ended.out
