"""What the history takes in and gives out: evidence of earlier runs, other stores, lines of JSON, tables."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from truegreen import registry
from truegreen.analysis import results
from truegreen.analysis.attempts import decided
from truegreen.app import evidence as loading
from truegreen.app import gate, history, incoming
from truegreen.errors import EvidenceMissing, EvidenceUnreadable, ExtraMissing, StoreDamaged, UsageError
from truegreen.model.results import RunResults
from truegreen.model.run import RunEvidence
from truegreen.runtime import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings
    from truegreen.model.incident import Incident
    from truegreen.model.verdict import Report

_SQLITE = b"SQLite format 3\0"
_LINE_LIMIT_BYTES = 256 << 20
_REPORTS = ("report", "truegreen-report", ".")
"""Where `verdict.json` lies in a run's folder: at a desk, among unpacked artifacts, or beside the evidence."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one thing to take in."""

    source: str
    runs: int
    """Runs found in it."""
    new: int
    """Those of them that were not kept yet, or were kept as made earlier."""
    tests: int = 0
    """Single results in the runs that were found."""


def take(shell: Shell, settings: Settings, sources: Iterable[Path]) -> list[Taken]:
    """Take runs in from places.

    Each is a folder with a run's report and evidence, a folder of such, another history (`.sqlite`), or lines that
    `export` wrote. All of a source is taken in, or nothing of it. A store that is damaged is kept aside first.

    Raises:
        EvidenceMissing: there is nothing to take in at a place.
        EvidenceUnreadable: what is there is damaged, or belongs to several runs.
        StoreError: the history cannot be written, or a source that is one cannot be read.
    """
    found = []
    for source in sources:
        runs, incidents = _read(shell, settings, source)
        new = _merge(shell, settings, runs, incidents)
        tests = sum(len(one) for run in runs for one in run.results.values())
        found.append(Taken(source=str(source), runs=len(runs), new=new, tests=tests))
    return found


def _merge(shell: Shell, settings: Settings, runs: list[RunResults], incidents: list[Incident]) -> int:
    try:
        return history.store(settings).merge(runs, incidents)
    except StoreDamaged as error:
        if settings.history.url:  # others use the server too: its people keep the damage aside
            raise
        history.Keeper(shell, settings).set_aside(error)
        return history.store(settings).merge(runs, incidents)


def _read(shell: Shell, settings: Settings, source: Path) -> tuple[list[RunResults], list[Incident]]:
    now = shell.clock.now()
    if source.is_dir():
        folders = _folders(source, settings)
        return [incoming.checked(run, str(source), now) for run in folders], []
    if not source.is_file():
        raise EvidenceMissing(f"there is no {source.name} to take in", where=str(source), fix="name a folder or a file")
    with source.open("rb") as stream:
        if stream.read(len(_SQLITE)) == _SQLITE:
            other = registry.load("store", "sqlite")(source)
            runs = [incoming.checked(run, f"{source}, run {run.run.run}", now) for run in other.runs()]
            return runs, other.incidents()
    return [incoming.checked(run, where, now) for where, run in _lines(source)], []


def _lines(source: Path) -> Iterator[tuple[str, RunResults]]:
    """Yield the place and the run of each line."""
    decoder = msgspec.json.Decoder(RunResults)
    for number, line in enumerate(files.read_limited(source, _LINE_LIMIT_BYTES).splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{source}:{number}"
        try:
            yield where, decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise EvidenceUnreadable("a line is no run of a history", where=where, why=str(error)) from None


def _folders(source: Path, settings: Settings) -> list[RunResults]:
    places = [source] if _has_report(source) else sorted(path for path in source.iterdir() if _has_report(path))
    if not places:
        raise EvidenceMissing(
            f"{source.name} holds no report of a run",
            where=str(source),
            why="there is no verdict.json in it, in report/ or truegreen-report/, or in a folder below",
            fix="unpack the artifacts of a run (`gh run download RUN -D FOLDER`) and name that folder",
        )
    kept = _kept(settings)
    runs = []
    for place in places:
        run = _of_folder(place, settings.root, kept)
        if run.run.run:
            kept.append(run.run.run)
            runs.append(run)
    return runs


def _kept(settings: Settings) -> list[str]:
    """Return the keys of the runs that are kept; none where that cannot be read, which is told when it is written."""
    if not settings.history.url and not history.path(settings).exists():
        return []
    try:
        return list(history.store(settings).digests())
    except StoreDamaged:
        return []


def _has_report(place: Path) -> bool:
    return any((place / name / "verdict.json").is_file() for name in _REPORTS)


def _of_folder(place: Path, root: Path, kept: Iterable[str]) -> RunResults:
    """Return the run whose report and evidence lie in a folder; evidence of another run is refused."""
    beside = next(name for name in _REPORTS if (place / name / "verdict.json").is_file())
    report = gate.decode_report(place / beside / "verdict.json")
    stages = [stage for stage in loading.load_all(place, root) if stage.records]
    origin = report.provenance
    for stage in stages:
        for record in stage.records:
            if record.commit != origin.commit or _other_run(record.run_id, report):
                raise EvidenceUnreadable(
                    f"{record.folder} is evidence of another run than the report",
                    where=str(place),
                    why=f"commit {record.commit[:12]}, the report is on {origin.commit[:12]}",
                    fix="name a folder with the artifacts of one run",
                )
        if stage.problems:
            problem = stage.problems[0]
            why = f"{problem.message}; a run is kept whole or not at all"
            raise EvidenceUnreadable(
                f"evidence of {stage.stage} cannot be read", where=problem.path or str(place), why=why
            )
    return results.of(report, RunEvidence(stages=tuple(stages), commit=origin.commit), kept=kept)


def _other_run(run_id: str, report: Report) -> bool:
    """Return whether evidence names another CI run; a stage that was not run again keeps its earlier attempt."""
    return bool(run_id and report.provenance.run_id) and run_id.partition(".")[0] != report.provenance.run_id


def write_lines(settings: Settings, stream: IO[bytes]) -> int:
    """Write every run as one line of JSON, oldest first, and return how many."""
    written = 0
    for run in history.store(settings).runs():
        # Printed in a job, names of tests must be no commands; the same is read from it.
        stream.write(msgspec.json.encode(run).replace(b"##[", b"#\\u0023[") + b"\n")
        written += 1
    return written


def write_copy(settings: Settings, target: Path) -> int:
    """Write the history to a new SQLite file and return how many runs; a file that is there is replaced.

    Raises:
        UsageError: the file is the history itself.
        StoreError: the history cannot be read, or the file not written.
    """
    kept = history.store(settings)
    if str(target.resolve()) == str(Path(kept.place).resolve()):
        raise UsageError("the copy would replace the history itself", where=str(target), fix="name another file")
    with files.writing(target), tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
        copy = Path(folder) / target.name
        kept.copy(copy)
        runs = len(registry.load("store", "sqlite")(copy).digests())
        copy.replace(target)
    return runs


def write_parquet(settings: Settings, target: Path) -> int:
    """Write one row for each test of each run as Parquet and return how many rows.

    Raises:
        ExtraMissing: the library that writes it is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an optional extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise ExtraMissing(
            "Parquet needs the library pyarrow", fix="install truegreen[parquet], or export lines of JSON"
        ) from None
    text, seconds = pa.string(), pa.float64()
    kinds = {name: seconds if name == "duration_s" else pa.bool_() if name == "base" else text for name in _COLUMNS}
    shape = pa.schema(list(kinds.items()))
    rows = 0
    with files.writing(target):
        temporary = target.with_name(f".{target.name}.part")
        with parquet.ParquetWriter(temporary, shape, compression="zstd") as writer:
            for run in history.store(settings).runs():
                table = list(_rows(run))
                rows += len(table)
                writer.write_table(pa.Table.from_pylist(table, schema=shape))
        temporary.replace(target)
    return rows


_COLUMNS = ("run", "created", "commit", "tree", "environment", "branch", "base", "stage", "test", "attempts",
            "outcome", "duration_s", "fingerprint")  # fmt: skip
"""Columns of the exported table, one row for each test of each run."""


def _rows(results_of_run: RunResults) -> Iterator[dict[str, object]]:
    run = results_of_run.run
    same = {name: getattr(run, name) for name in _COLUMNS[:7]}
    for stage, tests in results_of_run.results.items():
        for test in tests:
            own = {"attempts": " ".join(test.attempts), "outcome": decided(test.attempts).value, "stage": stage}
            more = {"test": test.test, "duration_s": test.duration_s, "fingerprint": test.fingerprint}
            yield {**same, **own, **more}
