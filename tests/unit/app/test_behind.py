"""The source of lines that no test ran, from a checkout that may be hostile."""

from __future__ import annotations

import msgspec
import pytest
from tests.support import evidence as good

from truegreen.app import behind
from truegreen.config.schema import Component
from truegreen.gates.coverage import CoverageOptions
from truegreen.gates.patch_coverage import PatchCoverageOptions
from truegreen.model.history import History
from truegreen.model.run import Problem
from truegreen.model.verdict import Item, Report, StageReport, Status, Verdict


def source_of(root, gate="patch-coverage", **place):
    item = Item(title="a", **{"path": "a.py", "line": 2, "last_line": 3, **place})
    verdict = Verdict(gate=gate, stage="unit", status=Status.FAIL, reason="r", items=(item,))
    stage = StageReport(stage="unit", status=Status.FAIL, verdicts=(verdict,))
    found = behind.with_detail(
        Report(status=Status.FAIL, headline="", stages=(stage,)), good.run(good.stage("unit")), History(), root
    )
    return found.stages[0].verdicts[0].items[0].detail


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.py").write_text("one\ntwo\nthree\nfour\n")
    (tmp_path / "secret.py").write_text("secret\n" * 9)
    return folder


def test_lines_of_an_item_are_quoted_and_those_of_other_gates_are_not(root):
    assert source_of(root) == "two\nthree"
    assert source_of(root, line=4, last_line=0) == "four"
    assert source_of(root, gate="findings") == ""


@pytest.mark.parametrize(
    "place",
    [
        {"path": "../secret.py"},
        {"path": "link.py"},
        {"path": "missing.py"},
        {"path": "a\0.py"},
        {"path": "."},
        {"line": 0},
        {"line": 90},
        {"path": "/etc/passwd"},
    ],
)
def test_lines_outside_the_project_or_of_no_file_are_not_quoted(root, tmp_path, place):
    (root / "link.py").symlink_to(tmp_path / "secret.py")
    assert source_of(root, **place) == ""


def test_quote_is_no_longer_than_one_wants_to_read(root):
    (root / "a.py").write_text("x\n" * 500)
    assert source_of(root, line=1, last_line=500).count("x") == 40


def test_only_so_many_places_are_quoted(root):
    items = tuple(Item(title="a", path="a.py", line=1) for _ in range(300))
    verdict = Verdict(gate="patch-coverage", stage="unit", status=Status.FAIL, reason="r", items=items)
    quoted = behind._quoted(verdict, behind._Sources(root)).items
    assert len(quoted) == 300
    assert sum(bool(item.detail) for item in quoted) == 200


def owners_of(root, *paths, status=Status.FAIL):
    items = tuple(Item(title=path, path=path) for path in paths)
    verdict = Verdict(gate="no-failures", stage="unit", status=status, reason="r", items=items)
    report = Report(status=status, headline="", stages=(StageReport(stage="unit", status=status, verdicts=(verdict,)),))
    found = behind.with_detail(report, good.run(good.stage("unit")), History(), root)
    return [item.owners for item in found.stages[0].verdicts[0].items]


def test_owners_are_those_of_the_first_codeowners_file_that_github_reads(root):
    (root / "docs").mkdir()
    (root / "docs/CODEOWNERS").write_text("* @docs")
    assert owners_of(root, "a.py", "") == [("@docs",), ()]
    (root / "CODEOWNERS").write_text("* @root")
    assert owners_of(root, "a.py") == [("@root",)]
    (root / ".github").mkdir()
    (root / ".github/CODEOWNERS").write_text("*.md @docs\n")
    assert owners_of(root, "a.py", "a.md") == [(), ("@docs",)]


def test_owners_are_not_looked_up_for_what_is_green_nor_through_a_link_nor_without_end(root, tmp_path, monkeypatch):
    (tmp_path / "secret.py").write_text("* @a")
    (root / "CODEOWNERS").symlink_to(tmp_path / "secret.py")
    assert owners_of(root, "a.py") == [()]
    (root / "CODEOWNERS").unlink()
    (root / "CODEOWNERS").write_bytes(b"* @a\n\xff\xfe @b\n")
    assert owners_of(root, "a.py", status=Status.PASS) == [()]
    monkeypatch.setattr(behind, "_OWNED_MAX", 1)
    assert owners_of(root, "a.py", "b.py", "a.py") == [("@a",), (), ("@a",)]


def test_report_without_such_items_keeps_its_stages(root):
    report = Report(status=Status.PASS, headline="", stages=(StageReport(stage="lint", status=Status.PASS),))
    found = behind.with_detail(report, good.run(good.stage("lint")), History(), root)
    assert msgspec.structs.replace(found, detail=None) == report
    assert found.detail.comparison is None


def test_coverage_is_compared_as_the_gates_count_it():
    seen = good.stage("unit", coverage=good.coverage(90, 10))
    run = msgspec.structs.replace(good.run(seen), changes=good.changes(range(85, 95)))
    policies = {
        "coverage": CoverageOptions(components={"all": Component(paths=["src"])}),
        "patch-coverage": PatchCoverageOptions(exclude=["nothing"]),
    }
    found = behind.covered_against_base(run, good.history_of(good.coverage(80, 20)), policies)
    assert (found.total.covered, found.total.base_covered, found.exact) == (90, 80, True)
    assert [one.name for one in found.components] == ["all"]
    assert [(one.covered, one.lines, one.uncovered) for one in found.files] == [(6, 10, ((91, 94),))]
    assert behind.covered_against_base(good.run(good.stage("lint")), History(), {}) is None


def test_coverage_of_which_a_part_is_missing_is_compared_with_nothing():
    def found(**more):
        run = good.run(good.stage("unit", coverage=good.coverage(), **more))
        policies = {"coverage": CoverageOptions(unmeasured=["js*"])}
        return behind.covered_against_base(run, good.history_of(good.coverage()), policies)

    assert found() is not None
    assert found(unmeasured=("js-1",)) is not None
    assert found(unmeasured=("js-1", "two")) is None
    assert found(problems=(Problem(kind="coverage", message="cut"),)) is None
    assert found(problems=(Problem(kind="stage", message="a shard is missing"),)) is None
    elsewhere = good.run(good.stage("wiring", coverage=good.coverage()))
    assert behind.covered_against_base(elsewhere, good.history_of(good.coverage()), {}) is None
