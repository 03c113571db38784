"""The history in a run of the CI: read before the run is judged, and kept afterwards by a job that may write.

Whoever judges holds no right to write, and whoever writes runs no code of the project and judges nothing: the report
leaves one file beside its verdict, and a job of its own adds that to the branch.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.app import carrying, collected, gate, handing, history, incoming
from truegreen.app import event as events
from truegreen.config.schema import HistoryOptions
from truegreen.errors import EvidenceMissing, EvidenceUnreadable, StoreError, TruegreenError, UsageError
from truegreen.forge import workflow_commands
from truegreen.forge.event import PULL_REQUEST, UNSAFE
from truegreen.gates.base import count
from truegreen.model.incident import run_key
from truegreen.model.results import RunResults
from truegreen.reporters.escape import command_data, prose
from truegreen.runtime import files, git
from truegreen.stores import content

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings
    from truegreen.forge.event import Event
    from truegreen.model.verdict import Report

RUN = "run.jsonl"
"""Name of the file, beside `verdict.json`, that holds the run as `truegreen history import` reads it."""
LIMIT_BYTES = 256 << 20
_DEPENDABOT = "dependabot[bot]"


@contextmanager
def earlier(shell: Shell, settings: Settings) -> Iterator[history.Keeper]:
    """Yield the history that the run is judged with.

    Where a server is configured, it is what the server has; where a branch is, what lies there and nothing else: a
    file of the checkout may come with the change that is judged. A history that cannot be read is told, and no reason
    to say nothing at all.
    """
    here = history.path(settings)
    options = settings.history
    borrowed = options.branch or options.artifacts
    if options.url or not (borrowed or git.tracked(settings.root, here, shell.processes)):
        keeper = history.Keeper(shell, settings)
        # Others are judged with what is on a server; a file that stays here is read by nobody else.
        keeper.refused = _refused(shell, settings) if options.url else ""
        yield keeper
        return
    with tempfile.TemporaryDirectory(prefix="truegreen-history-") as folder:
        copy = Path(folder) / history.NAME
        read = msgspec.structs.replace(settings, history=HistoryOptions(path=str(copy)))
        keeper = history.Keeper(shell, read, carrying.place(settings) if borrowed else str(here))
        try:
            _borrow(shell, settings, here, copy)
        except StoreError as error:
            keeper.tell(error)
        yield keeper


def _borrow(shell: Shell, settings: Settings, here: Path, copy: Path) -> None:
    if settings.history.artifacts:
        collected.fetch(shell, settings, copy)
    elif settings.history.branch:
        carrying.fetch(shell, settings, copy)
    else:
        raise collected.of_the_code(here)


def told(shell: Shell, settings: Settings, keeper: history.Keeper, report: Report) -> Report:
    """Return the report with what it was compared with, and why this run will not be kept where it will not."""
    shared = bool(settings.history.branch or settings.history.url or settings.history.artifacts)
    if not shared and not keeper.problem:
        return report
    place = "the history's server" if settings.history.url else carrying.place(settings)  # a server comes first
    said = f"compared with {count(keeper.runs, 'earlier run')} on {place}"
    if not keeper.runs:
        said = f"no earlier run on {place} yet"
    if keeper.problem:
        said = f"nothing was compared with earlier runs: {keeper.problem}"
        shell.console.command(f"::warning title=truegreen history::{command_data(said)}")
    if shared and (reason := _refused(shell, settings)):
        said += f"; this run will not be kept: {reason}"
    return msgspec.structs.replace(report, history=said)


def _refused(shell: Shell, settings: Settings) -> str:
    return refusal(events.current(shell), pull_requests=settings.history.pull_requests)


def leave(settings: Settings, report: Report, keeper: history.Keeper, folder: Path) -> None:
    """Write what is to be kept of a run beside its report below a folder, for the job that may write.

    And how the branch stood before it, for the job that tells people: the history is not read twice.
    """
    options = settings.history
    if options.url or not (options.branch or options.folder or options.artifacts):
        return
    run = keeper.results(report)
    if options.branch or options.artifacts:
        run = handing.leave(report, keeper, run, folder)
    body = msgspec.json.encode(content.normal(run)) + b"\n"
    files.write_atomic(folder / gate.REPORT / RUN, body)


def refusal(event: Event, *, pull_requests: bool) -> str:
    """Return why the run of an event is not to be kept, or nothing; pure.

    Args:
        event: what started the run.
        pull_requests: whether runs of pull requests from branches of the repository itself are kept.
    """
    of_pull = event.name in PULL_REQUEST or event.pull_request is not None
    fork = True if event.is_fork else False if event.base_sha or not of_pull else None
    return why_not(event.name, event.actor, of_pull=of_pull, fork=fork, pull_requests=pull_requests)


def why_not(name: str, actor: str, *, of_pull: bool, fork: bool | None, pull_requests: bool) -> str:
    """Return why a run is not to be kept, or nothing; pure.

    Nothing that only whoever opens a pull request has a say in gets into the history that others are judged with.

    Args:
        name: of the event that started it.
        actor: who caused that.
        of_pull: whether it is of a pull request.
        fork: whether its code comes from another repository; None where nobody says.
        pull_requests: whether runs of pull requests from branches of the repository itself are kept.
    """
    if name in UNSAFE:
        return f"{name} may judge code that nobody reviewed"
    if fork:
        return "the pull request comes from a fork"
    if of_pull and fork is None:
        return "the event does not say where the pull request comes from"
    if of_pull and not pull_requests:
        return "it is of a pull request, and history.pull-requests is not set"
    if actor == _DEPENDABOT:
        return "the forge gives runs of Dependabot no token that can write"
    return ""


def keep(shell: Shell, settings: Settings, folder: Path) -> str:
    """Add the run that was judged to the history, and return in a line what became of it.

    Raises:
        UsageError: this is no run of a CI, or no place is configured.
        EvidenceMissing: the report left nothing to keep.
        EvidenceUnreadable: what it left is not of this run.
        StoreError: the history cannot be read or written.
    """
    event = events.current(shell)
    if not event.run_id:
        raise UsageError("this is no run of a CI", where="ci history", fix="at a desk: `truegreen history push`")
    try:
        if reason := refusal(event, pull_requests=settings.history.pull_requests):
            line = f"not kept: {reason}"
        else:
            line = _kept(shell, settings, _run(folder / gate.REPORT / RUN, shell))
    except TruegreenError as error:
        fail(shell, "not kept", error)
        raise
    summarise(shell, line)
    return line


def fail(shell: Shell, what: str, error: TruegreenError) -> None:
    """Say on the summary and at the run why the history could not be dealt with."""
    why = f"{what}: {error.what}" + (f": {error.why}" if error.why else "")
    shell.console.command(f"::error title=truegreen history::{command_data(f'{why}; {error.fix}')}")
    summarise(shell, f"{why}. {error.fix}")


def _kept(shell: Shell, settings: Settings, run: RunResults) -> str:
    done = carrying.keep(shell, settings, run)
    what = "kept" if done.new else "was kept before:"
    again = f", at attempt {done.tries}" if done.tries > 1 else ""
    size = f", {done.size_bytes / 1e6:.1f} MB" if done.size_bytes else ""
    return f"{what} run {run.run.run}: {count(done.runs, 'run')}{size} on {done.place}{again}"


def _run(path: Path, shell: Shell) -> RunResults:
    """Return the run in a file; it may be of an earlier attempt, where the report was not made again."""
    if not path.is_file():
        why = "where the run was judged, no place for the history was configured"
        fix = "name history.branch in [tool.truegreen], so that both jobs know it"
        raise EvidenceMissing("the report left nothing to keep", where=str(path), why=why, fix=fix)
    run = decoded(files.read_limited(path, LIMIT_BYTES), str(path))
    now = events.provenance(shell)
    known = [run_key(msgspec.structs.replace(now, run_attempt=number + 1)) for number in range(now.run_attempt)]
    if run.run.run not in known or run.repository != now.repository:
        why = f"it is of run {run.run.run} of {run.repository or 'no repository'}"
        fix = "keep a run in a job of the same workflow run that judged it"
        raise EvidenceUnreadable("the report is of another run", where=str(path), why=why, fix=fix)
    return incoming.checked(run, str(path), shell.clock.now())


def decoded(content: bytes, where: str) -> RunResults:
    """Return the run in the content of a file that `leave` wrote; what is in it is not looked at yet.

    Raises:
        EvidenceUnreadable: it is none.
    """
    try:
        return msgspec.json.decode(content, type=RunResults)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceUnreadable(f"{RUN} is no run of a history", where=where, why=str(error)) from None


def summarise(shell: Shell, line: str) -> None:
    """Write a line on the summary of the job."""
    workflow_commands.write_summary(shell.env, lambda budget: f"truegreen history: {prose(line, min(budget, 1000))}")
