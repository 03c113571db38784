"""A pull request is judged on the lines it changes, from the event to the verdict."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.support.app_evidence import FINDING, leave, linted, pytest_files
from tests.support.past_results import result, run

from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from tests.support.app_desk import Desk

TEXT = "".join(f"a{n} = {n}\n" for n in range(1, 101))
NEW = '"""Doc."""\n\n' + "".join(f"b{n} = {n}\n" for n in range(1, 26))


def measured(**files: tuple[list[int], list[int]]) -> bytes:
    """Return a report in JSON: name → covered and missing lines."""
    entries = {
        f"src/{name}.py": {
            "executed_lines": covered,
            "missing_lines": missing,
            "summary": {"num_statements": len(covered) + len(missing), "covered_lines": len(covered)},
        }
        for name, (covered, missing) in files.items()
    }
    total = {key: sum(e["summary"][key] for e in entries.values()) for key in ("num_statements", "covered_lines")}
    return json.dumps({"meta": {"branch_coverage": False}, "files": entries, "totals": total}).encode()


def pull_request(desk: Desk, coverage: bytes, *, new: str = "", base: bool = True) -> str:
    """Check out the merge commit of a change of lines 1 to 30, with evidence of it; return the head."""
    desk.write("src/m.py", TEXT)
    trunk = desk.commit()
    desk.git("checkout", "--quiet", "-b", "topic")
    changed = TEXT.splitlines(keepends=True)
    desk.write("src/m.py", "".join(line.replace("= ", "= -") if n < 30 else line for n, line in enumerate(changed)))
    if new:
        desk.write("src/new.py", new)
    head = desk.commit()
    desk.git("checkout", "--quiet", "--detach", trunk)
    desk.git("merge", "--quiet", "--no-ff", "--message", "merge", "topic")
    payload: dict[str, Any] = {"number": 1, "head": {"sha": head}, "base": {"sha": trunk} if base else {}}
    desk.event("pull_request", {"pull_request": payload}, GITHUB_REF="refs/pull/1/merge")
    files = {**pytest_files("test_a"), "coverage.json": ("coverage-json", coverage)}
    leave(desk.root / ".truegreen", "unit", files, commit=head)
    return head


def verdict(desk: Desk) -> dict[str, Any]:
    """Return what the gate on changed lines said."""
    document = desk.run("gate", "unit", "--json").json
    unit = next(stage for stage in document["stages"] if stage["stage"] == "unit")
    return next(one for one in unit["verdicts"] if one["gate"] == "patch-coverage")


def lines(first: int, last: int) -> list[int]:
    return list(range(first, last + 1))


def test_changed_lines_that_ran_pass(desk: Desk) -> None:
    pull_request(desk, measured(m=(lines(1, 90), lines(91, 100))))
    assert verdict(desk)["reason"] == "100.00 % of 30 changed lines covered"


def test_changed_lines_that_did_not_run_fail_under_a_good_total(desk: Desk) -> None:
    pull_request(desk, measured(m=(lines(16, 100), lines(1, 15))))
    found = verdict(desk)
    assert (found["status"], found["reason"]) == (
        "fail",
        "50.00 % of 30 changed lines covered, 80 % are asked for",
    )
    assert [(item["path"], item["line"]) for item in found["items"]] == [("src/m.py", 1)]


def test_new_module_that_no_test_imports_is_uncovered(desk: Desk) -> None:
    desk.configure('[tool.truegreen]\nsource = ["src"]\n')
    pull_request(desk, measured(m=(lines(1, 100), [])), new=NEW)
    found = verdict(desk)
    assert (found["status"], found["reason"]) == (
        "fail",
        "54.54 % of 55 changed lines covered, 80 % are asked for",
    )
    assert [(item["path"], item["line"]) for item in found["items"]] == [("src/new.py", 3)]


@pytest.mark.parametrize("outside", [True, False])
def test_new_module_behind_a_link_counts_with_every_line(desk: Desk, *, outside: bool) -> None:
    pull_request(desk, measured(m=(lines(1, 100), [])), new=NEW)
    target = desk.write("../outside.py" if outside else "inside.py", "x = 1\n")
    (desk.root / "src" / "new.py").unlink()
    (desk.root / "src" / "new.py").symlink_to(target)
    assert verdict(desk)["reason"].startswith("52.63 % of 57 changed lines")


def test_pull_request_whose_base_is_unknown_is_blind(desk: Desk) -> None:
    head = pull_request(desk, measured(m=(lines(1, 100), [])), base=False)
    desk.git("checkout", "--quiet", "--detach", head)
    found = verdict(desk)
    assert (found["status"], found["reason"]) == (
        "blind",
        "the changed lines are not known: the event does not name the base commit",
    )


def test_push_is_not_judged_on_changed_lines(desk: Desk) -> None:
    head = pull_request(desk, measured(m=(lines(1, 100), [])))
    desk.event("push", {"after": head, "before": head, "ref": "refs/heads/main"}, GITHUB_REF="refs/heads/main")
    with pytest.raises(StopIteration):
        verdict(desk)


def test_report_of_the_base_leaves_what_the_change_adds_uncovered(desk: Desk) -> None:
    added = "".join(f"b{n} = {n}\n" for n in range(1, 63))
    desk.write("src/m.py", TEXT)
    trunk = desk.commit()
    desk.git("checkout", "--quiet", "-b", "topic")
    desk.write("src/m.py", TEXT + added)
    head = desk.commit()
    payload = {"number": 1, "head": {"sha": head}, "base": {"sha": trunk}}
    desk.event("pull_request", {"pull_request": payload}, GITHUB_REF="refs/pull/1/head", GITHUB_SHA=head)
    of_base = {**pytest_files("test_a"), "coverage.json": ("coverage-json", measured(m=(lines(1, 100), [])))}
    leave(desk.root / ".truegreen", "unit", of_base, commit=head)
    found = verdict(desk)
    assert (found["status"], found["reason"].partition(",")[0]) == ("fail", "0.00 % of 62 changed lines covered")


def test_new_file_whose_lines_end_with_carriage_returns_is_judged_line_by_line(desk: Desk) -> None:
    trunk = desk.commit()
    desk.git("checkout", "--quiet", "-b", "topic")
    (desk.root / "src").mkdir(exist_ok=True)
    (desk.root / "src" / "m.py").write_bytes("".join(f"a{n} = {n}\r" for n in range(1, 44)).encode())
    head = desk.commit()
    payload = {"number": 1, "head": {"sha": head}, "base": {"sha": trunk}}
    desk.event("pull_request", {"pull_request": payload}, GITHUB_REF="refs/pull/1/head", GITHUB_SHA=head)
    report = measured(m=(lines(1, 3), lines(4, 43)))
    leave(
        desk.root / ".truegreen",
        "unit",
        {**pytest_files("test_a"), "coverage.json": ("coverage-json", report)},
        commit=head,
    )
    found = verdict(desk)
    assert (found["status"], found["reason"].partition(",")[0]) == ("fail", "6.97 % of 43 changed lines covered")


def test_report_compares_coverage_and_findings_with_the_base_and_links_what_did_not_run(desk: Desk) -> None:
    head = pull_request(desk, measured(m=(lines(16, 100), lines(1, 15))))
    evidence = desk.root / ".truegreen"
    report = [FINDING, {**FINDING, "code": "F811", "message": "redefined"}]
    leave(evidence, "lint", linted(report), commit=head)
    parts = {
        "coverage": b'{"src/m.py":["1ffffffffffffffffffffffffe","0"]}',  # lines 1 to 100
        "findings": b'{"lint":{"ruff":{"ruff:F401:a.py:-":1,"ruff:F9:a.py:-":1}}}',
    }
    trunk = desk.git("rev-parse", f"{head}^")
    kept = msgspec.structs.replace(run(1, result("a"), commit=trunk, base=True), parts=parts)
    SqliteStore(evidence / "history.sqlite").append(kept)
    document = desk.run("gate", "unit", "lint", "--json").json
    change = document["detail"]["coverage_change"]
    assert (change["base"], change["exact"], change["changed_lines"]) == (trunk, True, 30)
    assert (change["total"]["base_covered"], change["total"]["covered"]) == (100, 85)
    findings = document["detail"]["findings_change"]
    assert ([one["rule"] for one in findings["new"][0]["findings"]], findings["gone"]) == (["F811"], 1)
    text = (evidence / "report" / "summary.md").read_text()
    assert f"(-15.00 points against `{trunk[:12]}`, where the change left its base); 15 of 30 changed lines" in text
    assert "1 new, 1 gone, 1 there too" in text
