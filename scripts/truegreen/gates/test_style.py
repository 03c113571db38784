"""Gate: how tests are written, as advice; each rule can be made to count."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

import msgspec

from truegreen.gates.base import BaseGate, GateOptions, count, some
from truegreen.model.style import StyleRule, StyleScan
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence

RuleName = Literal["event-loop", "sleep", "unused-fixture", "no-assertion", "name", "docstring"]
_OFF_AT_FIRST = frozenset({StyleRule.DOCSTRING})
_NAMELESS = (
    r"test_?(\d{1,2}|0\d+|[a-z]|it(_works)?|foo|bar|baz|works?|stuff|things?|something|test|case_?\d*|tmp|temp|xxx?)?"
)
_REMEDIES = {
    StyleRule.EVENT_LOOP: "let pytest-asyncio or anyio make the loop: an `async def` test with its marker",
    StyleRule.SLEEP: "wait for what is to happen, with a limit: fixture `eventually` or `wait_for_event`",
    StyleRule.UNUSED_FIXTURE: "take it out, or ask for it where it was meant",
    StyleRule.NO_ASSERTION: "assert what the code is to do",
    StyleRule.NAME: "say what is tested, when, and what comes out: test_<subject>_<condition>_<result>",
    StyleRule.DOCSTRING: "say in one line why the test is there",
}


class TestStyleOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.test-style]`."""

    __test__ = False  # options, not something pytest should collect

    rules: dict[RuleName, Literal["advise", "block", "off"]] = msgspec.field(default_factory=dict)
    """Rule → `advise`, `block` or `off`; of those not named, `docstring` is off and all others advise."""
    sleep_s: Annotated[float, msgspec.Meta(gt=0)] = 0.5
    """A fixed wait of this many seconds or more is told."""
    nameless: str = _NAMELESS
    """Regular expression of names that say nothing; it must match the whole name of the function."""

    def __post_init__(self) -> None:
        """Refuse a pattern that cannot be used; raises ValueError."""
        try:
            re.compile(self.nameless)
        except re.error as error:
            raise ValueError(f"nameless is no regular expression: {error}") from None

    def level(self, rule: StyleRule) -> str:
        """Return `advise`, `block` or `off`."""
        own: dict[str, str] = dict(self.rules)  # type: ignore[arg-type]
        return own.get(rule.value, "off" if rule in _OFF_AT_FIRST else "advise")

    def blocking(self) -> list[StyleRule]:
        """Return the rules that turn the stage red."""
        return [rule for rule in StyleRule if self.level(rule) == "block"]


class TestStyle(BaseGate):
    """Tests wait for what happens and not for a time, assert something, and say in their names what they are about.

    **Proves**, from the sources of the tests and without running them, that no test breaks a rule that is set to
    `block`. All others are advice: listed with file, line and what to do, and nothing turns red.

    | rule | what it tells |
    |---|---|
    | `event-loop` | `new_event_loop()`, `get_event_loop().run_until_complete(…)`, a fixture `event_loop` of one's own |
    | `sleep` | `sleep` of `time`, `asyncio`, `anyio` or `trio`, of `sleep-s` or more |
    | `unused-fixture` | a fixture that no test, fixture, text or document names |
    | `no-assertion` | a test that fails only when something raises, or has no body |
    | `name` | `test_1`, `test_it`, `test_foo`: what `nameless` matches |
    | `docstring` | a test without a docstring; off unless it is chosen |

    Instead of a fixed wait: the fixtures [`eventually` and `wait_for_event`](fixtures.md), which end as soon as
    something has happened. Instead of a loop made by hand: an `async def` test with the marker of pytest-asyncio or
    anyio.

    **When in doubt it says nothing.** Helpers, fixtures, base classes and decorators that assert, or are not known,
    count as assertions; a wait in a function that somebody else runs, in a loop that asks again, or below a time
    limit is no fixed wait; a fixture that plugins ask for by its name is used; and once a test asks for a fixture by
    a name that is computed, or a file could not be read, no fixture is called unused.

    **Exceptions** stand on the line itself, with their reason: `# truegreen: allow sleep: the lease lasts a second`.
    One without a reason, of a name that is no rule, or on a line where nothing is told, is listed; one without a
    reason covers nothing. Rows of `truegreen-waivers.toml` take a rule or a path as `items`, and where the rule is
    about a test as a whole, that test.

    **Blind when** a rule blocks and nobody looked at the tests, no test was found, a source file could not be read,
    or `unused-fixture` blocks and it cannot be told which are used. Without a blocking rule a stage that looked at
    no tests is not judged.

    **Options**: `rules` (rule → `advise`, `block`, `off`), `sleep-s` (default 0.5), `nameless`.

    Example:
        [tool.truegreen.gates.test-style]
        rules = { sleep = "block", no-assertion = "block", docstring = "advise" }
        sleep-s = 1
    """

    __test__ = False

    id: ClassVar[str] = "test-style"
    stages: ClassVar[frozenset[str]] = frozenset({"lint"})
    needs: ClassVar[frozenset[str]] = frozenset({"style"})
    Options: ClassVar[type[GateOptions]] = TestStyleOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: TestStyleOptions) -> bool:
        """Return False where nobody looked and no rule blocks: advice that nobody asked for is not missed."""
        seen = evidence.of(stage)
        return seen.style is not None or bool(policy.blocking()) or any(one.kind == "style" for one in seen.problems)

    def evaluate(self, evidence: RunEvidence, stage: str, policy: TestStyleOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge how the tests are written."""
        scan = evidence.of(stage).style
        blocking = policy.blocking()
        if scan is None:
            remedy = "run `truegreen run lint` with `test-style` among its `tools`"
            return self.blind(stage, "nobody looked at how tests are written", remedy=remedy)
        if not blocking and not scan.tests and not scan.unread:
            return self.not_judged(stage, "there is no test that could be looked at")
        found = _found(scan, policy)
        red = [one for one in found if one.rule in blocking]
        facts, items = _facts(scan, policy, found), _items(scan, policy, found)
        if red:
            return self.failed(
                stage,
                f"{_told(red)}: {red[0].path}:{red[0].line} {red[0].what}",
                remedy=_REMEDIES[red[0].rule],
                facts=facts,
                items=items,
            )
        if blocking and (problem := _unseen(scan, blocking)):
            reason, remedy = problem
            return self.blind(stage, reason, remedy=remedy, facts=facts, items=items)
        advice = f"; advice on {_told(found)}" if found else ""
        return self.passed(stage, f"looked at {count(scan.tests, 'test')}{advice}", facts=facts, items=items)


class Finding(NamedTuple):
    """One place that breaks a rule, and is not excepted."""

    rule: StyleRule
    path: str
    line: int
    what: str


def _found(scan: StyleScan, policy: TestStyleOptions) -> list[Finding]:
    """Return what breaks a rule that is on, blocking rules first."""
    excepted = {(one.path, one.line, rule) for one in scan.allowed if one.reason for rule in one.rules}
    every = [
        one
        for one in (*_remarks(scan, policy), *_of_tests(scan, policy))
        if policy.level(one.rule) != "off" and (one.path, one.line, one.rule.value) not in excepted
    ]
    return sorted(every, key=lambda one: (policy.level(one.rule) != "block", one.path, one.line))


def _remarks(scan: StyleScan, policy: TestStyleOptions) -> Iterator[Finding]:
    for one in scan.remarks:
        if one.rule is StyleRule.SLEEP and one.wait_s < policy.sleep_s:
            continue
        what = f"fixture {one.what}" if one.rule is StyleRule.UNUSED_FIXTURE else one.what
        yield Finding(one.rule, one.path, one.line, what)


def _of_tests(scan: StyleScan, policy: TestStyleOptions) -> Iterator[Finding]:
    nameless = re.compile(policy.nameless)
    for file in scan.files:
        for one in file.tests:
            if not one.asserts:
                yield Finding(StyleRule.NO_ASSERTION, file.path, one.line, one.name)
            if nameless.fullmatch(one.name.rpartition("::")[2]):
                yield Finding(StyleRule.NAME, file.path, one.line, one.name)
            if not one.documented:
                yield Finding(StyleRule.DOCSTRING, file.path, one.line, one.name)


_NOUNS = {
    StyleRule.EVENT_LOOP: ("event loop made by hand", "event loops made by hand"),
    StyleRule.SLEEP: ("fixed wait", "fixed waits"),
    StyleRule.UNUSED_FIXTURE: ("unused fixture", "unused fixtures"),
    StyleRule.NO_ASSERTION: ("test without an assertion", "tests without an assertion"),
    StyleRule.NAME: ("name that says nothing", "names that say nothing"),
    StyleRule.DOCSTRING: ("test without a docstring", "tests without a docstring"),
}


def _told(found: list[Finding]) -> str:
    numbers = Counter(one.rule for one in found)
    return ", ".join(count(number, *_NOUNS[rule]) for rule, number in numbers.items())


def _unseen(scan: StyleScan, blocking: list[StyleRule]) -> tuple[str, str] | None:
    """Return what could not be looked at, and what to do."""
    if scan.unread:
        named = some(list(scan.unread), 2)
        return f"{count(len(scan.unread), 'file')} of the tests could not be read: {named}", "mend the file"
    if not scan.tests:
        return "no test was found", "look at `paths` of [tool.truegreen.lint] and pytest's `testpaths`, `python_files`"
    if scan.fixtures_unknown and StyleRule.UNUSED_FIXTURE in blocking:
        remedy = "write the names down as texts, or let the rule `unused-fixture` advise"
        return f"nobody can tell which fixtures are used: {scan.fixtures_unknown}", remedy
    return None


def _facts(scan: StyleScan, policy: TestStyleOptions, found: list[Finding]) -> tuple[Fact, ...]:
    facts = [Fact(label="tests looked at", value=f"{scan.tests:,} in {count(len(scan.files), 'file')}")]
    numbers = Counter(one.rule for one in found)
    for rule in StyleRule:
        level = policy.level(rule)
        if level != "off" and not (rule is StyleRule.UNUSED_FIXTURE and scan.fixtures_unknown):
            wanted = "0" if level == "block" else "0 (advice)"
            facts.append(Fact(label=_NOUNS[rule][1], value=f"{numbers[rule]:,}", wanted=wanted))
    if scan.fixtures_unknown and policy.level(StyleRule.UNUSED_FIXTURE) != "off":
        facts.append(Fact(label="unused fixtures", value=f"not known: {scan.fixtures_unknown}"))
    if excepted := sum(bool(one.reason) for one in scan.allowed):
        facts.append(Fact(label="lines that are allowed", value=f"{excepted:,}"))
    if scan.unread:
        facts.append(Fact(label="not read", value=some(list(scan.unread))))
    return tuple(facts)


def _items(scan: StyleScan, policy: TestStyleOptions, found: list[Finding]) -> tuple[Item, ...]:
    items = [
        Item(
            title=f"{one.rule.value}: {one.what}",
            message=_REMEDIES[one.rule],
            path=one.path,
            line=one.line,
            level="error" if policy.level(one.rule) == "block" else "notice",
        )
        for one in found
    ]
    return (*items, *_comments(scan, policy))


def _comments(scan: StyleScan, policy: TestStyleOptions) -> Iterator[Item]:
    """Yield what is wrong with comments that let a line be."""
    known = {rule.value for rule in StyleRule}
    places = {(one.path, one.line, one.rule.value) for one in (*_remarks(scan, policy), *_of_tests(scan, policy))}
    for one in scan.allowed:
        strange = [rule for rule in one.rules if rule not in known]
        idle = [rule for rule in one.rules if rule in known and (one.path, one.line, rule) not in places]
        why = "gives no reason, and covers nothing" if not one.reason else ""
        why = why or (f"names no rule: {some(strange)}" if strange else "")
        why = why or (f"is not needed for {some(idle)}: nothing of it stands on this line" if idle else "")
        if why:
            title = f"truegreen: allow {', '.join(one.rules)}"
            yield Item(title=title, message=why, path=one.path, line=one.line, level="warning")
