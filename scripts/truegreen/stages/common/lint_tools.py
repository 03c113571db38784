"""How the lint stage runs each tool, and how it finds out what the tool read."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.model.scan_envelope import FormatterReport
from truegreen.stages.common.scan_bench import relative, report_of

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.stages.common.scan_bench import Bench

_BLACK_LINE = re.compile(r"^(would reformat|error: cannot \w+:?) (.+?)(?::\s?(\S.*))?$")
_BLACK_FINE = re.compile(r"^(.+) already well formatted, good job\.$")
_PRETTIER_LINE = re.compile(r"^\[(warn|error|debug)\] (.*)$")
_PRETTIER_READS = re.compile(r"^resolve config from '(.+)'$")
_ZIZMOR_DONE = re.compile(r"completed (.+)$")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def ruff(bench: Bench, paths: list[str]) -> None:
    """Run `ruff check` with the project's own configuration."""
    program = str(bench.context.tools.path("ruff"))
    seen = _ruff_files(bench, program, paths)
    done = bench.run(
        "ruff", [program, "check", "--no-cache", "--output-format", "json", "--", *paths], raw="ruff.raw.json"
    )
    report, unread = report_of(done, "ruff")
    unread += _without_rules(bench, program, paths)
    places = [(row["filename"], row["location"]["row"]) for row in _rows(report) if row.get("location")]
    bench.write("ruff", report, scanned=seen, unread=unread, places=places)


def _without_rules(bench: Bench, program: str, paths: list[str]) -> list[str]:
    """Return what to say when the configuration leaves ruff no rule at all; a broken one is told elsewhere."""
    done = bench.run("ruff", [program, "check", "--show-settings", "--no-cache", "--", *paths])
    if not done.ok or not re.search(r"^linter\.rules\.enabled = \[\]$", done.stdout, re.MULTILINE):
        return []
    return ["ruff: its configuration selects no rule (`select` of [tool.ruff.lint]), so it looks for nothing"]


def ruff_format(bench: Bench, paths: list[str]) -> None:
    """Run `ruff format --check`."""
    program = str(bench.context.tools.path("ruff"))
    seen = _ruff_files(bench, program, paths)
    argv = [program, "format", "--check", "--no-cache", "--output-format", "json", "--", *paths]
    report, unread = report_of(
        bench.run("ruff-format", argv, raw="ruff-format.raw.json"), "ruff format", fine=(0, 1, 2)
    )
    rows = _rows(report)
    unformatted = {relative(bench.root, row["filename"]) for row in rows if row.get("code") == "unformatted"}
    failed = [
        f"{relative(bench.root, row['filename'])}: {row.get('message')}"
        for row in rows
        if row.get("code") != "unformatted"
    ]
    if report is not None:
        report = FormatterReport(formatter="ruff-format", unformatted=tuple(sorted(unformatted)), failed=tuple(failed))
    bench.write(
        "formatter", report, tool="ruff-format", scanned=seen, unread=unread, places=[(name, 0) for name in unformatted]
    )


def black(bench: Bench, paths: list[str]) -> None:
    """Run `black --check`, which names every file it reads only when verbose."""
    program = str(bench.context.tools.path("black"))
    done = bench.run("black", [program, "--check", "--verbose", "--no-color", "--", *paths], raw="black.raw.log")
    fine, unformatted, failed = set(), set(), []
    for row in done.stderr.splitlines():
        if good := _BLACK_FINE.match(row):
            fine.add(relative(bench.root, good.group(1)))
        elif bad := _BLACK_LINE.match(row):
            name = relative(bench.root, bad.group(2))
            if bad.group(1).startswith("would"):
                unformatted.add(name)
            else:
                failed.append(f"{name}: cannot parse: {bad.group(3)}")
    report = FormatterReport(formatter="black", unformatted=tuple(sorted(unformatted)), failed=tuple(failed))
    # 123: a file could not be read, which is one of `failed`.
    ended = not done.timed_out and (done.exit_code in (0, 1) or (done.exit_code == 123 and failed))  # noqa: PLR2004
    unread = [] if ended else [f"black: ended with {done.exit_code}: {' '.join(done.tail(3).split())[:300]}"]
    scanned = fine | unformatted
    bench.write(
        "formatter", report, tool="black", scanned=scanned, unread=unread, places=[(name, 0) for name in unformatted]
    )


def prettier(bench: Bench) -> None:
    """Run the project's own prettier, as its `package.json` and lock file install it."""
    npx = ["npx", "--no-install", "prettier"]
    asked = bench.run("npx prettier", [*npx, "--version"])
    version = asked.stdout.strip() if asked.ok else ""
    if not version:
        why = "package.json names prettier, but it is not installed; run `npm ci` before this stage"
        bench.write("formatter", None, tool="prettier", version="?", unread=[f"prettier: {why}"])
        return
    supported = _support_info(bench.run("npx prettier", [*npx, "--support-info"]).stdout)
    argv = [*npx, "--check", ".", "--log-level", "debug"]
    done = bench.run("npx prettier", argv, raw="prettier.raw.log")
    reads: set[str] = set()
    unformatted: set[str] = set()
    failed: dict[str, str] = {}
    for row in _ANSI.sub("", done.stderr).splitlines():
        level, text = found.groups() if (found := _PRETTIER_LINE.match(row)) else ("", "")
        if level == "debug" and (read := _PRETTIER_READS.match(text)):
            reads.add(relative(bench.root, read.group(1)))
        elif level == "warn":
            unformatted.add(text)
        elif level == "error":
            name, _, why = text.partition(": ")
            if why:
                failed.setdefault(name, why)
    unformatted &= reads  # its closing sentence is a warning too
    unread = [] if done.exit_code in (0, 1) or failed else [f"prettier: ended with {done.exit_code}"]
    report = FormatterReport(
        formatter="prettier",
        unformatted=tuple(sorted(unformatted)),
        failed=tuple(f"{name}: {why}" for name, why in failed.items()),
    )
    scanned = {name for name in reads - set(failed) if _supported(name, supported)}
    places = [(name, 0) for name in unformatted]
    bench.write("formatter", report, tool="prettier", version=version, scanned=scanned, unread=unread, places=places)


def actionlint(bench: Bench, workflows: list[str]) -> None:
    """Run actionlint on each workflow; without shellcheck, which a machine may or may not have."""
    argv = [str(bench.context.tools.path("actionlint")), "-shellcheck=", "-pyflakes=", "-format", "{{json .}}"]
    done = bench.run("actionlint", [*argv, *workflows], raw="actionlint.raw.json")
    report, unread = report_of(done, "actionlint")
    places = [(row["filepath"], row["line"]) for row in _rows(report)]
    bench.write("actionlint", report, unit="workflows", scanned=workflows, unread=unread, places=places)


def zizmor(bench: Bench, names: list[str], persona: str) -> None:
    """Run zizmor offline; a file it does not say it completed is unread."""
    argv = [str(bench.context.tools.path("zizmor")), "--offline", "--no-progress", "--color", "never"]
    argv += ["--format", "json-v1", "--persona", persona, "--", "."]
    # 10 to 14: findings of that severity; 3: nothing to audit, which the count shows.
    done = bench.run("zizmor", argv, raw="zizmor.raw.json")
    report, unread = report_of(done, "zizmor", fine=(0, 10, 11, 12, 13, 14))
    rows = _ANSI.sub("", done.stderr).splitlines()
    completed = {relative(bench.root, found.group(1).strip()) for row in rows if (found := _ZIZMOR_DONE.search(row))}
    reasons = [row.rpartition("registry::input: ")[2] for row in rows if "failed to" in row]
    why = "; ".join(reasons) or "zizmor did not say that it completed it"
    unread += [f"{name}: {why}" for name in names if name not in completed]
    bench.write("zizmor", report, unit="workflows", scanned=completed, unread=unread, places=_zizmor_places(report))


def wants_black(root: Path) -> bool:
    """Return whether the project formats with black and not with ruff."""
    tool = _tool_table(root)
    hooks = _hooks(root)
    own = any("format" in _toml(root / name) for name in ("ruff.toml", ".ruff.toml"))
    ruff_formats = own or "format" in _table(tool, "ruff") or "ruff-format" in hooks
    return not ruff_formats and ("black" in tool or bool(hooks & {"black", "black-jupyter"}))


def wants_prettier(root: Path) -> bool:
    """Return whether `package.json` names prettier as a dependency."""
    try:
        package = msgspec.json.decode((root / "package.json").read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError, RecursionError):
        return False
    return any("prettier" in _table(package, key) for key in ("devDependencies", "dependencies"))


def _ruff_files(bench: Bench, program: str, paths: list[str]) -> set[str]:
    done = bench.run("ruff", [program, "check", "--show-files", "--no-cache", "--", *paths])
    return {relative(bench.root, row) for row in done.stdout.splitlines() if row.strip()} if done.ok else set()


def _support_info(text: str) -> set[str]:
    """Return the file names and extensions prettier knows; it passes over others without a word."""
    try:
        languages = msgspec.json.decode(text.encode(), type=dict[str, Any]).get("languages", [])
    except (msgspec.DecodeError, RecursionError):
        return set()
    return {str(name) for row in _rows(languages) for key in ("extensions", "filenames") for name in row.get(key) or ()}


def _supported(name: str, supported: set[str]) -> bool:
    base = name.rpartition("/")[2]
    return base in supported or any(base.endswith(ending) for ending in supported if ending.startswith("."))


def _rows(report: Any) -> list[dict[str, Any]]:
    return [row for row in report if isinstance(row, dict)] if isinstance(report, list) else []


def _zizmor_places(report: Any) -> list[tuple[str, int]]:
    places = []
    for row in _rows(report):
        for place in row.get("locations", ()):
            inner = next(iter(place["symbolic"]["key"].values()), None)
            if isinstance(inner, dict) and inner.get("verbatim_path"):
                places.append((inner["verbatim_path"], place["concrete"]["location"]["start_point"]["row"] + 1))
    return places


def _hooks(root: Path) -> set[str]:
    """Return the ids of the project's pre-commit hooks."""
    import yaml  # noqa: PLC0415 - every command loads this module, few need it

    try:
        document = yaml.safe_load((root / ".pre-commit-config.yaml").read_bytes())
        return {hook["id"] for repo in document["repos"] for hook in repo["hooks"]}
    except (OSError, yaml.YAMLError, KeyError, TypeError, RecursionError):
        return set()


def _tool_table(root: Path) -> dict[str, Any]:
    return _table(_toml(root / "pyproject.toml"), "tool")


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}


def _table(parent: dict[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}
