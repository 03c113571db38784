"""Archives that other runs left, fetched within limits; the token never goes where they lie."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from truegreen.errors import EvidenceMissing, EvidenceUnreadable, ForgeUnreachable
from truegreen.forge.artifacts import PERMISSION
from truegreen.runtime import files, http

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.app.shell import Shell
    from truegreen.forge.artifacts import Upload
    from truegreen.forge.github import GithubForge

_TRIES = 3
_PAUSE_S = 2.0
_GIVEN = range(200, 300)
_GONE = (404, 410)


@contextmanager
def fetched(shell: Shell, forge: GithubForge, upload: Upload, limit_bytes: int) -> Iterator[Path]:
    """Yield an archive as a file that is gone afterwards.

    Raises:
        EvidenceMissing: it is gone.
        EvidenceUnreadable: it is larger than the limit, or not what was uploaded.
        ForgeRefused: the forge does not hand it out.
        ForgeUnreachable: it could not be fetched.
    """
    where = f"artifact {upload.id} of run {upload.run_id}"
    if upload.size_bytes > limit_bytes:
        why = f"it has {upload.size_bytes:,} bytes, the limit is {limit_bytes:,}"
        raise EvidenceUnreadable("an artifact is too large", where=where, why=why)
    with tempfile.TemporaryDirectory(prefix="truegreen-artifact-") as folder:
        archive = Path(folder) / "artifact.zip"
        _fetch(shell, forge, upload.id, archive, limit_bytes)
        verify(archive, upload.sha256, "an artifact", where)
        yield archive


def verify(archive: Path, sha256: str, what: str, where: str) -> None:
    """Refuse an archive that is not what was uploaded; without a digest nothing is known.

    Raises:
        EvidenceUnreadable: its digest is another.
    """
    if sha256 and files.sha256(archive) != sha256:
        raise EvidenceUnreadable(f"{what} is not the one that was uploaded", where=where, why="its digest differs")


def _fetch(shell: Shell, forge: GithubForge, number: int, archive: Path, limit_bytes: int) -> None:
    where, failure = f"artifact {number}", ""
    for tries in range(_TRIES):
        shell.clock.sleep(_PAUSE_S * tries)
        place = forge.place_of(f"/actions/artifacts/{number}/zip", PERMISSION)  # anew: an address holds for a minute
        answer = http.fetch(place, archive, limit_bytes=limit_bytes, clock=shell.clock)
        if answer.ok:
            return
        if answer.status in _GONE:
            raise EvidenceMissing("an artifact is gone", where=where, why=answer.failure)
        if answer.status in _GIVEN and archive.stat().st_size > limit_bytes:
            raise EvidenceUnreadable("an artifact is too large", where=where, why=answer.failure)
        failure = answer.failure
    fix = "start the job again"
    raise ForgeUnreachable("an artifact could not be fetched", where=where, why=failure, fix=fix)
