"""The history out of artifacts: what one run takes over from an earlier one, and what each run since left of its own.

Of runs that end at once none sees the other's line, so the newest history alone would lose one of them. Every run's
own line is therefore looked for, and a note beside the history says which archives have been looked at. Nothing that
an archive says of itself is believed: which repository, event, commit and branch a run is of, the forge says.
"""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from truegreen import registry
from truegreen.app import artifacts, ci_history, collected, forks, history, incoming, publish
from truegreen.app import event as events
from truegreen.app.past_runs import PastRuns
from truegreen.errors import (
    EvidenceError,
    EvidenceUnreadable,
    ForgeRefused,
    ForgeUnreachable,
    StoreDamaged,
    StoreError,
    TruegreenError,
    UsageError,
)
from truegreen.forge import artifacts as uploaded
from truegreen.gates.base import count
from truegreen.runtime import archives, files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings
    from truegreen.forge.artifacts import PastWorkflowRun, Upload
    from truegreen.forge.event import Event
    from truegreen.forge.github import GithubForge
    from truegreen.model.results import RunResults
    from truegreen.stores.base import Store

NOTE = "collected.json"
"""Name of the file beside the history that says which archives have been looked at."""
LINES = forks.ARTIFACT
"""Name of the artifact with each run's own line."""
_MOST_LINES = 100
"""Archives that one run fetches: two requests each, a fifth of what all jobs of a repository may ask an hour."""
_MOST_BYTES = 1 << 30
_MOST_PAGES = 20
_MOST_BROKEN = 3
_MOST_ELSEWHERE = 20
"""Histories of commits that are not on the default branch, each of which takes a question."""
_MOST_SEEN = 5000
_LATE = timedelta(days=1)
"""How much later than others an archive may appear in the forge's list: its place there is when its upload began."""
_HISTORY = archives.Limits(member_bytes=collected.LIMIT_BYTES)
_LINE = archives.Limits(member_bytes=ci_history.LIMIT_BYTES)
_SMALL = archives.Limits(member_bytes=1 << 20)
_TOLD = 10
_SHORT_DAYS = 7
"""How long a history is there that no other run takes over: time enough to start the report of its run again."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What has been looked at; whoever lacks it looks at everything anew."""

    seen: tuple[Annotated[int, msgspec.Meta(ge=1, lt=1 << 53)], ...] = ()
    """Numbers of archives."""
    whole: bool = False
    """True when nothing was left for later, so that no more than the newest archives need to be listed."""


class _Collection:
    """One collection of what earlier runs left."""

    def __init__(self, shell: Shell, settings: Settings, event: Event, forge: GithubForge) -> None:
        self.shell = shell
        self.event = event
        self.forge = forge
        self.past = PastRuns(forge, event, pull_requests=settings.history.pull_requests)
        self.left: list[str] = []
        """What is wrong with archives that were left out, in words."""
        self.later = ""
        """What was not even looked at, in words."""
        self.histories = 0
        """Histories that the forge listed."""
        self.broken = 0

    def leave(self, upload: Upload, error: TruegreenError) -> None:
        """Note why an archive is left out; raises what would meet every other one too."""
        if isinstance(error, ForgeUnreachable):
            self.broken += 1
            if self.broken >= _MOST_BROKEN:
                raise error
        why = error.what + (f": {error.why}" if error.why else "")
        if isinstance(error, ForgeRefused):  # not the archive is wrong
            why += f"; {error.fix}"
        self.left.append(f"artifact {upload.id} of run {upload.run_id} is left out: {why}")


def collect(shell: Shell, settings: Settings) -> str:
    """Write the history that this run is to be judged with, and return in a line what it holds.

    It lies in a folder for the artifact, whole or not at all. What cannot be used of a single earlier run is told.

    Raises:
        UsageError: this is no run of a CI, there is no token, or the history is not kept in artifacts.
        ForgeRefused: the token may not read artifacts.
        ForgeUnreachable: the forge cannot be reached, or keeps failing.
        StoreError: earlier histories are there, and none of them can be read.
    """
    event = events.current(shell)
    try:
        line, left = _collect(shell, settings, event)
    except TruegreenError as error:
        ci_history.fail(shell, "not collected", error)
        raise
    kept = event.on_default_branch and not ci_history.refusal(event, pull_requests=False)
    events.write_outputs(shell, {"retention-days": "0" if kept else str(_SHORT_DAYS)})
    shell.console.error([f"warning: {one}" for one in left[:_TOLD]])
    if len(left) > _TOLD:
        shell.console.error([f"warning: and {len(left) - _TOLD} more"])
    ci_history.summarise(shell, "; ".join([line, *left[:_TOLD]]))
    return line


def _collect(shell: Shell, settings: Settings, event: Event) -> tuple[str, list[str]]:
    token = shell.env.get("GITHUB_TOKEN", "")
    _refuse(settings, event, token)
    work = _Collection(shell, settings, event, publish.github(shell, event.repository, event.api_url, token))
    with tempfile.TemporaryDirectory(prefix="truegreen-history-") as folder:
        copy = Path(folder) / history.NAME
        carried, note, begun = _carried(work, copy)
        kept = registry.load("store", "sqlite")(copy)
        new, note = _add(work, kept, carried, note)
        history.forget(settings, kept, shell.clock.now())
        kept.compact()
        number = len(kept.digests())
        size_bytes = copy.stat().st_size
        _hand_over(copy, note, collected.folder(shell))
    line = f"collected {count(number, 'run')}, {new} of them new, {size_bytes / 1e6:.1f} MB{begun}{work.later}"
    return line, work.left


def _hand_over(copy: Path, note: Note, folder: Path) -> None:
    """Put the history where the artifact is made of: at once, and before the note, without which nothing is lost."""
    target = files.folder(folder) / history.NAME
    part = target.with_name(f".{target.name}.part")
    files.copy(copy, part)
    with files.writing(target):
        part.replace(target)
    files.write_atomic(folder / NOTE, msgspec.json.encode(note))


def _refuse(settings: Settings, event: Event, token: str) -> None:
    """Refuse what is no run of a CI that keeps its history in artifacts."""
    if not settings.history.artifacts:
        raise UsageError(
            "the history is not kept in artifacts",
            where="[tool.truegreen.history]",
            fix="write artifacts = true, or do not call history-artifacts.yml",
        )
    if not (event.run_id and event.repository):
        raise UsageError("this is no run of a CI", where="ci collect", fix="at a desk: `truegreen history import`")
    if not token:
        raise UsageError("GITHUB_TOKEN is not set", where="environment", fix="hand the action a token")


def _carried(work: _Collection, copy: Path) -> tuple[Upload | None, Note, str]:
    """Fetch the newest history that a run of the default branch left; only such a run may speak for that branch.

    Returns:
        Its archive and the note beside it, or none and why a new history begins.

    Raises:
        StoreError: there are such, and none of the newest can be used.
        ForgeRefused: there are such, and the token may not read them.
    """
    elsewhere, wrong = 0, list[TruegreenError]()
    for upload, run in _histories(work):
        try:
            if work.past.of_default(run):
                return upload, _unpacked(work, upload, copy), ""
            elsewhere += 1
        except (EvidenceError, StoreError, ForgeRefused) as error:
            work.leave(upload, error)
            wrong.append(error)
        if len(wrong) == _MOST_BROKEN or elsewhere == _MOST_ELSEWHERE:
            break
    if wrong:
        raise _unusable(work, wrong)
    if elsewhere:
        what = f"{count(elsewhere, 'history', 'histories')} of commits that are not on {work.event.default_branch}"
        work.left.append(f"{what}: none is taken over")
    why = "no earlier run left a history"
    if work.histories:
        kind = f"none of {work.histories:,} is there still, of this workflow and of the default branch"
        why = f"no history of an earlier run can be taken over: {kind}"
    return None, Note(), f"; begun anew: {why}"


def _histories(work: _Collection) -> Iterator[tuple[Upload, PastWorkflowRun]]:
    """Yield the histories that runs of this workflow left, newest first, and those runs, as the forge lists them."""
    default = work.event.default_branch
    for number, page in enumerate(uploaded.uploads(work.forge, collected.ARTIFACT, _MOST_PAGES)):
        work.histories += len(page)
        if number == _MOST_PAGES:
            work.left.append(f"an older history is lost, if there is one: the newest {work.histories:,} were looked at")
        for upload in sorted(page, key=lambda one: (one.created, one.id), reverse=True):
            if upload.own and not upload.expired and upload.head_branch == default:
                run = work.past.listed(upload.run_id)
                if run and work.past.keepable(run) and work.past.called_default(run):
                    yield upload, run


def _unusable(work: _Collection, wrong: list[TruegreenError]) -> TruegreenError:
    """Return why no history can be taken over: what the token may not comes first, as deleting would not help there."""
    for error in wrong:
        if isinstance(error, ForgeRefused):
            return error
    return StoreError(
        "the history that earlier runs left cannot be used",
        where=f"artifact {collected.ARTIFACT}",
        why="; ".join(work.left),
        fix="delete those artifacts, and start the job again: it builds the history anew from the runs' reports",
    )


def _unpacked(work: _Collection, upload: Upload, copy: Path) -> Note:
    """Write the history of an archive to a file, once it has been read, and return the note beside it."""
    with artifacts.fetched(work.shell, work.forge, upload, collected.LIMIT_BYTES) as archive:
        content = archives.member(archive, history.NAME, _HISTORY)
        beside = archives.optional_member(archive, NOTE, _SMALL)
    tried = copy.with_name("tried.sqlite")
    tried.write_bytes(content)
    place = f"artifact {upload.id} of run {upload.run_id}"
    with history.named(place, tried):
        wrong = registry.load("store", "sqlite")(tried).check()
    if wrong:  # carried on, it would be in every later history
        raise StoreDamaged("the history is damaged", where=place, why="; ".join(wrong[:_TOLD]))
    tried.replace(copy)
    try:
        return msgspec.json.decode(beside or b"{}", type=Note)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Note()


def _add(work: _Collection, kept: Store, carried: Upload | None, note: Note) -> tuple[int, Note]:
    """Add the runs that the carried history has not looked at; return how many, and what has been looked at then."""
    seen = set(note.seen)
    fresh, beyond = _fresh(work, carried, note)
    new, fetched, room, full = 0, 0, _MOST_BYTES, False
    waiting: list[Upload] = []
    # Those of the default branch are what others are compared with: no number of pull requests may keep them waiting.
    for upload in sorted(fresh, key=lambda one: one.head_branch != work.event.default_branch):
        if upload.expired or not upload.own:
            seen.add(upload.id)
            continue
        try:
            run = work.past.find(upload.run_id, upload.head_branch)
            if run and not work.past.keepable(run):
                seen.add(upload.id)
                continue
            size_bytes = upload.size_bytes if upload.size_bytes <= forks.ARCHIVE_LIMIT_BYTES else 0  # refused unseen
            full = full or (run is not None and (fetched == _MOST_LINES or size_bytes > room))
            if run is None or full:
                waiting.append(upload)
                continue
            fetched += 1
            room -= size_bytes
            new += kept.merge(_line(work, upload, run))
            seen.add(upload.id)
        except (EvidenceError, ForgeRefused, ForgeUnreachable) as error:
            work.leave(upload, error)
            if isinstance(error, EvidenceError):  # what is wrong with it stays wrong; the forge's own trouble passes
                seen.add(upload.id)
    work.later += f"; {count(len(waiting), 'older report')} left for the next run" if waiting else ""
    work.later += f"; reports before the newest {_MOST_PAGES * uploaded.PAGE:,} are left out" if beyond else ""
    whole = all(upload.id in seen for upload in fresh)
    return new, Note(seen=tuple(sorted(seen, reverse=True)[:_MOST_SEEN]), whole=whole)


def _fresh(work: _Collection, carried: Upload | None, note: Note) -> tuple[list[Upload], bool]:
    """Return archives with runs' own lines that were not looked at, newest first, and whether the list has no end."""
    seen = set(note.seen)
    settled = _before(carried.created) if carried and note.whole else ""
    fresh: dict[int, Upload] = {}
    pages = 0
    for page in uploaded.uploads(work.forge, LINES, _MOST_PAGES):
        pages += 1
        fresh |= {upload.id: upload for upload in page if upload.id not in seen}
        made = [upload.created for upload in page]
        newest_first = made == sorted(made, reverse=True)  # as the forge does it, and nowhere promises
        if page and newest_first and all(upload.id in seen and upload.created < settled for upload in page):
            break
    return list(fresh.values()), pages > _MOST_PAGES


def _before(created: str) -> str:
    """Return the moment before which every archive must have been in the list that a history was collected from."""
    try:
        return (datetime.fromisoformat(created) - _LATE).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return ""


def _line(work: _Collection, upload: Upload, told: PastWorkflowRun) -> Iterable[RunResults]:
    """Return the run whose line lies in an archive; none where a run left none.

    Raises:
        EvidenceUnreadable: the archive or its line is damaged, or not of that run.
        ForgeRefused: the forge does not hand it out.
        ForgeUnreachable: it could not be fetched.
    """
    with artifacts.fetched(work.shell, work.forge, upload, forks.ARCHIVE_LIMIT_BYTES) as archive:
        content = archives.optional_member(archive, ci_history.RUN, _LINE)
    if content is None:  # judged before its history was kept in artifacts
        return []
    where = f"{ci_history.RUN} of run {upload.run_id}"
    line = ci_history.decoded(content, where)
    on_default = line.run.base and work.past.of_default(told)
    if wrong := _mismatch(line, told, work.event, on_default=on_default):
        raise EvidenceUnreadable("the line is of another run", where=where, why=wrong)
    return [incoming.checked(line, where, work.shell.clock.now())]


def _mismatch(line: RunResults, told: PastWorkflowRun, here: Event, *, on_default: bool) -> str:
    """Return what a line says of its run that the forge does not, or nothing; pure."""
    known = {f"{told.id}.{attempt + 1}" for attempt in range(told.attempt)}
    of_pull = told.event.startswith("pull_request")
    branch = line.run.branch
    right = branch.startswith("pull/") if of_pull else branch in ("", told.head_branch)
    wrong = [
        f"{label} {' '.join(said[:60].split()) or 'unknown'}"
        for label, said, agreed in (
            ("run", line.run.run, line.run.run in known),
            ("repository", line.repository, line.repository.lower() == here.repository.lower()),
            ("commit", line.run.commit, line.run.commit == told.head_sha),
            ("event", line.event, line.event == told.event),
            ("branch", branch, right),
            ("the default branch", "said of another", not line.run.base or on_default),
        )
        if not agreed
    ]
    return "it says " + ", ".join(wrong) if wrong else ""
