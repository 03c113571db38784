"""Gate: what the tests say they persisted is really in the store."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.analysis.commits import TABLES, TestCommits, by_test, counts, of_migrations, relevant, told
from truegreen.gates.base import BaseGate, GateOptions, count, some
from truegreen.model.persistence import GONE
from truegreen.model.testrun import Outcome
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from truegreen.model.history import History
    from truegreen.model.persistence import Beside, Change, Demand, PersistenceEvidence
    from truegreen.model.run import RunEvidence
    from truegreen.model.testrun import TestCase

_RERUN = (
    "run `truegreen run {}` again; where a test is named, see whether it stops the server, ends the connections of "
    "others or replaces what the standard library does"
)


class PersistenceOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.persistence-evidence]`."""

    require_object: bool = False
    """Whether each test must name, by `persists("…")`, an object that it persists."""
    background: list[str] = msgspec.field(default_factory=list)
    """Threads, by name, and processes, by command, that are started once and for all, as patterns, and that write
    nothing a test is for."""


class PersistenceGate(BaseGate):
    """Every persistence test, and every e2e test where stores are named, really committed something to the real store.

    **Proves** that data reached the store: a recorder outside the test process reads the server's own
    record of what was kept, such as the log of committed transactions ([each store](evidence-of-persistence.md)).
    What is rolled back, still open, kept in memory, or swallowed by a mock is not there. Changes in other databases
    than the stage's `databases`, and those of fixtures and hooks, do not count.
    Nor do the tables in which migration tools note a schema's version, unless a marker names them; rows that a
    migration puts into other tables do.

    Where several stores are observed, those that `stores` of the stage names count, which are the databases unless
    it says otherwise: a test that reaches only the cache is red, and is told so.

    Time tells one test from the next: what a thread or a worker writes and commits while a test runs counts as the
    test's own. A process, or a thread in which code of the project runs, that the call of an earlier test left behind
    is named with that test when it was at work by itself, or ended, while a later test was called: nobody can tell
    whose rows those are ([how far that reaches](evidence-of-persistence.md)). `persists("table")` helps against what
    writes elsewhere in the background.

    Nothing tells a row that the test's own body writes from one that the application writes: both come from one
    process, often over one connection. A test that puts an account into the database and then calls a service that is
    not wired is green, unless it names the object that the *service* must write. So a fact counts the tests that name
    none, and `require-object` turns them red. Arrange in fixtures, whose rows never count.

    The e2e stage is asked where `stores` of the stage names some; else its tests may read alone.

    Each test must commit what each of its `persists` markers demands, or any one change where it has none:
    `persists("operations", kind="insert", at_least=1)` of a table, `persists("invoice:*", store="redis")` of keys that
    match a pattern. A table without its schema is the one in `public`, of any database that counts;
    `archive.operations` is in the database `archive`, if `databases` of the stage names it. `at_most=2` and `exactly=1`
    find what is written twice, by a retry or by a message that is delivered again, and `persists("audit", exactly=0)`
    beside another marker what must not be written at all. A test marked `persists(reads=True)` is not counted.

    **Blind when** there is no recording of a store that counts or that a test names, it is incomplete or met a
    problem, no technique was available (tier none), a test was not observed, what a test committed cannot be told from
    what an earlier one set going, or no test at all is left to judge.

    **Options**: `require-object` (default false), `background` (threads by name, and processes by command, as patterns,
    that are started once and for all, and that write nothing a test is for; default none).

    Example:
        [tool.truegreen.gates.persistence-evidence]
        require-object = true
        background = ["metrics-*"]
    """

    id: ClassVar[str] = "persistence-evidence"
    stages: ClassVar[frozenset[str]] = frozenset({"persistence", "e2e"})
    needs: ClassVar[frozenset[str]] = frozenset({"persistence", "tests"})
    Options: ClassVar[type[GateOptions]] = PersistenceOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: PersistenceOptions) -> bool:  # noqa: ARG002
        """Return False for an e2e stage that names no store: its tests are asked for nothing."""
        seen = evidence.of(stage)
        return stage != "e2e" or bool(seen.persistence) or any("persistence" in one.expects for one in seen.records)

    def evaluate(self, evidence: RunEvidence, stage: str, policy: PersistenceOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge each test against what the recorder saw."""
        seen = evidence.of(stage)
        lost = next((one.recorder_problem for one in seen.sessions if one.recorder_problem), "")
        problem = _recording(relevant(seen.persistence), lost)
        if problem:
            return self.blind(stage, problem, remedy=_RERUN.format(stage), facts=_facts(seen.persistence))
        known = by_test(seen.persistence)
        ran = [case for case in seen.tests.cases if case.outcome is not Outcome.SKIP] if seen.tests else []
        judged = [(case, known.get(case.id, TestCommits(test=case.id))) for case in ran]
        counted = [(case, test) for case, test in judged if not test.reads]
        facts = (*_facts(seen.persistence), *_counts(judged, counted))
        unseen = [test for _, test in counted if test.problem or not test.observed]
        whole = [(case, test) for case, test in counted if test.observed and not test.problem]
        empty = [(case, test, lack) for case, test in whole if (lack := test.missing())]
        if empty:
            return self._empty(stage, empty, _Stores(seen.persistence), facts)
        nameless = [case for case, test in counted if not test.named]
        if nameless and policy.require_object:
            return self._nameless(stage, nameless, facts)
        shared = [(case, one) for case, test in counted for one in _others(test, policy.background)[:1]]
        if unseen or shared:
            return self._unseen(stage, unseen, facts) if unseen else self._shared(stage, shared, facts)
        if not any(case.outcome is Outcome.PASS for case, _ in counted):
            reason = "no passing test is left to judge, so nothing proves that data is persisted"
            return self.blind(stage, reason, remedy="run at least one test that writes and passes", facts=facts)
        stores = {one.store: one.kind for one in relevant(seen.persistence)}
        found = [change for _, test in counted for change in test.committed() if change.store in stores]
        changed = sum(change.count for change in found if not of_migrations(change))
        noun = "row" if TABLES.issuperset(stores.values()) else "change"
        reason = f"each of {count(len(counted), 'test')} committed what it had to; {count(changed, noun)} in all"
        return self.passed(stage, reason, facts=facts)

    def _empty(
        self,
        stage: str,
        empty: list[tuple[TestCase, TestCommits, Demand]],
        stores: _Stores,
        facts: tuple[Fact, ...],
    ) -> Verdict:
        case, test, lack = empty[0]
        others = f"; the same holds for {count(len(empty) - 1, 'other test')}" if len(empty) > 1 else ""
        end = "passed" if case.outcome is Outcome.PASS else "ended"
        return self.failed(
            stage,
            f"{case.id} {end} with {stores.lacking(test, lack)}{others}",
            remedy=_remedy(empty),
            facts=facts,
            items=tuple(
                Item(title=case.id, message=stores.lacking(test, lack), path=case.file, line=case.line)
                for case, test, lack in empty
            ),
        )

    def _nameless(self, stage: str, nameless: list[TestCase], facts: tuple[Fact, ...]) -> Verdict:
        return self.failed(
            stage,
            f"{count(len(nameless), 'test')} {'does' if len(nameless) == 1 else 'do'} not name what must be persisted: "
            + some([case.id for case in nameless]),
            remedy='name the object that the application must write, such as @pytest.mark.persists("operations")',
            facts=facts,
            items=tuple(
                Item(title=case.id, message="names no object", path=case.file, line=case.line) for case in nameless
            ),
        )

    def _unseen(self, stage: str, unseen: list[TestCommits], facts: tuple[Fact, ...]) -> Verdict:
        first = unseen[0]
        why = first.problem or "the recorder never saw its call phase"
        return self.blind(
            stage,
            f"{count(len(unseen), 'test')} could not be observed: {first.test}: {why}",
            remedy=f"{'mend what it names, or ' if first.problem else ''}{_RERUN.format(stage)}",
            facts=facts,
            items=tuple(
                Item(title=test.test, message=test.problem or "not observed", level="warning") for test in unseen
            ),
        )

    def _shared(self, stage: str, shared: list[tuple[TestCase, Beside]], facts: tuple[Fact, ...]) -> Verdict:
        first = shared[0][1]
        return self.blind(
            stage,
            f"what {count(len(shared), 'test')} committed cannot be told from what another one set going: "
            f"{first.test}: {first.what}",
            remedy="let the test that starts something wait for its end, or start it in a fixture; name what writes "
            "nothing a test is for in background of [tool.truegreen.gates.persistence-evidence]",
            facts=facts,
            items=tuple(
                Item(title=case.id, message=one.what, path=case.file, line=case.line, level="warning")
                for case, one in shared
            ),
        )


def _others(test: TestCommits, background: list[str]) -> list[Beside]:
    """Return what else could write while a test was called, but for what is known to do no harm."""
    return [one for one in test.others if not any(fnmatchcase(one.name, name) for name in background)]


def _recording(parts: tuple[PersistenceEvidence, ...], lost: str) -> str:
    """Return why the recording as a whole cannot be trusted; `lost` is what the plugin says of its line."""
    if not parts:
        return "nothing recorded what reached the store"
    for part in parts:
        if part.problem:
            return f"{part.store} could not be observed: {part.problem}"
        if part.tier.strip().lower() in ("", "none"):
            return f"no technique to observe committed rows in {part.store} was available"
        if not part.complete:
            return f"the recording of {part.store} is incomplete{_broken(part, lost)}"
    return ""


def _broken(part: PersistenceEvidence, lost: str) -> str:
    """Return where a recording breaks off, and why."""
    last = part.phases[-1] if part.phases else None
    phase = "set-up" if last and last.phase == "setup" else last.phase if last else ""
    where = f": it breaks off after the {phase} of {last.test}" if last else ""
    return where + (f"{', ' if where else ': '}{lost}" if lost else "")


def _facts(parts: tuple[PersistenceEvidence, ...]) -> tuple[Fact, ...]:
    seen = {f"{part.store} {part.server_version}".strip(): part.tier or "none" for part in parts}
    return tuple(Fact(label=f"observed in {store}", value=f"technique {tier}") for store, tier in seen.items())


def _counts(
    judged: list[tuple[TestCase, TestCommits]], counted: list[tuple[TestCase, TestCommits]]
) -> tuple[Fact, ...]:
    facts = [Fact(label="tests that must commit", value=f"{len(counted):,}")]
    if nameless := sum(not test.named for _, test in counted):
        facts.append(Fact(label="tests that name no object, so that any row is enough", value=f"{nameless:,}"))
    if reading := len(judged) - len(counted):
        facts.append(Fact(label="tests that only read", value=f"{reading:,}"))
    return tuple(facts)


class _Stores:
    """The stores of a stage, and the words about what did not reach them."""

    def __init__(self, parts: tuple[PersistenceEvidence, ...]) -> None:
        self._kinds = {part.store: part.kind for part in parts}
        self._counting = list(dict.fromkeys(part.store for part in parts if part.counts))

    def lacking(self, test: TestCommits, lack: Demand) -> str:
        """Return the sentence everything is about: `0 committed rows in …`, and what happened instead."""
        number = test.number(lack)
        text = f"{count(number, f'committed {self._noun(lack)}')} in {self._where(lack)}"
        text += f" ({lack.kind})" if lack.kind else ""
        return "; ".join([text + _asked(lack, number), *_instead(test, lack)])

    def _names(self, lack: Demand) -> list[str]:
        return [lack.store] if lack.store else self._counting

    def _noun(self, lack: Demand) -> str:
        return "row" if TABLES.issuperset(self._kinds.get(name, "") for name in self._names(lack)) else "change"

    def _where(self, lack: Demand) -> str:
        if lack.object:
            return f"{lack.object} of {lack.store}" if lack.store else lack.object
        return " or ".join(self._names(lack))


def _asked(lack: Demand, number: int) -> str:
    """Return what is demanded in place of a number; nothing where it goes without saying."""
    if lack.at_most == lack.at_least:
        asked = lack.at_least
        return f", exactly {asked:,} {'is' if asked == 1 else 'are'} demanded"
    if lack.at_most is not None and number > lack.at_most:
        return f", at most {lack.at_most:,} {'is' if lack.at_most == 1 else 'are'} allowed"
    return f", {lack.at_least:,} are demanded" if lack.at_least > 1 else ""


def _instead(test: TestCommits, lack: Demand) -> list[str]:
    """Return what happened in place of what a test had to commit."""
    details = []
    if lost := test.rolled_back():
        details.append(f"rolled back or never committed: {told(lost)}")
    here = test.towards(lack)
    details += _here(here, test, lack)
    if beside := test.beside(lack):
        names = some(sorted({change.store for change in beside}))
        only = "" if here else "only "
        details.append(f"{only}{names} saw a change, which does not count: {told(beside)}")
    if test.elsewhere:
        names = some(sorted({change.database for change in test.elsewhere}))
        details.append(f"committed to another database ({names}), which does not count: {told(test.elsewhere)}")
    if early := test.written_before():
        details.append(f"committed by it, but written before it ran, which does not count: {told(early)}")
    if early := test.committed("setup"):
        details.append(f"committed by its set-up, which does not count: {told(early)}")
    if test.others:
        details.append(f"not alone: {test.others[0].what}")
    if test.patched:
        details.append(f"replaced by mocks: {some(list(test.patched))}")
    return details


def _here(here: tuple[Change, ...], test: TestCommits, lack: Demand) -> list[str]:
    """Return what was committed to the stores that count."""
    details = []
    if not lack.allows(test.number(lack)):
        details.append(f"committed: {told(change for change in here if counts(change, lack, taken=True))}")
    elif instead := [change for change in here if lack.object or not of_migrations(change)]:
        details.append(f"committed instead: {told(instead)}")
    if not lack.object and (versions := [change for change in here if of_migrations(change)]):
        details.append(f"written by migrations, which does not count: {told(versions)}")
    return details


def _taken(test: TestCommits, lack: Demand) -> list[Change]:
    """Return what would have been enough, were it not only taken away."""
    return [one for one in test.towards(lack) if counts(one, lack, taken=True) and not counts(one, lack)]


def _nameless(test: TestCommits) -> bool:
    """Return whether rows went to a table that nobody could name any more."""
    return any(change.object == GONE for change in test.committed())


def _remedy(empty: list[tuple[TestCase, TestCommits, Demand]]) -> str:
    """Return the advice that fits what was seen."""
    advice = []
    if any(not lack.allows(test.number(lack)) for _, test, lack in empty):
        advice.append(
            "something writes more than once, such as a retry or a message that is delivered again: let what was "
            "written before be recognised, or demand the number that is right"
        )
    empty = [(case, test, lack) for case, test, lack in empty if lack.allows(test.number(lack))]
    if kinds := sorted({change.kind for _, test, lack in empty for change in _taken(test, lack)}):
        advice.append(
            "what is only taken away proves that nothing was kept: where the test is about that, demand it by its "
            f'kind, such as persists(…, kind="{kinds[0]}")'
        )
    tests = [test for _, test, _ in empty]
    if any(test.patched for test in tests):
        advice.append("remove the mocks: a persistence test must reach the store")
    if any(test.rolled_back() for test in tests):
        advice.append(
            "commit the transaction before the call returns; where the code does commit, a roll-back fixture around it "
            "takes that back after the test: let the test commit, and clean with clean_postgres"
        )
    if any(_nameless(test) for test in tests):
        advice.append(
            "a table was dropped or emptied before its name could be read: leave that to a fixture, after the test"
        )
    if any(test.elsewhere for test in tests):
        advice.append("where another database is the application's too, name it in `databases` of the stage")
    if any(test.beside(lack) and not test.towards(lack) for _, test, lack in empty):
        advice.append("write to the store that counts too, or name in `stores` of the stage where the data is kept")
    elif any(
        not (test.rolled_back() or test.patched or _taken(test, lack) or _nameless(test)) for _, test, lack in empty
    ):
        advice.append(
            "no write arrived: check that the factory wires the real repository and that the tests use the "
            "stage's database (TRUEGREEN exports its URL), or mark a test that only reads with persists(reads=True)"
        )
    return "; ".join(advice)
