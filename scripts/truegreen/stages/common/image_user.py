"""Which number the user of an image has: its name is looked up as the container engine will."""

from __future__ import annotations

import re
import tarfile
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import ToolFailed

if TYPE_CHECKING:
    from pathlib import Path

_PASSWD = "etc/passwd"  # noqa: S105 - the name of a file
_HIDES = ("etc/.wh.passwd", "etc/.wh..wh..opq", ".wh.etc", ".wh..wh..opq")
"""What a layer holds when it removes the file that lower layers have."""
_LIMIT_BYTES = 4 << 20


class ImageUser(msgspec.Struct, frozen=True, kw_only=True):
    """The number of a user, or why it cannot be told."""

    uid: int | None = None
    problem: str = ""


class _Manifest(msgspec.Struct, rename="pascal"):
    layers: list[str]


def resolve(archive: Path, user: str) -> ImageUser:
    """Return the number that the configured user has in a docker archive; no user at all is root.

    Raises:
        ToolFailed: the archive cannot be read.
    """
    name = user.partition(":")[0]
    if not name.strip():
        return ImageUser(uid=0)
    if re.fullmatch(r"[+-]?\d+", name):
        return ImageUser(uid=int(name))
    try:
        with tarfile.open(archive) as outer:
            text = _last_passwd(outer)
    except (tarfile.TarError, OSError, EOFError, KeyError, msgspec.DecodeError) as error:
        raise ToolFailed("the image archive cannot be read", where=str(archive), why=str(error)) from None
    if text is None:
        return ImageUser(problem=f"the image has no readable /{_PASSWD} that names {name}")
    for line in text.splitlines():
        fields = line.strip().split(":")
        if fields[0] == name:
            return ImageUser(uid=_number(fields[2]) if len(fields) > 2 else 0)  # noqa: PLR2004 - name:password:uid
    return ImageUser(problem=f"/{_PASSWD} of the image does not name {name}")


def _number(text: str) -> int:
    """Return a uid; engines read what is no number as 0."""
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else 0


def _last_passwd(outer: tarfile.TarFile) -> str | None:
    """Return the file as the image shows it: that of the last layer which has or removes it."""
    manifest = outer.extractfile("manifest.json")
    images = msgspec.json.decode(manifest.read(_LIMIT_BYTES) if manifest else b"", type=list[_Manifest])
    shown = None
    for name in images[0].layers if images else []:
        stream = outer.extractfile(name)
        if stream is None:
            continue
        with tarfile.open(fileobj=stream, mode="r|*") as layer:
            shown = _after(layer, shown)
    return shown


def _after(layer: tarfile.TarFile, below: str | None) -> str | None:
    """Return the file after a layer; a link is nothing that can be followed from layer to layer."""
    shown = below
    for entry in layer:
        name = entry.name.removeprefix("./").removeprefix("/")
        if name in _HIDES:
            shown = shown if shown is not below else None
        elif name == _PASSWD:
            stream = layer.extractfile(entry) if entry.isreg() else None
            shown = stream.read(_LIMIT_BYTES).decode("utf-8", "replace") if stream else None
    return shown
