"""Workers of pytest-xdist that have a database each: the recorder makes them, their environment leads to them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

VARIABLE = "TRUEGREEN_WORKERS"
"""Set where the stage gives every worker a database."""
OWN = "TRUEGREEN_WORKER"
"""Name of the worker, in the environment of one that has a database."""


class Workers:
    """Asks for a database for each worker before it is started; registered in the process that starts them."""

    def __init__(self, tell: Callable[..., dict[str, Any]]) -> None:
        self._tell = tell

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_setupnodes(self, specs: Sequence[Any]) -> None:
        """Put the variables that lead to a worker's database into what it is started with."""
        for spec in specs:
            variables = self._tell(event="worker", worker=spec.id).get("answer")
            if variables:
                spec.env.update({**variables, OWN: spec.id})


def given() -> bool:
    """Return whether the stage gives every worker a database."""
    return bool(os.environ.get(VARIABLE))


def own(config: pytest.Config) -> str:
    """Return the name of this worker, where it has a database; one that takes a crashed one's place has none."""
    name = str(getattr(config, "workerinput", {}).get("workerid", ""))
    return name if name and name == os.environ.get(OWN) else ""
