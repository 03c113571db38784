"""`truegreen req`: the registry with what the last evidence says, and stubs for rows without a test."""

from __future__ import annotations

import ast
import json
import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen import registry
from truegreen.analysis import requirements as proving
from truegreen.app import evidence as loading
from truegreen.app import policy
from truegreen.app.shell import EVIDENCE
from truegreen.config import toml_rows
from truegreen.config.requirements import FILE
from truegreen.errors import TruegreenError, WrongValue
from truegreen.model.requirement import Proof, Requirement, State
from truegreen.model.run import RunEvidence
from truegreen.reporters.escape import plain
from truegreen.runtime import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings

_PRUNED = ("node_modules", "__pycache__", "build", "dist", "site-packages")
_SOURCE_LIMIT_BYTES = 4 << 20
_NAME_MAX = 60


class Stub(msgspec.Struct, frozen=True, kw_only=True):
    """One test that was written, or why none was."""

    id: str
    path: str
    """File relative to the project; where the row has a test already, that test's."""
    line: int
    written: bool


def rows(settings: Settings) -> tuple[Requirement, ...]:
    """Return the registry.

    Raises:
        WrongValue: the project keeps none.
    """
    found = policy.load(settings).requirements
    if found is None:
        fix = f"write rows into {FILE}; see docs/requirement-registry.md"
        raise WrongValue("the project has no requirement registry", where=str(settings.root), fix=fix)
    return found


def proofs(shell: Shell, settings: Settings, folder: Path | None = None) -> tuple[Proof, ...]:
    """Return every row with what the evidence in a folder (default `.truegreen`) says about it."""
    place = folder or settings.root / EVIDENCE
    stages = tuple(loading.load_all(place, settings.root)) if place.is_dir() else ()
    run = RunEvidence(
        stages=stages,
        planned=tuple(stage.stage for stage in stages),
        switched_off=tuple(settings.disabled()),
        today=shell.clock.now().date(),
    )
    return proving.proofs(rows(settings), run, settings.gates["requirements"].stages_of_types())


def stub(settings: Settings, ids: Iterable[str], *, missing: bool) -> tuple[Stub, ...]:
    """Write strict expected failures for rows without a test, below what their files hold already.

    Args:
        settings: of the project.
        ids: rows by id.
        missing: whether to add every row that no test in the project names.

    Raises:
        UnknownName: there is no such row.
        WrongValue: a file that would be added to is not Python.
        LinkedFolder: a folder on the way is a symbolic link.
    """
    known = {row.id: row for row in rows(settings)}
    wanted = list(ids)
    for name in wanted:
        toml_rows.refuse_unknown(name, known, toml_rows.Place(settings.project.requirements or FILE), "requirement")
    marked = dict(_marked(settings.root))
    wanted += [name for name in known if missing and name not in marked]
    done = []
    for name in dict.fromkeys(wanted):
        if name in marked:
            path, line = marked[name]
            done.append(Stub(id=name, path=path, line=line, written=False))
        else:
            done.append(_write(settings, known[name]))
    return tuple(done)


def _marked(root: Path) -> Iterator[tuple[str, tuple[str, int]]]:
    """Yield each requirement that a test source names, with file and line; sources that are not Python say nothing."""
    for path in _sources(root):
        try:
            text = files.read_limited(path, _SOURCE_LIMIT_BYTES).decode()
            tree = _parsed(text) if "req" in text else None
        except (TruegreenError, ValueError, SyntaxError, RecursionError, OSError):
            continue
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.Call) and re.fullmatch(r"(.*\.)?mark\.req", ast.unparse(node.func)):
                for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        yield argument.value, (path.relative_to(root).as_posix(), node.lineno)


def _parsed(text: str | bytes) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the project's own escapes, which are nobody's question here
        return ast.parse(text)


def _sources(root: Path) -> Iterator[Path]:
    """Yield the Python files of a project, environments and hidden folders left out."""
    for folder, names, found in os.walk(root):
        here = Path(folder)
        names[:] = sorted(
            n for n in names if not n.startswith(".") and n not in _PRUNED and not (here / n / "pyvenv.cfg").exists()
        )
        yield from (here / name for name in sorted(found) if name.endswith(".py"))


def _write(settings: Settings, row: Requirement) -> Stub:
    stage = settings.gates["requirements"].stages_of_types()[row.type][0]
    registry.load("stage", stage)
    options = settings.stages[stage]
    paths = [path for path in getattr(options, "tests", []) if not path.endswith(".py") and "::" not in path]
    folder = settings.root / (paths[0] if paths else f"tests/{stage}")
    path = folder / f"test_{stage.replace('-', '_')}_requirements.py"
    if not path.resolve().is_relative_to(settings.root.resolve()):
        raise WrongValue(f"{path} lies outside the project", where=f"{stage}.tests", fix="name a folder inside it")
    files.inside(settings.root, path)
    old = path.read_bytes() if path.is_file() else b""
    head = _head(old, path, stage)
    marker = (getattr(options, "marker", "") or stage) if stage != "unit" else ""
    text = f"{head}\n\n{_test(row, marker, _taken(old))}"
    files.write_atomic(path, old + text.encode())
    line = (old + head.encode()).count(b"\n") + 3
    return Stub(id=row.id, path=path.relative_to(settings.root).as_posix(), line=line, written=True)


def _head(old: bytes, path: Path, stage: str) -> str:
    """Return what stands between the old text and the new test."""
    if not old:
        return f'"""Requirements whose {stage} tests are not written yet."""\n\nimport pytest\n'
    try:
        tree = _parsed(old)
    except (SyntaxError, ValueError) as error:
        raise WrongValue(f"{path.name} is not Python", where=str(path), why=str(error), fix="mend the file") from None
    names = {alias.asname or alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    end = "" if old.endswith(b"\n") else "\n"
    return end if "pytest" in names else f"{end}\nimport pytest  # noqa: E402\n"


def _taken(old: bytes) -> set[str]:
    return {node.name for node in _parsed(old).body if isinstance(node, ast.FunctionDef)} if old else set()


def _test(row: Requirement, marker: str, taken: set[str]) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", f"{row.id} {row.text}".lower().encode("ascii", "ignore").decode()).strip("_")
    name = f"test_{name[:_NAME_MAX].rstrip('_')}"
    while name in taken:
        name = f"{name}_again"
    # Text of a person: it becomes a literal, whatever stands in it.
    plain = row.text.isprintable() and not set(row.text) & set('"\\')
    told = f'"""{row.text}"""' if plain else json.dumps(row.text)
    lines = [f"@pytest.mark.{marker}"] if marker.isidentifier() else []
    lines += [
        f"@pytest.mark.req({json.dumps(row.id)})",
        '@pytest.mark.xfail(strict=True, reason="not written yet")',
        f"def {name}():",
        f"    {told}",
        '    raise NotImplementedError("write this test, then take xfail away")',
    ]
    return "\n".join(lines) + "\n"


def in_words(proof: Proof) -> str:
    """Return one row of the table."""
    row = proof.requirement
    number = len(proof.tests)
    told = f": {proof.why}" if proof.why and proof.state is not State.NO_TEST else ""
    due = f" (due {row.due})" if row.due else ""
    return (
        f"{row.id:12}  {row.type:12}  {row.milestone or '-':8}  {proof.state.value:10}  "
        f"{number:3} test{'s' if number != 1 else ' '}  {plain(f'{row.text}{due}{told}')}"
    )
