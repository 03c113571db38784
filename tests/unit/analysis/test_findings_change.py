"""Findings against a run of the base branch: new, gone, there too; and the form in which they are kept."""

from __future__ import annotations

import msgspec
import pytest
from tests.support import evidence as good

from truegreen.analysis import findings_change, kept_findings
from truegreen.model.changes import Changes, FileChange
from truegreen.model.finding import Severity
from truegreen.model.history import PastFindings


def finding(rule="B101", path="src/a.py", line=3, tool="bandit", digest="d", **more):
    mark = f"{tool}:{rule}:{path}:{digest}"
    return good.finding(tool=tool, rule=rule, path=path, line=line, fingerprint=mark, **more)


def stage(*findings, tool="bandit", name="security-scan", **more):
    return good.stage(name, scans=(good.scan(*findings, tool=tool, **more),))


def of(*stages, base=(), changes=None, commit=good.BASE):
    past = (PastFindings(commit=commit, findings=kept_findings.of(base)),)
    return findings_change.of(stages, past, changes)


def test_finding_is_new_when_it_was_not_there_and_the_same_when_its_line_moved():
    found = of(stage(finding(line=90), finding("B602", severity=Severity.CRITICAL)), base=[stage(finding(line=3))])
    assert [(one.stage, one.total, [f.rule for f in one.findings]) for one in found.new] == [
        ("security-scan", 1, ["B602"])
    ]
    assert (found.there_too, found.gone, found.exact) == (1, 0, False)


def test_finding_that_is_there_more_often_is_new_as_often():
    found = of(stage(finding(line=1), finding(line=5), finding(line=9)), base=[stage(finding())])
    assert [one.line for one in found.new[0].findings] == [5, 9]
    assert found.there_too == 1


def test_finding_in_a_renamed_file_is_the_same():
    changes = Changes(base=good.BASE, files=(FileChange(path="src/new.py", old_path="src/old:1.py"),))
    base = [stage(finding("a:b", path="src/old:1.py"), finding(path="src/other.py"))]
    found = of(stage(finding("a:b", path="src/new.py"), finding(path="src/other.py")), base=base, changes=changes)
    assert (found.new, found.there_too, found.gone, found.exact) == ((), 2, 0, True)


def test_findings_are_gone_only_where_the_tool_ran_and_read_all():
    base = [stage(finding(), finding("B2"))]
    assert of(stage(finding()), base=base).gone == 1
    assert of(stage(finding(), unread=("x.py: cut",)), base=base).gone == 0
    assert of(stage(finding(), scanned=0), base=base).gone == 0
    assert of(stage(tool="trivy"), base=base).gone == 0
    assert of(base=base).gone == 0


def test_findings_of_a_tool_that_did_not_run_on_the_base_are_not_called_new():
    found = of(stage(finding(tool="trivy"), tool="trivy"), base=[stage(finding())])
    assert (found.new, found.there_too) == ((), 0)
    nothing_there = of(stage(finding()), base=[stage()])
    assert nothing_there.new[0].total == 1


def test_base_commit_is_compared_with_where_it_is_known_and_nothing_without_a_base():
    past = tuple(PastFindings(commit=commit) for commit in ("f" * 40, good.BASE))
    found = findings_change.of((), past, good.changes())
    assert (found.base, found.exact) == (good.BASE, True)
    assert findings_change.of((), past, None).base == "f" * 40
    assert findings_change.of((), (), None) is None


def test_new_findings_beyond_those_listed_are_counted(monkeypatch):
    monkeypatch.setattr(findings_change, "LISTED_MAX", 2)
    found = of(stage(*(finding(f"B{n}") for n in range(5))), base=[stage()])
    assert (found.new[0].total, len(found.new[0].findings)) == (5, 2)


def test_what_is_kept_is_given_back_and_anything_else_refused():
    kept = kept_findings.of(
        [stage(finding(), finding()), stage(name="lint", tool="ruff"), good.stage("unit", scans=())]
    )
    assert kept == {"security-scan": {"bandit": {"bandit:B101:src/a.py:d": 2}}, "lint": {"ruff": {}}}
    assert kept_findings.unpacked(kept_findings.packed(kept)) == kept
    for data in (b"", b"{", b"[]", b'{"lint": {"ruff": {"a": -1}}}', b"\xff"):
        with pytest.raises(ValueError, match=r"JSON|Input|Expected|codec"):
            kept_findings.unpacked(data)


def test_finding_of_characters_that_cannot_be_written_is_kept_and_found_again():
    odd = msgspec.structs.replace(finding(), fingerprint="bandit:B101:\udcff.py:d")
    assert of(stage(odd), base=[stage(odd)]).there_too == 1
    assert kept_findings.packed(kept_findings.of([stage(odd)]))
    bare = msgspec.structs.replace(finding(), fingerprint="")
    assert kept_findings.key_of(bare) == "bandit:B101:src/a.py:unused import"


def test_stage_with_too_many_findings_keeps_none(monkeypatch):
    monkeypatch.setattr(kept_findings, "_MOST", 1)
    assert kept_findings.of([stage(finding(), finding())]) == {}


def test_tool_that_could_not_read_all_is_no_base_for_others():
    for odd in ({"unread": ("x.py: cut",)}, {"scanned": 0}):
        base = [stage(finding(), **odd)]
        assert kept_findings.of(base) == {"security-scan": {}}
        found = of(stage(finding(), finding("B2")), base=base)
        assert (found.new, found.gone, found.there_too) == ((), 0, 0)
