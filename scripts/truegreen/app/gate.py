"""`truegreen gate`: read evidence, judge it, write the report."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen import registry
from truegreen.app import behind, changes, log_tails, policy, templates, waiver_draft
from truegreen.app import event as events
from truegreen.app import evidence as loading
from truegreen.app.shell import EVIDENCE, Shell
from truegreen.errors import EXIT_EVIDENCE, EXIT_GATE_FAILED, EXIT_OK, EvidenceUnreadable, TruegreenError
from truegreen.forge import workflow_commands
from truegreen.gates import judging
from truegreen.model import detail
from truegreen.model.history import History
from truegreen.model.run import Problem, RunEvidence, StageEvidence
from truegreen.model.verdict import REPORT_VERSION, Provenance, Report, StageReport, Status
from truegreen.reporters.escape import plain_line
from truegreen.runtime import files, git

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from truegreen.app.plan import Plan
    from truegreen.config.settings import Settings
    from truegreen.reporters.base import Layout
    from truegreen.runtime.console import Console

REPORT = "report"
PAGE = "report.html"
FORMS = {"verdict.json": "json", "summary.md": "summary", "comment.md": "comment", PAGE: "html"}
"""File → the reporter that writes it."""
_REPORT_LIMIT_BYTES = 64 << 20
_WITH_COVERAGE = ("patch-coverage", "coverage-ratchet")
"""Gates that are off where `coverage` is, unless somebody switched them on by name."""


def judge(
    shell: Shell,
    settings: Settings,
    plan: Plan,
    *,
    folder: Path | None = None,
    provenance: Provenance | None = None,
    history: Callable[[RunEvidence], History] | None = None,
    job_problems: Mapping[str, Problem] | None = None,
    as_it_stands: bool = False,
    compare: bool = False,
) -> Report:
    """Return the report on the evidence in a folder (default `.truegreen`).

    A planned stage without evidence is blind. Evidence of another commit than the provenance's, or
    than the one checked out, is stale and blind; so is, with `as_it_stands`, evidence made before the tracked
    files were changed. `history` gives the earlier runs that a run is compared with. With `compare` the lines that
    the change changes are judged on their own.
    """
    place = folder or settings.root / EVIDENCE
    tree = git.inspect(settings.root, shell.processes)
    origin = provenance or Provenance(commit=tree.commit)
    rules = policy.load(settings)
    run = RunEvidence(
        stages=tuple(loading.load_all(place, settings.root)),
        planned=plan.stages,
        not_planned=plan.not_planned,
        commit=origin.commit or tree.commit,
        dirty=tree.dirty,
        tree=tree.tree if as_it_stands else "",
        committed="" if as_it_stands or tree.commit != (origin.commit or tree.commit) else tree.tree,
        today=shell.clock.now().date(),
        switched_off=tuple(settings.disabled()),
        requirements=rules.requirements,
        waivers=rules.waivers,
        quarantine=rules.quarantine,
    )
    if compare and "unit" in run.planned:
        run = _compared(run, changes.find(shell, settings, origin), settings.root)
    past = history(run) if history else History()
    stages = _judged(run, settings, past, job_problems or {})
    status, headline = judging.overall(stages)
    report = Report(
        status=status,
        headline=headline,
        duration_s=_wall_s(run),
        stages=stages,
        provenance=msgspec.structs.replace(
            origin,
            commit=run.commit,
            dirty=tree.dirty,
            pack_version=shell.pack_version,
            pack_commit=shell.pack_commit,
            created=shell.clock.iso(),
        ),
    )
    drafted = waiver_draft.with_drafts(report, settings, run.today)
    whole = behind.with_detail(drafted, run, past, settings.root, policies(settings))
    return log_tails.with_logs(whole, place)


def _compared(run: RunEvidence, found: changes.Found, root: Path) -> RunEvidence:
    """Return the run with its change, whose unmeasured files are looked at."""
    coverage = run.of("unit").coverage
    known = changes.with_code(found.changes, coverage, root) if found.changes and coverage else found.changes
    return msgspec.structs.replace(run, changes=known, changes_unknown=found.unknown)


def _judged(
    run: RunEvidence, settings: Settings, history: History, job_problems: Mapping[str, Problem]
) -> tuple[StageReport, ...]:
    """Judge the run; a stage that looks green though its job did not end well is judged again as blind."""
    stages = judging.judge(run, policies(settings), history)
    doubtful = {stage.stage for stage in stages if not stage.status.red} & set(job_problems)
    if not doubtful:
        return stages
    known = {evidence.stage for evidence in run.stages}
    found = [*run.stages, *(StageEvidence(stage=name) for name in doubtful - known)]
    marked = tuple(
        msgspec.structs.replace(evidence, problems=(*evidence.problems, job_problems[evidence.stage]))
        if evidence.stage in doubtful
        else evidence
        for evidence in found
    )
    return judging.judge(msgspec.structs.replace(run, stages=marked), policies(settings), history)


def policies(settings: Settings) -> dict[str, Any]:
    """Return gate id → options, with the components and sources handed to the gates on coverage."""
    options = dict(settings.gates)
    if settings.project.source and not options["patch-coverage"].source:
        source = {"source": settings.project.source}
        options["patch-coverage"] = msgspec.structs.replace(options["patch-coverage"], **source)
    if settings.project.components and not options["coverage"].components:
        options["coverage"] = msgspec.structs.replace(options["coverage"], components=settings.project.components)
    for name in _WITH_COVERAGE:
        if not options["coverage"].enabled and f"gates.{name}.enabled" not in settings.sources:
            options[name] = msgspec.structs.replace(options[name], enabled=False)
    return options


def write_report(
    report: Report,
    folder: Path,
    outputs: Iterable[str] = (),
    layouts: Mapping[str, Layout] | None = None,
    console: Console | None = None,
) -> dict[str, Path]:
    """Write the report in each of its forms below `folder/report`; returns name → path.

    `outputs` names reporters for other programs that write one more file each; `layouts` are the team's templates.
    What such a reporter wrote of an earlier verdict is removed. One that fails is told on the console, where there is
    one, and costs its file alone.
    """
    chosen = {registry.load("reporter", one).file: one for one in outputs}
    _remove_earlier(folder / REPORT)
    written = {}
    for name, reporter in {**FORMS, **chosen}.items():
        try:
            document = templates.reporter(reporter, layouts or {}).render(report)
        except Exception as error:
            if console is None or name in FORMS:
                raise
            console.error([f"error: {name} is not written: {reporter} failed with {type(error).__name__}: {error}"])
            continue
        written[name] = files.write_atomic(folder / REPORT / name, document.body)
    return written


def _remove_earlier(folder: Path) -> None:
    """Remove what reporters for other programs wrote: beside a newer verdict it would be an older one."""
    present = {path.name for path in folder.iterdir() if path.is_file()} - set(FORMS) if folder.is_dir() else set()
    if not present:
        return
    for name in registry.names("reporter"):
        file = getattr(registry.load("reporter", name), "file", "")
        if file in present:
            (folder / file).unlink(missing_ok=True)


def read_report(folder: Path) -> Report:
    """Return the report written below a folder.

    Raises:
        EvidenceMissing: nothing was judged yet.
        EvidenceUnreadable: not a report of this version.
    """
    return decode_report(folder / REPORT / "verdict.json")


def decode_report(path: Path) -> Report:
    """Return the report in a `verdict.json`, or in a page that holds one.

    Raises:
        EvidenceMissing: there is none.
        EvidenceUnreadable: not a report of this version.
    """
    return decode(_document(path), str(path))


def decode(content: bytes, where: str) -> Report:
    """Return the report that a `verdict.json` holds.

    Raises:
        EvidenceUnreadable: not a report of this version.
    """
    try:
        report = msgspec.json.decode(content, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceUnreadable("verdict.json is not a report", where=where, why=str(error)) from None
    if report.schema_version != REPORT_VERSION:
        why = f"it has version {report.schema_version}, this is version {REPORT_VERSION}"
        raise EvidenceUnreadable("verdict.json is of another version", where=where, why=why)
    if report.detail is not None and (why := detail.impossible(report.detail)):
        raise EvidenceUnreadable("verdict.json cannot be what a run left", where=where, why=why)
    return report


def _document(path: Path) -> bytes:
    content = files.read_limited(path, _REPORT_LIMIT_BYTES)
    if path.suffix != Path(PAGE).suffix:
        return content
    from truegreen.reporters.html import island  # noqa: PLC0415 - few reports come as a page

    return island.read(
        content,
        _REPORT_LIMIT_BYTES,
        lambda why: EvidenceUnreadable(f"{path.name} is no report of truegreen", where=str(path), why=why),
    )


def show(shell: Shell, report: Report) -> None:
    """Print the report for people on standard error."""
    document = registry.load("reporter", "terminal")().render(report)
    for line in document.text.splitlines():
        shell.console.line(line)


def emit_annotations(shell: Shell, report: Report) -> None:
    """Print workflow commands that put the reds on their lines; only in CI."""
    for line in registry.load("reporter", "annotations")().render(report).text.splitlines():
        shell.console.command(line)


def emit_summary(shell: Shell, report: Report, layouts: Mapping[str, Layout] | None = None) -> None:
    """Append the summary to the job's summary page, and say so when it does not fit or cannot be written."""
    reporter = templates.reporter("summary", layouts or {})
    try:
        problem = workflow_commands.write_summary(shell.env, lambda budget: reporter.render(report, budget).text)
    except TruegreenError as error:
        problem = error.what + (f" ({error.why})" if error.why else "")
    if problem:
        shell.console.line(f"no job summary: {problem}")


def emit_outputs(shell: Shell, report: Report) -> None:
    """Write verdict and headline as outputs of the step.

    A headline may quote the name of a test: a later step that prints it must not be made to obey it.
    """
    headline = plain_line(report.headline)
    events.write_outputs(shell, {"verdict": report.status.value, "headline": headline})


def with_evidence(report: Report, folder: Path, root: Path) -> dict[str, Any]:
    """Return the report with the per-test evidence of persistence and of its proof, for `run --json`."""
    planned = {stage.stage for stage in report.stages if stage.status is not Status.SKIPPED}
    found = loading.load_all(folder, root)
    evidence = [part for stage in found for part in stage.persistence]
    proofs = [stage.proof for stage in found if stage.proof is not None and stage.stage in planned]
    proof = {"proof": msgspec.to_builtins(proofs[0])} if proofs else {}
    return {"report": msgspec.to_builtins(report), "persistence": msgspec.to_builtins(evidence), **proof}


def exit_code(report: Report) -> int:
    """Return the process exit code for a report: 0 green, 1 a gate failed, 3 blind."""
    if report.status is Status.FAIL:
        return EXIT_GATE_FAILED
    if report.status is Status.BLIND:
        return EXIT_EVIDENCE
    return EXIT_OK


def _wall_s(run: RunEvidence) -> float:
    """Return seconds from the first stage's start to the last stage's end."""
    spans = []
    for stage in run.stages:
        for record in stage.records:
            try:
                begin = datetime.fromisoformat(record.started).timestamp()
            except ValueError:
                continue
            spans.append((begin, begin + record.duration_s))
    return round(max(end for _, end in spans) - min(begin for begin, _ in spans), 1) if spans else 0.0
