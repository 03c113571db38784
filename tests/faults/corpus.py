"""The corpus: faults as they are declared in `corpus/*.toml`, and how one is planted."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EXAMPLES = ROOT / "examples"
_IGNORED = shutil.ignore_patterns(".venv", ".truegreen", "__pycache__", ".hypothesis", ".pytest_cache", ".coverage*")
_GIT = ("git", "-c", "user.name=faults", "-c", "user.email=faults@example.invalid")

Family = Literal[
    "wiring",
    "transaction",
    "wrong place",
    "cache only",
    "swallowed error",
    "stand-in",
    "partial write",
    "lost message",
    "duplicate delivery",
    "shutdown",
    "weak test",
    "worker",
    "stale read",
]


class NotApplicable(Exception):
    """A fault is not what its declaration says: the application moved on, or the declaration is wrong."""


class Edit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One replacement in one file, or a new file."""

    file: str
    find: str = ""
    """Text that must be there exactly once; empty makes a new file."""
    replace: str


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One seeded fault, and what must be said about it."""

    id: str
    family: Family
    title: str
    unit: str
    """Why the unit tests stay green."""
    stage: str = "persistence"
    """The stage that must turn red."""
    gate: str
    """The gate that must say so."""
    cause: str
    """Words of the gate's verdict or of one of its items that name the cause."""
    edits: tuple[Edit, ...] = ()
    patch: str = ""
    """Unified diff below examples/, instead of edits."""
    weak: bool = False
    """The persistence tests ask the application alone, as most suites do, instead of the database."""
    tests: tuple[str, ...] = ()
    """Paths of tests that the red stage runs; none means all."""
    mutants: tuple[str, ...] = ()
    """Mutants of `truegreen prove` that the stage `prove` tries."""
    app: str = ""

    @property
    def means(self) -> str:
        """What noticed it, in one word."""
        return _MEANS.get(self.gate, self.gate)

    @property
    def name(self) -> str:
        """The fault with its application."""
        return f"{self.app}/{self.id}"


_MEANS = {
    "persistence-evidence": "evidence",
    "no-mocks": "no-mocks",
    "no-failures": "real server",
    "unwired": "finder",
    "proof-survivors": "prove",
    "tests-ran": "counts",
    "stage-complete": "completeness",
}
"""Gate → what it is called in the table."""


def apps() -> tuple[str, ...]:
    """Return the applications that have faults."""
    return tuple(sorted(path.stem for path in (HERE / "corpus").glob("*.toml")))


def load(app: str) -> tuple[Fault, ...]:
    """Return the faults of an application.

    Raises:
        NotApplicable: a declaration is not complete, or two have one id.
    """
    path = HERE / "corpus" / f"{app}.toml"
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["faults"]
    try:
        faults = tuple(msgspec.convert({**row, "app": app}, Fault) for row in rows)
    except msgspec.ValidationError as error:
        raise NotApplicable(f"{path.name}: {error}") from None
    for fault in faults:
        if bool(fault.edits) == bool(fault.patch) and not (fault.weak and fault.family == "weak test"):
            raise NotApplicable(f"{fault.name} needs either edits or a patch")
    if len({fault.id for fault in faults}) != len(faults):
        raise NotApplicable(f"{path.name}: two faults have one id")
    return faults


def everything() -> tuple[Fault, ...]:
    """Return all faults."""
    return tuple(fault for app in apps() for fault in load(app))


def copy(app: str, target: Path, *, weak: bool = False) -> Path:
    """Copy an application, with its own tests or the weak ones, to a folder that is emptied before."""
    target.mkdir(parents=True, exist_ok=True)
    for path in target.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    shutil.copytree(EXAMPLES / app, target, ignore=_IGNORED, dirs_exist_ok=True)
    if weak:
        for path in (target / "tests" / "persistence").glob("test_*.py"):
            path.unlink()
        shutil.copytree(HERE / "weak" / app, target / "tests" / "persistence", dirs_exist_ok=True)
    return target


def plant(fault: Fault, project: Path) -> None:
    """Plant a fault in a copy of its application.

    Raises:
        NotApplicable: a text is not there exactly once, a new file exists, or the patch does not apply.
    """
    for edit in fault.edits:
        path = project / edit.file
        if not edit.find:
            if path.exists():
                raise NotApplicable(f"{fault.name}: {edit.file} is there already")
            path.write_text(edit.replace, encoding="utf-8")
            continue
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if text.count(edit.find) != 1:
            raise NotApplicable(f"{fault.name}: {edit.file} has {text.count(edit.find)} times {edit.find!r}")
        path.write_text(text.replace(edit.find, edit.replace), encoding="utf-8")
    if fault.patch:
        command = ("git", "apply", str(EXAMPLES / fault.patch))
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotApplicable(f"{fault.name}: {done.stderr.strip()}")


def check(faults: Iterable[Fault], scratch: Path) -> None:
    """Plant each fault in a copy that nobody judges.

    Raises:
        NotApplicable: what cannot be planted, all of it.
    """
    wrong = []
    for fault in faults:
        try:
            plant(fault, copy(fault.app, scratch / fault.app, weak=fault.weak))
        except NotApplicable as error:
            wrong.append(str(error))
    if wrong:
        raise NotApplicable("\n".join(wrong))


def commit(project: Path, message: str) -> None:
    """Make a copy a repository of its own, with one commit."""
    for command in (("git", "init", "-q"), (*_GIT, "add", "-A"), (*_GIT, "commit", "-q", "-m", message)):
        subprocess.run(command, cwd=project, check=True, capture_output=True)
