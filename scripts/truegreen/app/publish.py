"""`truegreen publish`: the report on the forge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.app import ci, gate, templates
from truegreen.app import event as events
from truegreen.forge import publishing
from truegreen.forge.publishing import PublishResult

if TYPE_CHECKING:
    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings
    from truegreen.forge.github import GithubForge
    from truegreen.forge.port import Forge
    from truegreen.model.verdict import Provenance, Report

ASKED = "TG_ASKED"
"""Variable with the pipeline's input `stages`: pipelines of other stages have a word of their own."""


def publish(
    shell: Shell, folder: Path, settings: Settings, *, dry_run: bool = False, forge: Forge | None = None
) -> PublishResult:
    """Write the last report below a folder to the forge; refusals are told, never raised."""
    return send(shell, gate.read_report(folder), settings, dry_run=dry_run, forge=forge)


def send(
    shell: Shell, report: Report, settings: Settings, *, dry_run: bool = False, forge: Forge | None = None
) -> PublishResult:
    """Write a report to the forge; refusals are told, never raised."""
    event = events.current(shell)
    reporter = templates.reporter("comment", templates.usable(settings))
    body = reporter.render(report).text
    options = publishing.Options(
        check_run=settings.report.check_run, project=project(shell, settings.root), stages=ci.words(shell, ASKED)
    )
    if dry_run:
        return publishing.dry_run(report, body, event, options)
    token = shell.env.get("GITHUB_TOKEN", "")
    if forge is None and not (token and event.repository):
        missing = "GITHUB_TOKEN" if not token else "GITHUB_REPOSITORY"
        line = f"nothing is written to the forge: {missing} is not set; the report is in the summary"
        return PublishResult(lines=(line,), ok=False)
    target = forge or github(shell, event.repository, event.api_url, token)
    return publishing.publish(report, body, target, event, lambda budget: reporter.render(report, budget).text, options)


def project(shell: Shell, root: Path) -> str:
    """Return the folder of a project below the checked-out repository of a CI run; empty for its root."""
    workspace = shell.env.get("GITHUB_WORKSPACE", "")
    try:
        found = root.resolve().relative_to(Path(workspace).resolve()) if workspace else Path()
    except (ValueError, OSError):
        return ""
    return "" if found == Path() else found.as_posix()


def provenance(shell: Shell, root: Path) -> Provenance:
    """Return where a report of a project made now comes from."""
    return msgspec.structs.replace(events.provenance(shell), project=project(shell, root))


def github(shell: Shell, repository: str, api_url: str, token: str) -> GithubForge:
    """Return GitHub's adapter for a repository; sends nothing yet."""
    from truegreen.forge.github import connect  # noqa: PLC0415 - PyGithub takes half a second to import

    return connect(repository=repository, token=token, api_url=api_url, clock=shell.clock)
