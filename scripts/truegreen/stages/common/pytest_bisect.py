"""Finding the test that makes another one fail: replay an order, halve it, and prove what is left."""

from __future__ import annotations

import difflib
import os
import shlex
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis.bisection import halve
from truegreen.errors import ToolFailed, UnknownName
from truegreen.stages.common.pytest_process import Pytest, Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truegreen.stages.common.context import StageContext

_STILL = {
    "pytest-randomly": ["--randomly-dont-reorganize", "--randomly-seed={seed}"],
    "pytest-random-order": ["--random-order-bucket=none"],
}
"""Plugin that shuffles → what makes it leave the tests in the order of the command line."""


class Found(StrEnum):
    """How a bisection ended; only the first one names a culprit."""

    POLLUTER = "polluter"
    """One test is proved: the victim fails after it alone, and passes by itself."""
    ALONE = "alone"
    """The victim fails by itself; no other test is needed."""
    IMPORTS = "imports"
    """The victim fails when all modules are collected, and passes when only its own is."""
    NOT_REPLAYED = "not-replayed"
    """The victim passes after the same tests in the same order."""
    UNPROVED = "unproved"
    """The victim fails after one test when all modules are collected, and not after it alone."""
    SEVERAL = "several"
    """No single test makes the victim fail: more than one is needed, or it fails by chance."""


class Bisection(msgspec.Struct, frozen=True, kw_only=True):
    """What a bisection found, and how to see it again."""

    found: Found
    victim: str
    polluter: str = ""
    before: int = 0
    """Tests that ran before the victim in the replayed order."""
    narrowest: tuple[str, ...] = ()
    """The fewest tests after which the victim was seen to fail."""
    order: str = ""
    seed: str = ""
    runs: int = 0
    """Fresh processes that were started."""
    fails: str = ""
    """Command after which the victim fails; empty where nothing is proved."""
    passes: str = ""
    """Command by which it passes."""


class Bisector:
    """Runs parts of a stage's tests in one exact order, each time in a fresh process.

    Its files lie in the context's folder, which must not be the one with the stage's evidence. All modules are
    collected each time, as in the run that is replayed: importing them can be what matters.
    """

    def __init__(self, context: StageContext, *, marker: str, victim: str) -> None:
        """Collect the tests in the order to replay.

        Raises:
            ProjectTool: the project's environment has no pytest.
            ToolFailed: the tests could not be collected, or a preparation failed.
            UnknownName: the stage has no such test.
        """
        self._context = context
        self._pytest = Pytest(context, {}, shown=False)
        self._pytest.prepare()
        self._pytest.env.update(self._pytest.seeded(context.seed) if context.seed is not None else {})
        self._victim = victim
        self._runs = 0
        self._first = self._collected(marker)
        if victim not in self._first.ids:
            near = difflib.get_close_matches(victim, self._first.ids, n=1)
            fix = f"perhaps you meant {near[0]}" if near else "name it as the report does: tests/test_a.py::test_x"
            raise UnknownName(f"the stage {context.stage} has no test {victim!r}", where="TEST", fix=fix)
        self._before = tuple(self._first.ids[: self._first.ids.index(victim)])

    def run(self) -> Bisection:
        """Replay, halve and prove.

        Raises:
            ToolFailed: a part of the tests could not be run to its end, in the order that was asked.
            TimedOut: a test hangs.
        """
        self._say(f"{len(self._before):,} tests before {self._victim} ({self._order()})")
        if self._fails_after(()):
            alone = self._plain()
            return self._result(Found.ALONE if alone else Found.IMPORTS, fails=self._command() if alone else "")
        if not self._before or not self._fails_after(self._before):
            return self._result(Found.NOT_REPLAYED)
        halves = halve(self._before, self._fails_after)
        if not halves.seen and not self._fails_after((halves.suspect,)):
            return self._result(Found.SEVERAL, narrowest=halves.narrowest)
        if self._plain() or not self._plain(halves.suspect):
            # It needs the other modules too, or it failed by chance: nothing that a command of two names proves.
            return self._result(Found.UNPROVED, narrowest=(halves.suspect,))
        return self._result(
            Found.POLLUTER,
            polluter=halves.suspect,
            narrowest=(halves.suspect,),
            fails=self._command(halves.suspect),
            passes=self._command(),
        )

    def _collected(self, marker: str) -> Session:
        options = self._context.options
        words = ["--collect-only", "-q", "-m", marker, *self._pytest.serial, *options.args, *options.tests]
        done = self._pytest.run(words, suffix="-order")
        session = self._pytest.session("-order")
        if done.exit_code != 0 or session is None or not session.finished:
            raise ToolFailed(
                "the tests could not be collected",
                where=str(self._context.out / "pytest.log"),
                why=f"pytest ended with {done.exit_code}",
                fix="fix the errors of collection first",
            )
        return session

    def _fails_after(self, tests: Sequence[str]) -> bool:
        """Return whether the victim fails after some tests, all modules collected."""
        wanted = [*tests, self._victim]
        only = self._pytest.only(wanted, name=f"only-{self._runs + 1}.json", ordered=True)
        words = [*self._pytest.again(self._first), *self._context.options.tests, "--maxfail=0"]
        fails = self._judged(words, only, wanted)
        self._say(f"{'fails ' if fails else 'passes'} after {len(tests):,} of them")
        return fails

    def _plain(self, *tests: str) -> bool:
        """Return whether the victim fails by the very command that anybody can repeat."""
        fails = self._judged(self._words(*tests), {"TRUEGREEN_SEED": ""}, [*tests, self._victim])
        self._say(f"{'fails ' if fails else 'passes'}: {self._command(*tests)}")
        return fails

    def _judged(self, words: Sequence[str], env: dict[str, str], wanted: list[str]) -> bool:
        self._runs += 1
        suffix = f"-{self._runs}"
        # The list of tests asks for the counts as well; without one the changed files do, of which there are none.
        counts = {"TRUEGREEN_CHANGED": os.devnull}
        done = self._pytest.run(words, suffix=suffix, env={**counts, **env})
        session = self._pytest.session(suffix)
        complete = session is not None and session.whole and session.exit_code == done.exit_code
        if session is None or not complete or session.ids != wanted or self._victim in session.skipped_tests:
            raise ToolFailed(
                f"run {self._runs} is not what was asked for, so it proves nothing",
                where=str(self._context.out / "pytest.log"),
                why=self._strange(session, wanted, done.exit_code),
                fix="run it without what reorders or ends tests, or look into the log",
            )
        return self._victim in session.bad

    def _strange(self, session: Session | None, wanted: list[str], code: int | None) -> str:
        if session is None or not session.whole:
            return f"pytest ended with {code}, and not every test came to its end"
        if sorted(session.ids) != sorted(wanted):
            return f"{len(session.ids):,} tests were selected of {len(wanted):,}"
        return "the victim was skipped" if session.ids == wanted else "the project puts the tests in another order"

    def _words(self, *tests: str) -> list[str]:
        """Return pytest's arguments for some tests and the victim, in the order of the command line."""
        root = os.path.relpath(self._first.rootdir, self._context.root)
        names = [test if root == "." else f"{root}/{test}" for test in (*tests, self._victim)]
        place = [] if root == "." else [f"--rootdir={root}"]
        ini = ["-c", self._first.inifile] if place and self._first.inifile else []
        still = [word.format(seed=self._first.seed) for word in _STILL.get(self._first.order, [])]
        return [
            "-m",
            "",
            *self._pytest.serial,
            *self._context.options.args,
            *still,
            *place,
            *ini,
            "--maxfail=0",
            *names,
        ]

    def _command(self, *tests: str) -> str:
        """Return what repeats a run of the victim at a desk."""
        hashes = self._pytest.env.get("PYTHONHASHSEED", "")
        seed = f"PYTHONHASHSEED={hashes} " if hashes else ""
        return seed + shlex.join([str(self._pytest.python.python), "-m", "pytest", *self._words(*tests)])

    def _order(self) -> str:
        return f"{self._first.order}, seed {self._first.seed}" if self._first.seed else self._first.order

    def _say(self, text: str) -> None:
        self._context.console.line(f"bisect: {text}")

    def _result(
        self,
        found: Found,
        *,
        polluter: str = "",
        narrowest: tuple[str, ...] = (),
        fails: str = "",
        passes: str = "",
    ) -> Bisection:
        return Bisection(
            found=found,
            victim=self._victim,
            polluter=polluter,
            before=len(self._before),
            narrowest=narrowest,
            order=self._first.order,
            seed=self._first.seed,
            runs=self._runs,
            fails=fails,
            passes=passes,
        )
