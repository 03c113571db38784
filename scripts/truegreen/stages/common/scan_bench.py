"""What every linter and scanner stage needs: run a tool, keep its raw output, wrap it in an envelope."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.errors import EvidenceError
from truegreen.model.evidence import ToolRun
from truegreen.model.scan_envelope import ENVELOPE_VERSION, ScanEnvelope
from truegreen.runtime import files
from truegreen.runtime.toolchain import clean_env

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from truegreen.runtime.process import Completed
    from truegreen.stages.common.context import StageContext, StageOutcome

_SOURCE_LIMIT_BYTES = 32 << 20
_ARGV_MAX_CHARS = 400_000
# Settings of a tool in the environment would change what a scan means; a token is none of its business.
_FOREIGN = ("RUFF_", "BLACK_", "SEMGREP_", "ZIZMOR_", "BANDIT_", "PIP_AUDIT_", "GH_", "GITHUB_TOKEN", "ACTIONS_")


class Bench:
    """Collects the tools, files, kinds and notes of one stage."""

    def __init__(self, context: StageContext) -> None:
        self.context = context
        self.root = context.root
        self.env = {key: text for key, text in clean_env(context.env).items() if not key.startswith(_FOREIGN)}
        self.notes: list[str] = []
        self._tools: list[ToolRun] = []
        self._files: list[tuple[str, str]] = []
        self._kinds: list[str] = []
        self._until_s = context.clock.monotonic() + context.options.timeout_s

    def run(self, name: str, argv: Sequence[str], *, raw: str = "", env: Mapping[str, str] | None = None) -> Completed:
        """Run a tool in the project's folder, within what is left of the stage's time.

        With `raw`, its standard output is kept below that name, and its standard error beside it.
        """
        left_s = max(self._until_s - self.context.clock.monotonic(), 1.0)
        with self.context.console.working(name):
            done = self.context.processes.run(argv, cwd=self.root, env={**self.env, **(env or {})}, timeout_s=left_s)
        self._tools.append(
            ToolRun(
                name=name,
                version=self.version(name),
                argv=tuple(argv[:40]),
                exit_code=done.exit_code,
                duration_s=round(done.duration_s, 3),
                timed_out=done.timed_out,
            )
        )
        if raw:
            self._keep(raw, done.stdout)
            self._keep(raw.partition(".")[0] + ".stderr.log", done.stderr)
        return done

    def version(self, name: str) -> str:
        """Return the pinned version of a tool; empty for one that is the project's own."""
        pinned = name.partition(" ")[0].removesuffix("-format")
        return "" if pinned in ("npx", "uv", "git", "prettier") else self.context.tools.version(pinned)

    def write(
        self,
        kind: str,
        report: Any,
        *,
        tool: str = "",
        version: str = "",
        unit: str = "files",
        scanned: Iterable[str] = (),
        unread: Iterable[str] = (),
        places: Iterable[tuple[str, int]] = (),
    ) -> None:
        """Write the envelope of one tool; `report` is decoded JSON, None where there is none."""
        tool = tool or kind
        envelope = ScanEnvelope(
            schema_version=ENVELOPE_VERSION,
            tool=tool,
            version=version or self.version(tool),
            root=str(self.root),
            unit=unit,
            scanned=tuple(sorted(set(scanned))),
            unread=tuple(dict.fromkeys(unread)),
            lines=line_digests(self.root, places),
            report=msgspec.Raw(msgspec.json.encode(report)),
        )
        name = f"{tool}.json"
        files.write_atomic(self.context.out / name, msgspec.json.format(msgspec.json.encode(envelope), indent=1))
        self._files.append((name, kind))
        self._kinds.append(kind)

    def keep(self, name: str, kind: str) -> None:
        """Name a file of evidence that was written by other means."""
        self._files.append((name, kind))
        self._kinds.append(kind)

    def outcome(self) -> StageOutcome:
        """Return everything that was collected."""
        from truegreen.stages.common.context import StageOutcome  # noqa: PLC0415 - context imports the toolchain

        return StageOutcome(
            files=tuple(self._files),
            expects=tuple(dict.fromkeys(self._kinds)),
            tools=tuple(self._tools),
            notes=tuple(self.notes),
        )

    def _keep(self, name: str, text: str) -> None:
        """Keep text as a log; a second part of the same output is numbered."""
        if not text:
            return
        stem, dot, rest = name.partition(".")
        number, target = 1, name
        while (target, "log") in self._files:
            number += 1
            target = f"{stem}-{number}{dot}{rest}"
        files.write_atomic(self.context.out / target, text)
        self._files.append((target, "log"))


def report_of(done: Completed, name: str, *, fine: Sequence[int] = (0, 1)) -> tuple[Any, list[str]]:
    """Return a tool's JSON and what is wrong: it was killed, ended oddly, or wrote no JSON."""
    if done.timed_out:
        return None, [f"{name}: killed after {done.duration_s:.0f} s, the stage's time was over"]
    wrong = [] if done.exit_code in fine else [f"{name}: ended with {done.exit_code}: {_last(done)}"]
    try:
        return msgspec.json.decode(done.stdout.encode()), wrong
    except (msgspec.DecodeError, RecursionError) as error:
        return None, wrong or [f"{name}: its output is no JSON ({error}): {_last(done)}"]


def line_digests(root: Path, places: Iterable[tuple[str, int]]) -> dict[str, str]:
    """Return `path:line` → digest of the line with its spaces levelled; unreadable lines are left out.

    Line 0 stands for the file as a whole and has the digest of its name.
    """
    found: dict[str, str] = {}
    cache: dict[str, list[str]] = {}
    for name, line in places:
        place = relative(root, name)
        if place not in cache:
            cache[place] = _lines(root / place)
        rows = cache[place]
        if line == 0:
            found[f"{place}:0"] = _digest(place)
        elif 0 < line <= len(rows):
            found[f"{place}:{line}"] = _digest(" ".join(rows[line - 1].split()))
    return found


def relative(root: Path, name: str) -> str:
    """Return a path relative to the project, with `/` and without `./`; one outside stays as it is."""
    path = Path(name)
    if path.is_absolute() and path.is_relative_to(root):
        path = path.relative_to(root)
    return path.as_posix()


def batches(names: Sequence[str], limit_chars: int = _ARGV_MAX_CHARS) -> list[list[str]]:
    """Return the names in lists short enough for one command line; one empty list for no names."""
    done: list[list[str]] = [[]]
    size = 0
    for name in names:
        size += len(name) + 1
        if size > limit_chars and done[-1]:
            done.append([])
            size = len(name) + 1
        done[-1].append(name)
    return done


def _lines(path: Path) -> list[str]:
    try:
        return files.read_limited(path, _SOURCE_LIMIT_BYTES).decode("utf-8", "replace").splitlines()
    except EvidenceError:
        return []


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]


def _last(done: Completed) -> str:
    return " ".join(done.tail(3).split())[:300] or "it said nothing"
