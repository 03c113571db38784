"""What must not be in an image: files that look like secrets, and a context nobody filtered."""

from __future__ import annotations

import re
import tarfile
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from truegreen.errors import ToolFailed

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = re.compile(
    r"(?:id_(?:rsa|dsa|ecdsa|ed25519)|\.netrc|_netrc|\.pgpass|\.npmrc|\.pypirc|\.env(?:\..+)?|\.git-credentials|"
    r".+\.(?:pem|key|p12|pfx|jks|keystore)|credentials(?:\.json)?|\.htpasswd)",
    re.IGNORECASE,
)
_INNOCENT = re.compile(r"\.env\.(?:example|sample|template|dist)|.*\.pub", re.IGNORECASE)
_PLACES = (
    "etc/ssl/",
    "etc/pki/",
    "etc/ca-certificates/",
    "usr/share/",
    "usr/lib/ssl/",
    "usr/local/share/ca-certificates/",
)
"""Where the distribution keeps public certificates."""
_PACKAGES = re.compile(r"(?:^|/)(?:site|dist)-packages/")
_MEMBERS_MAX = 2_000_000
_MUST_IGNORE = (".git", ".env", "key.pem")


def files_in(archive: Path) -> tuple[str, ...]:
    """Return every file path in every layer of a docker archive, also those a later layer hides.

    Raises:
        ToolFailed: the archive cannot be read.
    """
    found: set[str] = set()
    try:
        with tarfile.open(archive) as outer:
            for member in outer:
                if not member.isfile() or not _is_layer(member.name):
                    continue
                stream = outer.extractfile(member)
                if stream is None:
                    continue
                try:
                    with tarfile.open(fileobj=stream, mode="r|*") as layer:
                        found.update(entry.name.removeprefix("./") for entry in layer if not entry.isdir())
                except tarfile.ReadError:
                    continue
                if len(found) > _MEMBERS_MAX:
                    raise ToolFailed(f"the image has more than {_MEMBERS_MAX:,} files", where=str(archive))
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ToolFailed("the image archive cannot be read", where=str(archive), why=str(error)) from None
    return tuple(sorted(found))


def secrets_in(paths: tuple[str, ...]) -> tuple[str, ...]:
    """Return those paths that look like secrets: keys, password files, `.env`."""
    return tuple(path for path in paths if _suspicious(path))


def dockerignore_gaps(root: Path, context: str, dockerfile: str) -> tuple[str, ...]:
    """Return what `.dockerignore` lets into the build context, one sentence each; empty is good."""
    folder = root / context
    own = root / f"{dockerfile}.dockerignore"
    path = own if own.is_file() else folder / ".dockerignore"
    if not path.is_file():
        return (f"there is no .dockerignore in {context}: .git, .env and keys enter the build context",)
    rules = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    rules = [rule for rule in rules if rule and not rule.startswith("#")]
    return tuple(
        f"{path.name} lets {name} into the build context" for name in _MUST_IGNORE if not _ignored(name, rules)
    )


def _suspicious(path: str) -> bool:
    name = PurePosixPath(path).name
    if not _NAMES.fullmatch(name) or _INNOCENT.fullmatch(name):
        return False
    if path.startswith(_PLACES):
        return False
    # Certificate bundles and test keys that a published package ships are no secret of this project.
    return not _PACKAGES.search(path)


def _is_layer(name: str) -> bool:
    return name.endswith((".tar", ".tar.gz", "/layer.tar")) or name.startswith("blobs/")


def _ignored(name: str, rules: list[str]) -> bool:
    """Return whether the last rule that matches excludes a file at the context's top."""
    ignored = False
    for rule in rules:
        exclude = not rule.startswith("!")
        pattern = rule.removeprefix("!").strip("/").removeprefix("**/")
        if fnmatch(name, pattern) or pattern in ("*", "**"):
            ignored = exclude
    return ignored
