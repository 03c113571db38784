"""The walk from the roots of an application: what the plugin is asked, and what it saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.model.wiring import Supply, Walk
from truegreen.runtime import files
from truegreen.stages.common import wiring_scan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.model.wiring import WiringScan
    from truegreen.stages.common.context import StageContext

FILE = "wiring.json"
_ASKED, _SEEN = "wiring-roots.json", "wiring-walks.jsonl"
_LIMIT_BYTES = 64 << 20


def prepare(context: StageContext) -> tuple[WiringScan, dict[str, str]]:
    """Look at the sources, write what is known, and return it with the variable that makes the plugin walk."""
    read = wiring_scan.read(context, context.options)
    _write(context, read.found)
    if not read.found.roots:
        return read.found, {}
    asked = {
        "root": str(context.root),
        "packages": read.packages,
        "classes": msgspec.to_builtins(read.slots),
        "concrete": read.concrete,
        "optional": context.optional,
        "limit_s": context.options.factory_timeout_s,
        "out": str(context.out / _SEEN),
        "roots": [
            {"name": root.name, "kind": root.kind, "path": root.place.path, "line": root.place.line}
            if root.place
            else {"name": root.name, "kind": root.kind}
            for root in read.found.roots
        ],
    }
    path = files.write_atomic(context.out / _ASKED, msgspec.json.encode(asked))
    return read.found, {"TRUEGREEN_WIRING": str(path)}


def leave(context: StageContext, found: WiringScan) -> str:
    """Write `wiring.json` with what the walks saw, and return a line about it."""
    names = {root.name for root in found.roots}
    walks = tuple(walk for walk in _walks(context) if walk.root in names)
    whole = msgspec.structs.replace(found, walks=walks)
    _write(context, whole)
    never = len(found.having(Supply.NEVER))
    note = f"optional dependencies: {len(found.dependencies)}, supplied by nobody: {never} (sources: {found.files})"
    held = sum(len(walk.held) for walk in walks)
    spent = sum(walk.walk_ms for walk in walks)
    return f"{note}; roots walked: {len(walks)}, dependencies seen there: {held} ({spent:.1f} ms)"


def _write(context: StageContext, found: WiringScan) -> None:
    files.write_atomic(context.out / FILE, msgspec.json.format(msgspec.json.encode(found), indent=1))


def _walks(context: StageContext) -> Iterable[Walk]:
    """Return one walk for each root; a line that cannot be read is one walk less, and so a root that was not seen."""
    path = context.out / _SEEN
    seen: dict[str, Walk] = {}
    lines = files.read_limited(path, _LIMIT_BYTES).splitlines() if path.is_file() else []
    for line in lines:
        try:
            walk = msgspec.json.decode(line, type=Walk)
        except msgspec.DecodeError:
            continue
        earlier = seen.get(walk.root)
        if earlier is not None:  # a rerun: what was wrong once stays wrong
            flawed = (*earlier.flawed, *(one for one in walk.flawed if one not in earlier.flawed))
            walk = msgspec.structs.replace(walk, flawed=flawed)
        seen[walk.root] = walk
    return [seen[name] for name in sorted(seen)]
