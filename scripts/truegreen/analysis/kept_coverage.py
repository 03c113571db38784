"""Line coverage in the form in which the history keeps it: two hexadecimal bit sets a file."""

from __future__ import annotations

from typing import Annotated

import msgspec

from truegreen.model.coverage import Coverage, FileCoverage

PART = "coverage"
"""Name of the part of a run that holds it."""
_Bits = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]+$")]


def packed(coverage: Coverage) -> bytes:
    """Return the lines of each file; branches are not kept."""
    return msgspec.json.encode({file.path: (f"{file.covered:x}", f"{file.missing:x}") for file in coverage.files})


def unpacked(data: bytes) -> Coverage:
    """Return what `packed` was given.

    Raises:
        ValueError: it is something else.
    """
    try:
        found = msgspec.json.decode(data, type=dict[str, tuple[_Bits, _Bits]])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None
    return Coverage(
        files=tuple(
            FileCoverage(path=path, covered=int(covered, 16), missing=int(missing, 16))
            for path, (covered, missing) in found.items()
        )
    )
