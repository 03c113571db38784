"""Stage lint: style and errors of code and workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import msgspec

from truegreen.stages import common
from truegreen.stages.common.options import StageOptions

if TYPE_CHECKING:
    from truegreen.stages.common.context import StageContext, StageOutcome
    from truegreen.stages.common.scan_bench import Bench

_WORKFLOWS = ".github/workflows"
LintTool = Literal["ruff", "formatter", "prettier", "actionlint", "zizmor", "test-style"]


class LintOptions(StageOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.lint]`."""

    paths: list[str] = msgspec.field(default_factory=lambda: ["."])
    """Where Python code lies, for ruff and the formatter."""
    tools: list[LintTool] = msgspec.field(default_factory=lambda: list(get_args(LintTool)))
    """Which tools run; prettier and the workflow linters only where they apply.

    `test-style` runs nothing: it looks at the sources of the tests.
    """
    formatter: Literal["auto", "ruff", "black"] = "auto"
    """`ruff`, `black`, or `auto`: black where the project uses it and not ruff's formatter."""
    zizmor_persona: Literal["regular", "pedantic", "auditor"] = "regular"
    """`regular`, `pedantic` or `auditor`: how much zizmor complains about."""


class Lint:
    """Runs ruff, the formatter, prettier, actionlint and zizmor, and looks at how the tests are written."""

    name: ClassVar[str] = "lint"
    title: ClassVar[str] = "Lint"
    Options: ClassVar[type[StageOptions]] = LintOptions

    def run(self, context: StageContext) -> StageOutcome:
        """Run each tool that applies; leave one report a tool.

        Raises:
            ToolMissing, ToolFailed: a pinned tool is not there and cannot be installed.
        """
        options: LintOptions = context.options
        bench = common.scan_bench.Bench(context)
        if "ruff" in options.tools:
            common.lint_tools.ruff(bench, options.paths)
        if "formatter" in options.tools:
            use_black = options.formatter == "black" or (
                options.formatter == "auto" and common.lint_tools.wants_black(context.root)
            )
            (common.lint_tools.black if use_black else common.lint_tools.ruff_format)(bench, options.paths)
        if "prettier" in options.tools and common.lint_tools.wants_prettier(context.root):
            common.lint_tools.prettier(bench)
        self._workflows(bench, options)
        if "test-style" in options.tools:
            common.style_scan.leave(bench, options.paths)
        return bench.outcome()

    @staticmethod
    def _workflows(bench: Bench, options: LintOptions) -> None:
        found = common.scan_sources.find(bench.context, [_WORKFLOWS], (), (".yml", ".yaml")).files
        workflows = [name for name in found if name.count("/") == _WORKFLOWS.count("/") + 1]
        if not workflows:
            bench.notes.append("no workflows: actionlint and zizmor did not run")
            return
        if "actionlint" in options.tools:
            common.lint_tools.actionlint(bench, workflows)
        if "zizmor" in options.tools:
            common.lint_tools.zizmor(bench, workflows, options.zizmor_persona)
