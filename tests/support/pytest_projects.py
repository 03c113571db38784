"""Small real projects whose tests run through a stage and are judged, with nothing replaced."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from truegreen.app import evidence as loading
from truegreen.app import gate, run
from truegreen.app import plan as planning
from truegreen.app.shell import EVIDENCE, Shell
from truegreen.config import settings as config
from truegreen.runtime import environ
from truegreen.runtime.clock import Clock
from truegreen.runtime.console import Console
from truegreen.runtime.process import ProcessRunner
from truegreen.runtime.toolchain import Toolchain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truegreen.model.changes import Changes
    from truegreen.model.evidence import StageRecord
    from truegreen.model.run import StageEvidence
    from truegreen.model.verdict import StageReport, Verdict

REQUIREMENTS = "pytest>=9\npytest-cov>=7\npytest-xdist>=3.8\npsycopg[binary]>=3.2\n"
_KEPT = ("requirements.txt", ".gitignore")


@dataclass(frozen=True)
class Judged:
    """What one run of a stage left, and what the gates said about it."""

    out: Path
    record: StageRecord
    evidence: StageEvidence
    report: StageReport
    shown: str

    @property
    def status(self) -> str:
        return self.report.status.value

    def verdict(self, gate_id: str) -> Verdict:
        return next(verdict for verdict in self.report.verdicts if verdict.gate == gate_id)

    def says(self, gate_id: str) -> str:
        return self.verdict(gate_id).status.value

    def log(self, name: str = "pytest.log") -> str:
        path = self.out / name
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    def case(self, name: str) -> Any:
        assert self.evidence.tests is not None, self.log()
        return next(case for case in self.evidence.tests.cases if name in case.id)

    @property
    def ids(self) -> set[str]:
        return {case.id for case in self.evidence.tests.cases} if self.evidence.tests else set()


def shared_cache(folder: Path) -> Path:
    """Return a cache of the test, which borrows the machine's installed tools."""
    tools = environ.cache_dir(os.environ) / "tools"
    tools.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tools").symlink_to(tools)
    return folder


class Place:
    """Where one project after another lies: an environment belongs to its path, so that theirs is made only once."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "project"
        self._cache = shared_cache(folder / "cache")
        self._environment, self._made = Path(), ""

    def project(self) -> Project:
        """Return an empty project with the usual environment, as it was made; nothing is left of the one before it."""
        shutil.rmtree(self._root, ignore_errors=True)
        project = Project(self._root, self._cache)
        if not self._made or _content(self._environment) != self._made:
            self._forget()
            project.run("def test_it(): pass\n")
            (marker,) = self._cache.glob("projects/*/*/.complete")
            self._environment = marker.parent
            self._made = _content(self._environment)
            project.clear()
        self._forget(self._environment)
        return project

    def _forget(self, kept: Path | None = None) -> None:
        """Empty the cache but for the tools, the plugin, whose folder has the name of its content, and one folder."""
        others = [path for path in self._cache.iterdir() if path.name not in ("tools", "plugin", "projects")]
        for path in (*others, *self._cache.glob("projects/*/*")):
            if path != kept:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _content(environment: Path) -> str:
    """Return a digest of what an environment holds, but for bytecode."""
    digest = hashlib.sha256()
    for path in sorted(environment.rglob("*")):
        if path.suffix != ".pyc" and path.name != "__pycache__":
            state = path.lstat()
            digest.update(f"{path} {state.st_mode} {state.st_size} {state.st_mtime_ns * path.is_file()}\0".encode())
    return digest.hexdigest()


class Project:
    """A project in one folder: emptied between tests, so that its environment is made only once."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root = root
        self.cache = cache
        self.clear()

    def clear(self) -> None:
        """Leave what decides the environment, and nothing else."""
        self.root.mkdir(parents=True, exist_ok=True)
        for path in self.root.iterdir():
            if path.name in _KEPT:
                continue
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        self.write("pyproject.toml", "[tool.truegreen]\n")
        self.write("requirements.txt", REQUIREMENTS)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    def shell(self, env: Mapping[str, str] | None = None, shown: io.StringIO | None = None) -> Shell:
        merged = {
            **{key: value for key, value in environ.current().items() if not key.startswith(("COV_", "PYTEST_"))},
            "TRUEGREEN_CACHE": str(self.cache),
            **(env or {}),
        }
        console, processes = Console(err=shown or io.StringIO(), quiet=False), ProcessRunner()
        return Shell(
            env=merged,
            cwd=self.root,
            console=console,
            clock=Clock(),
            processes=processes,
            tools=Toolchain(merged, processes, console),
        )

    def run(
        self,
        tests: str = "",
        *,
        stage: str = "unit",
        after: tuple[str, ...] = (),
        env: Mapping[str, str] | None = None,
        paths: list[str] | None = None,
        variables: Mapping[str, str] | None = None,
        seed: int | None = None,
        changes: Changes | None = None,
        unknown: str = "",
        assignments: tuple[str, ...] = (),
        **options: Any,
    ) -> Judged:
        """Run one stage and judge it.

        Args:
            tests: text of `test_it.py`; empty leaves the folder as it is.
            stage: name of the stage.
            after: arguments after `--`.
            env: variables of the run itself, on top of the machine's.
            paths: the stage's key `tests`.
            variables: the stage's key `env`.
            seed: order of tests to replay.
            changes: the change that is judged.
            unknown: why that cannot be known.
            assignments: more configuration, as for `--set`.
            options: keys of the stage's table, underscores for hyphens; `workers` is "0" unless given.
        """
        if tests:
            self.write("test_it.py", tests)
        if paths is not None:
            options["tests"] = paths
        if variables is not None:
            options["env"] = dict(variables)
        values = {"workers": "'0'", **{key.replace("_", "-"): _toml(value) for key, value in options.items()}}
        if stage == "persistence":
            values.pop("workers") if "workers" not in options else None
        given = [f"{stage}.{key}={value}" for key, value in values.items()]
        given.append("services.postgres.provider='embedded'")
        given.append("gates.coverage.line=0")  # these projects are little else than their tests
        shown = io.StringIO()
        shell = self.shell(env, shown)
        settings = config.load(self.root, assignments=[*given, *assignments])
        request = run.Request(stages=(stage,), pytest_args=after, seed=seed, changes=lambda: (changes, unknown))
        (record,) = run.run_stages(shell, settings, request)
        report = gate.judge(shell, settings, planning.plan("local", only=(stage,)))
        folder = self.root / EVIDENCE
        (evidence,) = [found for found in loading.load_all(folder, self.root) if found.stage == stage]
        return Judged(
            out=folder / stage,
            record=record,
            evidence=evidence,
            report=next(one for one in report.stages if one.stage == stage),
            shown=shown.getvalue(),
        )


def _toml(value: Any) -> str:
    """Return a value as TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"'''{value}'''" if isinstance(value, str) else repr(value)
