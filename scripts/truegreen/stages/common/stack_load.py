"""Load generators against a running stack: Locust or k6."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.errors import EvidenceMissing, EvidenceUnreadable, ToolFailed
from truegreen.model.evidence import ToolRun
from truegreen.runtime import files
from truegreen.runtime.process import which

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from truegreen.runtime.process import Completed
    from truegreen.stages.common.context import StageContext

_LIMIT_BYTES = 64 << 20
_SLACK_S = 60.0
_REPORT_DATA = "window.templateArgs = "
_TREND = "avg,min,med,max,p(50),p(95),p(99)"
_FRAME = re.compile(r'^\s*File "([^"]+)", line (\d+), in (\S+)', re.MULTILINE)
_K6_EXCEPTION = re.compile(r'^time=\S+ level=error msg="((?:[^"\\]|\\.)*)".* source=stacktrace\s*$')
_K6_THROUGH_ENV = ("K6_LOG_OUTPUT", "K6_LOG_FORMAT", "K6_NO_THRESHOLDS", "K6_NO_SUMMARY", "K6_SUMMARY_EXPORT")
"""Variables that would hide exceptions or thresholds from us."""
_ERRORS_SEEN = 99
"""Exit code that Locust is asked for after errors; k6 gives it by itself after crossed thresholds."""
_DISTINCT_MAX = 200
_LINE_MAX = 64 << 10


class LoadPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What load to put on which host."""

    script: str
    """Relative to the project."""
    host: str
    users: int
    spawn_rate: float
    duration_s: float
    warm_up_s: float
    env: dict[str, str]
    """Environment of the generator, the stack's exports included."""


class LoadOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a generator left in the stage's folder."""

    file: str
    kind: str
    tool: ToolRun
    note: str


def run_locust(context: StageContext, plan: LoadPlan, project_python: Path | None) -> LoadOutcome:
    """Run Locust headless and wrap its raw figures as `locust.json`.

    The project's own Locust is used where its environment has one, since its script may import the
    project; otherwise ours. Failed requests and iterations that raised are figures, not a failure of the tool.

    Raises:
        ToolFailed: Locust ended with an error of its own, such as a script that cannot be imported.
        EvidenceMissing: it left no figures.
        EvidenceUnreadable: it left unknown figures, or met errors that they do not name.
        TimedOut: it did not end.
    """
    command, version, whose = _locust_command(context, plan, project_python)
    if plan.warm_up_s > 0:
        warm_up = _locust(context, command, plan, plan.warm_up_s, "warm-up")
        _need(warm_up, context.out / "warm-up.log", "Locust")
    done = _locust(context, command, plan, plan.duration_s, "raw-locust")
    _need(done, context.out / "raw-locust.log", "Locust")
    stats = _stats(context.out / "raw-locust.json")
    report = _report(context.out / "locust.html")
    exceptions = _exceptions(report, context.root)
    named = exceptions or (report is not None and any(row.get("num_failures") for row in stats))
    if done.exit_code == _ERRORS_SEEN and not named:
        raise EvidenceUnreadable(
            "Locust met errors that its report does not name",
            where=str(context.out / "locust.html"),
            why="an exception in the load script is in no other figure",
            fix="use a Locust whose report can be read; ours is used where the project has none",
        )
    run = {
        "schema_version": 1,
        "version": version,
        "run_time_s": plan.duration_s,
        "stats": stats,
        "failures": _failures(report),
        "exceptions": exceptions,
    }
    files.write_atomic(context.out / "locust.json", msgspec.json.format(msgspec.json.encode(run), indent=1))
    return LoadOutcome(
        file="locust.json", kind="locust", tool=_tool("locust", version, done), note=f"load: locust {version} ({whose})"
    )


def run_k6(context: StageContext, plan: LoadPlan) -> LoadOutcome:
    """Run k6 and keep its summary as `k6.json`, with the exceptions that only its log has.

    Raises:
        ToolMissing: k6 is not on PATH and cannot be installed.
        ToolFailed: it ended with an error of its own; crossed thresholds (exit code 99) are not one.
    """
    k6 = which("k6", plan.env.get("PATH")) or str(context.tools.path("k6"))
    version = _version(context.processes.run([k6, "version"], env=plan.env, timeout_s=_SLACK_S))
    if plan.warm_up_s > 0:
        _need(_k6(context, k6, plan, plan.warm_up_s, "warm-up"), context.out / "warm-up.log", "k6")
    done = _k6(context, k6, plan, plan.duration_s, "k6")
    _need(done, context.out / "k6.log", "k6")
    summary = context.out / "k6.json"
    if not summary.is_file():
        raise EvidenceMissing("k6 left no summary", where=str(context.out / "k6.log"), why=done.tail())
    _complete_k6(summary, context.out / "k6.log", crossed=done.exit_code == _ERRORS_SEEN)
    return LoadOutcome(file="k6.json", kind="k6", tool=_tool("k6", version, done), note=f"load: k6 {version}")


def _locust_command(context: StageContext, plan: LoadPlan, project_python: Path | None) -> tuple[list[str], str, str]:
    """Return how Locust starts, its version and whose it is; the version is asked without importing it."""
    if project_python is not None:
        probe = [str(project_python), "-c", "import importlib.metadata as m; print(m.version('locust'))"]
        done = context.processes.run(probe, env=plan.env, cwd=context.root, timeout_s=_SLACK_S)
        if done.ok:
            return [str(project_python), "-m", "locust"], _version(done), "the project's own"
    return [str(context.tools.path("locust"))], context.tools.version("locust"), "pinned by truegreen"


def _locust(context: StageContext, command: list[str], plan: LoadPlan, duration_s: float, name: str) -> Completed:
    seconds = max(1, round(duration_s))
    argv = [*command, "-f", plan.script, "--headless", "--only-summary", "--host", plan.host]
    argv += ["--users", str(plan.users), "--spawn-rate", f"{plan.spawn_rate:g}", "--run-time", f"{seconds}s"]
    argv += ["--exit-code-on-error", str(_ERRORS_SEEN), "--stop-timeout", "5"]
    if name != "warm-up":
        # Locust adds `.json` to the name by itself.
        argv += ["--json-file", str(context.out / name), "--html", str(context.out / "locust.html")]
    env = {key: value for key, value in plan.env.items() if not key.startswith("LOCUST_")}
    return context.processes.run(
        argv, cwd=context.root, env=env, timeout_s=seconds + _SLACK_S, log=context.out / f"{name}.log"
    )


def _k6(context: StageContext, k6: str, plan: LoadPlan, duration_s: float, name: str) -> Completed:
    argv = [k6, "run", "--quiet", "--no-usage-report", "--summary-trend-stats", _TREND]
    argv += ["--vus", str(plan.users), "--duration", f"{max(1, round(duration_s))}s"]
    if name != "warm-up":
        argv += ["--summary-export", str(context.out / "k6.json")]
    argv += ["-e", f"BASE_URL={plan.host}", plan.script]
    env = {key: value for key, value in plan.env.items() if key not in _K6_THROUGH_ENV}
    return context.processes.run(
        argv, cwd=context.root, env=env, timeout_s=duration_s + _SLACK_S, log=context.out / f"{name}.log"
    )


def _stats(path: Path) -> list[dict[str, Any]]:
    """Return Locust's rows as they are; the reader judges them. No request at all is an empty list."""
    try:
        return msgspec.json.decode(files.read_limited(path, _LIMIT_BYTES), type=list[dict[str, Any]])
    except msgspec.DecodeError as error:
        raise EvidenceUnreadable("Locust wrote unknown figures", where=str(path), why=str(error)) from None


def _report(path: Path) -> dict[str, Any] | None:
    """Return the data of the report for people, whose CSV files lag up to ten seconds behind; None when unknown."""
    if not path.is_file():
        return None
    _, found, tail = files.read_limited(path, _LIMIT_BYTES).decode("utf-8", "replace").partition(_REPORT_DATA)
    if not found:
        return None
    try:
        # The script goes on behind the data, so the end of the value is found by the decoder.
        data, _ = json.JSONDecoder().raw_decode(tail)
    except (ValueError, RecursionError):
        return None
    known = isinstance(data, dict) and isinstance(data.get("exceptions_statistics"), list)
    return data if known else None


def _failures(report: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the texts of the distinct failures; their counts, which gates judge, come from the figures."""
    rows = (report or {}).get("failures_statistics", [])
    return [
        {
            "method": str(row.get("method", "")),
            "name": str(row.get("name", "")),
            "error": str(row.get("error", "")),
            "occurrences": count if isinstance(count := row.get("occurrences", 0), int) else 0,
        }
        for row in rows
        if isinstance(row, dict)
    ]


def _exceptions(report: dict[str, Any] | None, root: Path) -> list[dict[str, Any]]:
    """Return the distinct exceptions of the script, which Locust counts apart from failed requests."""
    found = []
    for row in (report or {}).get("exceptions_statistics", []):
        frames = _FRAME.findall(str(row.get("traceback", "")))
        where = f"{frames[-1][0].removeprefix(f'{root}/')}:{frames[-1][1]}, in {frames[-1][2]}" if frames else ""
        found.append({"message": str(row.get("msg", "")), "where": where, "occurrences": row.get("count", 1)})
    return found


def _complete_k6(summary: Path, log: Path, *, crossed: bool) -> None:
    """Add to the summary what it leaves out: exceptions of iterations, and that k6 ended over a threshold."""
    try:
        document = msgspec.json.decode(files.read_limited(summary, _LIMIT_BYTES), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise EvidenceUnreadable("k6 wrote an unknown summary", where=str(summary), why=str(error)) from None
    counts: dict[str, int] = {}
    with log.open(encoding="utf-8", errors="replace") as stream:
        while line := stream.readline(_LINE_MAX):
            if text := _K6_EXCEPTION.match(line):
                said = text[1] if text[1] in counts or len(counts) < _DISTINCT_MAX else "other exceptions"
                counts[said] = counts.get(said, 0) + 1
    document["exceptions"] = [
        {"message": " ".join(re.sub(r"\\[nt]", " ", said).split()), "occurrences": count}
        for said, count in counts.items()
    ]
    document["thresholds_crossed"] = crossed
    files.write_atomic(summary, msgspec.json.format(msgspec.json.encode(document), indent=1))


def _need(done: Completed, log: Path, name: str) -> None:
    """Refuse a run that did not come to its own end; what went wrong in the load is judged elsewhere."""
    if done.timed_out:
        raise ToolFailed(f"{name} did not end in time", where=str(log), why=done.tail(4))
    if done.exit_code not in (0, _ERRORS_SEEN):
        raise ToolFailed(
            f"{name} ended with {done.exit_code}", where=str(log), why=done.tail(8), fix="run the load script by hand"
        )


def _tool(name: str, version: str, done: Completed) -> ToolRun:
    return ToolRun(
        name=name,
        version=version,
        argv=done.argv,
        exit_code=done.exit_code,
        duration_s=round(done.duration_s, 3),
        timed_out=done.timed_out,
    )


def _version(done: Completed) -> str:
    found = re.search(r"\d+\.\d+\.\d+", done.stdout)
    return found[0] if found else ""


def default_host(exports: Mapping[str, str]) -> str:
    """Return the first exported URL of an HTTP server, base URLs preferred; empty when there is none."""
    urls = {name: value for name, value in exports.items() if value.startswith(("http://", "https://"))}
    preferred = [value for name, value in urls.items() if name.endswith("BASE_URL")]
    return (preferred or list(urls.values()) or [""])[0]
