"""What holds for every store: kept, replaced, shared by writers at once, told when damaged, and never emptied."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.support import evidence as good
from tests.support.kept_reports import report
from tests.support.past_results import FAIL, PASS, result, run
from tests.support.stores import KINDS

from truegreen import registry
from truegreen.analysis import kept_coverage, kept_load, kept_said
from truegreen.errors import StoreDamaged, StoreError
from truegreen.model.coverage import Coverage, FileCoverage, bits_of, lines_of
from truegreen.model.history import History, PastStage, Said
from truegreen.model.incident import Incident
from truegreen.model.testrun import Outcome
from truegreen.model.verdict import Status
from truegreen.stores import postgres, sqlite_file
from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.stores import Place

    from truegreen.stores.base import Store

    NewPlace = Callable[[], Place]

    PlaceOf = Callable[[str], Place]

# ClickHouse has had one version so far.
of_tables = pytest.mark.parametrize("kind", ["sqlite", "postgres"])
_WRITER = """
import sys
from tests.support.past_results import run, result, FAIL
from tests.support.stores import Place
store = Place(*sys.argv[1:4]).open()
"""


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": "scripts:."}


def test_every_registered_store_is_tested_here() -> None:
    assert registry.names("store") == KINDS


def test_store_nobody_wrote_to_is_empty(store: Store) -> None:
    assert store.history() == History()
    assert store.incident("o/r:main") is None
    assert (store.incidents(), list(store.runs()), store.digests(), store.summaries()) == ([], [], {}, [])
    assert store.check() == []


def test_append_then_history_gives_newest_first(store: Store) -> None:
    for hour in (8, 10, 9):
        store.append(report(created=f"2026-11-21T{hour:02}:00:00Z", run_id=str(hour)))

    assert [run.created[11:13] for run in store.history().runs] == ["10", "09", "08"]
    assert [run.created[11:13] for run in store.history(1).runs] == ["10"]
    newest = store.history().runs[0]
    assert (newest.status, newest.commit, newest.duration_s) == ("fail", "a" * 40, 5.3)
    assert (newest.line_ratio, newest.tests) == (0.9, 12)


def test_append_same_run_and_attempt_replaces(store: Store) -> None:
    store.append(report(Status.FAIL, created="2026-11-21T07:00:00Z"))
    store.append(report(Status.PASS, created="2026-11-21T07:05:00Z"))

    assert [(run.status, run.created) for run in store.history().runs] == [("pass", "2026-11-21T07:05:00Z")]


def test_append_without_run_id_is_told_apart_by_the_evidence(store: Store) -> None:
    for created in ("2026-11-21T07:00:00Z", "2026-11-21T07:00:00Z", "2026-11-21T08:00:00Z"):
        store.append(report(run_id="", created=created))
    assert [run.created for run in store.history().runs] == ["2026-11-21T08:00:00Z"]


def test_remember_then_incident_gives_it_back(store: Store) -> None:
    incident = Incident(key="o/r:main", open=True, opened_at="2026", stages=("unit",), red_runs=2)
    store.remember(Incident(key="o/r:main"))
    store.remember(incident)
    store.remember(Incident(key="o/r:other"))

    assert store.incident("o/r:main") == incident
    assert store.incident("o/r:none") is None


def test_append_hostile_text_is_kept_as_text(store: Store) -> None:
    store.append(report(ref="refs/heads/'); DROP TABLE runs;--\ud800", commit="x\udcff"))
    assert len(store.history().runs) == 1


def test_four_processes_writing_at_once_lose_nothing(store: Store, place: Place) -> None:
    program = (
        _WRITER + "[store.append(run(int(sys.argv[4]) * 100 + n, result('a'), result('b', FAIL))) for n in range(25)]"
    )
    argv = [sys.executable, "-c", program, *place.argv]
    writers = [subprocess.Popen([*argv, str(n)], env=_env()) for n in range(1, 5)]  # none of them finds tables
    assert [writer.wait(120) for writer in writers] == [0, 0, 0, 0]
    history = store.history(1000)
    assert len(history.runs) == 100
    assert all([failure.test for failure in run.failures] == ["b"] for run in history.runs)
    assert store.check() == []


def test_two_processes_writing_the_same_runs_double_nothing(store: Store, place: Place) -> None:
    program = _WRITER + "[store.append(run(n, *(result(f't{n}-{m}') for m in range(n)))) for n in range(30)]"
    argv = [sys.executable, "-c", program, *place.argv]
    writers = [subprocess.Popen(argv, env=_env()) for _ in range(2)]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    assert [len(one.results.get("unit", ())) for one in store.runs()] == list(range(30))
    assert sum(one.runs for one in store.summaries()) == sum(range(30))
    if place.kind != "clickhouse":  # which keeps names in sets, by digest
        assert place.execute("SELECT count(*), count(DISTINCT name) FROM tests") == [(sum(range(30)),) * 2]
    assert store.check() == []


def test_writer_killed_while_it_writes_loses_nothing_and_doubles_nothing(store: Store, place: Place) -> None:
    program = _WRITER + (
        "for n in range(int(sys.argv[4]), 10000):\n"
        "    store.append(run(n, *(result(f't{m}', FAIL if m == n % 50 else 'pass') for m in range(50))))\n"
        "    print(n, flush=True)\n"
    )
    dice, said = random.Random(5), -1
    for _ in range(4):
        argv = [sys.executable, "-c", program, *place.argv, str(said + 1)]
        with subprocess.Popen(argv, env=_env(), stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(dice.randrange(2, 6)):
                said = int(writer.stdout.readline())
            time.sleep(dice.random() * 0.05)
            writer.kill()
            said = max([said, *(int(line) for line in writer.stdout)])
        kept = [int(one.run.run.partition(".")[0]) for one in store.runs()]
        assert kept in (list(range(said + 1)), list(range(said + 2)))  # it may have kept one it did not come to tell
        assert store.check() == []


def test_reader_sees_whole_runs_while_another_process_writes_and_forgets(store: Store, place: Place) -> None:
    program = _WRITER + (
        "for n in range(60):\n"
        "    store.append(run(n, *(result(f't{m}', FAIL) for m in range(20)), stage='unit')); store.prune(5)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, *place.argv], env=_env()) as writer:
        seen = 0
        while writer.poll() is None:
            assert all(len(one.results["unit"]) == 20 for one in store.runs())
            assert all(len(past.failures) == 20 for past in store.history().runs)
            seen += 1
    assert (writer.returncode, seen > 2) == (0, True)
    assert [one.run.run for one in store.runs()] == [f"{n}.1" for n in range(55, 60)]


@of_tables
def test_version_1_becomes_version_2_and_keeps_what_is_there(place_of: PlaceOf, kind: str) -> None:
    place = place_of(kind)
    store = place.open()
    place.age(1)
    for number, ref in enumerate(("refs/heads/main", "refs/tags/v1")):
        values = f"'{number}.1', '{'c' * 40}', '2026-11-2{number}T00:00:00Z', 'fail', 3.5, 9, 2, 1, 0.5"
        origin = f"""'o/r', '{ref}', 'push', 'https://x', '{{"lint":"pass","unit":"fail"}}'"""
        columns = (
            "run_key, commit_sha, created, status, duration_s, tests, failed, flaky, line_ratio, "
            "repository, ref, event, run_url, stages"
        )
        place.execute(f"INSERT INTO runs ({columns}) VALUES ({values}, {origin})")
    place.execute("""INSERT INTO incidents VALUES ('o/r:main', '{"key":"o/r:main","open":true}')""")

    newest, oldest = store.history().runs
    assert (oldest.run, oldest.commit, oldest.tests, oldest.failed, oldest.flaky) == ("0.1", "c" * 40, 9, 2, 1)
    assert (oldest.status, oldest.duration_s, oldest.line_ratio, oldest.branch) == ("fail", 3.5, 0.5, "main")
    assert [(stage.stage, stage.status) for stage in newest.stages] == [("lint", "pass"), ("unit", "fail")]
    assert newest.branch == ""
    assert [one.run_url for one in store.runs()] == ["https://x"] * 2
    assert store.incident("o/r:main") == Incident(key="o/r:main", open=True)
    assert store.check() == []


def test_newer_version_is_refused_and_left_as_it_is(store: Store, place: Place) -> None:
    store.append(report())
    place.age(99)
    for use in (lambda: store.append(report(run_id="2")), store.history, store.check):
        with pytest.raises(StoreError, match="newer truegreen") as caught:
            use()
        assert caught.value.exit_code == 4
    assert place.execute("SELECT count(*) FROM runs") == [(1,)]


@of_tables
def test_migration_adds_a_version_and_keeps_the_rows(
    place_of: PlaceOf, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = place_of(kind)
    store = place.open()
    store.append(report())
    for module in (sqlite_file, postgres):
        monkeypatch.setattr(module, "MIGRATIONS", (*module.MIGRATIONS, ("CREATE TABLE extra (a TEXT)",)))
    assert len(store.history().runs) == 1  # reading brings it up to date as well
    assert place.execute("SELECT count(*) FROM extra") == [(0,)]


@of_tables
def test_migration_that_fails_changes_nothing(place_of: PlaceOf, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = place_of(kind)
    store = place.open()
    store.append(report())
    with monkeypatch.context() as patched:
        for module in (sqlite_file, postgres):
            more = (*module.MIGRATIONS, ("CREATE TABLE extra (a TEXT)", "CREATE NONSENSE"))
            patched.setattr(module, "MIGRATIONS", more)
        with pytest.raises(StoreError):
            store.append(report(run_id="2"))
    assert len(store.history().runs) == 1
    place.execute("CREATE TABLE extra (a TEXT)")  # it is not there


_TABLES = {
    "UPDATE runs SET status = 'pass'": True,
    "UPDATE runs SET base = 1": True,
    "DELETE FROM attempts": True,
    "UPDATE attempts SET attempts = 'P'": True,
    "UPDATE stages SET infrastructure = 'oom'": True,
    "UPDATE tests SET name = name || 'x'": True,
    "DELETE FROM stages": True,
    "UPDATE stages SET durations = {bytes}": False,
    "UPDATE stages SET present = skipped": False,
    "UPDATE stages SET failed = NULL": False,
    "UPDATE stages SET failed = {bytes}": False,
    "DELETE FROM test_sets": False,
    "UPDATE test_sets SET spans = {bytes}": False,
    "UPDATE tests SET step = step + 1": False,
    "UPDATE stages SET skipped = NULL": False,
    "UPDATE parts SET content = {bytes}": False,
    "UPDATE incidents SET value = '{{}}'": False,
    "UPDATE incidents SET value = 'open'": False,
}
"""Statement → whether `history`, which gates read, finds it as well as `check`."""
_STAGE = "arrayMap(s -> tuple(s.1, s.2, s.3, s.4, {}, {}, {}, {}), stages)"
_COLUMNS = {
    "runs UPDATE status = 'pass'": True,
    "runs UPDATE base = 1": True,
    "runs UPDATE digest = 'x'": True,
    "runs UPDATE odd = []": True,
    "runs UPDATE odd = arrayMap(o -> tuple(o.1, o.2, 'P', o.4), odd)": True,
    "runs UPDATE odd = arrayMap(o -> tuple(o.1, o.2, '', o.4), odd)": True,
    "runs UPDATE odd = arrayMap(o -> tuple('e2e', o.2, o.3, o.4), odd)": True,
    "runs UPDATE odd = arrayMap(o -> tuple(o.1, 'none', o.3, o.4), odd)": True,
    "runs UPDATE stages = []": True,
    "runs UPDATE stages = " + _STAGE.format("'oom'", "s.6", "s.7", "s.8"): True,
    "runs UPDATE stages = " + _STAGE.format("s.5", "'none'", "s.7", "s.8"): True,
    "runs UPDATE stages = " + _STAGE.format("s.5", "''", "s.7", "s.8"): False,
    "runs UPDATE stages = " + _STAGE.format("s.5", "s.6", "''", "s.8"): False,
    "runs UPDATE stages = " + _STAGE.format("s.5", "s.6", "s.8", "s.8"): True,
    "runs UPDATE stages = " + _STAGE.format("s.5", "s.6", "s.7", "'AAAA'"): False,
    "runs UPDATE stages = " + _STAGE.format("s.5", "s.6", "s.7", "'ä'"): True,
    "test_sets DELETE": True,
    "test_sets UPDATE names = 'AAAA'": True,
    "parts UPDATE content = 'AAAA'": False,
    "parts UPDATE content = '?'": False,
    "incidents UPDATE value = 'open'": False,
}
"""The same for ClickHouse, whose runs are one row each."""
_CHANGES = [
    *(("sqlite", change.format(bytes="zeroblob(9)"), at_once) for change, at_once in _TABLES.items()),
    *(("postgres", change.format(bytes=rf"'\x{'00' * 9}'"), at_once) for change, at_once in _TABLES.items()),
    *(
        ("clickhouse", f"ALTER TABLE {change} WHERE 1 SETTINGS mutations_sync = 2", at_once)
        for change, at_once in _COLUMNS.items()
    ),
]


@pytest.mark.parametrize(("kind", "change", "at_once"), _CHANGES)
def test_changed_content_is_found_and_told(place_of: PlaceOf, kind: str, change: str, *, at_once: bool) -> None:
    place = place_of(kind)
    store = place.open()
    tests = (result("a"), result("b", FAIL), result("c", Outcome.SKIP))
    whole = run(1, *tests, status="fail", base=False)
    store.append(msgspec.structs.replace(whole, parts={"other": b"x"}))
    store.remember(Incident(key="o/r:main"))
    assert store.check() == []
    place.execute(change)
    found: list[str] = []
    try:
        found = store.check()
    except StoreDamaged as damage:
        found = damage.lines()
    assert found
    if at_once:  # what gates read is checked whenever it is read
        with pytest.raises(StoreDamaged, match="damaged") as caught:
            store.history()
        assert (caught.value.exit_code, "history import" in caught.value.fix) == (4, True)


def test_coverage_of_the_newest_runs_of_the_default_branch_is_given_back(store: Store) -> None:
    for number in range(1, 15):
        one = Coverage(files=(FileCoverage(path="a.py", covered=bits_of([1, number + 900]), missing=bits_of([2])),))
        more = msgspec.structs.replace(run(number, base=number < 14), parts={"coverage": kept_coverage.packed(one)})
        store.append(more)
    found = [past.coverage.files[0] for past in store.history(1).coverage]
    assert [lines_of(file.covered) for file in found] == [[1, number + 900] for number in range(13, 3, -1)]
    assert {(file.path, file.missing) for file in found} == {("a.py", bits_of([2]))}
    assert sum(bool(one.parts) for one in store.runs()) == 10


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_duration_that_is_no_number_is_unknown_and_damages_nothing(store: Store, number: float) -> None:
    stages = (PastStage(stage="unit", status="pass", duration_s=number),)
    store.append(run(1, result("a", duration_s=number), duration_s=number, line_ratio=number, stages=stages))
    (kept,) = store.runs()
    assert (kept.run.duration_s, kept.run.line_ratio, kept.run.stages[0].duration_s) == (0.0, None, 0.0)
    assert store.check() == []


@pytest.mark.parametrize("data", [b"", b"{", b'{"a.py": ["zz", "0"]}', b"[]", b'{"a.py": 3}'])
def test_coverage_that_is_something_else_is_told_and_costs_nothing_else(store: Store, data: bytes) -> None:
    good = {"coverage": b'{"a.py":["1","2"]}'}
    store.append(msgspec.structs.replace(run(1, result("a"), base=True), parts=good))
    store.append(msgspec.structs.replace(run(2, result("a"), base=True), parts={"coverage": data}))
    found = store.history()
    assert (len(found.runs), len(found.coverage), len(found.damaged)) == (2, 1, 1)
    assert "the coverage of run 2.1" in found.damaged[0]
    assert [wrong.startswith("run 2.1: its part coverage") for wrong in store.check()] == [True]


def test_findings_of_the_newest_runs_of_the_default_branch_are_given_back_and_damage_costs_nothing_else(
    store: Store,
) -> None:
    for number, data in ((1, b'{"lint":{"ruff":{"ruff:F1:a.py:d":2}}}'), (2, b"[]"), (3, b'{"lint":{"ruff":{}}}')):
        store.append(msgspec.structs.replace(run(number, result("a"), base=True), parts={"findings": data}))
    found = store.history()
    assert [one.findings for one in found.findings] == [
        {"lint": {"ruff": {}}},
        {"lint": {"ruff": {"ruff:F1:a.py:d": 2}}},
    ]
    assert "the findings of run 2.1" in found.damaged[0]
    assert [wrong.startswith("run 2.1: its part findings") for wrong in store.check()] == [True]


def test_load_tests_of_more_runs_are_kept_than_coverage_and_damage_costs_nothing_else(store: Store) -> None:
    parts = {"load": kept_load.packed(good.steady_loads(1)), "coverage": b'{"a.py":["1","2"]}'}
    for number in range(1, 13):
        store.append(msgspec.structs.replace(run(number, result("a"), base=True), parts=parts))
    store.append(msgspec.structs.replace(run(13, result("a"), base=True), parts={"load": b'[{"rps": 0}]'}))
    found = store.history()
    assert (found.loads, len(found.coverage)) == (good.steady_loads(12), 10)
    assert "the load of run 13.1" in found.damaged[0]
    assert [wrong.startswith("run 13.1: its part load") for wrong in store.check()] == [True]


def test_what_people_heard_is_given_back_of_every_branch_and_damage_costs_nothing_else(store: Store) -> None:
    for number, said in enumerate((Said.RED, Said.NOTHING), start=1):
        parts = {"said": kept_said.packed(said)}
        store.append(msgspec.structs.replace(run(number, base=number == 1), parts=parts))
    store.append(run(3))
    for number, data in ((4, b"nothing"), (5, b"\xff")):
        store.append(msgspec.structs.replace(run(number), parts={"said": data}))
    found = store.history()
    assert (found.said, len(found.runs)) == ({"1.1": Said.RED, "2.1": Said.NOTHING}, 5)
    assert [f"the said of run {number}.1" in told for number, told in zip((4, 5), sorted(found.damaged), strict=True)]
    assert [wrong.startswith("run 4.1: its part said") for wrong in store.check()] == [True, False]
    assert store.history(4).said == {"2.1": Said.NOTHING}


def test_copy_is_a_whole_store_while_another_writes(store: Store, tmp_path: Path) -> None:
    store.append(run(1, result("a"), result("b", PASS, PASS)))
    store.copy(tmp_path / "copy.sqlite")
    copied = SqliteStore(tmp_path / "copy.sqlite")
    assert list(copied.runs()) == list(store.runs())
    assert copied.check() == []
