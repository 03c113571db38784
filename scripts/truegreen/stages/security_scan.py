"""Stage security-scan: faults in the code and known vulnerabilities in the dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import msgspec

from truegreen.stages import common
from truegreen.stages.common.options import StageOptions

if TYPE_CHECKING:
    from truegreen.stages.common.context import StageContext, StageOutcome

Scanner = Literal["bandit", "semgrep", "pip-audit"]
_TESTS = ("tests/*", "test/*", "*/tests/*", "*/test/*", "test_*.py", "*/test_*.py", "*_test.py")
_FIXTURES = ("conftest.py", "*/conftest.py")


class SecurityScanOptions(StageOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.security-scan]`; what severity is accepted is the gate's business."""

    paths: list[str] = msgspec.field(default_factory=lambda: ["."])
    """Where the code lies."""
    exclude: list[str] = msgspec.field(default_factory=lambda: [*_TESTS, *_FIXTURES])
    """Patterns of files left out (`*` also matches `/`); by default the tests."""
    tools: list[Scanner] = msgspec.field(default_factory=lambda: list(get_args(Scanner)))
    """Which scanners run."""
    rules: list[str] = msgspec.field(default_factory=list)
    """Further rule files for semgrep, relative to the project."""
    osv_url: str = ""
    """Query address of an OSV service, such as a mirror; empty asks the advisory service of PyPI."""


class SecurityScan:
    """Runs bandit, semgrep and pip-audit, each proved by a planted fault to see at all."""

    name: ClassVar[str] = "security-scan"
    title: ClassVar[str] = "Security scan"
    Options: ClassVar[type[StageOptions]] = SecurityScanOptions

    def run(self, context: StageContext) -> StageOutcome:
        """Run each chosen scanner; leave one report a scanner.

        Raises:
            ToolMissing, ToolFailed: a pinned tool is not there and cannot be installed.
        """
        options: SecurityScanOptions = context.options
        bench = common.scan_bench.Bench(context)
        found = common.scan_sources.find(context, options.paths, options.exclude, (".py",))
        if "bandit" in options.tools:
            common.scan_code.bandit(bench, found.files, found.missing)
        if "semgrep" in options.tools:
            common.scan_code.semgrep(bench, found.files, found.missing, options.rules)
        if "pip-audit" in options.tools:
            common.scan_packages.pip_audit(bench, options.osv_url)
        return bench.outcome()
