"""What a store keeps of a run in one form, so that two stores agree on what is the same and what is newer; pure."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.analysis.results import combined
from truegreen.model.history import PastStage
from truegreen.model.results import RunResults, TestResult
from truegreen.model.testrun import Outcome
from truegreen.stores.columns import SECONDS, code, groups

if TYPE_CHECKING:
    from collections.abc import Iterable

LETTERS = {Outcome.PASS: "P", Outcome.FAIL: "F", Outcome.ERROR: "E", Outcome.SKIP: "S"}
"""One letter an attempt in the store."""
_OUTCOMES = {letter: outcome for outcome, letter in LETTERS.items()}
_HEADER = ("commit", "created", "status", "run", "tree", "environment", "branch")


def letters(attempts: Iterable[Outcome]) -> str:
    """Return attempts as letters, such as `FP`."""
    return "".join(LETTERS[attempt] for attempt in attempts)


def outcomes(text: str) -> tuple[Outcome, ...]:
    """Return attempts from their letters.

    Raises:
        KeyError: there is no such letter.
    """
    return tuple(_OUTCOMES[letter] for letter in text)


def failed(odd: Iterable[tuple[int, tuple[Outcome, ...]]]) -> bytes | None:
    """Return the tests that failed, those of them that passed at another attempt, and those that did at the last.

    Args:
        odd: number and attempts of each test that did not simply pass.
    """
    all_failed = [(test, attempts) for test, attempts in odd if Outcome.FAIL in attempts or Outcome.ERROR in attempts]
    passed_too = [(test, attempts) for test, attempts in all_failed if Outcome.PASS in attempts]
    masked = [(test, attempts) for test, attempts in passed_too if attempts[-1] is Outcome.PASS]
    return groups([[test for test, _ in part] for part in (all_failed, passed_too, masked)]) if all_failed else None


def storable(text: str) -> str:
    """Return a text every store can keep: lone surrogates and null bytes of hostile names are replaced."""
    return text.encode("utf-8", "replace").decode().replace("\0", "�")


def normal(given: RunResults) -> RunResults:
    """Return a run as a store gives it back: tests sorted and each once, durations in steps, texts storable."""
    results = {storable(stage): _once(tests) for stage, tests in sorted(given.results.items()) if tests}
    ratio = given.run.line_ratio
    header: dict[str, Any] = {name: storable(getattr(given.run, name)) for name in _HEADER}
    return RunResults(
        run=msgspec.structs.replace(
            given.run,
            stages=_stages(given.run.stages, results),
            failures=(),
            duration_s=_finite(given.run.duration_s),
            line_ratio=None if ratio is None or not math.isfinite(ratio) else float(ratio),
            **header,
        ),
        results=results,
        parts={storable(name): data for name, data in sorted(given.parts.items())},
        repository=storable(given.repository),
        ref=storable(given.ref),
        event=storable(given.event),
        run_url=storable(given.run_url),
    )


def digest(run: RunResults) -> bytes:
    """Return 16 bytes that stand for the content of a run in its normal form, other parts left out."""
    alone = msgspec.structs.replace(run, parts={})
    return hashlib.blake2b(msgspec.msgpack.encode(alone), digest_size=16).digest()


def _stages(given: Iterable[PastStage], results: Iterable[str]) -> tuple[PastStage, ...]:
    """Return each stage once, and one for results of a stage that the report does not name."""
    found: dict[str, PastStage] = {}
    for one in given:
        stage = PastStage(
            stage=storable(one.stage),
            status=storable(one.status),
            duration_s=_finite(one.duration_s),
            tests=one.tests,
            infrastructure=storable(one.infrastructure),
        )
        found.setdefault(stage.stage, stage)
    for name in results:
        found.setdefault(name, PastStage(stage=name, status=""))
    return tuple(found.values())


def _finite(number: float) -> float:
    """Return a number that every store can keep; what is none counts as unknown."""
    return float(number) if math.isfinite(number) else 0.0


def _once(tests: Iterable[TestResult]) -> tuple[TestResult, ...]:
    found: dict[str, TestResult] = {}
    for given in tests:
        test = _normal_test(given)
        found[test.test] = _both(found[test.test], test) if test.test in found else test
    return tuple(found[name] for name in sorted(found))


def _normal_test(test: TestResult) -> TestResult:
    seconds = SECONDS[code(test.duration_s)] if test.attempts != (Outcome.SKIP,) else 0.0
    fingerprint = storable(test.fingerprint) if test.attempts not in ((Outcome.PASS,), (Outcome.SKIP,)) else ""
    return TestResult(
        test=storable(test.test), attempts=test.attempts or (Outcome.SKIP,), duration_s=seconds, fingerprint=fingerprint
    )


def _both(one: TestResult, other: TestResult) -> TestResult:
    return TestResult(
        test=one.test,
        attempts=combined(one.attempts, other.attempts),
        duration_s=max(one.duration_s, other.duration_s),
        fingerprint=max(one.fingerprint, other.fingerprint),
    )
