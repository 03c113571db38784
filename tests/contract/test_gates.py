"""Every registered gate: documented, registered, and unable to pass on nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.support import evidence as good
from tests.support import past, stand_ins

import truegreen.gates
from truegreen import registry
from truegreen.gates.base import RUN
from truegreen.model.run import RunEvidence, StageEvidence
from truegreen.model.verdict import Status

GATES = [registry.load("gate", name)() for name in registry.names("gate")]
PAIRS = [(gate, stage) for gate in GATES for stage in sorted(gate.stages)]
IDS = [f"{gate.id}-{stage}" for gate, stage in PAIRS]
PARTS = (
    "records",
    "tests",
    "sessions",
    "coverage",
    "scans",
    "persistence",
    "load",
    "image",
    "mutation",
    "wiring",
    "proof",
    "fakes",
    "style",
)


def full(stage: str) -> StageEvidence:
    """Return good evidence of a stage; a performance stage with tests, so that all its gates have a question."""
    if stage == "performance":
        return good.stage(
            stage, tests=good.cases(good.PASS), sessions=(good.session(1),), fakes=stand_ins.fakes(tests=1)
        )
    return good.stage(stage)


def policy(gate, stage):
    options = gate.Options()
    if gate.id == "no-mocks":
        return msgspec.structs.replace(options, stages={stage: "forbidden"})
    if gate.id == "file-stages":
        return msgspec.structs.replace(options, paths={"unit": ["src"]})
    return msgspec.structs.replace(options, suite_s={stage: 30.0}) if gate.id == "time-budget" else options


def history(gate, stage):
    """Return what the gate needs of earlier runs to say anything good."""
    known = good.known_history(stage)
    long = gate.id == "flakiness-history"
    return msgspec.structs.replace(known, runs=past.clean(400, stage=stage)) if long else known


def run_of(stage: str, part: StageEvidence) -> RunEvidence:
    return good.governed(*(part if name == stage else full(name) for name in good.STAGES))


@pytest.mark.parametrize(("gate", "stage"), PAIRS, ids=IDS)
def test_gate_with_good_evidence_passes(gate, stage):
    run = run_of(stage, full(stage))
    if gate.id == "coverage-ratchet":  # it judges what did not change
        run = msgspec.structs.replace(run, changes=None)
    verdict = gate.evaluate(run, stage, policy(gate, stage), history(gate, stage))
    assert (verdict.status, verdict.gate, verdict.stage) == (Status.PASS, gate.id, stage)
    assert verdict.reason


@pytest.mark.parametrize(("gate", "stage"), PAIRS, ids=IDS)
def test_gate_without_any_evidence_does_not_pass(gate, stage):
    for empty in (RunEvidence(), RunEvidence(planned=good.STAGES, commit=good.COMMIT)):
        verdict = gate.evaluate(empty, stage, policy(gate, stage), good.NO_HISTORY)
        assert verdict.status is not Status.PASS
        assert verdict.reason


@pytest.mark.parametrize(("gate", "stage"), PAIRS, ids=IDS)
def test_gate_without_a_part_it_needs_is_blind(gate, stage):
    needed = [part for part in PARTS if part in gate.needs]
    for part in needed:
        evidence = run_of(stage, good.without(full(stage), part))
        assert gate.evaluate(evidence, stage, policy(gate, stage), good.NO_HISTORY).status is Status.BLIND, part
    if gate.id in ("stage-complete", "full-run-budget"):
        changed = "unit" if stage == RUN else stage
        evidence = run_of(changed, good.without(full(changed), "records"))
        assert gate.evaluate(evidence, stage, policy(gate, stage), good.NO_HISTORY).status is Status.BLIND
    elif gate.id in ("waivers", "quarantine"):
        undated = good.governed(today=None)
        assert gate.evaluate(undated, stage, policy(gate, stage), good.NO_HISTORY).status is Status.BLIND
    elif gate.id == "one-stage":
        forgotten = good.governed(good.stage("unit", sessions=(good.session(unclaimed=("t.py::test_x",)),)))
        assert gate.evaluate(forgotten, stage, policy(gate, stage), good.NO_HISTORY).status is Status.BLIND
    elif gate.id == "file-stages":
        unknown = good.governed(changes=None, changes_unknown="the base is not in the clone")
        assert gate.evaluate(unknown, stage, policy(gate, stage), good.NO_HISTORY).status is Status.BLIND
    elif gate.id == "requirements":
        stages = (good.without(full(name), "sessions") for name in good.STAGES)
        unseen = good.governed(*stages)
        assert gate.evaluate(unseen, stage, policy(gate, stage), good.NO_HISTORY).status is Status.BLIND
    else:
        assert needed


@pytest.mark.parametrize("name", registry.names("gate"))
def test_gate_is_documented_with_proof_blindness_options_and_example(name):
    cls = registry.load("gate", name)
    page = cls.__doc__
    assert all(word in page for word in ("**Proves**", "**Blind when**", "**Options**", "Example:"))
    assert f"[tool.truegreen.gates.{name}]" in page
    assert cls.id == name
    assert cls.needs <= set(PARTS)
    assert cls.stages <= {*registry.names("stage"), RUN}
    assert cls.Options.__doc__


@pytest.mark.parametrize("name", registry.names("gate"))
def test_gate_options_of_its_own_have_a_docstring_each(name):
    cls = registry.load("gate", name)
    source = Path(truegreen.gates.__file__).with_name(f"{name.replace('-', '_')}.py").read_text()
    own = set(cls.Options.__struct_fields__) - {"enabled", "advisory"}
    for field in own:
        after = source[source.index(f"    {field}: ") :].split("\n", 2)
        assert after[1].strip().startswith('"""'), field


def test_every_module_of_the_family_is_registered():
    folder = Path(truegreen.gates.__file__).parent
    modules = {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")} - {"base", "judging"}
    assert modules == {name.replace("-", "_") for name in registry.names("gate")}
