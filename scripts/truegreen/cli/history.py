"""`truegreen history`."""

from __future__ import annotations

import io
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from truegreen.app import carrying, exchange, history
from truegreen.cli import common
from truegreen.errors import UsageError
from truegreen.runtime import files

if TYPE_CHECKING:
    import argparse

    from truegreen.config.settings import Settings


def main(namespace: argparse.Namespace) -> int:
    """Show earlier verdicts, newest first."""
    shell = common.shell(namespace)
    past = history.load(common.settings(shell, namespace), namespace.limit)
    if namespace.json:
        common.print_json(shell, past)
        return 0
    for row in past.runs:
        ratio = "-" if row.line_ratio is None else f"{row.line_ratio:.1%}"
        shell.console.result(
            f"{row.created}  {row.commit[:12] or '-':12}  {row.status:7}  {row.tests:5} tests  "
            f"{row.failed} failed  {row.flaky} flaky  coverage {ratio}  {row.duration_s:.1f} s"
        )
    if not past.runs:
        shell.console.line("no runs yet; `truegreen run` adds one")
    return 0


def query(namespace: argparse.Namespace) -> int:
    """Show what is known of every test, those that failed most first."""
    shell = common.shell(namespace)
    since = _day(namespace.since)
    found = [
        one
        for one in history.store(common.settings(shell, namespace)).summaries(since)
        if (not namespace.stage or one.stage == namespace.stage)
        and (not namespace.tests or any(text in one.test for text in namespace.tests))
        and (one.failures or not namespace.failing)
    ]
    found.sort(key=lambda one: (-one.disagreements, -one.failures, one.stage, one.test))
    if namespace.json:
        common.print_json(shell, found)
        return 0
    for one in found:
        shell.console.result(
            f"{one.runs:6} runs  {one.failures:4} failed  {one.masked:4} rescued  {one.disagreements:3} disagreed  "
            f"{one.last_failed or '-':20}  {one.stage}  {one.test}"
        )
    if not found:
        shell.console.line("no such tests in the history")
    return 0


def take(namespace: argparse.Namespace) -> int:
    """Take runs in from folders of artifacts, other histories, or exported lines."""
    shell = common.shell(namespace)
    found = exchange.take(shell, common.settings(shell, namespace), [shell.cwd / name for name in namespace.sources])
    if namespace.json:
        common.print_json(shell, found)
        return 0
    for one in found:
        shell.console.result(f"{one.source}: {one.runs} runs, {one.tests:,} results, {one.new} new")
    return 0


def export(namespace: argparse.Namespace) -> int:
    """Write every run: to a file, else to standard output."""
    shell = common.shell(namespace)
    settings = common.settings(shell, namespace)
    if namespace.format == "parquet":
        if not namespace.file:
            raise UsageError("a table needs a file to be written to", where="export", fix="name it: runs.parquet")
        rows = exchange.write_parquet(settings, shell.cwd / namespace.file)
        shell.console.line(f"{namespace.file}: {rows:,} results")
        return 0
    if namespace.format == "sqlite":
        if not namespace.file:
            raise UsageError("a copy needs a file to be written to", where="export", fix="name it: history.sqlite")
        runs = exchange.write_copy(settings, shell.cwd / namespace.file)
        shell.console.line(f"{namespace.file}: {runs:,} runs")
        return 0
    if not namespace.file:
        exchange.write_lines(settings, sys.stdout.buffer)
        return 0
    stream = io.BytesIO()
    number = exchange.write_lines(settings, stream)
    files.write_atomic(shell.cwd / Path(namespace.file), stream.getvalue())
    shell.console.line(f"{namespace.file}: {number:,} runs")
    return 0


def check(namespace: argparse.Namespace) -> int:
    """Compare all of the history with its checksums."""
    shell = common.shell(namespace)
    settings = common.settings(shell, namespace)
    kept = history.store(settings)
    wrong = kept.check()
    if namespace.json:
        common.print_json(shell, wrong)
    if wrong:
        for line in wrong[:20]:
            shell.console.line(line)
        raise kept.damaged(wrong[0])
    shell.console.line("the history is as it was written")
    return 0


def compact(namespace: argparse.Namespace) -> int:
    """Forget old runs and give their space back."""
    shell = common.shell(namespace)
    settings = common.settings(shell, namespace)
    forgotten = history.compact(settings, shell.clock.now(), settings.history.keep_runs, settings.history.keep_days)
    shell.console.line(f"forgot {forgotten} runs")
    return 0


def pull(namespace: argparse.Namespace) -> int:
    """Take in what lies at the configured place."""
    shell = common.shell(namespace)
    carried = carrying.pull(shell, _carried(common.settings(shell, namespace)))
    shell.console.line(f"{carried.place}: {carried.new} runs taken in")
    return 0


def push(namespace: argparse.Namespace) -> int:
    """Take in what lies at the configured place, and put everything there."""
    shell = common.shell(namespace)
    carried = carrying.push(shell, _carried(common.settings(shell, namespace)))
    again = f", at attempt {carried.tries}" if carried.tries > 1 else ""
    shell.console.line(f"{carried.place}: written{again}, {carried.new} runs taken in")
    return 0


def _carried(settings: Settings) -> Settings:
    """Return the settings where there is something to carry."""
    options = settings.history
    if options.url and not (options.branch or options.folder):
        raise UsageError(
            "the history lies on a server, and nothing has to be carried",
            where="[tool.truegreen.history]",
            why="every run reads and writes it there",
            fix="leave pull and push out; to copy it to or from a file, name a branch or a folder as well",
        )
    return settings


def _day(text: str) -> str:
    """Return a day as the beginning of a moment; empty stays empty."""
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        raise UsageError(f"{text} is no day", where="--since", fix="write it as 2026-11-01") from None
