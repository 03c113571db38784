"""The event that started this run, and what is written back to the runner."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import TruegreenError
from truegreen.forge import event as parsing
from truegreen.forge import workflow_commands
from truegreen.model.verdict import Provenance
from truegreen.runtime import files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truegreen.app.shell import Shell
    from truegreen.forge.event import Event


def current(shell: Shell) -> Event:
    """Return the event of the CI run, or the one named `local` at a desk."""
    path = shell.env.get("GITHUB_EVENT_PATH", "")
    payload = None
    if path:
        try:
            payload = files.read_limited(Path(path), parsing.PAYLOAD_LIMIT_BYTES)
        except TruegreenError:
            payload = None  # the parser says in a note that there was none
    return parsing.parse(shell.env, payload)


def provenance(shell: Shell) -> Provenance:
    """Return where a report made now comes from."""
    return placed(Provenance(), current(shell))


def placed(provenance: Provenance, event: Event) -> Provenance:
    """Return it with place and run as the forge says them; the rest stays as it is."""
    return msgspec.structs.replace(
        provenance,
        repository=event.repository,
        commit=event.sha,
        base_commit=event.base_sha,
        ref=event.ref,
        event=event.name,
        pull_request=event.pull_request,
        run_url=event.run_url,
        run_id=event.run_id,
        run_attempt=event.run_attempt,
        base=event.on_default_branch,
    )


def write_outputs(shell: Shell, values: Mapping[str, str]) -> None:
    """Write outputs of the step, where there is a runner to read them."""
    workflow_commands.write_output(shell.env, values)


def write_environment(shell: Shell, values: Mapping[str, str]) -> None:
    """Export variables to the later steps of the job; the values are ours (service URLs)."""
    if path := shell.env.get("GITHUB_ENV"):
        text = "".join(workflow_commands.output_entry(name, value) for name, value in values.items())
        files.append_text(Path(path), text)
