"""The kept runs of a branch, taken one after the other: what they left red, and what people heard of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.model.history import Said
from truegreen.model.verdict import Status
from truegreen.notifiers.transition import WHOLE

if TYPE_CHECKING:
    from truegreen.model.history import PastRun
    from truegreen.model.verdict import Report

_RED = {status.value for status in Status if status.red}
_SILENT = (Said.NOTHING, Said.UNSURE)
_JUDGED = {status.value for status in Status if status is not Status.SKIPPED}


class _Taken(msgspec.Struct, frozen=True):
    """A run that was taken."""

    order: int
    """Its place among the runs as they began."""
    created: str
    said: Said
    colours: dict[str, bool]
    """Stages that it judged, or that its earlier attempts did and it was judged on: each with whether it is red."""


class Fold:
    """The runs of a branch, to be taken in the order in which they began."""

    def __init__(self) -> None:
        """Begin before the first run."""
        self.red: list[str] = []
        """Stages that the newest run of each left red."""
        self.judged: dict[str, str] = {}
        self.last = ""
        self.first: PastRun | None = None
        """The first red run since the branch was green."""
        self.red_runs = 0
        self._taken: list[_Taken] = []
        self._attempts: tuple[str, int, dict[str, bool]] = ("", 0, {})
        """Number of the last run, how many attempts of it are known, and what they left of its stages."""
        self._hidden: dict[str, set[str]] = {}
        """Red attempt of which an earlier one is not known -> stages of which it says something itself."""

    def take(self, run: PastRun, said: Said | None) -> None:
        """Take the next run, and what it said; None where that was not kept, as by an older version."""
        is_red = run.status in _RED
        colours = self._colours(run, is_red=is_red)
        if run.status not in _JUDGED:
            self._taken.append(_Taken(len(self._taken), run.created, said or Said.NOTHING, {}))
            return
        self.last = run.run
        self.judged |= dict.fromkeys(colours, run.run)
        before = self.red
        # A green run names every stage there is, the skipped ones too: what it does not name is no stage any more.
        named = {stage.stage for stage in run.stages}
        left = [stage for stage in before if stage not in colours and (stage in named or is_red)]
        self.red = [*left, *(stage for stage, red in colours.items() if red)]
        if is_red:
            self.first, self.red_runs = (self.first, self.red_runs + 1) if before else (run, 1)
        if said is None:
            said = Said.RED if self.red and not before else Said.GREEN if before and not self.red else Said.NOTHING
        self._taken.append(_Taken(len(self._taken), run.created, said, colours))

    def heard(self) -> tuple[bool, bool]:
        """Return whether the last that people heard is a red, and whether there was one since that nobody heard of.

        In the order in which the runs ended. A red that said nothing, as the run did not know of an end that people
        had heard of, is told by whichever run is told next.
        """
        heard: bool | None = None
        untold = False
        done: list[_Taken] = []
        for one in sorted(self._taken, key=lambda taken: taken.created):
            if one.said is Said.STILL_RED and heard is None:
                heard = True  # it knew that people had heard of a red, by a run that is kept no more
            elif one.said is Said.STILL_RED:
                untold = untold or (not heard and _counted(one, done))
            elif one.said not in _SILENT:
                heard, untold = one.said is not Said.GREEN, False
            done.append(one)
        return bool(heard), untold

    def left_red(self, report: Report) -> tuple[str, ...]:
        """Return the stages that are red before a report.

        Of an attempt of which an earlier one is not known it is not known which stages that left red: it may be any
        that the attempt says nothing of, and that was not judged since. Such a one is not repaired by being left out.
        """
        skipped = {stage.stage for stage in report.stages if stage.status is Status.SKIPPED}
        found = [
            stage
            for run, named in self._hidden.items()
            for stage in sorted(skipped - named)
            if self._order(self.judged.get(stage, "")) < self._order(run)
        ]
        red = [stage for stage in self.red if not (found and stage == WHOLE)]
        return tuple(dict.fromkeys([*red, *found]))

    def lost_track(self) -> bool:
        """Return whether a run that said nothing, since one was red or said something, did not know the one before it.

        That one may have said that the branch is green again, and is not known to this day.
        """
        telling = (one for one in reversed(self._taken) if one.said is not Said.NOTHING or any(one.colours.values()))
        newest = next(telling, None)
        return newest is not None and newest.said is Said.UNSURE

    def _colours(self, run: PastRun, *, is_red: bool) -> dict[str, bool]:
        """Return the stages that a run was judged on, each with whether it is red.

        Of an attempt the history keeps only what was run again: the rest is as the attempts before it left it.
        """
        number, attempt = run.run.split(".")
        _, known, left = self._attempts if self._attempts[0] == number else ("", 0, {})
        named = {stage.stage for stage in run.stages}
        own = {stage.stage: stage.status in _RED for stage in run.stages if stage.status in _JUDGED}
        carried = {stage: red and is_red for stage, red in left.items() if stage not in named}
        colours = {**carried, **own}
        if is_red and known + 1 < int(attempt):
            self._hidden[run.run] = named
        self._attempts = (number, known + 1, colours)
        return {**colours, WHOLE: is_red and not any(colours.values())}

    def _order(self, run: str) -> tuple[int, ...]:
        return tuple(map(int, run.split("."))) if run else ()


def _counted(run: _Taken, done: list[_Taken]) -> bool:
    """Return whether a stage is red in a run that no later one had judged when it ended."""
    later = {stage for one in done if one.order > run.order for stage in one.colours}
    return any(red and stage not in later for stage, red in run.colours.items())
