"""The contract of a gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import msgspec

if TYPE_CHECKING:
    from truegreen.model.run import History, RunEvidence
    from truegreen.model.verdict import Verdict

RUN = "run"
"""Pseudo-stage of gates that judge the whole run."""


class GateOptions(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Keys every gate has, below `[tool.truegreen.gates.<gate>]`; a gate extends this with its own."""

    enabled: bool = True
    """False removes the gate; the summary says so."""
    advisory: bool = False
    """True shows the verdict without turning anything red."""


class Gate(Protocol):
    """A pure function from evidence, policy and history to a verdict; its docstring is its page."""

    id: ClassVar[str]
    stages: ClassVar[frozenset[str]]
    """Stages it judges; `{RUN}` for the whole run."""
    needs: ClassVar[frozenset[str]]
    """Parts of StageEvidence it reads: `tests`, `sessions`, `coverage`, `scans`, `persistence`, `load`, `image`.

    The judge gives `blind` for a gate whose part is absent, or has a Problem, before it is asked.
    """
    Options: ClassVar[type[GateOptions]]

    def evaluate(self, evidence: RunEvidence, stage: str, policy: Any, history: History) -> Verdict:
        """Judge one stage. Never says pass about what was not seen."""
        ...
