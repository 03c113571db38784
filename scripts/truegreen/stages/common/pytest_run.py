"""Run pytest in the user's environment and leave evidence of everything it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import ToolFailed
from truegreen.model.evidence import ToolRun
from truegreen.stages.common import fakes_scan, pytest_order, pytest_repeats, pytest_reruns
from truegreen.stages.common.context import StageOutcome
from truegreen.stages.common.pytest_process import Pytest, Session, said, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from truegreen.runtime.process import Completed
    from truegreen.stages.common.context import StageContext
    from truegreen.stages.common.options import PytestOptions
    from truegreen.stages.common.pytest_repeats import Change

MARKED = ("wiring", "persistence", "e2e", "performance")
_NOTHING_COLLECTED = 5
"""Lines of pytest's own words, where it refused to run."""


def marker_of(stage: str, options: PytestOptions) -> str:
    """Return the marker expression of a stage's tests; unit takes all that no other stage claims."""
    return options.marker or (" and ".join(f"not {name}" for name in MARKED) if stage == "unit" else stage)


class PytestResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the runs left."""

    files: tuple[tuple[str, str], ...]
    expects: tuple[str, ...]
    tools: tuple[ToolRun, ...]
    notes: tuple[str, ...]
    python: str
    seed: str = ""
    """Seed by which the order of the tests can be repeated; empty when it was not random."""
    nothing: bool = False
    """True when no test carries the marker, as pytest and the plugin both say."""

    def outcome(self) -> StageOutcome:
        """Return the outcome of a stage that does nothing else."""
        return StageOutcome(
            files=self.files,
            expects=self.expects,
            tools=self.tools,
            notes=self.notes,
            python=self.python,
            seed=self.seed,
        )


def run(
    context: StageContext,
    *,
    marker: str,
    coverage: bool = False,
    extra_env: Mapping[str, str] | None = None,
    workers: int | str | None = None,
    reruns: int | None = None,
    prepared: Callable[[], None] = lambda: None,
) -> PytestResult:
    """Run the stage's tests, then the failed ones again, then those that a change brings.

    Args:
        context: the stage's context; its options must be PytestOptions or have their fields.
        marker: marker expression, already decided.
        coverage: whether to measure line and branch coverage.
        extra_env: variables on top, such as the recorder's address.
        workers: overrides the option.
        reruns: overrides the option; 0 runs the tests of a change once as well.
        prepared: called after the stage's preparation, before the first test.

    Raises:
        ProjectTool: the project's environment has no pytest.
        TimedOut: the time limit was hit; files written so far stay.
        ToolFailed: a preparation failed, pytest refused its arguments, or a repeat of the tests of a change broke off.
    """
    pytest = Pytest(context, extra_env or {})
    notes = list(pytest.python.notes)
    pytest.prepare()
    prepared()
    expects = ["junit", "pytest-session", *(["coverage-json"] if coverage else [])]
    words = ["-m", marker, *parallel(pytest, context.options.workers if workers is None else workers, notes)]
    words += [*context.options.args, *context.options.tests, *context.pytest_args]
    # Ours come last where the last one wins, so that nobody's own report takes the place of the evidence.
    words += _coverage(context, pytest.present, notes) if coverage else []
    seed = pytest_order.seed(context)
    pytest.env.update(pytest.seeded(seed) if seed is not None else {}, TRUEGREEN_SELECTION=selection(context, marker))
    change = pytest_repeats.change(context) if reruns != 0 else None
    done = pytest.run(words, env=pytest_repeats.watching(context, change))
    if done.exit_code == pytest_repeats.USAGE:
        raise _refused(context.out, done)
    session = pytest.session()
    if session is not None:
        fakes_scan.leave(context, session)
    notes += [*pytest_order.told(context, session), *_partial(session)]
    again = _Again(pytest, context.options.reruns if reruns is None else reruns)
    again.run(done, session, change)
    return PytestResult(
        files=_files(context.out),
        expects=tuple(expects),
        tools=(tool(done, "pytest"), *again.tools),
        notes=(*notes, *again.notes),
        python=pytest.python.version,
        seed=pytest_order.replay(session),
        nothing=done.exit_code == _NOTHING_COLLECTED and session is not None and session.nothing,
    )


def _refused(out: Path, done: Completed) -> ToolFailed:
    return ToolFailed(
        "pytest refused to run",
        where=str(out / "pytest.log"),
        why=said(done),
        fix="mend what pytest names; an option in `addopts`, or in `args` of the stage, may need its plugin among "
        "the project's dev dependencies",
    )


class _Again:
    """What runs after the first run."""

    def __init__(self, pytest: Pytest, limit: int) -> None:
        self._pytest = pytest
        self._limit = limit
        self.tools: list[ToolRun] = []
        self.notes: list[str] = []

    def run(self, first: Completed, session: Session | None, change: Change | None) -> None:
        """Run failed tests again, then those of a change."""
        self.tools = pytest_reruns.failures(self._pytest, self._limit)
        rounds = len(self.tools)
        if session is None:
            return
        if rounds:
            last = self._pytest.session(f"-rerun-{rounds}")
            self.notes += pytest_reruns.recovered(session, last, self._pytest.context.stage)
        if change is not None and session.whole:
            repeats = pytest_repeats.Repeats(self._pytest, first, session, rounds)
            repeats.run(change)
            self.tools += repeats.tools
            self.notes += repeats.notes


def selection(context: StageContext, marker: str) -> str:
    """Return what the stage itself selects, so that the plugin can tell it from what narrows the run."""
    given = {
        "marker": marker,
        "tests": context.options.tests,
        "after": context.pytest_args,
        "claims": context.claims,
        "marks": context.marks,
    }
    return msgspec.json.encode(given).decode()


def _partial(session: Session | None) -> list[str]:
    """Return a note when only a part of the stage's tests ran."""
    words = [*session.asked, *session.unasked] if session else []
    if session is None or not words:
        return []
    of = f" of {session.selected + session.left_out:,}" if session.left_out else ""
    return [f"partial: {session.selected:,}{of} tests ({', '.join(words)}), which is not the whole stage"]


def parallel(pytest: Pytest, wanted: int | str, notes: list[str]) -> list[str]:
    """Return the words that spread the tests over processes, where the project can; else a note says so."""
    if str(wanted) in ("0", "1"):
        return pytest.serial
    if "xdist" not in pytest.present:
        notes.append("pytest-xdist is not installed in the project; the tests ran serially")
        return []
    return ["-n", str(wanted)]


def _coverage(context: StageContext, present: set[str], notes: list[str]) -> list[str]:
    if "pytest_cov" not in present:
        notes.append("pytest-cov is not installed in the project; coverage is blind (add it to the dev group)")
        return []
    source = context.project.source or (["src"] if (context.root / "src").is_dir() else ["."])
    report = context.out / "coverage.json"
    return [*(f"--cov={name}" for name in source), "--cov-branch", f"--cov-report=json:{report}", "--cov-report="]


def _files(out: Path) -> tuple[tuple[str, str], ...]:
    found = [(path.name, "junit") for path in sorted(out.glob("junit*.xml"))]
    found += [("session.json", "pytest-session")] if (out / "session.json").is_file() else []
    found += [(fakes_scan.FILE, "fakes")] if (out / fakes_scan.FILE).is_file() else []
    found += [("coverage.json", "coverage-json")] if (out / "coverage.json").is_file() else []
    return tuple(found)
