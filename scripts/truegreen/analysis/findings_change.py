"""Findings of scanners against a run of the base branch: which are new, and how many are gone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from truegreen.analysis.kept_findings import key_of
from truegreen.model.detail import FindingsChange, StageFindings
from truegreen.model.finding import RANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from truegreen.model.changes import Changes
    from truegreen.model.finding import Finding
    from truegreen.model.history import PastFindings
    from truegreen.model.run import StageEvidence

LISTED_MAX = 1_000
"""New findings of a stage that are listed, the worst first."""


def of(stages: Iterable[StageEvidence], past: Sequence[PastFindings], changes: Changes | None) -> FindingsChange | None:
    """Return what changed against the base commit, or else the newest run of its branch; None where none is known.

    Only tools that ran there and here are compared. A finding counts as gone only where its tool could read all it
    met; one in a file that was renamed is the same finding.

    Args:
        stages: of the run that is judged.
        past: of runs of the default branch, newest first.
        changes: what the change changes; None when there is none, or it is not known.
    """
    exact = next((run for run in past if changes is not None and run.commit == changes.base), None)
    base = exact or next(iter(past), None)
    if base is None:
        return None
    names = {file.old_path: file.path for file in changes.files if file.old_path} if changes else {}
    new: list[StageFindings] = []
    gone = there_too = 0
    for stage in stages:
        before = base.findings.get(stage.stage, {})
        fresh: list[Finding] = []
        for tool, keys in before.items():
            scans = [scan for scan in stage.scans if scan.tool == tool]
            found = sorted((one for scan in scans for one in scan.findings), key=lambda one: (one.path, one.line))
            known = _renamed(keys, names)
            more = _beyond(found, known)
            fresh += more
            there_too += len(found) - len(more)
            if scans and all(scan.scanned > 0 and not scan.unread for scan in scans):
                gone += sum(known.values()) - (len(found) - len(more))
        if fresh:
            fresh.sort(key=lambda one: (-RANK[one.severity], one.path, one.line, one.tool, one.rule))
            new.append(StageFindings(stage=stage.stage, total=len(fresh), findings=tuple(fresh[:LISTED_MAX])))
    return FindingsChange(base=base.commit, exact=exact is not None, new=tuple(new), there_too=there_too, gone=gone)


def _renamed(keys: Mapping[str, int], names: Mapping[str, str]) -> Counter[str]:
    """Return findings of the base under the names that their files have now."""
    found: Counter[str] = Counter()
    for key, number in keys.items():
        found[_named(key, names) if names else key] += number
    return found


def _named(key: str, names: Mapping[str, str]) -> str:
    """Return `tool:rule:path:digest` with the path as it is now; a rule and a path may hold colons too."""
    rest, _, digest = key.rpartition(":")
    head, colon, path = "", "", rest
    while path not in names and ":" in path:
        more, _, path = path.partition(":")
        head, colon = f"{head}{colon}{more}", ":"
    return f"{head}{colon}{names[path]}:{digest}" if path in names else key


def _beyond(found: Iterable[Finding], known: Counter[str]) -> list[Finding]:
    """Return the findings that are there more often than they were."""
    left = known.copy()
    more = []
    for finding in found:
        key = key_of(finding)
        if left[key] > 0:
            left[key] -= 1
        else:
            more.append(finding)
    return more
