"""Stand-ins that the sources of a stage's tests use, kept as evidence."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis import fixtures
from truegreen.errors import TruegreenError
from truegreen.model.mocks import Rule
from truegreen.runtime import files

if TYPE_CHECKING:
    from truegreen.model.mocks import FakeScan
    from truegreen.stages.common.context import StageContext
    from truegreen.stages.common.pytest_process import Session

FILE = "fakes.json"
_LIMIT_BYTES = 4 << 20


def leave(context: StageContext, session: Session) -> None:
    """Write `fakes.json` about the tests of a session; nothing of the project is run."""
    found = scan(context.root, Path(session.rootdir or context.root), session.ids)
    if not context.services:  # then SQLite stands in for nothing
        uses = tuple(use for use in found.uses if use.rule is not Rule.SQLITE)
        found = msgspec.structs.replace(found, uses=uses)
    files.write_atomic(context.out / FILE, msgspec.json.encode(found))


def scan(project: Path, root: Path, tests: list[str]) -> FakeScan:
    """Return what tests use, by paths relative to the project.

    Args:
        project: the project's folder.
        root: folder that the tests' files are relative to, as pytest chose it.
        tests: node ids.
    """

    def read(path: str) -> str | None:
        file = root / path
        if not file.is_file():
            return None
        try:
            return files.read_limited(file, _LIMIT_BYTES).decode("utf-8-sig")
        except TruegreenError as error:
            raise ValueError(error.what) from None

    found = fixtures.scan(tests, read)
    inside = os.path.relpath(root, project)
    if inside == ".":
        return found
    uses = (msgspec.structs.replace(use, path=os.path.normpath(f"{inside}/{use.path}")) for use in found.uses)
    return msgspec.structs.replace(found, uses=tuple(uses))
