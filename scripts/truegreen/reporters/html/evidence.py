"""Sections of the page about where it all comes from: files with digests, tools, services, provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.reporters import links
from truegreen.reporters.html.beside import link
from truegreen.reporters.html.markup import Html, element, joined, row, stage_name, table, text
from truegreen.reporters.html.verdicts import command
from truegreen.reporters.words import duration

if TYPE_CHECKING:
    from truegreen.model.verdict import Report


def files(report: Report) -> Html:
    """Return every file of evidence with its digest; what lies beside the page is a link."""
    rows = [
        row(
            stage_name(stage.stage),
            link(file, file.path),
            text(file.kind),
            element("code", text(file.sha256, 71), class_="digest"),
            f"{file.size_bytes:,}",
            numbers=1,
            class_="item",
        )
        for stage in report.stages
        for file in stage.files
    ]
    head = ("Stage", "File", "Kind", "SHA-256", "Bytes")
    return table(head, rows, label="Files of evidence", name="t-files", numbers=1) if rows else Html("")


def inputs(report: Report) -> Html:
    """Return what each file of test results held, before anything was merged."""
    rows = [
        row(
            text(f"{one.stage} {one.shard}".strip()),
            text(one.file),
            text(one.kind),
            *(f"{number:,}" for number in (one.tests, one.passed, one.failed, one.errors, one.skipped, one.flaky)),
            numbers=6,
        )
        for stage in report.stages
        for one in stage.inputs
    ]
    head = ("Stage and shard", "File", "Kind", "Tests", "Passed", "Failed", "Errors", "Skipped", "Flaky")
    return table(head, rows, label="Files of test results", numbers=6) if rows else Html("")


def programs(report: Report) -> Html:
    """Return the programs that ran and the real services they spoke to."""
    rows = [
        row(
            stage_name(stage.stage),
            text(f"{tool.name} {tool.version}".strip()),
            command(" ".join(tool.argv)) if tool.argv else "",
            "killed" if tool.exit_code is None else str(tool.exit_code),
            duration(tool.duration_s),
            numbers=2,
        )
        for stage in report.stages
        for tool in stage.tools
    ]
    rows += [
        row(
            stage_name(stage.stage), text(f"{one.name} {one.version}".strip()), text(f"service, {one.provider}"), "", ""
        )
        for stage in report.stages
        for one in stage.services
    ]
    head = ("Stage", "Program", "Command", "Exit code", "Time")
    return table(head, rows, label="Programs and services", numbers=2) if rows else Html("")


def notes(report: Report) -> Html:
    """Return what stages and the history had to say."""
    found = [f"{stage.stage}: {note}" for stage in report.stages for note in stage.notes]
    found += [f"history: {report.history}"] if report.history else []
    return element("ul", *(element("li", text(one)) for one in dict.fromkeys(found))) if found else Html("")


def provenance(report: Report) -> Html:
    """Return what was judged, by what, where and when."""
    origin = report.provenance
    run = links.run(origin)
    change = f"#{origin.pull_request}" if origin.pull_request is not None else ""
    rows = (
        ("Repository", text(origin.repository)),
        ("Commit", element("code", text(origin.commit + (" and changes on top of it" if origin.dirty else "")))),
        ("Base", element("code", text(origin.base_commit)) if origin.base_commit else None),
        ("Event", text(f"{origin.event} {change} {origin.ref}".strip())),
        ("Run", element("a", text(f"{origin.run_id}, attempt {origin.run_attempt}"), href=run) if run else None),
        ("Judged by", text(f"truegreen {origin.pack_version} {origin.pack_commit}".strip())),
        ("Made", text(origin.created)),
    )
    pairs = (joined((element("dt", name), element("dd", value))) for name, value in rows if value)
    return element("dl", *pairs)
