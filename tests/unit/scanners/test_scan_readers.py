"""Readers of linters and scanners: what each tool says, and nothing made of what it does not say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support.scans import envelope_file, only

from truegreen import registry
from truegreen.errors import EvidenceMissing, EvidenceUnreadable
from truegreen.model.finding import Severity

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.model.finding import Scan

KINDS = ("ruff", "formatter", "actionlint", "zizmor", "bandit", "semgrep", "pip-audit")
EMPTY: dict[str, Any] = {
    "ruff": [],
    "formatter": {"formatter": "black"},
    "actionlint": [],
    "zizmor": [],
    "bandit": {"errors": [], "results": [], "metrics": {}},
    "semgrep": {"results": [], "errors": [], "paths": {"scanned": []}},
    "pip-audit": {"dependencies": []},
}


def read(kind: str, folder: Path, report: Any, **changes: Any) -> Scan:
    return registry.load("reader", kind)().read(envelope_file(folder, report, **changes), folder)


@pytest.mark.parametrize("kind", KINDS)
def test_reader_of_an_empty_report_finds_nothing(kind: str, tmp_path: Path) -> None:
    scan = read(kind, tmp_path, EMPTY[kind])
    assert (scan.findings, scan.unread, scan.version) == ((), (), "1.0")
    assert registry.load("reader", kind).kind == kind
    assert registry.load("reader", kind).part == "scans"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("report", [17, "text", [[]], {"results": 1}, [{"filename": 3}], {"dependencies": [{}]}])
def test_reader_of_a_report_of_another_shape_refuses_it(kind: str, report: Any, tmp_path: Path) -> None:
    with pytest.raises(EvidenceUnreadable) as caught:
        read(kind, tmp_path, report)
    assert caught.value.where == str(tmp_path / "report.json")
    assert caught.value.why.startswith("the report of tool:")


@pytest.mark.parametrize("kind", KINDS)
def test_reader_without_a_report_is_unread_only_with_a_reason(kind: str, tmp_path: Path) -> None:
    scan = read(kind, tmp_path, None, unread=["tool: killed after 3 s"])
    assert scan.unread == ("tool: killed after 3 s",)
    assert scan.findings == ()
    with pytest.raises(EvidenceUnreadable, match=r"report\.json is no report"):
        read(kind, tmp_path, None)


@pytest.mark.parametrize("kind", KINDS)
def test_reader_of_a_truncated_file_names_the_line(kind: str, tmp_path: Path) -> None:
    path = envelope_file(tmp_path, EMPTY[kind])
    path.write_text(path.read_text().replace(",", ",\n")[:-9])
    with pytest.raises(EvidenceUnreadable) as caught:
        registry.load("reader", kind)().read(path, tmp_path)
    lines = path.read_text().count("\n") + 1
    assert caught.value.where == f"{path}:{lines}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["", "{", "null", "[]", '{"schema_version": 1}', "\x00", "[" * 100_000])
def test_reader_of_a_file_that_is_no_envelope_refuses_it(kind: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(EvidenceUnreadable):
        registry.load("reader", kind)().read(path, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_reader_of_a_missing_file_says_missing(kind: str, tmp_path: Path) -> None:
    with pytest.raises(EvidenceMissing):
        registry.load("reader", kind)().read(tmp_path / "report.json", tmp_path)


@pytest.mark.parametrize("changes", [{"schema_version": 2}, {"surprise": 1}, {"lines": {"a:1": 3}}])
def test_envelope_of_another_version_or_shape_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(EvidenceUnreadable):
        read("ruff", tmp_path, [], **changes)


def test_malformed_envelope_names_the_line_of_the_fault(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text('{\n  "schema_version": 1,\n  "tool": oops\n}\n')
    with pytest.raises(EvidenceUnreadable) as caught:
        registry.load("reader", "ruff")().read(path, tmp_path)
    assert caught.value.where == f"{path}:3"


def ruff_row(code: str | None, message: str = "wrong") -> dict[str, Any]:
    return {"filename": "/project/src/a.py", "code": code, "message": message, "location": {"row": 4}, "fix": None}


@pytest.mark.parametrize(
    ("code", "severity"),
    [
        ("invalid-syntax", Severity.HIGH),
        (None, Severity.HIGH),
        ("E999", Severity.HIGH),
        ("F821", Severity.MEDIUM),
        ("S608", Severity.MEDIUM),
        ("B006", Severity.MEDIUM),
        ("PLE0101", Severity.MEDIUM),
        ("E501", Severity.LOW),
        ("I001", Severity.LOW),
        ("FBT001", Severity.LOW),
        ("SIM102", Severity.LOW),
    ],
)
def test_ruff_rule_has_the_documented_severity(code: str | None, severity: Severity, tmp_path: Path) -> None:
    finding = only(read("ruff", tmp_path, [ruff_row(code)]))
    assert (finding.severity, finding.path, finding.line) == (severity, "src/a.py", 4)
    assert finding.rule == (code or "invalid-syntax")


def test_ruff_file_that_could_not_be_opened_is_unread(tmp_path: Path) -> None:
    scan = read("ruff", tmp_path, [ruff_row("E902", "No such file")])
    assert scan.unread == ("src/a.py: No such file",)
    assert scan.findings == ()


def test_formatter_gives_a_finding_a_file_and_the_command(tmp_path: Path) -> None:
    report = {"formatter": "black", "unformatted": ["src/a.py"], "failed": ["src/b.py: Cannot parse: 1:3"]}
    scan = read("formatter", tmp_path, report, tool="black", scanned=["src/a.py", "src/c.py"])
    assert only(scan).fix == "run: black src/a.py"
    assert (scan.scanned, scan.unread) == (2, ("src/b.py: Cannot parse: 1:3",))


@pytest.mark.parametrize(
    ("kind", "message", "severity"),
    [
        ("syntax-check", "could not parse as YAML", Severity.HIGH),
        ("expression", '"github.event.issue.title" is potentially untrusted. avoid', Severity.HIGH),
        ("credentials", "password section in container", Severity.HIGH),
        ("runner-label", "label is unknown", Severity.MEDIUM),
    ],
)
def test_actionlint_kind_has_the_documented_severity(
    kind: str, message: str, severity: Severity, tmp_path: Path
) -> None:
    row = {"message": message, "filepath": ".github/workflows/ci.yml", "line": 3, "column": 1, "kind": kind}
    scan = read("actionlint", tmp_path, [row])
    assert (only(scan).severity, only(scan).rule, scan.unit) == (severity, kind, "workflows")


def zizmor_row(severity: str, **changes: Any) -> dict[str, Any]:
    def place(kind: str, row: int) -> dict[str, Any]:
        return {
            "symbolic": {
                "key": {"Local": {"verbatim_path": "./.github/workflows/ci.yml"}},
                "annotation": "this step",
                "kind": kind,
            },
            "concrete": {"location": {"start_point": {"row": row, "column": 0}}},
        }

    return {
        "ident": "artipacked",
        "desc": "credential persistence",
        "url": "https://docs.zizmor.sh",
        "determinations": {"confidence": "Low", "severity": severity, "persona": "Regular"},
        "locations": [place("Related", 1), place("Primary", 8)],
        "ignored": False,
        **changes,
    }


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Informational", Severity.INFO),
        ("Low", Severity.LOW),
        ("Medium", Severity.MEDIUM),
        ("High", Severity.HIGH),
        ("Unknown", Severity.MEDIUM),
    ],
)
def test_zizmor_finding_stands_at_its_primary_place(theirs: str, ours: Severity, tmp_path: Path) -> None:
    finding = only(read("zizmor", tmp_path, [zizmor_row(theirs)]))
    assert (finding.severity, finding.line, finding.path) == (ours, 9, ".github/workflows/ci.yml")


def test_zizmor_finding_ignored_in_the_workflow_is_left_out(tmp_path: Path) -> None:
    assert read("zizmor", tmp_path, [zizmor_row("High", ignored=True)]).findings == ()


def test_zizmor_finding_without_a_place_is_kept(tmp_path: Path) -> None:
    finding = only(read("zizmor", tmp_path, [zizmor_row("High", locations=[])]))
    assert (finding.path, finding.line, finding.rule) == ("", 0, "artipacked")


def test_bandit_counts_read_files_and_reports_the_others_unread(tmp_path: Path) -> None:
    row = {
        "filename": "./src/a.py",
        "test_id": "B602",
        "issue_severity": "HIGH",
        "issue_text": "shell",
        "line_number": 3,
    }
    report = {
        "errors": [{"filename": "./src/b.py", "reason": "syntax error"}],
        "results": [row, {**row, "issue_severity": "UNDEFINED"}],
        "metrics": {"_totals": {}, "./src/a.py": {}, "./src/b.py": {}},
    }
    scan = read("bandit", tmp_path, report, lines={"src/a.py:3": "abc"})
    assert (scan.scanned, scan.unread) == (1, ("src/b.py: syntax error",))
    assert [finding.severity for finding in scan.findings] == [Severity.HIGH, Severity.INFO]
    assert scan.findings[0].fingerprint == "tool:B602:src/a.py:abc"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("CRITICAL", Severity.CRITICAL),
        ("ERROR", Severity.HIGH),
        ("WARNING", Severity.MEDIUM),
        ("INFO", Severity.LOW),
        ("INVENTORY", Severity.INFO),
    ],
)
def test_semgrep_rule_is_named_without_the_path_of_its_file(theirs: str, ours: Severity, tmp_path: Path) -> None:
    row = {
        "check_id": "home.me.rules.shell-true",
        "path": "src/a.py",
        "start": {"line": 3},
        "extra": {"message": "m", "severity": theirs},
    }
    scan = read("semgrep", tmp_path, {**EMPTY["semgrep"], "results": [row], "paths": {"scanned": ["src/a.py"]}})
    assert (only(scan).rule, only(scan).severity, scan.scanned) == ("shell-true", ours, 1)


def test_semgrep_errors_and_skipped_rules_are_unread(tmp_path: Path) -> None:
    errors = [
        {"message": "Timeout", "path": "src/a.py"},
        {"message": "bad pattern", "rule_id": "mine"},
        {"message": "no config"},
    ]
    scan = read("semgrep", tmp_path, {**EMPTY["semgrep"], "errors": errors, "skipped_rules": [{"rule_id": "x"}]})
    assert scan.unread[:3] == ("src/a.py: Timeout", "rule mine: bad pattern", "semgrep: no config")
    assert scan.unread[3].startswith("rule skipped:")


def test_pip_audit_skipped_package_is_unread_and_not_counted(tmp_path: Path) -> None:
    report = {
        "dependencies": [
            {
                "name": "jinja2",
                "version": "2.4.1",
                "source": "uv.lock",
                "line": 7,
                "vulns": [
                    {"id": "PYSEC-2014-8", "fix_versions": ["2.7.2"], "aliases": ["CVE-2014-1402"], "description": "d"}
                ],
            },
            {"name": "idna", "version": "3.7", "vulns": []},
            {"name": "gone", "skip_reason": "Dependency not found on PyPI"},
            {"name": "odd", "version": "1"},
        ]
    }
    scan = read("pip-audit", tmp_path, report)
    assert (scan.scanned, scan.unit) == (2, "packages")
    assert scan.unread == ("gone: Dependency not found on PyPI", "odd: pip-audit says nothing about it")
    finding = only(scan)
    assert (finding.severity, finding.path, finding.line) == (Severity.HIGH, "uv.lock", 7)
    assert (finding.rule, finding.fix) == ("PYSEC-2014-8", "upgrade jinja2 to 2.7.2")
    assert "CVE-2014-1402" in finding.message


def test_path_outside_the_project_stays_absolute_and_one_inside_loses_the_root(tmp_path: Path) -> None:
    rows = [{**ruff_row("F401"), "filename": name} for name in ("/project/./x.py", "/etc/x.py", "/project2/x.py")]
    paths = [finding.path for finding in read("ruff", tmp_path, rows).findings]
    assert paths == ["x.py", "/etc/x.py", "/project2/x.py"]


def test_hostile_message_is_cut_to_one_line(tmp_path: Path) -> None:
    finding = only(read("ruff", tmp_path, [ruff_row("F401", "::error::\n" + "x" * 9000)]))
    assert len(finding.message) == 500
    assert "\n" not in finding.message
