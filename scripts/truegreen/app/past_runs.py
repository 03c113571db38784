"""Earlier runs, as the forge tells them: which may be kept, and which speak for the default branch."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from truegreen.app import ci_history
from truegreen.errors import ForgeRefused
from truegreen.forge import artifacts as uploaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from truegreen.forge.artifacts import PastWorkflowRun
    from truegreen.forge.event import Event
    from truegreen.forge.github import GithubForge

_MOST_ASKED = 300
"""Runs that are asked about one by one: a third of what all jobs of a repository may ask an hour."""
_MOST_PAGES = 10
"""Of the list of runs: GitHub gives no more than 1,000 of a branch."""


class PastRuns:
    """What the forge says of earlier runs, each asked about once.

    Those of the default branch are listed a page at a time, so that neither runs of other workflows nor those of pull
    requests, however many, keep them from being found.
    """

    def __init__(self, forge: GithubForge, event: Event, *, pull_requests: bool) -> None:
        """Ask the forge about the present run."""
        self._forge = forge
        self._default = event.default_branch
        self._pull_requests = pull_requests
        self.this = uploaded.past_run(forge, int(event.run_id))
        self._known: dict[int, PastWorkflowRun] = {self.this.id: self.this}
        self._pages: Iterator[tuple[PastWorkflowRun, ...]] = iter(())
        if self._default and self.this.workflow:
            self._pages = uploaded.runs_of(forge, self.this.workflow, self._default, _MOST_PAGES)
        self._oldest = self.this.id + 1
        self._read = 0
        self._ended = False
        self._asked = 0
        self._tip: Callable[[], str] = cache(lambda: uploaded.tip(forge, self._default))
        self._reached: Callable[[str], bool] = cache(self._reaches)

    def find(self, number: int, head_branch: str) -> PastWorkflowRun | None:
        """Return a run; None where too many were asked about already.

        Args:
            number: of the run.
            head_branch: of it, as the forge's list of artifacts says.

        Raises:
            ForgeRefused: the forge says no, or knows no such run.
            ForgeUnreachable: it cannot be reached, or keeps failing.
        """
        if head_branch == self._default:
            self._list_to(number)
        if number not in self._known:
            if self._asked == _MOST_ASKED:
                return None
            self._asked += 1
            self._known[number] = uploaded.past_run(self._forge, number)
        return self._known[number]

    def listed(self, number: int) -> PastWorkflowRun | None:
        """Return a run of this workflow whose head is called like the default branch; None for any other.

        Raises:
            ForgeRefused: the forge says no.
            ForgeUnreachable: it cannot be reached, or keeps failing.
        """
        self._list_to(number)
        beyond = not self.this.workflow or self._read > _MOST_PAGES
        if beyond and number < self._oldest:
            return self.find(number, self._default)
        return self._known.get(number)

    def keepable(self, run: PastWorkflowRun) -> bool:
        """Return whether others may be judged with what a run left: of this workflow, and by the rules of events."""
        of_pull = run.event.startswith("pull_request")
        # Of other events about pull requests the forge does not say in which repository their head lies.
        fork = True if run.from_fork else None if of_pull and run.event != "pull_request" else False
        return run.path == self.this.path and not ci_history.why_not(
            run.event, run.actor, of_pull=of_pull, fork=fork, pull_requests=self._pull_requests
        )

    def called_default(self, run: PastWorkflowRun) -> bool:
        """Return whether the head of a run is called like the default branch, and is of no pull request."""
        return bool(self._default) and run.head_branch == self._default and not run.event.startswith("pull_request")

    def of_default(self, run: PastWorkflowRun) -> bool:
        """Return whether a run is of the default branch, and not of a tag or commit that is called like it.

        Raises:
            ForgeRefused: the forge does not say where the branch is.
            ForgeUnreachable: it cannot be reached, or keeps failing.
        """
        return self.called_default(run) and self._reached(run.head_sha)

    def _reaches(self, sha: str) -> bool:
        newest = self._tip()
        try:
            return newest == sha or uploaded.reaches(self._forge, newest, sha)
        except ForgeRefused:  # a commit that is gone with the branch or tag it was of
            return False

    def _list_to(self, number: int) -> None:
        """Read the list, newest first, until it has come to a run."""
        while not self._ended and number not in self._known and number < self._oldest:
            page = next(self._pages, None)
            self._read += page is not None
            self._ended = not page
            for run in page or ():
                self._known[run.id] = run
                self._oldest = min(self._oldest, run.id)
