"""What the project's sources say about wiring: what no call site supplies, and where an application is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from truegreen.analysis import ambient, roots, slots, unbuilt, unfollowed, unwired
from truegreen.errors import TruegreenError
from truegreen.model.wiring import Root, WiringScan
from truegreen.runtime import files
from truegreen.stages.common import scan_sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

_LIMIT_BYTES = 4 << 20


class WiringChoices(Protocol):
    """The options of the wiring stage that decide what is looked at."""

    @property
    def exclude(self) -> Sequence[str]:
        """Patterns of files that are left out."""
        ...

    @property
    def factories(self) -> Sequence[str]:
        """Declared roots."""
        ...

    @property
    def discover(self) -> bool:
        """Whether roots are looked for in the sources."""
        ...

    @property
    def leave_out(self) -> Mapping[str, str]:
        """Root → why it is not walked."""
        ...


class Read(NamedTuple):
    """What the sources say."""

    found: WiringScan
    slots: slots.Slots
    concrete: tuple[str, ...]
    """Names of the classes of which objects are made."""
    packages: tuple[str, ...]
    """Names under which the project's modules are imported, the first part of each."""


def read(context: scan_sources.Place, options: WiringChoices) -> Read:
    """Return what the sources say; nothing of the project is run.

    Args:
        context: the project, such as the context of a stage.
        options: which files are left out, and which roots are declared.
    """
    texts, unread = _texts(context, options.exclude)
    sources, broken = unwired.read(texts)
    project = unwired.Project(sources)
    found, parts = unwired.found(project, (*broken, *unread)), slots.of(project)
    chosen, left_out = _roots(project, parts, options)
    others = unbuilt.of(project, parts, chosen, found.dependencies)
    stray = tuple(sorted(options.leave_out.keys() - left_out - {one.name for one in others}))
    others = tuple(one for one in others if one.name not in options.leave_out)
    around = ambient.of(project, walked=bool(chosen))
    found = msgspec.structs.replace(found, unfollowed=unfollowed.of(project), ambient=around)
    return Read(
        msgspec.structs.replace(found, roots=chosen, stray=stray, unbuilt=others),
        parts,
        slots.concrete(project),
        tuple(sorted({roots.module(path).partition(".")[0] for path in texts})),
    )


def scan(context: scan_sources.Place, exclude: Sequence[str]) -> WiringScan:
    """Return what the sources say about optional dependencies; nothing of the project is run.

    Args:
        context: the project, such as the context of a stage.
        exclude: patterns of files that are left out; what tests supply, the application does not have.
    """
    texts, unread = _texts(context, exclude)
    sources, broken = unwired.read(texts)
    project = unwired.Project(sources)
    found = unwired.found(project, (*broken, *unread))
    return msgspec.structs.replace(found, unfollowed=unfollowed.of(project))


def _texts(context: scan_sources.Place, exclude: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    texts, unread = {}, []
    for name in scan_sources.find(context, ["."], exclude, (".py",)).files:
        try:
            texts[name] = files.read_limited(context.root / name, _LIMIT_BYTES).decode("utf-8-sig")
        except (TruegreenError, OSError, UnicodeDecodeError) as error:
            unread.append(f"{name}: {error}")
    return texts, unread


def _roots(
    project: unwired.Project, parts: slots.Slots, options: WiringChoices
) -> tuple[tuple[Root, ...], AbstractSet[str]]:
    """Return the roots that are walked, and the names of those that are left out."""
    found = {root.name: root for root in roots.of(project, parts)} if options.discover else {}
    for name in options.factories:
        known = found.get(name) or Root(name=name, place=roots.place(project, name))
        found[name] = msgspec.structs.replace(known, declared=True)
    chosen = tuple(found[name] for name in sorted(found) if name not in options.leave_out)
    return chosen, found.keys() & options.leave_out.keys()
