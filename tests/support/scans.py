"""Running a linter or scanner stage for real, and reading what it left with the registered readers."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from tests.support.stage_contexts import stage_context

from truegreen import registry
from truegreen.model.scan_envelope import ENVELOPE_VERSION
from truegreen.model.style import StyleScan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truegreen.model.finding import Finding, Scan
    from truegreen.stages.common.context import StageOutcome


class Ran:
    """A stage that ran: its outcome, and one scan a tool."""

    def __init__(self, outcome: StageOutcome, out: Path, root: Path) -> None:
        self.outcome = outcome
        self.out = out
        self.scans: dict[str, Scan] = {}
        self.style: StyleScan | None = None
        for name, kind in outcome.files:
            if kind != "log":
                read = registry.load("reader", kind)().read(out / name, root)
                if isinstance(read, StyleScan):
                    self.style = read
                else:
                    self.scans[read.tool] = read

    def rules(self, tool: str) -> set[str]:
        """Return the rules a tool found broken."""
        return {finding.rule for finding in self.scans[tool].findings}


def run_stage(name: str, root: Path, *, env: Mapping[str, str] | None = None, **options: Any) -> Ran:
    """Run a stage on a folder; options are those of the stage's own table."""
    stage = registry.load("stage", name)()
    context = stage_context(root, stage.Options(**options), stage=name, env=env)
    return Ran(stage.run(context), context.out, root)


def write_tree(root: Path, files: Mapping[str, str]) -> Path:
    """Write files below a folder and return it."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def envelope_file(folder: Path, report: Any, **changes: Any) -> Path:
    """Write an envelope as a stage does, and return its path."""
    usual = {
        "schema_version": ENVELOPE_VERSION,
        "tool": "tool",
        "version": "1.0",
        "root": "/project",
        "unit": "files",
        "scanned": ["src/a.py"],
        "unread": [],
        "lines": {},
        "report": report,
    }
    path = folder / "report.json"
    path.write_bytes(msgspec.json.encode({**usual, **changes}))
    return path


def only(scan: Scan) -> Finding:
    """Return the one finding of a scan."""
    (finding,) = scan.findings
    return finding


def tree_digest(root: Path) -> str:
    """Return a digest of all files below a folder, evidence apart."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file() and ".truegreen" not in path.parts:
            digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
