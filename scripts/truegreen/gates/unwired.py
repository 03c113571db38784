"""Gate: whatever the application can do without, somebody supplies."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.gates.base import BaseGate, GateOptions, count, some
from truegreen.model.verdict import Fact, Item, Verdict
from truegreen.model.wiring import Dependency, Supply, WiringScan

if TYPE_CHECKING:
    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence

_LISTED = 50


class UnwiredOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.unwired]`."""

    optional: dict[str, str] = msgspec.field(default_factory=dict)
    """`Class.parameter` → why nobody has to supply it; a name that stands for nothing turns the gate red."""


class Unwired(BaseGate):
    """No class that the application builds goes without a dependency it passes over in silence.

    **Proves**, from the sources and without running them, that for each optional dependency of a constructor
    (`repository: Repository | None = None`, kept as `self._repository`) at least one call site outside the tests
    hands something over, or something sets it later. A dependency that nobody supplies turns the stage red where a
    method asks for it and goes on without (`if self._repository:`): whatever needed it silently does not happen, and
    tests that build the class by themselves cannot notice. Where no method asks, its use fails loudly: it is
    listed, and turns nothing red.

    **What it knows**: imports and aliases, keywords and positions, `super().__init__`, classes that inherit a
    constructor, `functools.partial`, providers of dependency-injector, class methods that build their own class,
    functions and constructors that hand on a parameter of their own. Values (`str`, `int`, dataclasses, enums) are
    no dependencies. What it cannot follow (`**options`, a class handed to somebody who may build it) is not counted
    as missing.

    **Blind when** no source was found, or a source file could not be read: its call sites are unknown.

    **Another test runner** (`truegreen ingest`) looks at no sources, and is not asked.

    **Options**: `optional`: dependencies that really are optional, each with its reason.

    Example:
        [tool.truegreen.gates.unwired]
        optional = { "Mailer.archive" = "only the batch job keeps copies; decided in ADR 7" }
    """

    id: ClassVar[str] = "unwired"
    stages: ClassVar[frozenset[str]] = frozenset({"wiring"})
    needs: ClassVar[frozenset[str]] = frozenset({"wiring"})
    Options: ClassVar[type[GateOptions]] = UnwiredOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: UnwiredOptions) -> bool:  # noqa: ARG002
        """Return False only where another runner brought all results: nobody looked at sources there."""
        records = evidence.of(stage).records
        return not records or not all(record.ingested for record in records)

    def evaluate(self, evidence: RunEvidence, stage: str, policy: UnwiredOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge who supplies what."""
        scan = evidence.of(stage).wiring
        if scan is None or not scan.files:
            return self.blind(
                stage, "no source was looked at", remedy="run `truegreen run wiring` in the project's folder"
            )
        if scan.unread:
            return self.blind(
                stage,
                f"{count(len(scan.unread), 'source file')} could not be read: {some(list(scan.unread), 2)}",
                remedy="mend the file, or name it in `exclude` of [tool.truegreen.wiring] when it is no source",
                facts=_facts(scan),
            )
        never = scan.having(Supply.NEVER)
        names = {_name(one) for one in scan.dependencies}
        if unknown := sorted(name for name in policy.optional if name not in names):
            return self.failed(
                stage,
                f"`optional` names what is no optional dependency: {some(unknown)}",
                remedy="take the name out of [tool.truegreen.gates.unwired.optional], or correct it",
                facts=_facts(scan),
            )
        missing = [one for one in never if _name(one) not in policy.optional]
        silent = [one for one in missing if one.guards]
        items = tuple(_item(one) for one in sorted(missing, key=lambda one: (not one.guards, one.place))[:_LISTED])
        if silent:
            first = silent[0]
            more = f" and {len(silent) - 1:,} more" if len(silent) > 1 else ""
            return self.failed(
                stage,
                f"nobody supplies {_name(first)}{more}: what needs it is passed over in silence",
                remedy=f"hand it over at {first.calls[0]}, make the parameter required, or say why in `optional`",
                facts=_facts(scan),
                items=items,
            )
        return self.passed(stage, _told(scan, len(missing)), facts=_facts(scan), items=items)


def _told(scan: WiringScan, loud: int) -> str:
    supplied, unknown = len(scan.having(Supply.SUPPLIED)), len(scan.having(Supply.UNKNOWN))
    reason = f"{supplied:,} of {count(len(scan.dependencies), 'optional dependency', 'optional dependencies')} supplied"
    reason += f", {unknown:,} not known" if unknown else ""
    return reason + (f"; {loud:,} without anybody who supplies it, used without a check" if loud else "")


def _name(one: Dependency) -> str:
    return f"{one.owner}.{one.parameter}"


def _facts(scan: WiringScan) -> tuple[Fact, ...]:
    return (
        Fact(label="sources", value=f"{count(scan.files, 'file')}, {count(scan.classes, 'class', 'classes')}"),
        Fact(label="optional dependencies", value=f"{len(scan.dependencies):,}"),
        Fact(label="supplied by nobody", value=f"{len(scan.having(Supply.NEVER)):,}", wanted="0"),
        Fact(label="not known", value=f"{len(scan.having(Supply.UNKNOWN)):,}"),
    )


def _item(one: Dependency) -> Item:
    calls = some([str(place) for place in one.calls])
    if one.guards:
        message = f"built without it at {calls}; left out in silence at {some([str(place) for place in one.guards])}"
    else:
        message = f"built without it at {calls}"
    kind = f": {one.kind}" if one.kind else ""
    return Item(
        title=f"{_name(one)}{kind}",
        message=message,
        path=one.place.path,
        line=one.place.line,
        level="error" if one.guards else "notice",
    )
