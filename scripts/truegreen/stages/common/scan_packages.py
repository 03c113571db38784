"""How the security scan looks up advisories for what the project locks, by pip-audit."""

from __future__ import annotations

import re
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.runtime import files
from truegreen.runtime.toolchain import uv_env
from truegreen.stages.common.scan_bench import report_of
from truegreen.stages.common.scan_locks import Locked, Pin, joined, read_parts, requirements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truegreen.stages.common.scan_bench import Bench

_UNKNOWN = ("Pipfile.lock", "Pipfile", "environment.yml", "environment.yaml")
"""Files that name dependencies in a way nobody here reads."""
CANARY = "jinja2==2.4.1"
"""A release with known vulnerabilities since 2014; a service that knows none of them knows nothing."""


def pip_audit(bench: Bench, osv_url: str) -> None:
    """Look up every locked package, after the service has proved that it knows a vulnerable one.

    Leaves no report when the project demonstrably depends on nothing.
    """
    locked = _locked(bench)
    pins = {(_normal(pin.name), pin.version): pin for pin in reversed(locked.pins)}
    if not pins and not locked.loose:
        bench.notes.append(f"pip-audit did not run: {', '.join(locked.files)}: no package of the index is named")
        return
    unread = list(locked.loose)
    with tempfile.TemporaryDirectory(prefix="truegreen-audit-") as folder:
        broken = _canary(bench, osv_url, Path(folder))
        report = None if broken else _report(bench, osv_url, Path(folder), list(pins.values()), unread)
    unread += broken
    if report is not None:
        answered = _placed(report, pins)
        silent = [pin for key, pin in pins.items() if key not in answered]
        unread += [f"{pin.name} {pin.version}: pip-audit says nothing about it" for pin in silent]
    places = [(row["source"], row["line"]) for row in (report or {}).get("dependencies", ()) if row.get("vulns")]
    named = [f"{pin.name}=={pin.version}" for pin in pins.values()]
    bench.notes.append(f"pip-audit: {len(named)} packages of {', '.join(locked.files)}")
    bench.write("pip-audit", report, unit="packages", scanned=named, unread=unread, places=places)


def _report(bench: Bench, osv_url: str, folder: Path, pins: list[Pin], unread: list[str]) -> dict[str, Any] | None:
    """Return pip-audit's reports as one, None as soon as one is missing; adds what is wrong to `unread`."""
    dependencies: list[dict[str, Any]] = []
    for number, group in enumerate(_groups(pins)):
        done = _run(bench, osv_url, folder, f"part-{number}", [f"{pin.name}=={pin.version}" for pin in group])
        part, wrong = report_of(done, "pip-audit")
        unread += wrong
        if part is None:
            return None
        dependencies += part["dependencies"]
    return {"dependencies": dependencies}


def _locked(bench: Bench) -> Locked:
    """Return what every file locks; where versions are left open, what uv resolves them to today."""
    parts = []
    for part in read_parts(bench.root):
        if not part.unpinned:
            parts.append(part)
            continue
        resolved = _resolved(bench, part.files[0])
        # What is pinned already keeps its place: the first of two equal pins is the one that is shown.
        parts.append(msgspec.structs.replace(resolved, pins=(*part.pins, *resolved.pins)))
    locked = joined(parts)
    if locked.pins or locked.loose:
        return locked
    return joined([*parts, _of_project(bench, locked.files)])


def _of_project(bench: Bench, named: Sequence[str]) -> Locked:
    """Return what the project itself depends on, where no file beside it names a package."""
    unknown = [name for name in _UNKNOWN if (bench.root / name).is_file()]
    if (bench.root / "pyproject.toml").is_file():
        options = [word for name in _groups_installed(bench) for word in ("--group", name)]
        found = _resolved(bench, "pyproject.toml", "--all-extras", *options)
        if found.pins or found.loose or not unknown:
            return found
    if unknown or named:
        loose = tuple(f"{name}: no package could be read from it" for name in (*named, *unknown))
        return Locked(loose=loose, files=tuple(unknown))
    return Locked(loose=("dependencies: there is neither a lock file nor a pyproject.toml",))


def _resolved(bench: Bench, name: str, *options: str) -> Locked:
    """Return what uv resolves a file to today; a row that uv leaves without a version cannot be looked up."""
    from uv import find_uv_bin  # noqa: PLC0415 - only where nothing is locked

    argv = [find_uv_bin(), "pip", "compile", "--universal", "--no-header", "--no-annotate", "-q", *options, name]
    done = bench.run("uv pip compile", argv, env=uv_env(bench.context.env))
    if not done.ok:
        why = " ".join(done.tail(4).split())[:300]
        return Locked(loose=(f"{name}: uv could not resolve it: {why}",), files=(name,))
    bench.notes.append(f"pip-audit: {name} is no lock; audited is what it resolves to today")
    resolved = requirements(bench.root, name, done.stdout)
    # The lines are those of uv's answer, not of the project's file.
    pins = tuple(msgspec.structs.replace(pin, line=0) for pin in resolved.pins)
    return Locked(pins=pins, loose=resolved.unpinned, files=(name,))


def _groups_installed(bench: Bench) -> list[str]:
    """Return the dependency groups that the project has and its installation takes."""
    try:
        groups = tomllib.loads((bench.root / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    except (OSError, ValueError, KeyError):
        return []
    return [name for name in bench.context.project.groups if name in groups]


def _canary(bench: Bench, osv_url: str, folder: Path) -> list[str]:
    """Return what is wrong when the service does not know the known-vulnerable release."""
    report, wrong = report_of(_run(bench, osv_url, folder, "canary", [CANARY]), "canary: pip-audit")
    rows = report.get("dependencies", []) if isinstance(report, dict) else []
    if any(row.get("vulns") for row in rows):
        return []
    reason = next((row["skip_reason"] for row in rows if row.get("skip_reason")), "")
    service = osv_url or "the index's advisory service"
    why = f": {reason}" if reason else ""
    return [*wrong, f"canary: {service} does not know that {CANARY} is vulnerable{why}"]


def _run(bench: Bench, osv_url: str, folder: Path, name: str, lines: Sequence[str]) -> Any:
    asked = files.write_atomic(folder / f"{name}.txt", "\n".join(lines) + "\n")
    argv = [str(bench.context.tools.path("pip-audit")), "--format", "json", "--progress-spinner", "off"]
    argv += ["--no-deps", "--disable-pip", "--cache-dir", str(folder / "cache"), "-r", str(asked)]
    argv += ["-s", "osv", "--osv-url", osv_url] if osv_url else ["-s", "pypi"]
    return bench.run("pip-audit", argv, raw="" if name == "canary" else "pip-audit.raw.json")


def _groups(pins: Sequence[Pin]) -> list[list[Pin]]:
    """Return the pins in lists without a name twice: pip-audit refuses two versions of one package."""
    groups: list[dict[str, Pin]] = []
    for pin in pins:
        name = _normal(pin.name)
        target = next((group for group in groups if name not in group), None)
        if target is None:
            target = {}
            groups.append(target)
        target[name] = pin
    return [list(group.values()) for group in groups]


def _placed(report: dict[str, Any], pins: dict[tuple[str, str], Pin]) -> set[tuple[str, str]]:
    """Add source and line to each dependency; return the packages pip-audit spoke about."""
    answered = set()
    for row in report["dependencies"]:
        name, version = _normal(row["name"]), row.get("version", "")
        matches = [key for key in pins if key[0] == name and version in ("", key[1])]
        answered |= set(matches) if matches else {key for key in pins if key[0] == name}
        pin = pins[matches[0]] if matches else None
        row["source"], row["line"] = (pin.source, pin.line) if pin else ("", 0)
    return answered


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
