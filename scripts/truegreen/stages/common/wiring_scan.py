"""Optional dependencies that no call site supplies, found in the project's sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis import unwired
from truegreen.errors import TruegreenError
from truegreen.model.wiring import Supply, WiringScan
from truegreen.runtime import files
from truegreen.stages.common import scan_sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truegreen.stages.common.context import StageContext

FILE = "wiring.json"
_LIMIT_BYTES = 4 << 20


def scan(context: scan_sources.Place, exclude: Sequence[str]) -> WiringScan:
    """Return what the sources say about optional dependencies; nothing of the project is run.

    Args:
        context: the project, such as the context of a stage.
        exclude: patterns of files that are left out; what tests supply, the application does not have.
    """
    texts, unread = {}, []
    for name in scan_sources.find(context, ["."], exclude, (".py",)).files:
        try:
            texts[name] = files.read_limited(context.root / name, _LIMIT_BYTES).decode("utf-8-sig")
        except (TruegreenError, OSError, UnicodeDecodeError) as error:
            unread.append(f"{name}: {error}")
    found = unwired.scan(texts)
    return msgspec.structs.replace(found, unread=(*found.unread, *unread))


def leave(context: StageContext, exclude: Sequence[str]) -> str:
    """Write `wiring.json`, and return a line about it."""
    found = scan(context, exclude)
    files.write_atomic(context.out / FILE, msgspec.json.format(msgspec.json.encode(found), indent=1))
    never = len(found.having(Supply.NEVER))
    return f"optional dependencies: {len(found.dependencies)}, supplied by nobody: {never} (sources: {found.files})"
