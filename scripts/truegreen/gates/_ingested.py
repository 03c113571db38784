"""What can be said of results that another test runner brought: no session of ours saw them; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.gates.base import count, some
from truegreen.model.verdict import Fact, Item

if TYPE_CHECKING:
    from truegreen.model.evidence import StageRecord
    from truegreen.model.run import StageEvidence

_SIGNALLED = 128
"""A shell adds the signal's number to this."""
_AGAIN = "run the tests again, and take all their files in with one `truegreen ingest`"


def records(seen: StageEvidence) -> tuple[StageRecord, ...]:
    """Return the records of a stage that were written by `truegreen ingest`."""
    return tuple(record for record in seen.records if record.ingested)


def tests(seen: StageEvidence) -> int:
    """Return how many results were brought."""
    shards = {record.shard for record in records(seen)}
    return sum(file.tests for file in seen.inputs if file.shard in shards)


def problem(seen: StageEvidence) -> tuple[str, str, tuple[Item, ...]] | None:
    """Return reason, remedy and items of a blind verdict when brought results cannot carry a claim."""
    for record in records(seen):
        if found := _of_shard(seen, record):
            reason, remedy = found
            return f"{reason} ({record.folder})" if len(seen.records) > 1 else reason, remedy, ()
    return None


def facts(seen: StageEvidence) -> tuple[Fact, ...]:
    """Return where brought results come from, and how their command ended."""
    brought = records(seen)
    if not brought:
        return ()
    kinds = dict.fromkeys(file.kind for record in brought for file in record.files if file.kind != "log")
    codes = dict.fromkeys(str(code) for record in brought if (code := _exit_code(record)) is not None)
    told = [Fact(label="brought", value=f"{', '.join(kinds)}; what was never collected is not seen")]
    empty = [file.file for file in seen.inputs if not file.tests and file.shard in {one.shard for one in brought}]
    told += [Fact(label="files without a test", value=some(empty))] if empty else []
    return tuple(told + ([Fact(label="exit code", value=", ".join(codes))] if codes else []))


def _of_shard(seen: StageEvidence, record: StageRecord) -> tuple[str, str] | None:
    held = [file for file in seen.inputs if file.shard == record.shard]
    if not sum(file.tests for file in held):
        return "no test has a result" if held else "no file of test results was taken in", _AGAIN
    code, bad = _exit_code(record), sum(file.failed + file.errors for file in held)
    if code is None:
        return "nobody says how the test command ended", "give its exit code: `truegreen ingest … --exit-code $?`"
    if code < 0 or code >= _SIGNALLED:
        return f"the test command was ended by a signal (exit code {code})", "read its log: it was killed or crashed"
    if code and not bad:
        return f"the test command ended with exit code {code}, and no result says why", "read its log"
    if bad and not code:
        return f"the test command ended with exit code 0, and {count(bad, 'test')} failed", "let it say that it failed"
    return None


def _exit_code(record: StageRecord) -> int | None:
    return next((tool.exit_code for tool in record.tools), None)
