"""`truegreen wiring --write-tests`: what the last walk saw, as tests that people read and keep."""

from __future__ import annotations

import ast
import hashlib
import keyword
import re
from typing import TYPE_CHECKING, NamedTuple

from truegreen.analysis import syntax
from truegreen.errors import EvidenceMissing
from truegreen.model.wiring import RootKind
from truegreen.runtime import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from truegreen.model.wiring import Root, Walk, WiringScan

NAME = "test_factories_are_wired.py"
_LIMIT_BYTES = 4 << 20
_ROOT = re.compile(r"(?P<module>[A-Za-z_][\w.]*):(?P<attribute>[A-Za-z_]\w*)", re.ASCII)
_PATH = re.compile(r"[A-Za-z_]\w*(?P<below>(\.[A-Za-z_]\w*)+)", re.ASCII)
_SEAL = "# truegreen: "
_HEAD = '''\
"""Each factory builds what it promises: what `truegreen run wiring` saw, as tests.

Written by `truegreen wiring --write-tests`, and written anew by it while nobody changes a line.
"""

import pytest

pytestmark = pytest.mark.wiring
'''


class Written(NamedTuple):
    """What became of the file."""

    path: Path
    action: str
    """`written`, `is current`, or why it is left alone."""
    tests: int
    left: tuple[str, ...]
    """Roots without a test, each with the reason."""


def write(root: Path, scan: WiringScan) -> Written:
    """Write the tests, unless somebody changed them.

    Args:
        root: the project's folder.
        scan: what the last run of the stage saw.

    Raises:
        EvidenceMissing: nothing was walked on these sources.
        FileUnusable: the file cannot be written.
    """
    if not scan.walks:
        raise EvidenceMissing(
            "no factory was walked on these sources", where=str(root), fix="run `truegreen run wiring` first"
        )
    roots = {one.name: one for one in scan.roots}
    texts, left = [], []
    for walk in scan.walks:
        text, why = _test(root, roots[walk.root], walk)
        if text:
            texts.append(text)
        else:
            left.append(f"{walk.root}: {why}")
    folder = root / ("test" if (root / "test").is_dir() and not (root / "tests").is_dir() else "tests") / "wiring"
    body = "\n\n".join([_HEAD, *texts])
    path = folder / NAME
    action = _written(path, f"{_SEAL}{_digest(body)}\n{body}")
    return Written(path, action, len(texts), tuple(left))


def _written(path: Path, text: str) -> str:
    if path.is_file():
        old = files.read_limited(path, _LIMIT_BYTES).decode("utf-8", "replace")
        if old == text:
            return "is current"
        seal, _, body = old.partition("\n")
        if seal != f"{_SEAL}{_digest(body)}":
            return "was changed by somebody, and is left alone; delete it to have it written anew"
    files.write_atomic(path, text)
    return "written"


def _test(folder: Path, root: Root, walk: Walk) -> tuple[str, str]:
    """Return the test of one root; empty with the reason where there is none to be read."""
    named = _ROOT.fullmatch(root.name)
    if named is None or any(map(keyword.iskeyword, re.split(r"[.:]", root.name))):
        return "", "its name is none that Python could import"
    module, attribute = named["module"], named["attribute"]
    parameters, why = _call(folder, root, attribute)
    checks = [] if why else list(_checks(walk))
    if why or walk.error or not checks:
        return "", why or walk.error or "nothing below it has a plain path"
    given = ", ".join(f"{name}={name}" for name in parameters)
    built = attribute if root.kind is RootKind.OBJECT else f"{attribute}({given})"
    name = re.sub(r"\W", "_", f"{module}_{attribute}", flags=re.ASCII)
    lines = [f"def test_{name}({', '.join(parameters)}):", f"    from {module} import {attribute}", ""]
    return "\n".join([*lines, f"    built = {built}", *checks, ""]), ""


def _checks(walk: Walk) -> Iterator[str]:
    for name, holds, path in walk.held:
        plain = _PATH.fullmatch(path)
        if plain is None or holds == "None" or any(map(keyword.iskeyword, path.split("."))):
            continue
        what = f"  # {name}" if re.fullmatch(r"[\w.]+", name) else ""
        yield f"    assert type(built{plain['below']}).__name__ == {holds!r}{what}"


def _call(folder: Path, root: Root, attribute: str) -> tuple[list[str], str]:
    """Return the arguments that a plain call needs, which fixtures give, and why it is no plain call."""
    if root.kind is RootKind.OBJECT:
        return [], ""
    if root.kind is not RootKind.FACTORY or root.place is None:
        return [], "it is not called"
    try:
        text = files.read_limited(folder / root.place.path, _LIMIT_BYTES).decode("utf-8-sig")
        tree = syntax.parsed(text, root.place.path)
    except syntax.UNREADABLE:
        return [], "its source cannot be read"
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == attribute]
    if not found or any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(found[-1])):
        return [], "it is no plain function"
    args = found[-1].args
    plain = [*args.posonlyargs, *args.args]
    needed = plain[: len(plain) - len(args.defaults)]
    needed += [arg for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True) if default is None]
    framework = any(isinstance(node, ast.Call) for default in args.defaults for node in ast.walk(default))
    if framework or args.posonlyargs or any(arg.annotation and "Depends" in ast.dump(arg.annotation) for arg in needed):
        return [], "a framework gives it its arguments"
    return [arg.arg for arg in needed], ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
