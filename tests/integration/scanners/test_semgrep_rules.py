"""Each of our semgrep rules finds its `# ruleid:` examples and spares its `# ok:` ones, by the real semgrep."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from tests.support.scans import run_stage

from truegreen.model.finding import Scan
from truegreen.stages.common.scan_code import RULES

SAMPLES = Path(__file__).parents[2] / "samples" / "scanners" / "semgrep"
NAMES = sorted(path.stem for path in SAMPLES.glob("*.py"))
_MARK = re.compile(r"# (ruleid|ok): (\S+)")


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    root = tmp_path_factory.mktemp("samples")
    for path in SAMPLES.glob("*.py"):
        (root / path.name).write_text(path.read_text())
    return run_stage("security-scan", root, tools=["semgrep"], exclude=[]).scans["semgrep"]


def marked(name: str, mark: str) -> set[int]:
    """Return the lines after the marks of a sample's own rule."""
    rows = (SAMPLES / f"{name}.py").read_text().splitlines()
    found = {
        number + 1 for number, row in enumerate(rows, 1) if (m := _MARK.search(row)) and m.groups() == (mark, name)
    }
    assert found, f"{name}.py has no example marked {mark}"
    return found


def test_every_rule_has_a_sample_and_every_sample_a_rule() -> None:
    rules = yaml.safe_load(RULES.read_text())["rules"]
    assert sorted(rule["id"] for rule in rules) == NAMES
    assert all(rule["severity"] in ("ERROR", "WARNING") and rule["metadata"]["cwe"] for rule in rules)
    assert len(rules) >= 25


def test_samples_were_all_scanned(scan: Scan) -> None:
    assert (scan.scanned, scan.unread) == (len(NAMES), ())


@pytest.mark.parametrize("name", NAMES)
def test_rule_finds_exactly_its_marked_lines(name: str, scan: Scan) -> None:
    found = {row.line for row in scan.findings if row.path == f"{name}.py" and row.rule == name}
    assert found == marked(name, "ruleid")
    assert not found & marked(name, "ok")


def test_no_rule_fires_in_the_sample_of_another(scan: Scan) -> None:
    assert [(row.path, row.rule, row.line) for row in scan.findings if row.path != f"{row.rule}.py"] == []
