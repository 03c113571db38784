"""Running the tests of the base and of a change in turn, so that their times can be compared on one machine."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis.paired import PAIRS_MAX
from truegreen.errors import ToolFailed, TruegreenError
from truegreen.model.evidence import ToolRun
from truegreen.model.pairs import TOOL, PairedTimes, Pairs
from truegreen.runtime import files, worktree
from truegreen.stages.common import pytest_order, pytest_run
from truegreen.stages.common.pytest_process import Pytest

if TYPE_CHECKING:
    from truegreen.stages.common.context import StageContext, StageOutcome
    from truegreen.stages.common.pytest_process import Session

NAME = "paired-times.json"
KIND = "paired-times"


def beside(context: StageContext, marker: str, outcome: StageOutcome) -> StageOutcome:
    """Return a stage's outcome with the times of base and change beside it, or a note on why there are none.

    Args:
        context: the stage's context, with the option `against_base_s`.
        marker: marker expression of the stage's tests.
        outcome: what the stage's own run left in the context's folder.
    """
    whole = not context.pytest_args and not any(tool.exit_code for tool in outcome.tools[:1])
    if context.options.against_base_s <= 0 or context.changes is None or not whole:
        return outcome
    changes, unknown = context.changes()
    if not unknown and (changes is None or not changes.files):
        return outcome
    begun, times = context.clock.monotonic(), None
    try:
        if changes is None:
            raise ToolFailed("the base is not known", why=unknown)
        times = _Turns(context, marker, changes.base).run()
        files.write_atomic(context.out / NAME, msgspec.json.encode(times))
        number = len(times.suite.base_s)
        note = f"{number} pair{'s' if number > 1 else ''} of runs with the base {times.base[:12]}"
    except TruegreenError as error:
        note = f"times not compared with the base: {error.what}" + (f": {error.why}" if error.why else "")
    took = ToolRun(name=TOOL, exit_code=0, duration_s=round(context.clock.monotonic() - begun, 3))
    return msgspec.structs.replace(
        outcome,
        files=(*outcome.files, *([(NAME, KIND)] if times else [])),
        expects=(*outcome.expects, *([KIND] if times else [])),
        notes=(*outcome.notes, note),
        tools=(*outcome.tools, took),
    )


class _Turns:
    """Both trees, each in an environment of its own, with all else the same; the order in the pairs alternates."""

    def __init__(self, context: StageContext, marker: str, base: str) -> None:
        self._context = context
        self._marker = marker
        self._base = base
        self._seed = pytest_order.seed(context)

    def run(self) -> PairedTimes:
        """Run pairs until the time is used.

        Raises:
            ToolFailed: the base cannot be checked out, or its tests or those of the change do not pass.
            TruegreenError: the base cannot be installed, or a run hangs.
        """
        context = self._context
        place = hashlib.sha256(str(context.root).encode()).hexdigest()[:12]
        base = worktree.checked_out(context.root, self._base, context.tools.cache / "bases" / place, context.processes)
        with tempfile.TemporaryDirectory(prefix="truegreen-pairs-") as scratch, base as root:
            out = [files.folder(Path(scratch) / name / context.out.name) for name in ("base", "change")]
            trees = [self._tree(root, out[0]), self._tree(context.root, out[1])]
            return self._pairs(trees)

    def _tree(self, root: Path, out: Path) -> Pytest:
        context = msgspec.structs.replace(self._context, root=root, out=out, changes=None)
        pytest = Pytest(context, {}, shown=False)
        pytest.prepare()
        seeds = pytest.seeded(self._seed) if self._seed is not None else {}
        pytest.env.update(seeds, TRUEGREEN_SELECTION=pytest_run.selection(context, self._marker))
        return pytest

    def _pairs(self, trees: list[Pytest]) -> PairedTimes:
        context = self._context
        context.console.line(f"running the tests of the base {self._base[:12]} and of the change in turn")
        for tree in trees:  # compiles, and tells which files hold tests; not measured
            _watch_all(tree, self._passed(tree)[1])
        begun, spent_s, last_s = context.clock.monotonic(), 0.0, 0.0
        suites: list[list[float]] = [[], []]
        tests: list[list[dict[str, float]]] = [[], []]
        while len(suites[0]) < PAIRS_MAX and (not suites[0] or spent_s + last_s <= context.options.against_base_s):
            for which in (0, 1) if len(suites[0]) % 2 == 0 else (1, 0):
                duration_s, session = self._passed(trees[which])
                suites[which].append(duration_s)
                tests[which].append({row[0]: row[4] for row in session.places})
            last_s, spent_s = context.clock.monotonic() - begun - spent_s, context.clock.monotonic() - begun
        return PairedTimes(base=self._base, suite=_pairs(*suites), tests=_common(tests))

    def _passed(self, tree: Pytest) -> tuple[float, Session]:
        """Run the tests of a tree; return seconds, and what the session says.

        Raises:
            ToolFailed: not every test passed, so that its time says nothing.
        """
        options = tree.context.options
        words = ["-m", self._marker, *pytest_run.parallel(tree, options.workers, []), *options.args, *options.tests]
        words += ["--no-cov"] if "pytest_cov" in tree.present else []
        done = tree.run(words, env={"TRUEGREEN_CHANGED": str(tree.context.out / "watched.json")})
        session = tree.session()
        if session is None or done.exit_code or not session.finished or session.bad:
            which = "change" if tree.context.root == self._context.root else "base"
            raise ToolFailed(f"the tests of the {which} do not all pass", why=f"pytest ended with {done.exit_code}")
        return done.duration_s, session


def _watch_all(tree: Pytest, session: Session) -> None:
    """Let the next sessions of a tree tell the time of every test."""
    paths = {os.path.realpath(Path(session.rootdir) / test.partition("::")[0]) for test in session.ids}
    files.write_atomic(tree.context.out / "watched.json", msgspec.json.encode(sorted(paths)))


def _pairs(base: list[float], change: list[float]) -> Pairs:
    return Pairs(base_s=tuple(round(value, 4) for value in base), change_s=tuple(round(value, 4) for value in change))


def _common(tests: list[list[dict[str, float]]]) -> dict[str, Pairs]:
    """Return the times of the tests that ran in every run of both trees."""
    names = set.intersection(*(set(run) for runs in tests for run in runs))
    return {name: _pairs(*([run[name] for run in runs] for runs in tests)) for name in sorted(names)}
