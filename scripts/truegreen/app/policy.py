"""What a project decided beside its thresholds: its waivers, its quarantine and its requirements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.config import quarantine, requirements, waivers
from truegreen.model.quarantine import Quarantined
from truegreen.model.requirement import Requirement
from truegreen.model.waiver import Waiver

if TYPE_CHECKING:
    from truegreen.config.settings import Settings


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The files of rows of one project."""

    waivers: tuple[Waiver, ...] = ()
    quarantine: tuple[Quarantined, ...] = ()
    requirements: tuple[Requirement, ...] | None = None
    """None when the project keeps no registry."""


def load(settings: Settings) -> Policy:
    """Return the policy; ask before a run too, so that a mistake is told before minutes are spent.

    Raises:
        ConfigurationError: a file cannot be read, or a row cannot be honoured; names file and line.
    """
    return Policy(
        waivers=waivers.load(settings),
        quarantine=quarantine.load(settings),
        requirements=requirements.load(settings),
    )
