"""A copy of the project in which mutants are planted, one at a time, and the tests that run their lines."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis.statements import first_lines
from truegreen.errors import EvidenceUnreadable, ProjectTool, TimedOut, ToolFailed
from truegreen.model.mutation import Fate
from truegreen.runtime import files
from truegreen.stages.common.pytest_run import MARKED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from truegreen.runtime.process import Completed
    from truegreen.stages.common.context import StageContext
    from truegreen.stages.common.project import ProjectPython

_LEFT_BEHIND = (".git", ".truegreen", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox", "*.pyc",
                ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".coverage", ".coverage.*")  # fmt: skip
_ALONE_LIMIT = 100
"""More tests than this for one line are run as the whole suite: the words would not fit on a command line."""
_LEAST_LIMIT_S = 5.0
_PATIENCE = 5.0
"""A mutant whose tests take longer than so many times the whole suite without it does not come to its end."""
_COVERAGE_LIMIT_BYTES = 256 << 20
_OK, _FAILED, _INTERRUPTED = 0, 1, 2
_UNMEASURED = ["--no-cov"]
"""A part of the tests covers less than all; a threshold of coverage would look like a test that failed."""
_ORDINARY = " and ".join(f"not {name}" for name in MARKED)


class Ran(msgspec.Struct, frozen=True):
    """What coverage says about one file."""

    executed_lines: list[int] = []
    contexts: dict[str, list[str]] = {}


class _Covered(msgspec.Struct, frozen=True):
    files: dict[str, Ran] = {}


class Bed:
    """A copy of a project, its tests, and which of them run which line."""

    def __init__(self, context: StageContext, python: ProjectPython, folder: Path) -> None:
        self._context = context
        self._python = python
        self._folder = folder
        self.root = folder / "project"
        self._covered: dict[str, Ran] = {}
        self._first: dict[str, dict[int, int]] = {}
        self._alone: dict[tuple[str, ...], bool] = {}
        self._serial: list[str] = []
        self.baseline_s = 0.0
        try:
            shutil.copytree(context.root, self.root, symlinks=True, ignore=_ignored)
        except OSError as error:
            raise ToolFailed("the project could not be copied", where=str(context.root), why=str(error)[:300]) from None
        self._env = {
            **context.env,
            **python.env,
            "PYTHONPATH": os.pathsep.join(self._sources()),
            # A mutant may have the size and the time of the file before it: what was compiled must never be kept.
            "PYTHONDONTWRITEBYTECODE": "1",
            "COVERAGE_CORE": "ctrace",  # the other ones do not know which test is running
            "COVERAGE_FILE": str(folder / "coverage.data"),
        }

    def baseline(self) -> Completed:
        """Run the tests without a mutant, and note which test runs which line.

        Raises:
            ProjectTool: pytest or pytest-cov is not in the project's environment.
            ToolFailed: the tests do not pass, or import the project from elsewhere than the copy.
            TimedOut: they do not end within the stage's limit.
        """
        present = self._present()
        self._serial = ["-n", "0", "--dist", "no"] if "xdist" in present else []
        limit_s = self._context.options.timeout_s
        measure = ["--cov=.", "--cov-branch", "--cov-context=test", "--cov-report=", "--cov-fail-under=0"]
        done = self._pytest(measure, self._context.options.tests, limit_s)
        if done.timed_out:
            raise TimedOut(
                f"the tests did not end within {limit_s:.0f} s, without any mutant",
                fix="make `truegreen run unit` quicker, or raise mutation.timeout-s",
            )
        if done.exit_code != _OK:
            raise ToolFailed(
                "the tests do not pass without any mutant, so none can be judged",
                where="a copy of the project in a scratch folder",
                why=done.tail(8),
                fix="make `truegreen run unit` pass; the copy leaves out .git, environments and caches",
            )
        self.baseline_s = done.duration_s
        self._covered = self._read_coverage()
        return done

    def executed(self, path: str, wanted: Iterable[int]) -> list[int]:
        """Return those lines of a file that some test runs, or the file's import does; of files of the copy only."""
        ran = self._covered.get(path)
        place = self.root / path
        if ran is None or place.is_symlink() or not place.resolve().is_relative_to(self.root.resolve()):
            return []
        self._first[path] = first_lines(place.read_bytes().decode("utf-8-sig", "replace"))
        lines = set(ran.executed_lines)
        return sorted(line for line in wanted if self._first[path].get(line, line) in lines)

    def check_again(self) -> None:
        """Run all tests once more without a mutant: what a mutant left behind may have made them fail.

        Raises:
            ToolFailed: they no longer pass, so that nobody knows which mutant a test has noticed.
        """
        done = self._pytest(_UNMEASURED, self._context.options.tests, self._limit_s())
        if done.exit_code != _OK:
            raise ToolFailed(
                "after the mutants the tests fail also without one, so none of the failures proves anything",
                where="a copy of the project in a scratch folder",
                why="they took too long" if done.timed_out else done.tail(8),
                fix="let the tests clean up what they write, and write below tmp_path",
            )

    def fate(self, path: str, line: int, code: bytes, until_s: float) -> Fate | None:
        """Plant a mutant, run the tests that run its line, and take it out again.

        A survivor is tried once more with all tests: what runs a line may leave something behind that only a later
        test looks at. Tests that do not pass alone, also without the mutant, prove nothing, and all are run instead.

        Args:
            path: file of the copy.
            line: where the mutant is.
            code: the whole file with it.
            until_s: moment of the context's clock at which the time is over.

        Returns:
            None when the time was over before there was an answer.
        """
        tests = self._tests(path, line)
        found = self._planted(path, code, tests, until_s)
        if tests and (found is not Fate.KILLED or not self._pass_alone(tests)):
            # A time limit hit by its own tests stands; so does the end of all time.
            found = found if found in (Fate.TIMEOUT, None) else self._planted(path, code, [], until_s)
        return found

    def _planted(self, path: str, code: bytes, tests: list[str], until_s: float) -> Fate | None:
        place = self.root / path
        original = place.read_bytes()
        left_s = until_s - self._context.clock.monotonic()
        limit_s = self._limit_s()
        if left_s <= 0:
            return None
        files.write_atomic(place, code)
        try:
            done = self._pytest(["-x", *_UNMEASURED], tests or self._context.options.tests, min(limit_s, left_s))
        finally:
            files.write_atomic(place, original)
        return None if done.timed_out and left_s < limit_s else _fate(done)

    def _limit_s(self) -> float:
        return max(_LEAST_LIMIT_S, _PATIENCE * self.baseline_s)

    def _pass_alone(self, tests: list[str]) -> bool:
        """Return whether tests pass without a mutant when nothing else runs before them."""
        key = tuple(tests)
        if key not in self._alone:
            self._alone[key] = self._pytest(["-x", *_UNMEASURED], tests, self._limit_s()).exit_code == _OK
        return self._alone[key]

    def _tests(self, path: str, line: int) -> list[str]:
        """Return the tests that run a line; none, which is all, where an import runs it or they are many."""
        ran = self._covered.get(path)
        first = self._first.get(path, {}).get(line, line)
        names = ran.contexts.get(str(first), []) if ran else []
        tests = sorted({name.rpartition("|")[0] for name in names})
        return tests if tests and all(tests) and len(tests) <= _ALONE_LIMIT else []

    def _pytest(self, words: list[str], chosen: Sequence[str], limit_s: float) -> Completed:
        options = self._context.options
        cache = f"cache_dir={self._folder / 'cache'}"
        argv = [str(self._python.python), "-m", "pytest", "-o", cache, "-m", options.marker or _ORDINARY]
        argv += [*self._serial, *options.args, *words, *chosen]
        log = self._context.out / "pytest.log"
        return self._context.processes.run(argv, cwd=self.root, env=self._env, timeout_s=limit_s, log=log)

    def _present(self) -> set[str]:
        """Return which plugins there are.

        Raises:
            ProjectTool: one that is needed is not there.
        """
        names = ("pytest", "pytest_cov", "xdist")
        code = f"import importlib.util as u; print(*(n for n in {names} if u.find_spec(n)))"
        done = self._context.processes.run([str(self._python.python), "-I", "-c", code], timeout_s=60)
        present = set(done.stdout.split())
        if not {"pytest", "pytest_cov"} <= present:
            raise ProjectTool(
                "the project's environment lacks pytest or pytest-cov",
                where=str(self._python.python),
                fix="add both to the dev dependency group: coverage says which tests run a changed line",
            )
        return present

    def _read_coverage(self) -> dict[str, Ran]:
        """Return what was run below the copy, by path relative to it."""
        report = self._folder / "coverage.json"
        argv = [
            str(self._python.python),
            "-m",
            "coverage",
            "json",
            "--show-contexts",
            "--fail-under=0",
            "-q",
            "-i",
            "-o",
            str(report),
        ]
        done = self._context.processes.run(
            argv, cwd=self.root, env=self._env, timeout_s=self._context.options.timeout_s
        )
        if not done.ok or not report.is_file():
            raise ToolFailed("coverage of the tests could not be read", where=str(self.root), why=done.tail(4))
        try:
            found = msgspec.json.decode(files.read_limited(report, _COVERAGE_LIMIT_BYTES), type=_Covered).files
        except msgspec.DecodeError as error:
            raise EvidenceUnreadable("coverage of the tests is no JSON of coverage", why=str(error)) from None
        inside = {name.replace(os.sep, "/"): ran for name, ran in found.items() if not Path(name).is_absolute()}
        if not any(ran.contexts for ran in inside.values()):
            raise ToolFailed("coverage does not say which test runs which line", fix="use pytest-cov 4 or newer")
        return inside

    def _sources(self) -> list[str]:
        """Return the folders of the copy that stand for those from which the project is imported."""
        found = [self.root / "src"] if (self.root / "src").is_dir() else []
        found.append(self.root)
        for listed in sorted(self._python.python.parent.parent.glob("lib/python*/site-packages/*.pth")):
            for row in listed.read_text(encoding="utf-8", errors="replace").splitlines():
                place = Path(row.strip())
                if place.is_absolute() and place.is_relative_to(self._context.root):
                    found.insert(0, self.root / place.relative_to(self._context.root))
        own = self._context.env.get("PYTHONPATH", "")
        return [*dict.fromkeys(str(place) for place in found), *filter(None, [own])]


def _fate(done: Completed) -> Fate:
    """Return what pytest's end says: a failed test or import has noticed the mutant, and so has a crash."""
    if done.timed_out or done.exit_code is None:
        return Fate.TIMEOUT
    if done.exit_code == _OK:
        return Fate.SURVIVED
    # With 4 pytest also ends when a module of tests that were named one by one cannot be imported; all tests tell.
    return Fate.KILLED if done.exit_code in (_FAILED, _INTERRUPTED) or done.exit_code < 0 else Fate.UNKNOWN


def _ignored(folder: str, names: list[str]) -> set[str]:
    """Return what a copy leaves out: environments, caches, and what git and we keep."""
    left = shutil.ignore_patterns(*_LEFT_BEHIND)(folder, names)
    return left | {name for name in names if not _copied(Path(folder) / name)}


def _copied(path: Path) -> bool:
    """Return whether a path is part of a copy: no environment, and nothing like a socket."""
    if path.is_dir() and not path.is_symlink():
        return not (path / "pyvenv.cfg").is_file()
    return path.is_file() or path.is_symlink()
