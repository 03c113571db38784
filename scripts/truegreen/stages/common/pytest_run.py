"""Run pytest in the user's environment and leave evidence of everything it did."""

from __future__ import annotations

import contextlib
import hashlib
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
from truegreen.stages.common import project as projects
from truegreen.stages.common.context import StageOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truegreen.runtime.process import Completed
    from truegreen.stages.common.context import StageContext
    from truegreen.stages.common.project import ProjectPython

MARKED = ("wiring", "persistence", "e2e", "performance")
_PROBE = (
    "import importlib.util as u, json; "
    "print(json.dumps([n for n in ('pytest', 'pytest_cov', 'xdist') if u.find_spec(n)]))"
)
_NOTHING_COLLECTED = 5
_RERUN_LIMIT = 50
_WORD_LIMIT = 100_000
"""Bytes of one argument; the system refuses 128 KiB."""


class PytestOptions(StageOptions, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Keys of every stage that runs pytest."""

    tests: list[str] = msgspec.field(default_factory=list)
    """Paths handed to pytest; empty means the project's own `testpaths`."""
    marker: str = ""
    """Marker expression; empty means the stage's name."""
    args: list[str] = msgspec.field(default_factory=list)
    """More arguments for pytest."""
    workers: int | str = "auto"
    """Processes of pytest-xdist where it is installed: `auto` or a number; `0` runs serially."""
    reruns: int = 1
    """How often failed tests run again, in a fresh process; a disagreement is flaky, never a pass in silence."""
    prepare: list[str] = msgspec.field(default_factory=list)
    """Commands that run in the project's environment before the tests, such as a migration."""


class _Session(msgspec.Struct, frozen=True):
    """What a rerun needs to know of the session before it."""

    again: list[str] = []
    """Failed tests, as they are named on the command line."""
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

    @property
    def nothing(self) -> bool:
        """Whether the project has no such test: the marker alone left every one out, and none was lost on the way."""
        lost = self.selected or self.left_out or self.collection_errors or self.skipped_collections
        return self.collected == self.deselected and not lost


class PytestResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the runs left."""

    files: tuple[tuple[str, str], ...]
    expects: tuple[str, ...]
    tools: tuple[ToolRun, ...]
    notes: tuple[str, ...]
    python: str
    nothing: bool = False
    """True when no test carries the marker, as pytest and the plugin both say."""


def run(
    context: StageContext,
    *,
    marker: str,
    coverage: bool = False,
    extra_env: Mapping[str, str] | None = None,
    workers: int | str | None = None,
    reruns: int | None = None,
) -> PytestResult:
    """Run the stage's tests, then the failed ones again.

    Args:
        context: the stage's context; its options must be PytestOptions or have their fields.
        marker: marker expression, already decided.
        coverage: whether to measure line and branch coverage.
        extra_env: variables on top, such as the recorder's address.
        workers: overrides the option.
        reruns: overrides the option.

    Raises:
        ProjectTool: the project's environment has no pytest.
        TimedOut: the time limit was hit; files written so far stay.
    """
    python = projects.ensure(context)
    present = _present(context, python)
    if "pytest" not in present:
        raise ProjectTool(
            "the project's environment has no pytest",
            where=str(python.python),
            fix="add pytest to the dev dependency group (or to `groups` in [tool.truegreen])",
        )
    notes = list(python.notes)
    env = _environment(context, python, extra_env or {})
    _prepare(context, env)
    argv = [str(python.python), "-m", "pytest", "-p", "truegreen_pytest", "-o", "junit_family=xunit1"]
    parallel = _workers(workers if workers is not None else context.options.workers, present, notes)
    expects = ["junit", "pytest-session"]
    cov: list[str] = []
    if coverage:
        expects.append("coverage-json")
        cov = _coverage(context, present, notes)
    # Ours come last where the last one wins, so that nobody's own report takes the place of the evidence.
    asked = [*context.options.args, *context.options.tests, *context.pytest_args]
    first = [*argv, "-m", marker, *parallel, *asked, *cov]
    env["TRUEGREEN_SELECTION"] = _selection(context, marker)
    done = _invoke(context, first, env, "junit.xml", "session.json")
    tools = [_tool(done, "pytest")]
    session = _session(context.out / "session.json")
    notes += _partial(session)
    limit = context.options.reruns if reruns is None else reruns
    tools += _reruns(context, [*argv, "-m", "", *_serial(present), *context.options.args], env, limit)
    return PytestResult(
        files=_files(context.out),
        expects=tuple(expects),
        tools=tuple(tools),
        notes=tuple(notes),
        python=python.version,
        nothing=done.exit_code == _NOTHING_COLLECTED and session is not None and session.nothing,
    )


def _present(context: StageContext, python: ProjectPython) -> set[str]:
    done = context.processes.run([str(python.python), "-I", "-c", _PROBE], timeout_s=60)
    if not done.ok:
        raise ToolFailed("the project's interpreter does not run", where=str(python.python), why=done.tail())
    return set(msgspec.json.decode(done.stdout, type=list[str]))


def _selection(context: StageContext, marker: str) -> str:
    """Return what the stage itself selects, so that the plugin can tell it from what narrows the run."""
    given = {
        "marker": marker,
        "tests": context.options.tests,
        "after": context.pytest_args,
        "claims": context.claims,
    }
    return msgspec.json.encode(given).decode()


def _partial(session: _Session | None) -> list[str]:
    """Return a note when only a part of the stage's tests ran."""
    words = [*session.asked, *session.unasked] if session else []
    if session is None or not words:
        return []
    of = f" of {session.selected + session.left_out:,}" if session.left_out else ""
    return [f"partial: {session.selected:,}{of} tests ({', '.join(words)}), which is not the whole stage"]


def _environment(context: StageContext, python: ProjectPython, extra: Mapping[str, str]) -> dict[str, str]:
    """Return pytest's environment: the plugin's folder on the path, and nothing else of ours."""
    own = context.env.get("PYTHONPATH", "")  # the caller's is gone already: this one is an option of the stage
    return {
        **context.env,
        **python.env,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(_plugin_folder(context)), own))),
        "TRUEGREEN_STAGE": context.out.name,
        **extra,
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


def _prepare(context: StageContext, env: Mapping[str, str]) -> None:
    """Run the stage's preparation; a failed migration is not a test failure but the end of the stage."""
    for line in context.options.prepare:
        done = context.processes.run(
            shlex.split(line),
            cwd=context.root,
            env=env,
            timeout_s=context.options.timeout_s,
            log=context.out / "prepare.log",
        )
        if not done.ok:
            raise ToolFailed(
                f"the preparation `{line}` failed",
                where=str(context.root),
                why=done.tail(8),
                fix="run it by hand against `truegreen services up`",
            )


def _workers(wanted: int | str, present: set[str], notes: list[str]) -> list[str]:
    if str(wanted) in ("0", "1"):
        return _serial(present)
    if "xdist" not in present:
        notes.append("pytest-xdist is not installed in the project; the tests ran serially")
        return []
    return ["-n", str(wanted)]


def _serial(present: set[str]) -> list[str]:
    """Return what makes pytest-xdist stand aside; the plugin stays, since the project may name its options."""
    return ["-n", "0", "--dist", "no"] if "xdist" in present else []


def _coverage(context: StageContext, present: set[str], notes: list[str]) -> list[str]:
    if "pytest_cov" not in present:
        notes.append("pytest-cov is not installed in the project; coverage is blind (add it to the dev group)")
        return []
    source = context.project.source or (["src"] if (context.root / "src").is_dir() else ["."])
    report = context.out / "coverage.json"
    return [*(f"--cov={name}" for name in source), "--cov-branch", f"--cov-report=json:{report}", "--cov-report="]


def _invoke(context: StageContext, argv: list[str], env: Mapping[str, str], junit: str, session: str) -> Completed:
    """Run pytest once; raises TimedOut after its group is gone."""
    limit_s = context.options.timeout_s
    done = context.processes.run(
        [*argv, f"--junitxml={context.out / junit}"],
        cwd=context.root,
        env={
            **env,
            "TRUEGREEN_SESSION_FILE": str(context.out / session),
            "COVERAGE_FILE": str(context.out / ".coverage"),
        },
        timeout_s=limit_s,
        log=context.out / "pytest.log",
    )
    for line in done.stdout.splitlines():
        context.console.line(line)
    if done.timed_out:
        raise TimedOut(
            f"the tests did not end within {limit_s:.0f} s and were killed",
            where=str(context.out / "pytest.log"),
            fix="raise timeout-s of the stage, or find the test that hangs: the log's last line names it",
        )
    return done


def _reruns(context: StageContext, argv: list[str], env: Mapping[str, str], limit: int) -> list[ToolRun]:
    """Run failed tests again in fresh processes, at most 50 of them: more is not flakiness.

    The root and the configuration are those of the first run: pytest would look for its own beside the tests.
    """
    tools = []
    for number in range(1, limit + 1):
        previous = context.out / (f"session-rerun-{number - 1}.json" if number > 1 else "session.json")
        session = _session(previous)
        if session is None or len(session.again) > _RERUN_LIMIT:
            break
        failed = [word for word in session.again if _speakable(word)]
        if not failed:
            break
        place = [f"--rootdir={session.rootdir}", *(("-c", session.inifile) if session.inifile else ())]
        context.console.line(f"running {len(failed)} failed test(s) again, in a fresh process")
        words, name = [*argv, *place, *failed], f"rerun-{number}"
        done = _invoke(context, words, env, f"junit-{name}.xml", f"session-{name}.json")
        tools.append(_tool(done, f"pytest rerun {number}"))
    return tools


def _session(path: Path) -> _Session | None:
    """Return what the plugin wrote; None where that cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Session)
    except (OSError, msgspec.DecodeError):
        return None


def _speakable(word: str) -> bool:
    """Return whether a test's name can be an argument; one that cannot is not run again, and stays failed."""
    return "\0" not in word and len(word.encode()) < _WORD_LIMIT


def _files(out: Path) -> tuple[tuple[str, str], ...]:
    found = [(path.name, "junit") for path in sorted(out.glob("junit*.xml"))]
    found += [("session.json", "pytest-session")] if (out / "session.json").is_file() else []
    found += [("coverage.json", "coverage-json")] if (out / "coverage.json").is_file() else []
    return tuple(found)


def _tool(done: Completed, name: str) -> ToolRun:
    match = re.search(r"pytest-(\d[\w.]*)", done.stdout)
    return ToolRun(
        name=name,
        version=match.group(1) if match else "",
        argv=tuple(done.argv[1:]),
        exit_code=done.exit_code,
        duration_s=round(done.duration_s, 3),
        timed_out=done.timed_out,
    )
