"""The run of the mutation stage: changed lines, tests without a fault, then one fault at a time."""

from __future__ import annotations

import tempfile
from collections import deque
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis.mutants import spread
from truegreen.errors import EvidenceMissing, EvidenceUnreadable, ToolFailed
from truegreen.model.evidence import ToolRun
from truegreen.model.mutation import Fate, Mutant, MutationResult
from truegreen.runtime import diff, files
from truegreen.runtime.toolchain import clean_env
from truegreen.stages.common import project as projects
from truegreen.stages.common.context import StageOutcome
from truegreen.stages.common.mutants import Bed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truegreen.model.changes import Changes
    from truegreen.stages.common.context import StageContext

_TOOL = "cosmic-ray"
_MAKER = Path(__file__).with_name("make_mutants.py")
_MAKE_LIMIT_S = 300.0


class _Made(msgspec.Struct, frozen=True):
    """A mutant that can be tried."""

    path: str
    line: int
    operator: str
    diff: str
    code: str
    """Name of the file with the mutated module."""


class _Answer(msgspec.Struct, frozen=True):
    """What the maker of mutants says."""

    mutants: list[_Made] = []
    unread: list[str] = []


def run(context: StageContext) -> StageOutcome:
    """Find the changed lines, run the tests, and try the mutants until the time is over.

    Raises:
        EvidenceMissing: it is not known which lines are changed.
        ToolFailed, EvidenceUnreadable: the maker of mutants did not answer.
    """
    options = context.options
    change = _change(context)
    lines = {
        file.path: set(file.lines)
        for file in change.files
        if file.lines and file.path.endswith(".py") and not any(fnmatchcase(file.path, p) for p in options.exclude)
    }
    if not lines:
        return StageOutcome(skipped=f"no Python file but tests is changed since {change.base[:12]}")
    python = projects.ensure(context)
    with tempfile.TemporaryDirectory(prefix="truegreen-mutants-") as scratch:
        bed = Bed(context, python, Path(scratch))
        baseline = bed.baseline()
        covered = {path: bed.executed(path, wanted) for path, wanted in lines.items()}
        covered = {path: numbers for path, numbers in covered.items() if numbers}
        answer = _make(context, bed.root, Path(scratch), covered) if covered else _Answer()
        candidates = spread(answer.mutants, options.per_line)
        tried, notes = _try_all(context, bed, Path(scratch), candidates)
        if tried:
            bed.check_again()
    result = MutationResult(
        tool=_TOOL,
        version=context.tools.version(_TOOL),
        base=change.base,
        changed_lines=sum(map(len, lines.values())),
        covered_lines=sum(map(len, covered.values())),
        candidates=len(candidates),
        baseline_s=round(bed.baseline_s, 3),
        limit_s=options.max_minutes * 60,
        mutants=tuple(tried),
        unread=tuple(answer.unread),
    )
    files.write_atomic(context.out / "mutation.json", msgspec.json.format(msgspec.json.encode(result), indent=1))
    return StageOutcome(
        files=(("mutation.json", "mutation"), ("pytest.log", "log")),
        expects=("mutation",),
        tools=(
            ToolRun(
                name="pytest without mutants",
                argv=tuple(baseline.argv[1:]),
                exit_code=baseline.exit_code,
                duration_s=round(baseline.duration_s, 3),
            ),
        ),
        notes=(*python.notes, *notes),
        python=python.version,
    )


def _change(context: StageContext) -> Changes:
    """Return what the change changes; what is not committed yet counts at a desk, or where a base is named."""
    named: str = context.options.base
    why = "`origin` has no default branch here"
    found: Changes | None = None
    try:
        if context.changes is not None and not named:
            found, why = context.changes()
        else:
            found = diff.changes(context.root, context.processes, diff.Asked(base=named, uncommitted=True))
    except diff.CannotTell as error:
        why = str(error)
    if found is None:
        raise EvidenceMissing(
            "it is not known which lines are changed",
            where=str(context.root),
            why=why,
            fix="check out with fetch-depth: 0, or set `base` in [tool.truegreen.mutation]",
        )
    return found


def _make(context: StageContext, root: Path, scratch: Path, lines: Mapping[str, list[int]]) -> _Answer:
    """Return the mutants of the lines; their code is in files below the scratch folder.

    Raises:
        ToolFailed: the tool did not answer.
        EvidenceUnreadable: it answered something else.
    """
    made = scratch / "mutants"
    made.mkdir()
    argv = [str(context.tools.python(_TOOL)), "-I", str(_MAKER)]
    request = {"root": str(root), "out": str(made), "files": lines, "per_kind": context.options.per_line}
    with context.console.working("making mutants"):
        done = context.processes.run(
            argv,
            cwd=scratch,
            env=clean_env(context.env),
            timeout_s=_MAKE_LIMIT_S,
            stdin=msgspec.json.encode(request).decode(),
        )
    if not done.ok:
        raise ToolFailed("mutants could not be made", where=_TOOL, why=done.tail(4))
    try:
        return msgspec.json.decode(done.stdout, type=_Answer)
    except msgspec.DecodeError as error:
        raise EvidenceUnreadable("the answer of the maker of mutants is not readable", why=str(error)) from None


def _try_all(context: StageContext, bed: Bed, scratch: Path, candidates: list[_Made]) -> tuple[list[Mutant], list[str]]:
    """Return what became of the mutants that could be tried in time, and what to note."""
    clock, limit_s = context.clock, context.options.max_minutes * 60
    until_s = clock.monotonic() + limit_s
    queue, tried = deque(candidates), list[Mutant]()
    with context.console.working(f"trying {len(candidates)} mutants"):
        while queue:
            start_s, one = clock.monotonic(), queue.popleft()
            code = (scratch / "mutants" / one.code).read_bytes()
            fate = bed.fate(one.path, one.line, code, until_s)
            if fate is None:
                break
            took_s = round(clock.monotonic() - start_s, 3)
            tried.append(
                Mutant(path=one.path, line=one.line, operator=one.operator, diff=one.diff, fate=fate, duration_s=took_s)
            )
    survived = sum(1 for one in tried if one.fate is Fate.SURVIVED)
    notes = [f"{len(tried)} mutants tried, {survived} survived"] if tried else []
    if len(tried) < len(candidates):
        notes.append(f"{len(candidates) - len(tried)} mutants not tried: the {limit_s:.0f} s were over")
    return tried, notes
