"""Gate: the stage ran to its end, on this commit, and left everything it promised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.gates.base import BaseGate, GateOptions, StageName, count, some
from truegreen.model.evidence import RunState, StageRecord
from truegreen.model.verdict import Fact, Item, Status, Verdict

if TYPE_CHECKING:
    from truegreen.model.history import History
    from truegreen.model.run import Problem, RunEvidence, StageEvidence


_SHARDS_REMEDY = "look at the jobs of the shards: one never ran, or its evidence was not uploaded"
_Shards = Annotated[int, msgspec.Meta(ge=1)] | Annotated[list[str], msgspec.Meta(min_length=1)]


class StageCompleteOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.stage-complete]`."""

    shards: dict[StageName, _Shards] = msgspec.field(default_factory=dict)
    """Stage → how many shards it is cut into, or their names; a stage that is not named may have any."""


class StageComplete(BaseGate):
    """The stage really ran: to its end, on the commit being judged, leaving every file it promised.

    **Proves** that silence is not success: a stage that never started, crashed half-way, was killed, ran on
    another commit, or left a file that is missing or unreadable never looks green.

    **Blind when** there is no record; a record is broken, of another commit, or of a shard that did not run;
    a promised kind of evidence is missing; any file could not be read or changed after the stage ended; a
    tool was killed at its time limit; shards are missing that `shards` asks for, or others are there.

    **Options**: `shards` (default none), a table from stage to the number of its shards or their names. Without
    it nobody can tell that the evidence of a shard never arrived: state it wherever a stage is cut. Making this
    gate advisory means trusting what was not seen.

    Example:
        [tool.truegreen.gates.stage-complete]
        shards = { unit = 4, e2e = ["chrome", "firefox"] }
    """

    id: ClassVar[str] = "stage-complete"
    stages: ClassVar[frozenset[str]] = frozenset(
        {
            "lint",
            "unit",
            "wiring",
            "persistence",
            "e2e",
            "performance",
            "security-scan",
            "signed-image",
            "mutation",
            "prove",
        }
    )
    needs: ClassVar[frozenset[str]] = frozenset()
    waivable: ClassVar[frozenset[Status]] = frozenset()
    Options: ClassVar[type[GateOptions]] = StageCompleteOptions

    def evaluate(self, evidence: RunEvidence, stage: str, policy: StageCompleteOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge the records of one stage."""
        seen = evidence.of(stage)
        if not seen.records:
            return self._absent(seen)
        broken = [record for record in seen.records if record.state is RunState.BROKEN]
        if broken:
            return self._broken(stage, broken)
        doubt = self._outdated(evidence, seen) or self._unread(seen) or self._cut(seen, policy)
        if doubt:
            return doubt
        skipped = [record for record in seen.records if record.state is RunState.SKIPPED]
        if skipped:
            return self._skipped(seen, skipped)
        return self._promises(seen)

    def _absent(self, seen: StageEvidence) -> Verdict:
        stage = seen.stage
        if seen.problems:
            return self._problems(seen)
        return self.blind(
            stage,
            f"{stage} was planned and left no evidence",
            remedy=f"look at the log of the {stage} job: it never started, or its evidence was not uploaded",
            code="TG201",
        )

    def _broken(self, stage: str, broken: list[StageRecord]) -> Verdict:
        first = broken[0]
        error = first.error
        if error is None:
            return self.blind(stage, f"{first.folder} stopped before its end", remedy="look at the stage's log")
        facts = tuple(
            Fact(label=label, value=text) for label, text in (("where", error.where), ("why", error.why)) if text
        )
        items = tuple(
            Item(title=record.error.what, message=record.error.why, level="error")
            for record in broken[1:]
            if record.error is not None
        )
        return self.blind(
            stage,
            f"{first.folder} stopped: {error.what}",
            remedy=error.fix or "look at the stage's log",
            code=error.code,
            facts=facts,
            items=items,
        )

    def _outdated(self, evidence: RunEvidence, seen: StageEvidence) -> Verdict | None:
        """Return why the evidence is not about what is judged: another commit, or files changed since."""
        stale = [record for record in seen.records if record.commit != evidence.commit]
        if stale:
            return self._stale(seen.stage, stale, evidence.commit)
        older = [record.folder for record in seen.records if evidence.tree and record.tree not in ("", evidence.tree)]
        if not older:
            return self._of_changed_files(evidence, seen)
        return self.blind(
            seen.stage,
            f"the evidence of {some(older)} was made before files were changed",
            remedy="run the stage again on the files as they are",
            code="TG204",
        )

    def _of_changed_files(self, evidence: RunEvidence, seen: StageEvidence) -> Verdict | None:
        """Return why evidence that names the commit is of other files: something changed them before the tests ran."""
        wanted = evidence.committed
        other = [record.folder for record in seen.records if wanted and record.tree_before not in ("", wanted)]
        if not other:
            return None
        return self.blind(
            seen.stage,
            f"the evidence of {some(other)} is of files that differ from the commit",
            remedy="look at `git status` before the stage in its job; what changes there belongs into the commit, or "
            "out of git",
            code="TG204",
        )

    def _stale(self, stage: str, stale: list[StageRecord], commit: str) -> Verdict:
        facts = tuple(
            Fact(label=record.folder, value=record.commit[:12] or "no commit", wanted=commit[:12] or "no commit")
            for record in stale
        )
        return self.blind(
            stage,
            f"the evidence of {some([record.folder for record in stale])} belongs to another commit",
            remedy="run the stage again on this commit",
            code="TG204",
            facts=facts,
        )

    def _problems(self, seen: StageEvidence) -> Verdict:
        first = seen.problems[0]
        return self.blind(
            seen.stage,
            first.message,
            remedy=first.fix or "run the stage again; its log says why",
            code=first.code,
            facts=(Fact(label="where", value=place(first)),) if first.path else (),
            items=tuple(Item(title=problem.message, message=place(problem)) for problem in seen.problems[1:]),
        )

    def _unread(self, seen: StageEvidence) -> Verdict | None:
        return self._problems(seen) if seen.problems else None

    def _cut(self, seen: StageEvidence, policy: StageCompleteOptions) -> Verdict | None:
        """Return why these are not the shards that the plan states."""
        own: dict[str, int | list[str]] = {str(name): planned for name, planned in policy.shards.items()}
        problem = _shards(seen.records, own[seen.stage]) if seen.stage in own else ""
        return self.blind(seen.stage, problem, remedy=_SHARDS_REMEDY, code="TG201") if problem else None

    def _skipped(self, seen: StageEvidence, skipped: list[StageRecord]) -> Verdict:
        if len(skipped) == len(seen.records):
            return self.not_judged(seen.stage, skipped[0].reason or "nothing applied")
        names = some([record.folder for record in skipped])
        return self.blind(
            seen.stage,
            f"{names} did nothing while other shards ran: {skipped[0].reason}",
            remedy="make every shard run, or ask for fewer shards",
        )

    def _promises(self, seen: StageEvidence) -> Verdict:
        lost = [
            f"{kind} of {record.folder}"
            for record in seen.records
            for kind in record.expects
            if kind not in {file.kind for file in record.files}
        ]
        if lost:
            reason = f"promised evidence is missing: {some(lost)}"
            return self.blind(seen.stage, reason, remedy="run the stage again; its log says why", code="TG201")
        late = [f"{tool.name} in {record.folder}" for record in seen.records for tool in record.tools if tool.timed_out]
        if late:
            return self.blind(
                seen.stage,
                f"killed at its time limit: {some(late)}",
                remedy="raise timeout-s of the stage",
                code="TG306",
            )
        silent = [record.folder for record in seen.records if all(file.kind == "log" for file in record.files)]
        if silent:
            names = some(silent)
            return self.blind(seen.stage, f"{names} ran and left no file of evidence", remedy="look at its log")
        files = sum(len(record.files) for record in seen.records)
        return self.passed(seen.stage, f"ran to its end and left {count(files, 'file')} of evidence")


def _shards(records: tuple[StageRecord, ...], planned: int | list[str]) -> str:
    """Return which shards the plan states and the evidence lacks, or the other way round; empty when they agree."""
    names = sorted({record.shard for record in records})
    told = f"shards there: {some([name or '(no name)' for name in names], 8)}"
    if isinstance(planned, list):
        if missing := [name for name in planned if name not in names]:
            return f"no evidence of {'shard' if len(missing) == 1 else 'shards'} {some(missing, 8)}; {told}"
        strange = [name or "(no name)" for name in names if name not in planned]
        return f"evidence of {some(strange, 8)}, which the plan does not state" if strange else ""
    if len(names) == planned:
        return ""
    if len(names) > planned:
        return f"evidence of {count(len(names), 'shard')}, the plan states {planned:,}; {told}"
    numbered = _missing_numbers(names, planned)
    return f"{planned - len(names):,} of {count(planned, 'shard')} left no evidence{numbered}; {told}"


def _missing_numbers(names: list[str], planned: int) -> str:
    """Return the missing shards by name where the others are numbered from 0 or from 1; else nothing."""
    numbers = {int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 10}  # noqa: PLR2004
    if len(numbers) < len(names) or (0 in numbers and planned in numbers) or max(numbers) > planned:
        return ""
    first = 0 if 0 in numbers else 1
    missing = [str(number) for number in range(first, first + planned) if number not in numbers]
    # Without a shard 0, shard `planned` or shard 0 may be the one that is missing.
    certain = first == 0 or planned in numbers
    return f": {some(missing, 8)}" if certain else ""


def place(problem: Problem) -> str:
    """Return `path:line` of a problem as far as known."""
    return f"{problem.path}:{problem.line}" if problem.line else problem.path
