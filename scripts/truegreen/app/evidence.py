"""Loading evidence folders into records; what cannot be read becomes a Problem, never a gap."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from truegreen import registry
from truegreen.analysis import merge
from truegreen.app import stage_record
from truegreen.errors import EvidenceChanged, EvidenceMissing, EvidenceUnreadable, TruegreenError
from truegreen.model.persistence import PersistenceEvidence
from truegreen.model.run import Problem, StageEvidence
from truegreen.model.testrun import Outcome, TestRun, TestSession
from truegreen.model.verdict import Input
from truegreen.runtime import files

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from truegreen.model.evidence import StageRecord

_RERUN = re.compile(r"-rerun-(\d+)\.[^/]*$")


class Unread(NamedTuple):
    """A file whose reader takes those of all shards at once, which costs little more than one of them."""

    reader: Any
    path: Path


def load_all(folder: Path, root: Path) -> list[StageEvidence]:
    """Return the evidence of every stage below a folder, shards merged.

    Args:
        folder: `.truegreen`, or where artifacts were unpacked (one folder a stage and shard).
        root: the user's project; paths inside evidence are made relative to it.
    """
    by_stage: dict[str, list[tuple[Path, StageRecord]]] = {}
    broken: dict[str, list[Problem]] = {}
    known = registry.names("stage")
    for place in sorted(path for path in folder.glob("*/") if path.is_dir()):
        stage = _stage_of(place.name)
        try:
            if place.is_symlink():
                raise EvidenceUnreadable(f"{place.name} is a link, not a folder of evidence", where=str(place))
            if not stage and not (place / stage_record.NAME).exists():
                continue  # the report, logs of services, somebody else's artifact
            record = stage_record.read(place / stage_record.NAME)
            if record.stage not in known:
                raise EvidenceUnreadable(f"{place.name} is evidence of an unknown stage", where=str(place))
        except TruegreenError as error:
            broken.setdefault(stage, []).append(_problem("stage", error))
            continue
        by_stage.setdefault(record.stage, []).append((place, record))
    # What cannot be told to belong to one stage makes a doubt of all.
    anywhere = broken.pop("", [])
    names = [name for name in known if name in by_stage or name in broken]
    return [_load_stage(name, by_stage.get(name, []), [*broken.get(name, []), *anywhere], root) for name in names]


def _stage_of(folder: str) -> str:
    """Return the stage that a folder is named after; empty when it is named after none."""
    name = folder.removeprefix("truegreen-")
    return next((known for known in registry.names("stage") if name == known or name.startswith(f"{known}-")), "")


def _load_stage(
    stage: str, shards: list[tuple[Path, StageRecord]], problems: list[Problem], root: Path
) -> StageEvidence:
    parts: dict[str, list[tuple[str, Any]]] = {}
    found = list(problems)
    found += _duplicates(stage, [record for _, record in shards])
    inputs: list[Input] = []
    results: list[tuple[str, TestRun]] = []
    failed_in: dict[str, str] = {}
    variants = {record.python for _, record in shards if not record.ingested}
    for folder, record in shards:
        for name, part, parsed, problem in _read_shard(folder, record, root):
            if problem is not None:
                found.append(problem)
            else:
                if isinstance(parsed, TestRun):
                    inputs.append(_input(record, name, parsed))
                # A matrix runs the same tests on several Pythons: results of one are not results of another.
                labelled = len(variants) > 1 and not record.ingested
                own = _in_variant(parsed, record.python) if labelled else parsed
                if isinstance(own, TestRun):
                    results.append((record.run_id, own))
                    if record.shard and len(shards) > 1:
                        failed_in = {**{case.id: record.shard for case in own.bad()}, **failed_in}
                parts.setdefault(part, []).append((f"{record.shard}/{name}", own))
    unmeasured = _unmeasured(parts, [record.shard for _, record in shards])
    parts = {part: _read_together(part, named, root, found) for part, named in parts.items()}
    merged = _merged(stage, tuple(record for _, record in shards), parts, found)
    carried = _carried(results)
    return msgspec.structs.replace(
        merged, inputs=tuple(inputs), carried=carried, unmeasured=unmeasured, failed_in=failed_in
    )


def _unmeasured(parts: dict[str, list[tuple[str, Any]]], shards: list[str]) -> tuple[str, ...]:
    """Return the shards that left results of tests and no coverage; none where no shard left any."""
    left = {part: {name.partition("/")[0] for name, _ in parts.get(part, [])} for part in ("tests", "coverage")}
    if not left["coverage"]:
        return ()
    return tuple(shard or "(none)" for shard in shards if shard in left["tests"] - left["coverage"])


def _carried(results: list[tuple[str, TestRun]]) -> frozenset[str]:
    """Return the tests that no shard of the newest attempt ran, where shards of several attempts of one run are here.

    Args:
        results: identity of run and attempt, and what was left there.
    """
    attempts = {made: made.rpartition(".") for made, _ in results}
    if len(attempts) < 2 or len({number for number, _, _ in attempts.values()}) > 1:  # noqa: PLR2004 - nothing to tell
        return frozenset()
    newest = max(attempts, key=lambda made: (len(attempts[made][2]), attempts[made][2]))  # as numbers, or as text
    again = {test for made, run in results if made == newest for test in run.ids()}
    return frozenset(test for made, run in results if made != newest for test in run.ids()).difference(again)


def _input(record: StageRecord, file: str, run: TestRun) -> Input:
    """Return what one file of test results held, as it was read."""
    return Input(
        stage=record.stage,
        shard=record.shard,
        file=file,
        kind=next(entry.kind for entry in record.files if entry.path == file),
        tests=run.count(),
        passed=run.count(Outcome.PASS),
        failed=run.count(Outcome.FAIL),
        errors=run.count(Outcome.ERROR),
        skipped=run.count(Outcome.SKIP),
        flaky=sum(case.flaky for case in run.records()),
    )


def _in_variant(parsed: Any, python: str) -> Any:
    if isinstance(parsed, TestRun):
        return merge.in_variant(parsed, python)
    if isinstance(parsed, PersistenceEvidence):
        return merge.commits_in_variant(parsed, python)
    return merge.session_in_variant(parsed, python) if isinstance(parsed, TestSession) else parsed


def _duplicates(stage: str, records: Iterable[StageRecord]) -> list[Problem]:
    """Two folders that claim the same shard: one of them is stale or foreign."""
    seen: set[str] = set()
    problems = []
    for record in records:
        if record.shard in seen:
            message = f"two pieces of evidence claim stage {stage} shard {record.shard or '(none)'}"
            problems.append(Problem(kind="stage", message=message, code="TG205", fix="give each shard its own name"))
        seen.add(record.shard)
    return problems


def _read_shard(folder: Path, record: StageRecord, root: Path) -> Iterable[tuple[str, str, Any, Problem | None]]:
    """Yield (file, part, parsed, problem) for every file a reader exists for, and for every missing one."""
    present = {entry.kind for entry in record.files}
    for kind in record.expects:
        if kind not in present:
            part = registry.load("reader", kind).part if kind in registry.names("reader") else "stage"
            message = f"{record.folder} promised {kind} evidence and left none"
            said = f"the stage said: {'; '.join(record.notes)}" if record.notes else ""
            yield kind, part, None, Problem(kind=part, message=message, path=str(folder), code="TG201", fix=said)
    for entry in record.files:
        if entry.kind == "log":
            continue
        path = folder / entry.path
        part = "stage"
        try:
            reader = registry.load("reader", entry.kind)()
            part = reader.part
            check_digest(path, folder, entry.sha256)
            together = hasattr(reader, "read_shards")
            yield entry.path, part, Unread(reader, path) if together else reader.read(path, root), None
        except TruegreenError as error:
            yield entry.path, part, None, _problem(part, error)


def _read_together(
    part: str, named: list[tuple[str, Any]], root: Path, problems: list[Problem]
) -> list[tuple[str, Any]]:
    """Return what was read of a part, with one record for all files that are read together."""
    unread = [one for _, one in named if isinstance(one, Unread)]
    read = [(name, one) for name, one in named if not isinstance(one, Unread)]
    if unread:
        try:
            read.append((part, unread[0].reader.read_shards([one.path for one in unread], root)))
        except TruegreenError as error:
            problems.append(_problem(part, error))
    return read


def check_digest(path: Path, folder: Path, digest: str) -> None:
    """Refuse a file of evidence that is not what its stage left.

    Raises:
        EvidenceUnreadable: it lies outside the folder, or is a link.
        EvidenceMissing: it is not there.
        EvidenceChanged: its content has another digest.
    """
    try:
        inside = path.resolve().is_relative_to(folder.resolve()) and not path.is_symlink()
    except (OSError, ValueError) as error:  # such as a name with a null byte
        raise EvidenceUnreadable("a file of evidence has no usable name", where=str(folder), why=str(error)) from None
    if not inside:
        raise EvidenceUnreadable(f"{path.name} lies outside its evidence folder", where=str(path))
    if not path.is_file():
        raise EvidenceMissing(f"{path.name} is missing", where=str(path))
    if files.sha256(path) != digest:
        raise EvidenceChanged(f"{path.name} changed after its stage ended", where=str(path))


def _merged(
    stage: str, records: tuple[StageRecord, ...], parts: dict[str, list[tuple[str, Any]]], problems: list[Problem]
) -> StageEvidence:
    def values(part: str) -> list[Any]:
        return [parsed for _, parsed in parts.get(part, [])]

    tests = None
    try:
        tests = _merge_tests(parts.get("tests", []))
    except TruegreenError as error:
        problems = [*problems, _problem("tests", error)]
    loads, images, mutations, proofs = values("load"), values("image"), values("mutation"), values("proof")
    styles = values("style")
    single = (("image", images), ("mutation", mutations), ("proof", proofs), ("style", styles))
    return StageEvidence(
        stage=stage,
        records=records,
        tests=tests,
        sessions=tuple(values("sessions")),
        coverage=merge.coverages(values("coverage")) if values("coverage") else None,
        scans=tuple(values("scans")),
        persistence=tuple(values("persistence")),
        load=merge.loads(loads) if loads else None,
        image=images[0] if images else None,
        mutation=mutations[0] if mutations else None,
        pairs=tuple(values("pairs")),
        wiring=merge.wirings(values("wiring")) if values("wiring") else None,
        proof=proofs[0] if proofs else None,
        style=styles[0] if styles else None,
        fakes=merge.fakes(values("fakes")) if values("fakes") else None,
        problems=(*problems, *(one for part, found in single for one in _only_one(stage, part, len(found)))),
    )


def _only_one(stage: str, part: str, number: int) -> list[Problem]:
    """Return a problem when there is more than one record of a part: a verdict on one would look like one on all."""
    if number <= 1:
        return []
    message = f"{stage} left {number} records of {part}, and one is judged"
    return [Problem(kind=part, message=message, code="TG205", fix="judge each of them in a run of its own")]


def _merge_tests(named: list[tuple[str, Any]]) -> Any:
    """Merge first runs as shards, then each round of reruns as later attempts."""
    if not named:
        return None
    merged = merge.shards([run for name, run in named if not _round(name)])
    for _, run in sorted((entry for entry in named if _round(entry[0])), key=lambda entry: _round(entry[0])):
        merged = merge.rerun(merged, run)
    return merged


def _round(name: str) -> int:
    """Return which rerun a file of results belongs to; 0 is the first run."""
    match = _RERUN.search(name)
    return int(match.group(1)) if match else 0


def _problem(kind: str, error: TruegreenError) -> Problem:
    path, _, line = error.where.rpartition(":")
    known_line = line.isdigit()
    return Problem(
        kind=kind,
        message=error.what + (f": {error.why}" if error.why else ""),
        path=path if known_line else error.where,
        line=int(line) if known_line else 0,
        code=error.code,
        fix=error.fix,
    )
