"""The project's settings of bandit: what they leave out is told, and a canary lives under the same settings."""

from __future__ import annotations

import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.runtime import files
from truegreen.stages.common.scan_bench import report_of

if TYPE_CHECKING:
    from truegreen.stages.common.scan_bench import Bench

PLANTED = """import hashlib
import pickle
import random
import subprocess


def planted(name, data):
    assert name
    subprocess.call('ls ' + name, shell=True)
    eval(name)
    exec(name)
    hashlib.md5(data)
    pickle.loads(data)
    random.random()
    password = 'planted-secret'
    open('/tmp/planted')
    try:
        return name
    except Exception:
        pass
"""
_PROVED = frozenset({"B102", "B301", "B307", "B324", "B602"})
"""Rules that must find their planted fault; of the others planted, settings may well bend each."""
_BLACKLISTED = frozenset({"B301", "B307"})
_BLACKLIST = "B001"
_WHERE = "[tool.bandit] in pyproject.toml"


class BanditSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The table `[tool.bandit]`."""

    table: dict[str, Any] = {}

    @property
    def arguments(self) -> list[str]:
        """Return bandit's arguments for the table."""
        return ["-c", "pyproject.toml"] if self.table else []

    @property
    def excluded(self) -> list[str]:
        """Return the parts of paths that it excludes."""
        return [part.removeprefix("./") for part in self._texts("exclude_dirs")]

    @property
    def proved(self) -> frozenset[str]:
        """Return the rules that the canary must set off: those the settings leave in force."""
        skips, only = set(self._texts("skips")), set(self._texts("tests"))
        if _BLACKLIST in skips:
            skips |= _BLACKLISTED
        if _BLACKLIST in only:
            only |= _BLACKLISTED
        return (_PROVED & only if only else _PROVED) - skips

    @property
    def notes(self) -> list[str]:
        """Return a sentence for each list of rules that are not in force."""
        skips, only = self._texts("skips"), self._texts("tests")
        found = [f"bandit: {len(skips)} rules left out by skips of {_WHERE}: {', '.join(skips)}"] if skips else []
        return found + (
            [f"bandit: only {len(only)} rules run, by tests of {_WHERE}: {', '.join(only)}"] if only else []
        )

    def _texts(self, key: str) -> list[str]:
        value = self.table.get(key) or []
        return [str(part) for part in value] if isinstance(value, list) else [str(value)]


def settings(root: Path) -> BanditSettings:
    """Return the project's settings; none where there is no table."""
    try:
        table = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["bandit"]
    except (OSError, ValueError, KeyError, TypeError):
        return BanditSettings()
    return BanditSettings(table=table if isinstance(table, dict) else {})


def canary(bench: Bench, program: str, chosen: BanditSettings) -> list[str]:
    """Return what to say when bandit, under the project's settings, does not find the faults planted for it."""
    with tempfile.TemporaryDirectory(prefix="truegreen-canary-") as folder:
        planted = files.write_atomic(Path(folder) / "planted.py", PLANTED)
        # Without its folders: the canary's own might bear the name of one.
        table = {key: value for key, value in chosen.table.items() if key != "exclude_dirs"}
        written = files.write_atomic(Path(folder) / "settings.yaml", msgspec.json.encode(table))
        options = ["-c", str(written)] if table else []
        done = bench.run("bandit", [program, "-q", "-f", "json", *options, str(planted)])
    report, wrong = report_of(done, "canary: bandit")
    rules = {row.get("test_id") for row in (report or {}).get("results", ())}
    if not rules:
        return [*wrong, "canary: bandit did not find the fault planted for it"]
    blind = sorted(chosen.proved - rules)
    return [*wrong, f"canary: bandit did not find what was planted for {', '.join(blind)}"] if blind else wrong
