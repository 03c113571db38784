"""Asking every gate about every stage; pure."""

from __future__ import annotations

from functools import partial as partial_
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from truegreen import registry
from truegreen.analysis import headline
from truegreen.gates._ingested import records
from truegreen.gates._waiving import Waiving, excluding, without
from truegreen.gates.base import RUN
from truegreen.gates.stage_complete import place
from truegreen.model.evidence import RunState
from truegreen.model.run import Problem, RunEvidence, StageEvidence
from truegreen.model.verdict import Fact, KeptFile, StageReport, Status, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from truegreen.gates.base import Gate
    from truegreen.model.evidence import EvidenceFile, StageRecord
    from truegreen.model.history import History

_PRESENT: dict[str, Callable[[StageEvidence], bool]] = {
    "tests": lambda seen: seen.tests is not None,
    "sessions": lambda seen: bool(seen.sessions),
    "coverage": lambda seen: seen.coverage is not None,
    "scans": lambda seen: bool(seen.scans),
    "persistence": lambda seen: bool(seen.persistence),
    "load": lambda seen: seen.load is not None,
    "image": lambda seen: seen.image is not None,
    "mutation": lambda seen: seen.mutation is not None,
    "wiring": lambda seen: seen.wiring is not None,
    "proof": lambda seen: seen.proof is not None,
    "fakes": lambda seen: seen.fakes is not None,
    "style": lambda seen: seen.style is not None,
}
_OFF = ("gate ", " is disabled")
"""How a note names a gate that was switched off."""
_LAST = "waivers"
_WORST_FIRST = (Status.FAIL, Status.BLIND, Status.WAIVED, Status.PASS)


def judge(
    evidence: RunEvidence,
    policies: Mapping[str, Any],
    history: History,
    *,
    gates: Sequence[Gate] | None = None,
) -> tuple[StageReport, ...]:
    """Return one report a stage, in the order of the registry, then one for the run as a whole.

    A stage nobody planned is `skipped` with the reason; so is one that found nothing to do. A planned stage
    about which no gate gave an answer is `blind`.

    Args:
        evidence: everything read.
        policies: gate id → its options; a gate without an entry has its defaults.
        history: earlier runs.
        gates: the gates to ask; None means all that are registered.
    """
    asked = list(gates) if gates is not None else [registry.load("gate", name)() for name in registry.names("gate")]
    bench = _Bench(
        gates=asked,
        options={gate.id: policies.get(gate.id) or gate.Options() for gate in asked},
        history=history,
        waiving=Waiving(evidence.waivers, evidence.today),
    )
    known = registry.names("stage")
    order = (*known, *(name for name in evidence.planned if name not in known))
    reports = [_stage(evidence, stage, bench) for stage in order]
    return (*reports, *_run(evidence, bench))


class _Bench(NamedTuple):
    """What all verdicts of a run are given by."""

    gates: list[Gate]
    options: Mapping[str, Any]
    history: History
    waiving: Waiving


def overall(stages: Sequence[StageReport]) -> tuple[Status, str]:
    """Return the verdict of the run and its headline; a run in which nothing was judged is blind."""
    judged = [report for report in stages if report.status is not Status.SKIPPED]
    if not any(report.stage != RUN for report in judged):
        return Status.BLIND, "no stage was judged, so nothing is proved"
    status = next(s for s in _WORST_FIRST if any(report.status is s for report in judged))
    red = [report for report in judged if report.status.red]
    told = [report for report in red if report.stage != RUN] or red
    if len(told) == 1:  # what the run as a whole lacks because of it is no second cause
        others = "".join(f"; {_verb(report)}" for report in red if report not in told)
        return status, f"{_verb(told[0])}: {told[0].headline}{others}"
    if red:
        return status, "; ".join(_verb(report) for report in red)
    real = [report.stage for report in judged if report.stage != RUN]
    waived = sum(1 for report in judged if report.status is Status.WAIVED)
    exceptions = f", {waived} by a waiver" if waived else ""
    number = f"all {len(real)} stages" if len(real) > 1 else f"stage {real[0]}"
    return status, f"{number} passed{exceptions}{_reservations(judged)}"


def _reservations(judged: Sequence[StageReport]) -> str:
    """Return what a green headline must not hide: parts of stages, gates switched off, reds that only advise."""
    told = {
        "partial": {r.stage for r in judged for v in r.verdicts if any(fact.label == "partial" for fact in v.facts)},
        "switched off": {_gate_off(note) for report in judged for note in report.notes} - {""},
        "red, and only advice": {v.gate for r in judged for v in r.verdicts if v.advisory and v.status.red},
    }
    parts = [f"{label}: {', '.join(sorted(names))}" for label, names in told.items() if names]
    return f" ({'; '.join(parts)})" if parts else ""


def _gate_off(note: str) -> str:
    """Return the gate of which a note says that it is switched off."""
    if note.startswith(_OFF[0]) and note.endswith(_OFF[1]):
        return note.removeprefix(_OFF[0]).removesuffix(_OFF[1])
    return ""


def _verb(report: StageReport) -> str:
    return f"{report.stage} {'failed' if report.status is Status.FAIL else 'is blind'}"


def _stage(evidence: RunEvidence, stage: str, bench: _Bench) -> StageReport:
    seen = evidence.of(stage)
    if stage not in evidence.planned:
        reason = evidence.not_planned.get(stage, "not planned for this event")
        return StageReport(stage=stage, status=Status.SKIPPED, headline=reason)
    verdicts, notes = _verdicts(evidence, stage, bench)
    status, clause = _status(seen, verdicts, headline.of_stage(seen))
    return StageReport(
        stage=stage,
        status=status,
        headline=clause,
        duration_s=round(headline.duration_s(seen), 3),
        command=next((record.command for record in seen.records if record.command), f"truegreen run {stage}"),
        verdicts=verdicts,
        notes=tuple(dict.fromkeys((*(note for record in seen.records for note in record.notes), *notes))),
        tools=tuple(tool for record in seen.records for tool in record.tools),
        services=tuple(service for record in seen.records for service in record.services),
        machines=tuple(dict.fromkeys(text for record in seen.records if (text := _machine(record)))),
        evidence=tuple(f"{record.folder}/{file.path}" for record in seen.records for file in record.files),
        files=tuple(_kept(record, file) for record in seen.records for file in record.files),
        inputs=seen.inputs,
    )


def _machine(record: StageRecord) -> str:
    """Return the runner, and in brackets what it is; what the record does not say is left out."""
    both = record.runner and record.platform
    return f"{record.runner} ({record.platform})" if both else record.runner or record.platform


def _kept(record: StageRecord, file: EvidenceFile) -> KeptFile:
    path = f"{record.folder}/{file.path}"
    return KeptFile(path=path, kind=file.kind, sha256=file.sha256, size_bytes=file.size_bytes)


def _run(evidence: RunEvidence, bench: _Bench) -> tuple[StageReport, ...]:
    """Return the report of the gates over the whole run; nothing when there are none.

    The gate on waivers is asked last: only then is it known which of them were needed.
    """
    if not any(RUN in gate.stages for gate in bench.gates):
        return ()
    others, last = ([gate for gate in bench.gates if (gate.id == _LAST) is wanted] for wanted in (False, True))
    verdicts, notes = _verdicts(evidence, RUN, bench._replace(gates=others))
    known = msgspec.structs.replace(evidence, waiver_uses=bench.waiving.uses)
    final = _verdicts(known, RUN, bench._replace(gates=last))
    verdicts, notes = (*verdicts, *final[0]), (*notes, *final[1])
    if not verdicts:
        return (StageReport(stage=RUN, status=Status.SKIPPED, headline="no gate judges the run", notes=notes),)
    answers = [verdict.reason for verdict in verdicts if verdict.status is not Status.SKIPPED]
    if not answers:
        clause = "; ".join(verdict.reason for verdict in verdicts)
        return (StageReport(stage=RUN, status=Status.SKIPPED, headline=clause, verdicts=verdicts, notes=notes),)
    status, clause = _status(StageEvidence(stage=RUN), verdicts, "; ".join(answers))
    return (StageReport(stage=RUN, status=status, headline=clause, verdicts=verdicts, notes=notes),)


def _verdicts(evidence: RunEvidence, stage: str, bench: _Bench) -> tuple[tuple[Verdict, ...], tuple[str, ...]]:
    """Return the verdicts of all gates that judge a stage, and a note on each that is switched off."""
    verdicts, notes = [], []
    idle = _idle(evidence.of(stage))
    partial = any(session.asked for session in evidence.of(stage).sessions)
    for gate in bench.gates:
        policy = bench.options[gate.id]
        # A stage that found nothing to do left nothing that the other gates could read.
        if stage not in gate.stages or (idle and gate.needs):
            continue
        if not policy.enabled:
            notes.append(f"{_OFF[0]}{gate.id}{_OFF[1]}")
            continue
        verdict = _ask(gate, evidence, stage, policy, bench.history)
        if verdict is None:
            continue
        verdict = msgspec.structs.replace(verdict, advisory=verdict.advisory or policy.advisory)
        again = partial_(_again, gate, evidence, stage, policy, bench.history)
        verdicts.append(bench.waiving.cover(verdict, gate, again, partial=partial))
    return tuple(verdicts), tuple(notes)


def _again(
    gate: Gate, evidence: RunEvidence, stage: str, policy: Any, history: History, items: tuple[str, ...]
) -> Verdict | None:
    """Return the verdict that a gate gives without the items that match the patterns."""
    if "coverage" in gate.needs:
        return _ask(gate, evidence, stage, excluding(policy, items), history)
    return _ask(gate, without(evidence, stage, items), stage, policy, history)


def _idle(seen: StageEvidence) -> bool:
    """Return whether every record says that nothing applied, and nothing contradicts it."""
    return bool(seen.records) and not seen.problems and all(r.state is RunState.SKIPPED for r in seen.records)


def _ask(gate: Gate, evidence: RunEvidence, stage: str, policy: Any, history: History) -> Verdict | None:
    """Return a gate's verdict; None when its question does not arise. A bug in it is never green."""
    try:
        if not gate.applies(evidence, stage, policy):
            return None
        return _unseen(gate, evidence.of(stage)) or gate.evaluate(evidence, stage, policy, history)
    except Exception as error:  # noqa: BLE001 - whatever it is, the gate gave no answer
        return Verdict(
            gate=gate.id,
            stage=stage,
            status=Status.BLIND,
            reason=f"gate {gate.id} stopped on a bug: {type(error).__name__}: {error}",
            remedy="please report it with the evidence folder",
            code="TG900",
        )


def _unseen(gate: Gate, seen: StageEvidence) -> Verdict | None:
    """Return `blind` when a part the gate reads has a problem or is absent."""
    problem = next((problem for problem in seen.problems if problem.kind in gate.needs), None)
    if problem is None:
        absent = sorted(part for part in gate.needs if not _PRESENT[part](seen))
        if not absent:
            return None
        problem = _why_absent(seen, absent)
    return Verdict(
        gate=gate.id,
        stage=seen.stage,
        status=Status.BLIND,
        reason=problem.message,
        facts=(Fact(label="where", value=place(problem)),) if problem.path else (),
        remedy=problem.fix or _bring(seen),
        code=problem.code,
    )


def _bring(seen: StageEvidence) -> str:
    """Return how a part that is missing comes: results that were brought have no stage to run again."""
    if records(seen):
        return "take it in beside the results: `truegreen ingest` with all files of the stage"
    return "run the stage again; its log says why"


def _why_absent(seen: StageEvidence, absent: list[str]) -> Problem:
    """Return the root cause of a missing part, so that all gates tell the same story once."""
    broken = next((record for record in seen.records if record.error is not None), None)
    if broken is not None and broken.error is not None:
        error = broken.error
        message = f"{broken.folder} stopped: {error.what}"
        return Problem(kind="stage", message=message, code=error.code, fix=error.fix or "look at the stage's log")
    if seen.problems:
        return seen.problems[0]
    if not seen.records:
        return Problem(
            kind="stage",
            message=f"{seen.stage} was planned and left no evidence",
            fix=f"look at the log of the {seen.stage} job: it never started, or its evidence was not uploaded",
        )
    parts = " and ".join(absent)
    return Problem(kind=absent[0], message=f"{seen.stage} left no evidence of {parts}")


def _status(seen: StageEvidence, verdicts: tuple[Verdict, ...], clause: str) -> tuple[Status, str]:
    """Return status and headline of a stage: fail before blind before waived before pass."""
    red = [verdict for verdict in verdicts if verdict.red]
    for status in (Status.FAIL, Status.BLIND):
        first = next((verdict for verdict in red if verdict.status is status), None)
        if first is not None:
            return status, first.reason
    counted = [v for v in verdicts if not v.advisory]
    if any(verdict.status is Status.WAIVED for verdict in counted):
        waived = "; ".join(verdict.reason for verdict in counted if verdict.status is Status.WAIVED)
        return Status.WAIVED, f"{clause}, waived: {waived}" if seen.stage != RUN else clause
    if any(verdict.status is Status.PASS for verdict in counted):
        return Status.PASS, clause
    if _idle(seen) and any(verdict.status is Status.SKIPPED for verdict in verdicts):
        return Status.SKIPPED, seen.records[0].reason or "nothing applied"
    return Status.BLIND, "no gate gave an answer about this stage"
