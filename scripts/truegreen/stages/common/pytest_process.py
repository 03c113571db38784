"""One pytest of the user's environment: how it is started with the plugin, and what a session of it tells."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import ProjectTool, TimedOut, ToolFailed
from truegreen.model.evidence import ToolRun
from truegreen.runtime import files
from truegreen.stages.common import project as projects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from truegreen.runtime.process import Completed
    from truegreen.stages.common.context import StageContext
    from truegreen.stages.common.project import ProjectPython

_PROBE = (
    "import importlib.util as u, json; "
    "print(json.dumps([n for n in ('pytest', 'pytest_cov', 'xdist') if u.find_spec(n)]))"
)
_ENDED = (0, 1)
"""Exit codes of a session that ran its tests: all passed, or some failed."""
_HASH_SEEDS = 1 << 32
_REFUSED, _TOLD = 4, 8
_ABOUT = re.compile(
    r"platform |( *)(rootdir|inifile|configfile|testpaths|plugins): |=+ test session starts|-+ generated "
)
"""Lines that say where pytest runs, and of whom."""


class Sqlite(msgspec.Struct, frozen=True):
    """Where SQLite was chosen when a session ended, other than in its tests."""

    engine: str = ""
    """Of Django's default database; empty where that is no SQLite."""
    files: list[str] = []
    """Files that may say so, likeliest first."""
    variables: dict[str, str] = {}
    """Environment variables that hold an address of SQLite."""


class Session(msgspec.Struct, frozen=True):
    """What the plugin wrote about one session, as far as the next one must know it."""

    exit_code: int | None = None
    finished: bool = False
    ids: list[str] = []
    """Tests that were to run, in their order."""
    failed: list[str] = []
    again: list[str] = []
    """Failed tests, as they are named on the command line."""
    reruns: dict[str, int] = {}
    rootdir: str = ""
    inifile: str = ""
    collected: int = 0
    selected: int = 0
    deselected: int = 0
    collection_errors: int = 0
    skipped_collections: list[str] = []
    left_out: int = 0
    asked: list[str] = []
    unasked: list[str] = []
    order: str = ""
    seed: str = ""
    hash_seed: str = ""
    ran: int = 0
    """Tests that came to the end of their teardown; counted only where the session was asked to."""
    skipped_tests: list[str] = []
    sqlite: Sqlite = Sqlite()
    places: list[tuple[str, str, int, int, float]] = []
    """Tests of changed files: id, absolute file, first and last line, seconds."""

    @property
    def nothing(self) -> bool:
        """Whether the project has no such test: the marker alone left every one out, and none was lost on the way."""
        lost = self.selected or self.left_out or self.collection_errors or self.skipped_collections
        return self.collected == self.deselected and not lost

    @property
    def whole(self) -> bool:
        """Whether it came to its end, and every test that was to run did."""
        return self.finished and self.exit_code in _ENDED and self.ran == len(self.ids)

    @property
    def bad(self) -> frozenset[str]:
        """Tests that failed, also those that a plugin repeated until they passed."""
        return frozenset((*self.failed, *(test for test, times in self.reruns.items() if times > 0)))


class Pytest:
    """Starts pytest in fresh processes, all with one environment; their files lie in the context's folder."""

    def __init__(self, context: StageContext, extra_env: Mapping[str, str], *, shown: bool = True) -> None:
        """Install the project where needed.

        Args:
            context: the stage's context.
            extra_env: variables on top of the stage's.
            shown: whether pytest's output goes to the console; the log has it always.

        Raises:
            ProjectTool: the project's environment has no pytest.
            InstallFailed: the project could not be installed.
        """
        self.context = context
        self._shown = shown
        self.python = projects.ensure(context)
        self.present = _present(context, self.python)
        if "pytest" not in self.present:
            raise ProjectTool(
                "the project's environment has no pytest",
                where=str(self.python.python),
                fix="add pytest to the dev dependency group (or to `groups` in [tool.truegreen])",
            )
        self.env = _environment(context, self.python, extra_env)

    @property
    def serial(self) -> list[str]:
        """What makes pytest-xdist stand aside; the plugin stays, since the project may name its options."""
        return ["-n", "0", "--dist", "no"] if "xdist" in self.present else []

    def seeded(self, seed: int) -> dict[str, str]:
        """Return the variables of a random order: one seed for tests, and for hashes unless that is set."""
        hashes = {} if "PYTHONHASHSEED" in self.context.env else {"PYTHONHASHSEED": str(seed % _HASH_SEEDS)}
        return {"TRUEGREEN_SEED": str(seed), **hashes}

    def again(self, session: Session) -> list[str]:
        """Return the words that run tests of a session again: serially, and whatever their markers are.

        The root and the configuration are those of the first run: pytest would look for its own beside the tests.
        """
        place = [f"--rootdir={session.rootdir}", *(("-c", session.inifile) if session.inifile else ())]
        return ["-m", "", *self.serial, *self.context.options.args, *place]

    def only(self, tests: Sequence[str], *, name: str, ordered: bool = False) -> dict[str, str]:
        """Return the variables that leave all other tests out.

        Args:
            tests: ids, as the plugin names them.
            name: name of the file that holds them.
            ordered: whether they run in the order given.
        """
        path = self.context.out / name
        files.write_atomic(path, msgspec.json.encode({"ids": list(tests), "ordered": ordered}))
        return {"TRUEGREEN_ONLY": str(path)}

    def run(
        self,
        words: Sequence[str],
        *,
        suffix: str = "",
        env: Mapping[str, str] | None = None,
        limit_s: float | None = None,
    ) -> Completed:
        """Run pytest once, to its end.

        Args:
            words: arguments of pytest.
            suffix: goes into the names of the files it leaves: `junit<suffix>.xml`, `session<suffix>.json`.
            env: variables on top.
            limit_s: time limit; None takes the stage's.

        Raises:
            TimedOut: the time limit was hit, and its group is gone.
        """
        context = self.context
        limit = context.options.timeout_s if limit_s is None else limit_s
        argv = [str(self.python.python), "-m", "pytest", "-p", "truegreen_pytest", "-o", "junit_family=xunit1"]
        done = context.processes.run(
            [*argv, *words, f"--junitxml={context.out / f'junit{suffix}.xml'}"],
            cwd=context.root,
            env={
                **self.env,
                **(env or {}),
                "TRUEGREEN_SESSION_FILE": str(context.out / f"session{suffix}.json"),
                "COVERAGE_FILE": str(context.out / f".coverage{suffix}"),
            },
            timeout_s=limit,
            log=context.out / "pytest.log",
        )
        for line in done.stdout.splitlines() if self._shown else ():
            context.console.line(line)
        if done.timed_out:
            raise TimedOut(
                f"the tests did not end within {limit:.0f} s and were killed",
                where=str(context.out / "pytest.log"),
                fix="read the end of that log, which names the file of tests at work; `pytest -v` on that file shows "
                "which test hangs. Raise `timeout-s` of the stage only if its tests really need longer",
            )
        return done

    def session(self, suffix: str = "") -> Session | None:
        """Return what the plugin wrote; None where that cannot be read."""
        try:
            return msgspec.json.decode((self.context.out / f"session{suffix}.json").read_bytes(), type=Session)
        except (OSError, msgspec.DecodeError):
            return None

    def prepare(self) -> None:
        """Run the stage's preparation.

        Raises:
            ToolFailed: a command failed; a failed migration is not a test failure but the end of the stage.
        """
        for line in self.context.options.prepare:
            done = self.context.processes.run(
                shlex.split(line),
                cwd=self.context.root,
                env=self.env,
                timeout_s=self.context.options.timeout_s,
                log=self.context.out / "prepare.log",
            )
            limit = self.context.options.timeout_s
            if done.timed_out:
                raise TimedOut(
                    f"the preparation `{line}` did not end within {limit:.0f} s and was killed",
                    where=str(self.context.out / "prepare.log"),
                    why=done.tail(8),
                    fix="run it by hand against `truegreen services up`; raise `timeout-s` of the stage only if it "
                    "really needs longer",
                )
            if not done.ok:
                raise ToolFailed(
                    f"the preparation `{line}` failed",
                    where=str(self.context.root),
                    why=done.tail(8),
                    fix="run it by hand against `truegreen services up`",
                )


def said(done: Completed) -> str:
    """Return what pytest said last: its own error where it refused to run, without the lines about the machine."""
    lines = [line for line in done.stdout.rstrip().splitlines() if not _ABOUT.match(line)]
    refused = done.exit_code == _REFUSED
    errors = [number for number, line in enumerate(lines) if refused and line.startswith("ERROR: ")]
    return "\n".join(lines[errors[-1] :][:_TOLD] if errors else lines[-_TOLD:]).strip()


def tool(done: Completed, name: str) -> ToolRun:
    """Return the record of a process of pytest."""
    match = re.search(r"pytest-(\d[\w.]*)", done.stdout)
    return ToolRun(
        name=name,
        version=match.group(1) if match else "",
        argv=tuple(done.argv[1:]),
        exit_code=done.exit_code,
        duration_s=round(done.duration_s, 3),
        timed_out=done.timed_out,
    )


def _present(context: StageContext, python: ProjectPython) -> set[str]:
    done = context.processes.run([str(python.python), "-I", "-c", _PROBE], timeout_s=60)
    if not done.ok:
        raise ToolFailed("the project's interpreter does not run", where=str(python.python), why=done.tail())
    return set(msgspec.json.decode(done.stdout, type=list[str]))


def _environment(context: StageContext, python: ProjectPython, extra: Mapping[str, str]) -> dict[str, str]:
    """Return pytest's environment: the plugin's folder on the path, and nothing else of ours."""
    own = context.env.get("PYTHONPATH", "")  # the caller's is gone already: this one is an option of the stage
    return {
        **context.env,
        **python.env,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(_plugin_folder(context)), own))),
        "TRUEGREEN_STAGE": context.out.name,
        "TRUEGREEN_SERVICES": json.dumps(_addresses(context)),
        **extra,
    }


def _addresses(context: StageContext) -> dict[str, str]:
    """Return the URLs of the services that the tests are to use: not of those that would lead past a stack."""
    return {
        handle.name: handle.url
        for handle in context.services
        if any(context.env.get(name) == value for name, value in handle.exports.items())
    }


def _plugin_folder(context: StageContext) -> Path:
    """Return a folder that holds the plugin and nothing else: the helper must not be importable by user code.

    It lies outside the project, whose coverage would count the plugin otherwise.
    """
    source = Path(__file__).resolve().parents[3] / "truegreen_pytest"  # not imported: the helper has no pytest
    texts = {path.name: path.read_bytes() for path in sorted(source.glob("*.py"))}
    digest = hashlib.sha256(repr(texts).encode()).hexdigest()[:16]
    folder = context.tools.cache / "plugin" / digest
    target = folder / source.name
    if {path.name: path.read_bytes() for path in target.glob("*.py")} != texts:
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            shutil.copytree(source, Path(scratch) / "new" / source.name, ignore=shutil.ignore_patterns("__pycache__"))
            with contextlib.suppress(OSError):  # another run was quicker
                (Path(scratch) / "new").rename(folder)
    return folder
