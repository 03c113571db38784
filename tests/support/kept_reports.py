"""What a store keeps of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support import reports
from tests.support.evidence import run as evidence

from truegreen.analysis import results

if TYPE_CHECKING:
    from truegreen.model.results import RunResults


def report(*given: Any, **more: Any) -> RunResults:
    """Return what is kept of a report and of evidence of all stages."""
    return results.of(reports.report(*given, **more), evidence())
