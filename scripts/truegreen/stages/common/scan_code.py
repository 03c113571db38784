"""How the security scan runs bandit and semgrep, each proving first that it sees a planted fault."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truegreen.runtime import files
from truegreen.stages.common import scan_bandit, scan_silenced
from truegreen.stages.common.scan_bench import batches, relative, report_of
from truegreen.stages.common.scan_sources import half_parsed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truegreen.stages.common.scan_bench import Bench

RULES = Path(__file__).parents[1] / "rules" / "python.yaml"
PLANTED = "import subprocess\n\n\ndef planted(name):\n    subprocess.call('ls ' + name, shell=True)\n"
_SEMGREP_RULE = "shell-true"


def bandit(bench: Bench, names: Sequence[str], missing: Sequence[str]) -> None:
    """Run bandit on exactly these files, with the project's `[tool.bandit]` where there is one."""
    program = str(bench.context.tools.path("bandit"))
    chosen = scan_bandit.settings(bench.root)
    unread = [*missing, *scan_bandit.canary(bench, program, chosen)]
    bench.notes.extend(chosen.notes)
    left_out = {name for name in names if any(part in name for part in chosen.excluded)}
    if left_out:
        bench.notes.append(f"bandit: {len(left_out)} files left out by exclude_dirs of [tool.bandit]")
    asked = [name for name in names if name not in left_out]
    report: dict[str, Any] | None = {"errors": [], "results": [], "metrics": {}}
    for batch in batches(asked) if asked else []:
        argv = [program, "-q", "-f", "json", *chosen.arguments, "--", *_paths(batch)]
        part, wrong = report_of(bench.run("bandit", argv, raw="bandit.raw.json"), "bandit")
        unread += wrong
        report = _joined(report, part)
    seen = {relative(bench.root, name) for name in (report or {}).get("metrics", ())}
    unread += [f"{name}: bandit says nothing about it" for name in asked if name not in seen and report is not None]
    bench.notes.extend(scan_silenced.note("bandit", bench.root, asked))
    places = [(row["filename"], row["line_number"]) for row in (report or {}).get("results", ())]
    bench.write("bandit", report, scanned=seen - {"_totals"}, unread=unread, places=places)


def semgrep(bench: Bench, names: Sequence[str], missing: Sequence[str], rules: Sequence[str]) -> None:
    """Run semgrep with our rules and the project's own rule files, the planted fault among the files."""
    program = str(bench.context.tools.path("semgrep"))
    unread = list(missing)
    configs = [word for rule in (str(RULES), *rules) for word in ("--config", rule)]
    report: dict[str, Any] | None = {"results": [], "errors": [], "paths": {"scanned": []}, "skipped_rules": []}
    with tempfile.TemporaryDirectory(prefix="truegreen-canary-") as folder:
        planted = files.write_atomic(Path(folder) / "planted.py", PLANTED)
        env = {"SEMGREP_SETTINGS_FILE": str(Path(folder) / "settings.yml"), "SEMGREP_SEND_METRICS": "off"}
        for batch in batches(names):
            argv = [program, "scan", "--metrics=off", "--disable-version-check", "--json", "-q"]
            argv += ["--max-target-bytes=0", "--no-git-ignore", *configs, "--", *_paths(batch), str(planted)]
            part, wrong = report_of(bench.run("semgrep", argv, raw="semgrep.raw.json", env=env), "semgrep")
            part, found = _without(part, str(planted))
            unread += wrong if found else [*wrong, "canary: semgrep did not find the fault planted for it"]
            report = _joined(report, part)
    seen = set((report or {}).get("paths", {}).get("scanned", ()))
    unread += [f"{name}: semgrep did not scan it" for name in names if name not in seen and report is not None]
    unread += half_parsed(bench.root, names)
    bench.notes.extend(scan_silenced.note("semgrep", bench.root, names))
    places = [(row["path"], row["start"]["line"]) for row in (report or {}).get("results", ())]
    bench.write("semgrep", report, scanned=seen, unread=unread, places=places)


def _without(report: Any, planted: str) -> tuple[Any, bool]:
    """Return the report without the planted file, and whether the planted fault was found."""
    if report is None:
        return None, False
    ours = [row for row in report["results"] if row["path"] == planted]
    report["results"] = [row for row in report["results"] if row["path"] != planted]
    report["paths"]["scanned"] = [name for name in report["paths"]["scanned"] if name != planted]
    return report, any(row["check_id"].rsplit(".", 1)[-1] == _SEMGREP_RULE for row in ours)


def _joined(whole: Any, part: Any) -> Any:
    """Return two reports of one tool as one; None as soon as one part is missing."""
    if whole is None or part is None:
        return None
    for key, value in part.items():
        if key == "paths":
            whole["paths"]["scanned"] += value.get("scanned", [])
        elif key == "metrics":
            whole["metrics"] |= value
        elif isinstance(value, list):
            whole[key] = [*whole.get(key, []), *value]
    return whole


def _paths(names: Sequence[str]) -> list[str]:
    """Return paths that no program can take for an option."""
    return [f"./{name}" for name in names]
