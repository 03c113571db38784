"""Gate: whatever the application can do without, somebody supplies; and what its factories build is whole and real."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.gates.base import BaseGate, GateOptions, count, some
from truegreen.model.verdict import Fact, Item, Verdict
from truegreen.model.wiring import Ambient, Dependency, Flaw, Flawed, Supply, Unbuilt, Walk, WiringScan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence


class UnwiredOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.unwired]`."""

    optional: dict[str, str] = msgspec.field(default_factory=dict)
    """`Class.parameter` → why nobody has to supply it; a name that stands for nothing turns the gate red."""


class Unwired(BaseGate):
    """No class that the application builds goes without a dependency, and no stand-in takes a real one's place.

    **Proves**, from the sources and without running them, that for each optional dependency of a constructor
    (`repository: Repository | None = None`, kept as `self._repository`) at least one call site outside the tests
    hands something over, or something sets it later. A dependency that nobody supplies turns the stage red where a
    method asks for it and goes on without (`if self._repository:`): whatever needed it silently does not happen, and
    tests that build the class by themselves cannot notice. Where no method asks, its use fails loudly: it is
    listed, and turns nothing red. The same holds for variables of modules and attributes of `app.state` that are None
    and that nothing ever sets: red where a function that answers a request passes over them, listed elsewhere.

    **Proves, by the walk,** that each root of the application (`factories` of the stage, and what is found) builds
    objects whose dependencies are there and real: None where a dependency is required, passed over in silence when it
    is missing, or used without a check, and mocks, fakes and classes of the tests turn the stage red. One call site
    that supplies a dependency does not excuse the factory that forgot it. See [Wiring](wiring.md).

    **What it knows**: imports and aliases, keywords and positions, `super().__init__`, classes that inherit a
    constructor, `functools.partial`, providers of dependency-injector, class methods that build their own class,
    functions and constructors that hand on a parameter of their own; local variables and properties by which a method
    asks, and methods of the classes above and below. Values (`str`, `int`, enums, dataclasses that do nothing) are no
    dependencies. What it cannot follow (`**options`, a class handed to somebody who may build it) is not counted as
    missing.

    **Blind when** no source was found, a source file could not be read (its call sites are unknown), or a root was
    not walked. A root that could not be imported or called is red.

    **Another test runner** (`truegreen ingest`) looks at no sources, and is not asked.

    **Options**: `optional`: dependencies that really are optional, or may be stand-ins, each with its reason.

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
        """Judge who supplies what, and what was built."""
        scan = evidence.of(stage).wiring
        if scan is None or not scan.files:
            return self.blind(
                stage, "no source was looked at", remedy="run `truegreen run wiring` in the project's folder"
            )
        facts = _facts(scan)
        if scan.unread:
            return self.blind(
                stage,
                f"{count(len(scan.unread), 'source file')} could not be read: {some(list(scan.unread), 2)}",
                remedy="mend the file, or name it in `exclude` of [tool.truegreen.wiring] when it is no source",
                facts=facts,
            )
        if names := _strange(scan, policy):
            what, remedy = names
            return self.failed(stage, what, remedy=remedy, facts=facts)
        never = [one for one in scan.having(Supply.NEVER) if _name(one) not in policy.optional]
        found = [(walk, one) for walk in scan.walks for one in walk.flawed if one.name not in policy.optional]
        omitting = [one for one in scan.unbuilt if not policy.optional.keys() >= {*one.omits}]
        around = [one for one in scan.ambient if one.name not in policy.optional]
        items = (
            *_of_walks(scan, found),
            *_of_sources(never),
            *_of_ambient(around),
            *_of_unbuilt(omitting),
            *_of_unfollowed(scan),
        )
        if red := _red(scan, never, found) or _never_set(around) or _left_out(omitting):
            what, remedy = red
            return self.failed(stage, what, remedy=remedy, facts=facts, items=items)
        walked = {walk.root for walk in scan.walks}
        if missed := [root.name for root in scan.roots if root.name not in walked]:
            return self.blind(
                stage,
                f"{count(len(missed), 'root')} not walked: {some(missed, 3)}",
                remedy="run `truegreen run wiring` to its end; .truegreen/wiring/pytest.log says where it stopped",
                facts=facts,
                items=items,
            )
        return self.passed(stage, _told(scan, never, omitting), facts=facts, items=items)


def _strange(scan: WiringScan, policy: UnwiredOptions) -> tuple[str, str] | None:
    """Return what the configuration names that is not there, and how that is mended."""
    if scan.stray:
        return (
            f"`leave-out` names what is no root: {some(list(scan.stray))}",
            "take the name out of [tool.truegreen.wiring.leave-out], or correct it",
        )
    known = {_name(one) for one in scan.dependencies}
    known |= {one.name for one in scan.unfollowed} | {one.name for one in scan.ambient}
    known |= {name for walk in scan.walks for name, *_ in walk.held}
    known |= {one.name for walk in scan.walks for one in walk.flawed}
    whole = all(not walk.error for walk in scan.walks) and len(scan.walks) == len(scan.roots)
    unknown = sorted(name for name in policy.optional if name not in known)
    if unknown and whole:  # a walk that did not end may have seen it
        return (
            f"`optional` names what is no optional dependency: {some(unknown)}",
            "take the name out of [tool.truegreen.gates.unwired.optional], or correct it",
        )
    return None


def _red(scan: WiringScan, never: list[Dependency], found: list[tuple[Walk, Flawed]]) -> tuple[str, str] | None:
    """Return what turns the gate red first, and how that is mended."""
    if broken := [walk for walk in scan.walks if walk.error]:
        first = broken[0]
        more = f" and {len(broken) - 1:,} more" if len(broken) > 1 else ""
        return f"{first.root} could not be built{more}: {first.error}", first.remedy
    if wrong := [(walk, one) for walk, one in found if one.red]:
        walk, one = wrong[0]
        more = f" and {len(wrong) - 1:,} more" if len(wrong) > 1 else ""
        where = f" at {one.place}" if one.place else ""
        remedy = f"hand a real one over in {walk.root}, or say in `optional` why {one.name} may be without"
        return f"{one.path} is {one.holds}{more}; {one.declared or 'a real one'} is declared{where}", remedy
    if silent := [one for one in never if one.guards]:
        one_of = silent[0]
        more = f" and {len(silent) - 1:,} more" if len(silent) > 1 else ""
        return (
            f"nobody supplies {_name(one_of)}{more}: what needs it is passed over in silence",
            f"hand it over at {one_of.calls[0]}, make the parameter required, or say why in `optional`",
        )
    return None


def _never_set(around: list[Ambient]) -> tuple[str, str] | None:
    """Return which part that an application's requests ask for is None for ever."""
    wrong = [one for one in around if one.handled]
    if not wrong:
        return None
    more = f" and {len(wrong) - 1:,} more" if len(wrong) > 1 else ""
    return (
        f"nothing ever sets {wrong[0].name}{more}: what needs it is passed over in silence at {wrong[0].guards[0]}",
        f"set it where the application starts, or say why in `optional` ({wrong[0].place})",
    )


def _left_out(omitting: list[Unbuilt]) -> tuple[str, str] | None:
    """Return which factory that nobody could call leaves out what another call site supplies."""
    wrong = [one for one in omitting if one.factory]
    if not wrong:
        return None
    one = wrong[0]
    more = f" and {len(wrong) - 1:,} more" if len(wrong) > 1 else ""
    what = f"{one.name} leaves out {some([*one.omits], 2)}{more}: what needs it is passed over in silence"
    remedy = (
        f"hand it over at {one.place}; or name {one.name} in `factories`, so that it is built, with a fixture for each"
    )
    return (
        f"{what}, and no walk goes through it ({one.why})",
        f"{remedy} argument; or say in `optional` why {one.omits[0]} may be without",
    )


def _told(scan: WiringScan, never: list[Dependency], omitting: list[Unbuilt]) -> str:
    supplied, unknown = len(scan.having(Supply.SUPPLIED)), len(scan.having(Supply.UNKNOWN))
    reason = f"{supplied:,} of {count(len(scan.dependencies), 'optional dependency', 'optional dependencies')} supplied"
    reason += f", {unknown:,} not known" if unknown else ""
    loud, unused = sum(one.uses > 0 for one in never), sum(one.uses == 0 for one in never)
    reason += f"; {loud:,} without anybody who supplies it, used without a check" if loud else ""
    reason += f"; {unused:,} without anybody who supplies it, used by no method" if unused else ""
    advised = [one.name for one in omitting]  # the others were red
    reason += f"; left out in silence by {some(advised, 2)}, which no walk goes through" if advised else ""
    quiet = sum(not one.handled for one in scan.ambient)
    reason += f"; {quiet:,} None for ever, on no request's way" if quiet else ""
    reason += f"; {len(scan.unfollowed):,} not followed" if scan.unfollowed else ""
    other = {one.path for walk in scan.walks for one in walk.flawed if one.flaw is Flaw.WRONG and not one.red}
    reason += f"; {len(other):,} of another class than is declared" if other else ""
    held = sum(len(walk.held) for walk in scan.walks)
    walked = f"{count(len(scan.walks), 'root')} built, {count(held, 'dependency', 'dependencies')} seen there"
    return f"{reason}; {walked}" if scan.walks else reason


def _name(one: Dependency) -> str:
    return f"{one.owner}.{one.parameter}"


def _facts(scan: WiringScan) -> tuple[Fact, ...]:
    facts = [
        Fact(label="sources", value=f"{count(scan.files, 'file')}, {count(scan.classes, 'class', 'classes')}"),
        Fact(label="optional dependencies", value=f"{len(scan.dependencies):,}"),
        Fact(label="supplied by nobody", value=f"{len(scan.having(Supply.NEVER)):,}", wanted="0"),
        Fact(label="not known", value=f"{len(scan.having(Supply.UNKNOWN)):,}"),
    ]
    lost = [one.name for one in scan.unfollowed]
    facts += [Fact(label="not followed", value=f"{len(lost):,} ({some(lost, 2)})")] if lost else []
    facts += [Fact(label="None for ever", value=f"{len(scan.ambient):,}", wanted="0")] if scan.ambient else []
    telling = sorted(scan.unbuilt, key=lambda one: (not one.omits, not one.factory))
    unbuilt = [f"{one.name}: {one.why}" for one in telling]
    facts += [Fact(label="roots walked", value="0: nothing was built")] if not scan.roots else []
    facts += [Fact(label="not built", value=f"{len(unbuilt):,} ({some(unbuilt, 2)})")] if unbuilt else []
    if scan.roots:
        left = sum(len(walk.left) for walk in scan.walks)
        red = sum(one.red for walk in scan.walks for one in walk.flawed)
        facts += [
            Fact(label="roots walked", value=f"{len(scan.walks):,}", wanted=f"{len(scan.roots):,}"),
            Fact(label="dependencies seen", value=f"{sum(len(walk.held) for walk in scan.walks):,}"),
            Fact(label="missing or not real", value=f"{red:,}", wanted="0"),
        ]
        facts += [Fact(label="not looked at", value=f"{left:,}")] if left else []
        going = [f"{name} of {walk.root}" for walk in scan.walks for name in walk.threads]
        facts += [Fact(label="threads left running", value=f"{len(going):,} ({some(going, 2)})")] if going else []
    return tuple(facts)


def _of_walks(scan: WiringScan, found: list[tuple[Walk, Flawed]]) -> Iterator[Item]:
    places = {root.name: root.place for root in scan.roots}
    for walk in scan.walks:
        if walk.error:
            place = places.get(walk.root)
            path, line = (place.path, place.line) if place else ("", 0)
            yield Item(title=walk.root, message=walk.error, path=path, line=line, level="error")
    for walk, one in sorted(found, key=lambda pair: (not pair[1].red, pair[0].root)):
        word = "stands in for" if one.flaw is Flaw.STAND_IN else "where there should be"
        message = f"built by {walk.root}: {one.holds} {word} {one.declared or 'a real one'}"
        yield Item(
            title=f"{one.path} is {one.holds}",
            message=f"{message}; {one.why}" if one.why else message,
            path=one.place.path if one.place else "",
            line=one.place.line if one.place else 0,
            level="error" if one.red else "notice",
        )


def _of_sources(never: list[Dependency]) -> Iterator[Item]:
    for one in sorted(never, key=lambda one: (not one.guards, one.place)):
        calls = some([str(place) for place in one.calls])
        message = f"built without it at {calls}"
        if one.guards:
            message += f"; left out in silence at {some([str(place) for place in one.guards])}"
        yield Item(
            title=f"{_name(one)}: {one.kind}" if one.kind else _name(one),
            message=message,
            path=one.place.path,
            line=one.place.line,
            level="error" if one.guards else "notice",
        )


def _of_ambient(around: list[Ambient]) -> Iterator[Item]:
    for one in sorted(around, key=lambda one: not one.handled):
        yield Item(
            title=f"{one.name} is None",
            message=f"nothing sets it; passed over in silence at {some([str(place) for place in one.guards])}",
            path=one.place.path,
            line=one.place.line,
            level="error" if one.handled else "notice",
        )


def _of_unfollowed(scan: WiringScan) -> Iterator[Item]:
    for one in scan.unfollowed:
        yield Item(
            title=f"{one.name}: {one.kind}" if one.kind else one.name,
            message="its constructor does not keep it as `self.x`, so nobody can tell whether it is there",
            path=one.place.path,
            line=one.place.line,
            level="notice",
        )


def _of_unbuilt(omitting: list[Unbuilt]) -> Iterator[Item]:
    for one in sorted(omitting, key=lambda one: not one.factory):
        yield Item(
            title=f"{one.name} leaves out {some([*one.omits], 3)}",
            message=f"another call site supplies it, and no walk goes through this one: {one.why}",
            path=one.place.path,
            line=one.place.line,
            level="error" if one.factory else "notice",
        )
