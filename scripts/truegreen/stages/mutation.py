"""The mutation stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.stages import common
from truegreen.stages.common.options import StageOptions

if TYPE_CHECKING:
    from truegreen.stages.common.context import StageContext, StageOutcome

_TESTS = ("tests/*", "test/*", "*/tests/*", "*/test/*", "test_*.py", "*/test_*.py", "*_test.py", "conftest.py",
          "*/conftest.py", "setup.py", "noxfile.py", "docs/*")  # fmt: skip


class MutationOptions(StageOptions, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.truegreen.mutation]`."""

    base: str = ""
    """Revision the change is compared with; empty takes the pull request's base, else `origin`'s default branch."""
    max_minutes: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    """Time for all mutants, the tests before them not counted; what is not tried by then is counted."""
    per_line: Annotated[int, msgspec.Meta(ge=1)] = 4
    """Most mutants of one line; those of different kinds come first."""
    tests: list[str] = msgspec.field(default_factory=list)
    """Paths handed to pytest; empty means the project's own `testpaths`."""
    marker: str = ""
    """Marker expression; empty takes the tests of the unit stage."""
    args: list[str] = msgspec.field(default_factory=list)
    """More arguments for pytest."""
    exclude: list[str] = msgspec.field(default_factory=lambda: list(_TESTS))
    """Patterns of files that are not mutated (`*` also matches `/`); by default the tests."""


class Mutation:
    """Plants small faults in changed lines that tests run, one at a time, and lists those no test notices.

    It runs where it is asked for by name: `truegreen run mutation`, or the composite action `run` with
    `stage: mutation` in a job whose checkout has `fetch-depth: 0`. Nothing of the project is changed: the faults are
    planted in a copy, and coverage proves that the tests import the copy. Code with a fault may do what it never did:
    keep modules that delete files or call the outside world out by `exclude`.
    """

    name: ClassVar[str] = "mutation"
    title: ClassVar[str] = "Mutation"
    Options: ClassVar[type[MutationOptions]] = MutationOptions

    def run(self, context: StageContext) -> StageOutcome:
        """Find the changed lines, run the tests, and try the mutants until the time is over."""
        return common.mutants_run.run(context)
