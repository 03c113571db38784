"""Which stages each gate judges, what it cannot do without, and how strict it is when nobody says."""

from __future__ import annotations

import msgspec
import pytest
from tests.support import evidence as good

from truegreen import registry
from truegreen.gates.base import RUN
from truegreen.model.finding import Severity

TESTED = {"unit", "wiring", "persistence", "e2e", "performance"}
# Gate: the stages it judges, the parts it needs, its options beyond the common ones. A gate that no longer judges
# a stage, or is laxer by default, makes things green that were red; change this table together with the changelog.
WANTED = {
    "stage-complete": (set(good.STAGES), set(), {}),
    "tests-ran": (TESTED, {"tests"}, {"min_tests": 1}),
    "no-failures": (TESTED, {"tests"}, {"exonerate": 0}),
    "flakiness": (TESTED - {"performance"}, {"tests"}, {"max_ratio": 0.01}),
    "time-budget": (TESTED, {"tests"}, {"suite_s": {"unit": 30.0}, "test_s": {}, "test_ms": 100.0}),
    "coverage": (
        {"unit"},
        {"coverage"},
        {"line": 80.0, "branch": 0.0, "components": {}, "steps": {}, "allow_zero": True},
    ),
    "patch-coverage": ({"unit"}, {"coverage"}, {"line": 80.0, "min_lines": 20, "source": []}),
    "coverage-ratchet": ({"unit"}, {"coverage"}, {"allow": 0}),
    "flakiness-history": (
        TESTED - {"performance"},
        {"tests"},
        {"max_ratio": 0.01, "max_masked_ratio": 0.01},
    ),
    "no-mocks": (TESTED, {"tests", "sessions", "fakes"}, {"stages": {}, "allow": {}}),
    "unwired": ({"wiring"}, {"wiring"}, {"optional": {}}),
    "test-style": ({"lint"}, {"style"}, {"rules": {}, "sleep_s": 0.5}),
    "state-leaks": ({"unit"}, {"sessions"}, {"kinds": {}, "allow": {}}),
    "lint-clean": ({"lint"}, {"scans"}, {"fail_on": Severity.LOW}),
    "findings": ({"security-scan"}, {"scans"}, {"fail_on": Severity.HIGH, "warn_on": Severity.MEDIUM}),
    "persistence-evidence": ({"persistence", "e2e"}, {"persistence", "tests"}, {}),
    "load": (
        {"performance"},
        {"load"},
        {"min_rps": 100.0, "max_error_ratio": 0.0, "p95_ms": 500.0, "min_requests": 1000},
    ),
    "load-regression": ({"performance"}, {"load"}, {"alpha": 0.05, "min_ratio": 1.2, "min_ms": 5.0}),
    "image-verified": ({"signed-image"}, {"image"}, {"min_signatures": 1}),
    "time-regression": (TESTED, {"tests"}, {"alpha": 0.05, "min_ratio": 1.1, "min_ms": 50.0}),
    "proof-survivors": ({"prove"}, {"proof"}, {"kill_rate": 100.0, "accepted": {}}),
    "mutation-survivors": ({"mutation"}, {"mutation"}, {"max_survivors": 0}),
    "full-run-budget": ({RUN}, set(), {"max_s": 300.0}),
    "quarantine": ({RUN}, set(), {"max_days": 30, "max_tests": 5, "max_ratio": 0.01}),
    "one-stage": ({RUN}, set(), {"elsewhere": []}),
    "file-stages": ({RUN}, set(), {"paths": {}, "elsewhere": {}}),
    "requirements": ({RUN}, set(), {"milestones": []}),
    "waivers": ({RUN}, set(), {"max_days": 90, "near_days": 14}),
}
ADVISORY = {"time-regression", "load-regression", "mutation-survivors"}
"""Gates that turn nothing red unless they are told to."""


@pytest.mark.parametrize("name", registry.names("gate"))
def test_gate_judges_needs_and_asks_what_is_promised(name):
    gate = registry.load("gate", name)
    stages, needs, options = WANTED[name]
    assert (set(gate.stages), set(gate.needs)) == (stages, needs)
    has = msgspec.structs.asdict(gate.Options())
    assert {key: has[key] for key in options} == options
    assert has["enabled"]
    assert has["advisory"] is (name in ADVISORY)


@pytest.mark.parametrize(
    ("name", "key", "accepted", "refused"),
    [
        ("tests-ran", "min-tests", (1, 2, {"unit": 9}, {}), (0, -1, 1.5, {"unit": 0}, {"unti": 9})),
        ("stage-complete", "shards", ({}, {"unit": 1}, {"unit": ["a"]}), ({"unit": 0}, {"unit": []}, {"unti": 4})),
        ("no-failures", "exonerate", (0, 3), (-1, 4)),
        ("flakiness", "max-ratio", (0, 0.5, 1), (-0.01, 1.01)),
        ("flakiness-history", "max-ratio", (0, 0.5, 1), (-0.01, 1.01)),
        ("flakiness-history", "max-masked-ratio", (0, 0.5, 1), (-0.01, 1.01)),
        ("time-budget", "suite-s", ({"unit": 0.001}, {}), ({"unit": 0}, {"unit": -1})),
        (
            "time-budget",
            "test-s",
            ({"e2e": 0.001}, {}, {"marker:slow": 30}),
            ({"e2e": 0}, {"e3e": 1}, {"lint": 1}, {"slow": 1}, {"marker:": 1}, {"marker:a b": 1}, {"marker:slow": 0}),
        ),
        ("time-budget", "test-ms", (0, 0.5), (-0.5,)),
        ("coverage", "line", (0, 0.5, 99.5, 100), (-0.5, 100.5)),
        ("coverage", "branch", (0, 0.5, 99.5, 100), (-0.5, 100.5)),
        ("coverage", "steps", ({"2026-11-01": 60}, {}), ({"soon": 60}, {"20261101": 60}, {"2026-11-01": 101})),
        ("patch-coverage", "line", (0, 0.5, 99.5, 100), (-0.5, 100.5)),
        ("patch-coverage", "min-lines", (0, 1), (-1,)),
        ("coverage-ratchet", "allow", (0, 1), (-1,)),
        ("findings", "fail-on", ("info", "critical"), ("none", "")),
        ("test-style", "sleep-s", (0.1, 5), (0, -1)),
        ("test-style", "nameless", ("test_.", ""), ("(",)),
        (
            *("test-style", "rules", ({"sleep": "block", "docstring": "advise"}, {"name": "off"})),
            ({"sleep": "red"}, {"slep": "block"}),
        ),
        ("state-leaks", "kinds", ({"cwd": "block"}, {"sys.path": "off"}), ({"cwd": "red"}, {"pwd": "block"})),
        ("state-leaks", "allow", ({"A was added": "numba"}, {}), ({"A was added": " "},)),
        ("file-stages", "paths", ({"unit": ["src"]}, {}), ({"unti": ["src"]}, {"unit": "src"})),
        ("file-stages", "elsewhere", ({"docs": "prose"}, {}), ({"docs": ""},)),
        ("lint-clean", "fail-on", ("info", "critical"), ("none", "")),
        ("load", "min-rps", (0, 0.5), (-0.5,)),
        ("load", "max-error-ratio", (0, 0.5, 1), (-0.01, 1.01)),
        ("load", "p95-ms", (0, 0.5), (-0.5,)),
        ("load", "min-requests", (1,), (0, -1)),
        ("image-verified", "min-signatures", (1,), (0, -1)),
        ("time-regression", "alpha", (0.001, 0.99), (0, 1, -0.1)),
        ("time-regression", "min-ratio", (1, 1.5), (0.99,)),
        ("time-regression", "min-ms", (0, 0.5), (-0.5,)),
        ("mutation-survivors", "max-survivors", (0, 1), (-1,)),
        ("proof-survivors", "kill-rate", (0, 99.5, 100), (-1, 101)),
        ("full-run-budget", "max-s", (0.001,), (0, -1)),
        ("quarantine", "max-days", (1, 30), (0, 31)),
        ("quarantine", "max-tests", (0, 9), (-1,)),
        ("quarantine", "max-ratio", (0, 0.5, 1), (-0.01, 1.01)),
        ("waivers", "max-days", (1, 366), (0, 367)),
        ("waivers", "near-days", (0, 30), (-1,)),
        *((gate, key, (True, False), (0, "no")) for gate in WANTED for key in ("enabled", "advisory")),
    ],
)
def test_option_takes_its_range_and_nothing_that_would_judge_nothing(name, key, accepted, refused):
    options = registry.load("gate", name).Options
    for value in accepted:
        assert getattr(msgspec.convert({key: value}, options), key.replace("-", "_")) == value
    for value in refused:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({key: value}, options)


@pytest.mark.parametrize("name", registry.names("gate"))
def test_option_that_does_not_exist_is_refused(name):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"enable": True}, registry.load("gate", name).Options)


@pytest.mark.parametrize("name", registry.names("gate"))
def test_options_cannot_be_changed_by_a_gate(name):
    with pytest.raises(AttributeError):
        registry.load("gate", name).Options().enabled = False
