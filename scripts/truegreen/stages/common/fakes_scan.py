"""Stand-ins that the sources of a stage's tests use, kept as evidence."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis import fixtures
from truegreen.analysis.commits import TABLES
from truegreen.errors import TruegreenError
from truegreen.model.mocks import FakeUse, Rule
from truegreen.runtime import files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.model.mocks import FakeScan
    from truegreen.stages.common.context import StageContext
    from truegreen.stages.common.pytest_process import Session

FILE = "fakes.json"
_LIMIT_BYTES = 4 << 20
_DATABASE = re.compile(r"(^|_)(DATABASE|DB|SQLALCHEMY)(_\w+)?_(URL|URI|DSN)$")
"""Variables in which applications are told where their database is."""
_ENVIRONMENTS = ("pyproject.toml", ".env", ".env.test", "tox.ini", "setup.cfg")
"""Files that may set such a variable."""


def leave(context: StageContext, session: Session) -> None:
    """Write `fakes.json` about the tests of a session; nothing of the project is run."""
    found = scan(context.root, Path(session.rootdir or context.root), session.ids)
    if not context.services:  # then SQLite stands in for nothing
        uses = tuple(use for use in found.uses if use.rule is not Rule.SQLITE)
        found = msgspec.structs.replace(found, uses=uses)
    if session.ids and any(service.kind in TABLES for service in context.services):
        found = msgspec.structs.replace(found, uses=(*found.uses, *_chosen(context, session)))
    files.write_atomic(context.out / FILE, msgspec.json.encode(found))


def _chosen(context: StageContext, session: Session) -> Iterator[FakeUse]:
    """Yield the choices of SQLite that were in force for all tests: in Django's settings, in the environment."""
    config = [session.inifile] if session.inifile else []
    if session.sqlite.engine:
        yield _found(context.root, session.sqlite.engine, session.sqlite.engine, session.sqlite.files, session.ids)
    for name, value in sorted(session.sqlite.variables.items()):
        if _DATABASE.search(name) or any(name in service.exports for service in context.services):
            places = [*config, *(str(context.root / file) for file in _ENVIRONMENTS)]
            yield _found(context.root, f"{name}={value}", name, places, session.ids)


def _found(project: Path, what: str, word: str, places: list[str], tests: list[str]) -> FakeUse:
    """Return a choice with the last line of the first file that names it; where none does, the first file alone."""
    for place in places:
        with contextlib.suppress(TruegreenError, ValueError):
            lines = files.read_limited(Path(place), _LIMIT_BYTES).decode("utf-8-sig").splitlines()
            named = [number for number, line in enumerate(lines, 1) if word in line and "sqlite" in line.lower()]
            if named:
                path = os.path.relpath(place, project)
                return FakeUse(rule=Rule.SQLITE, what=what, path=path, line=named[-1], tests=tuple(tests))
    path = os.path.relpath(next(iter(places)), project) if places else "pyproject.toml"
    return FakeUse(rule=Rule.SQLITE, what=what, path=path, line=1, tests=tuple(tests))


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
