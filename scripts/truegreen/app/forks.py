"""Publish what a run without rights left: as hostile data, in the name that the forge gives the run.

A run of a fork's pull request may do nothing but upload. What it uploaded is read within limits, rendered anew from
`verdict.json` alone, and written to the pull request that the API names. Markdown out of the artifact is never used.
"""

from __future__ import annotations

import posixpath
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen import registry
from truegreen.app import artifacts, ci, gate, publish, unjudged
from truegreen.app import event as events
from truegreen.errors import (
    EXIT_ENGINE,
    EXIT_OK,
    EngineError,
    EvidenceMissing,
    EvidenceUnreadable,
    ForgeUnreachable,
    TruegreenError,
    UsageError,
)
from truegreen.forge import origin, publishing
from truegreen.forge.artifacts import PERMISSION
from truegreen.forge.event import PAYLOAD_LIMIT_BYTES
from truegreen.forge.port import STATUS_CONTEXT
from truegreen.gates import judging
from truegreen.model.verdict import Provenance, Report, Status
from truegreen.runtime import archives, files, http, patient

if TYPE_CHECKING:
    from truegreen.app.shell import Shell
    from truegreen.forge.event import Event
    from truegreen.forge.github import GithubForge
    from truegreen.forge.origin import Pull, Run

ARTIFACT = "truegreen-report"
ARCHIVE_LIMIT_BYTES = 256 << 20
VERDICT_LIMITS = archives.Limits(member_bytes=64 << 20)
SHOWING_LIMIT_S = 90.0
_SHOWN = ("comment", "summary", "terminal")
_STAGE = "publication"
_MESSAGE = "the report cannot be believed"


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the publication of another run."""

    lines: tuple[str, ...]
    """For the log."""
    exit_code: int = EXIT_OK
    """0 published; 3 what the run left is not believed; 4 the forge did not answer or take it."""


def publish_run(shell: Shell, artifact: str = ARTIFACT) -> Published:
    """Publish the report of the run that this `workflow_run` event is about.

    Whatever is wrong with the report is published too, as blind: silence would leave an older, greener word.

    Raises:
        UsageError: the event is another one, or there is no token.
    """
    here = events.current(shell)
    run = origin.of_payload(here, _payload(shell))
    if run.event not in origin.PUBLISHED:
        return Published(lines=(f"nothing to do: a run of {run.event or 'no event'} publishes itself",))
    if run.conclusion == origin.WAITING:
        return Published(lines=("nothing to do: the run waits for an approval, and nothing of it ran",))
    token = shell.env.get("GITHUB_TOKEN", "")
    if not (token and here.repository):
        missing = "GITHUB_TOKEN" if here.repository else "GITHUB_REPOSITORY"
        raise UsageError(f"{missing} is not set", where="environment", fix="hand the action a token")
    forge = publish.github(shell, here.repository, here.api_url, token)
    options = publishing.Options(project=_project(shell), stages=ci.words(shell, publish.ASKED))
    if _published_itself(forge, run, here, options):
        return Published(lines=("nothing to do: the run is of this repository, and published its report itself",))
    report, problem = _told(shell, forge, run, here.repository, options.project, artifact)
    pull, why, code = _pull(forge, run)
    event = origin.as_event(run, pull, here)
    report = msgspec.structs.replace(report, provenance=events.placed(report.provenance, event))
    # Before anything is sent: whatever becomes of the forge, it stands here.
    gate.show(shell, report)
    gate.emit_summary(shell, report)
    gate.emit_outputs(shell, report)
    done = _write(report, forge, event, options)
    lines = (*((f"comment: {why}",) if pull is None else ()), *problem.lines(), *done.lines)
    failed = problem.exit_code or code or (EXIT_OK if done.ok else EXIT_ENGINE)
    return Published(lines=lines, exit_code=failed)


def _published_itself(forge: GithubForge, run: Run, here: Event, options: publishing.Options) -> bool:
    """Return whether a run of the repository's own has written its status: it had rights, and needs no other word.

    One of Dependabot has none, although its branch is of the repository; and one may have ended before it could.
    """
    event = origin.as_event(run, None, here)
    if event.is_fork:
        return False
    try:
        number, _ = forge.run_told(run.head_sha, publishing.context(STATUS_CONTEXT, event, options))
    except EngineError:
        return False  # the writing asks again, and says what is wrong
    return number == run.id


def _project(shell: Shell) -> str:
    """Return the folder of the project as its report names it; empty for the root."""
    folder = posixpath.normpath(shell.env.get("TG_PROJECT", "") or ".").strip("/")
    return "" if folder == "." else folder


class _Problem(msgspec.Struct, frozen=True):
    """Why a report is not what the run left; empty where it is."""

    error: TruegreenError | None = None

    @property
    def exit_code(self) -> int:
        """0 where the run itself said that it left nothing."""
        return EXIT_OK if self.error is None or isinstance(self.error, EvidenceMissing) else self.error.exit_code

    def lines(self) -> tuple[str, ...]:
        """Return it for the log."""
        return tuple(self.error.lines()) if self.error else ()


def _payload(shell: Shell) -> bytes:
    path = shell.env.get("GITHUB_EVENT_PATH", "")
    return files.read_limited(Path(path), PAYLOAD_LIMIT_BYTES) if path else b""


def _told(
    shell: Shell, forge: GithubForge, run: Run, repository: str, project: str, artifact: str
) -> tuple[Report, _Problem]:
    """Return what is to be published: the run's report, or a blind one that says why it is not that."""
    try:
        report = _of_run(_fetched(shell, forge, run, artifact), run, repository, project)
        _show_once(report)
    except TruegreenError as error:
        return unjudged.blind(error, _STAGE, Provenance(created=shell.clock.iso())), _Problem(error)
    if why := contradiction(report, run):
        doubt = EvidenceUnreadable(_MESSAGE, where=f"run {run.id}", why=why, fix="open the run: its jobs say which")
        return _with_doubt(report, doubt), _Problem(doubt)
    return report, _Problem()


def _fetched(shell: Shell, forge: GithubForge, run: Run, name: str) -> Report:
    found = origin.artifact_of(forge, run, name, limit_bytes=ARCHIVE_LIMIT_BYTES)
    place = forge.place_of(f"/actions/artifacts/{found.id}/zip", PERMISSION)
    with tempfile.TemporaryDirectory(prefix="truegreen-artifact-") as folder:
        archive = Path(folder) / f"{ARTIFACT}.zip"
        answer = http.fetch(place, archive, limit_bytes=ARCHIVE_LIMIT_BYTES, clock=shell.clock)
        if not answer.ok:
            raise ForgeUnreachable(f"artifact {name} could not be fetched", where=f"run {run.id}", why=answer.failure)
        artifacts.verify(archive, found.sha256, f"artifact {name}", f"run {run.id}")
        content = archives.member(archive, "verdict.json", VERDICT_LIMITS)
    return gate.decode(content, f"verdict.json of run {run.id}")


def _of_run(report: Report, run: Run, repository: str, project: str) -> Report:
    """Return the report when it says that it is of this run.

    Raises:
        EvidenceUnreadable: it is of another commit, run, repository or project; nothing of it is shown.
    """
    says = report.provenance
    wrong = [
        f"{label} {said[:60] or 'unknown'}, and it is {known}"
        for label, said, known in (
            ("repository", says.repository.lower(), repository.lower()),
            ("project", says.project or "(root)", project or "(root)"),
            ("run", says.run_id, str(run.id)),
            ("commit", says.commit, run.head_sha),
        )
        if said != known
    ]
    if not 1 <= says.run_attempt <= run.attempt:
        wrong.append(f"attempt {says.run_attempt}, and it is {run.attempt}")
    if wrong:
        raise EvidenceUnreadable("the report is of another run", where=f"run {run.id}", why="; ".join(wrong))
    return report


def _show_once(report: Report) -> None:
    """Render a report before anything of it is sent: one made to crash or to last must not silence us.

    Raises:
        EvidenceUnreadable: it cannot be shown, or not in time.
    """
    try:
        with patient.at_most(SHOWING_LIMIT_S, "showing it"):
            for name in _SHOWN:
                registry.load("reporter", name)().render(report)
    except Exception as error:  # noqa: BLE001 - whatever a hostile report makes of our code, it is no report
        why = error.what if isinstance(error, TruegreenError) else type(error).__name__
        raise EvidenceUnreadable("the report cannot be shown", where="verdict.json", why=why) from None


def contradiction(report: Report, run: Run) -> str:
    """Return why a green report cannot be what the run came to, or nothing; pure.

    Whoever wrote the artifact did not write how the run ended: no report is greener than that.
    """
    if report.status.red:
        return ""
    status, _ = judging.overall(report.stages)
    if status.red or report.red_verdicts():
        return f"it says {report.status.value}, and holds what is red"
    if run.conclusion != "success":
        return f"it says {report.status.value}, and the run ended with {run.conclusion or 'no conclusion'}"
    return ""


def _with_doubt(report: Report, error: TruegreenError) -> Report:
    stages = (unjudged.doubt(error, _STAGE), *report.stages)
    return msgspec.structs.replace(report, status=Status.BLIND, headline=f"{error.what}: {error.why}", stages=stages)


def _pull(forge: GithubForge, run: Run) -> tuple[Pull | None, str, int]:
    """Return the pull request, why there is none to write to, and the exit code for that."""
    try:
        return (*origin.pull_of(forge, run), EXIT_OK)
    except EngineError as error:
        return None, "; ".join(part for part in (error.what, error.why, error.fix) if part), error.exit_code


def _write(report: Report, forge: GithubForge, event: Event, options: publishing.Options) -> publishing.PublishResult:
    reporter = registry.load("reporter", "comment")()
    note = ""
    if event.is_fork:
        note = (
            "> This run of a fork had no rights. All below was written by its code, which nobody may have reviewed; "
            "the commit, the run and how it ended are GitHub's word."
        )
    return publishing.publish(
        report,
        reporter.render(report).text,
        forge,
        event,
        lambda budget: reporter.render(report, budget).text,
        msgspec.structs.replace(options, note=note),
    )
