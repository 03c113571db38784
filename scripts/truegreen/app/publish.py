"""`truegreen publish`: the report on the forge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen import registry
from truegreen.app import event as events
from truegreen.app import gate
from truegreen.forge import publishing
from truegreen.forge.publishing import PublishResult

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.app.shell import Shell
    from truegreen.forge.port import Forge


def publish(shell: Shell, folder: Path, *, dry_run: bool = False, forge: Forge | None = None) -> PublishResult:
    """Write the last report below a folder to the forge; refusals are told, never raised."""
    report = gate.read_report(folder)
    event = events.current(shell)
    reporter = registry.load("reporter", "comment")()
    body = reporter.render(report).text
    if dry_run:
        return publishing.dry_run(report, body, event)
    token = shell.env.get("GITHUB_TOKEN", "")
    if forge is None and not (token and event.repository):
        missing = "GITHUB_TOKEN" if not token else "GITHUB_REPOSITORY"
        line = f"nothing is written to the forge: {missing} is not set; the report is in the summary"
        return PublishResult(lines=(line,), ok=False)
    target = forge or _github(shell, event.repository, event.api_url, token)
    return publishing.publish(report, body, target, event, lambda budget: reporter.render(report, budget).text)


def _github(shell: Shell, repository: str, api_url: str, token: str) -> Forge:
    from truegreen.forge.github import connect  # noqa: PLC0415 - PyGithub takes half a second to import

    return connect(repository=repository, token=token, api_url=api_url, clock=shell.clock)
