"""Gate: no test leaves its process changed for the next one."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import msgspec

from truegreen.gates import _ingested
from truegreen.gates.base import BaseGate, GateOptions, count
from truegreen.model.leaks import Leak, LeakKind
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence, StageEvidence

_AGAIN = "run `truegreen run unit` again; its log says what happened to the plugin"
_REMEDIES = {
    "cwd": "change the folder with `monkeypatch.chdir`",
    "environ": "set variables with `monkeypatch.setenv` or `mock.patch.dict(os.environ)`",
    "umask": "put the umask back in a fixture's teardown",
    "locale": "put the locale back in a fixture's teardown",
    "sys.path": "lead to modules with `monkeypatch.syspath_prepend`, or pytest's option `pythonpath`",
    "threads": "stop and join the thread before the test ends",
}


class StateLeaksOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.state-leaks]`."""

    kinds: dict[LeakKind, Literal["advise", "block", "off"]] = msgspec.field(default_factory=dict)
    """Kind → `advise`, `block` or `off`; those not named advise."""
    allow: dict[str, str] = msgspec.field(default_factory=dict)
    """Pattern of what may be left, such as `NUMBA_* was added`, → why; a reason must be given."""

    def __post_init__(self) -> None:
        """Refuse an exception without a reason; raises ValueError."""
        if bare := [pattern for pattern, reason in self.allow.items() if not reason.strip()]:
            raise ValueError(f"allow names {bare[0]!r} without a reason")

    def level(self, kind: str) -> str:
        """Return `advise`, `block` or `off`."""
        own: dict[str, str] = dict(self.kinds)  # type: ignore[arg-type]
        return own.get(kind, "advise")


class StateLeaks(BaseGate):
    """No test leaves its process in another state than it found it, so that none depends on those before it.

    **Proves** that each test, once its fixtures are torn down, left as they were: the current folder, the environment
    variables, the umask, the locale, the import path, and the threads that are no daemons. The plugin looks after each
    test, and names the one that changed something. What a fixture of a class, module or session changes is the
    fixture's, and no leak. It is advice; `block` makes a kind count.

    `leaks = false` in `[tool.truegreen.unit]` keeps the plugin from looking. Of variables the names are kept, never
    the values.

    **What it does not see**: globals of modules, files, and what a library in C keeps. Random order (`order`), and
    `truegreen bisect` after a failure, find what depends on them.

    **Blind when** a kind blocks and nobody looked, or at fewer tests than ran. **Not judged** where nobody looked and
    nothing blocks.

    **Options**: `kinds` (`cwd`, `environ`, `umask`, `locale`, `sys.path`, `threads` → `advise`, `block`, `off`),
    `allow`.

    Example:
        [tool.truegreen.gates.state-leaks]
        kinds = { environ = "block", cwd = "block" }
        allow = { "NUMBA_* was added" = "set when numba is imported first" }
    """

    id: ClassVar[str] = "state-leaks"
    stages: ClassVar[frozenset[str]] = frozenset({"unit"})
    needs: ClassVar[frozenset[str]] = frozenset({"sessions"})
    Options: ClassVar[type[GateOptions]] = StateLeaksOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: StateLeaksOptions) -> bool:
        """Return whether somebody looked, or a kind blocks; tests that another runner ran cannot be looked at."""
        seen = evidence.of(stage)
        brought = bool(seen.records) and len(_ingested.records(seen)) == len(seen.records)
        looked = any(session.leaks_watched is not None for session in seen.sessions)
        return not brought and (looked or _blocks(policy))

    def evaluate(self, evidence: RunEvidence, stage: str, policy: StateLeaksOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge what was left."""
        seen = evidence.of(stage)
        if not seen.sessions or (_blocks(policy) and any(one.leaks_watched is None for one in seen.sessions)):
            remedy = "leave `leaks` on in [tool.truegreen.unit]"
            return self.blind(stage, "nobody looked at what the tests leave", remedy=remedy)
        if all(one.leaks_watched is None for one in seen.sessions):
            return self.not_judged(stage, "nobody looked at what the tests leave")
        watched = sum(session.leaks_watched or 0 for session in seen.sessions)
        found = _found(seen, policy)
        red = [leak for leak in found if policy.level(leak.kind) == "block"]
        facts, items = _facts(found, watched, policy), _items(found, policy)
        if red:
            more = f", and {count(len(red) - 1, 'more leak')}" if len(red) > 1 else ""
            reason = f"{red[0].test} leaves {red[0].kind}: {red[0].what}{more}"
            return self.failed(stage, reason, remedy=_REMEDIES[red[0].kind], facts=facts, items=items)
        lost = sum(session.leaks_lost for session in seen.sessions)
        missed = sum(max(0, len(one.ids) - (one.leaks_watched or 0)) for one in seen.sessions)
        if _blocks(policy) and (missed or lost):
            reason = f"nobody looked at what {count(missed, 'test')} left"
            reason = f"{count(lost, 'leak')} could not be kept" if lost else reason
            return self.blind(stage, reason, remedy=_AGAIN, facts=facts, items=items)
        advice = f"; advice on {count(len(found), 'leak')}" if found else ""
        return self.passed(stage, f"looked at what {count(watched, 'test')} left{advice}", facts=facts, items=items)


def _blocks(policy: StateLeaksOptions) -> bool:
    return "block" in policy.kinds.values()


def _found(seen: StageEvidence, policy: StateLeaksOptions) -> list[Leak]:
    """Return the leaks of kinds that are on and that nothing allows, blocking kinds first."""
    every = dict.fromkeys(leak for session in seen.sessions for leak in session.leaks)
    kept = [
        leak
        for leak in every
        if policy.level(leak.kind) != "off" and not any(fnmatchcase(leak.what, pattern) for pattern in policy.allow)
    ]
    return sorted(kept, key=lambda leak: policy.level(leak.kind) != "block")


def _facts(found: list[Leak], watched: int, policy: StateLeaksOptions) -> tuple[Fact, ...]:
    numbers = Counter(leak.kind for leak in found)
    facts = [Fact(label="tests looked at", value=f"{watched:,}")]
    for kind in get_args(LeakKind):
        level = policy.level(kind)
        if level != "off":
            facts.append(Fact(label=kind, value=f"{numbers[kind]:,}", wanted="0" if level == "block" else "0 (advice)"))
    return tuple(facts)


def _items(found: list[Leak], policy: StateLeaksOptions) -> tuple[Item, ...]:
    return tuple(
        Item(
            title=leak.test,
            message=f"{leak.kind}: {leak.what}; {_REMEDIES[leak.kind]}",
            path=leak.test.partition("::")[0],
            level="error" if policy.level(leak.kind) == "block" else "notice",
        )
        for leak in found
    )
