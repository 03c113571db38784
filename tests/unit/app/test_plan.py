"""Which stages run for which event, and why the others do not."""

from __future__ import annotations

import pytest

from truegreen import registry
from truegreen.app.plan import ON_REQUEST, plan, unplanned
from truegreen.errors import UnknownName, UnsafeEvent

STAGES = registry.names("stage")
ALL = tuple(name for name in STAGES if name not in ON_REQUEST)
EVERY_CHANGE = ("lint", "unit", "wiring", "persistence", "security-scan")
REQUEST = (*EVERY_CHANGE, "signed-image")


@pytest.mark.parametrize(
    ("event", "more", "expected"),
    [
        ("pull_request", {}, REQUEST),
        ("merge_group", {}, REQUEST),
        ("push", {}, EVERY_CHANGE),
        ("push", {"on_default_branch": True}, ALL),
        ("push", {"is_tag": True}, ALL),
        ("push", {"on_default_branch": True, "is_tag": True}, ALL),
        ("release", {}, ALL),
        ("schedule", {}, ALL),
        ("workflow_dispatch", {}, ALL),
        ("local", {}, ALL),
        ("repository_dispatch", {}, EVERY_CHANGE),
        ("pull_request", {"on_default_branch": True, "is_tag": True}, REQUEST),
    ],
)
def test_plan_of_an_event_has_its_stages_in_order(event: str, more: dict[str, bool], expected: tuple[str, ...]) -> None:
    found = plan(event, **more)
    assert found.stages == expected
    assert set(found.stages) | set(found.not_planned) == set(STAGES)
    assert not set(found.stages) & set(found.not_planned)


def test_plan_label_adds_its_stage_and_nothing_else() -> None:
    found = plan("pull_request", labels=("bug", "truegreen:e2e", "truegreen:", "truegreen:unicorn", "e2e"))
    assert found.stages == ("lint", "unit", "wiring", "persistence", "e2e", "security-scan", "signed-image")


def test_plan_stage_on_request_runs_by_name_only() -> None:
    assert ON_REQUEST == ("mutation", "prove")
    found = plan("pull_request", labels=("truegreen:mutation",))
    assert found.not_planned["mutation"] == "runs on request only: truegreen run mutation"
    assert plan("local", only=("mutation",)).stages == ("mutation",)


def test_plan_label_does_not_bring_back_a_disabled_stage() -> None:
    found = plan("pull_request", labels=("truegreen:e2e",), disabled={"e2e": ""})
    assert "e2e" not in found.stages
    assert found.not_planned["e2e"] == "disabled in [tool.truegreen]"


def test_plan_named_stages_replace_the_defaults_in_order() -> None:
    found = plan("push", only=("unit", "lint"), labels=("truegreen:e2e",))
    assert found.stages == ("lint", "unit")
    assert set(found.not_planned.values()) == {"not asked for in this run"}


def test_plan_named_stage_runs_although_disabled() -> None:
    assert plan("push", only=("lint",), disabled={"lint": "slow"}).stages == ("lint",)


def test_plan_unknown_stage_offers_the_nearest() -> None:
    with pytest.raises(UnknownName) as caught:
        plan("push", only=("security-scann",))
    assert (caught.value.code, caught.value.fix) == ("TG105", "perhaps you meant 'security-scan'")


@pytest.mark.parametrize("event", ["pull_request_target", "workflow_run", "issue_comment"])
def test_plan_refuses_events_that_hand_out_secrets(event: str) -> None:
    with pytest.raises(UnsafeEvent):
        plan(event, only=("lint",))


def test_plan_reason_says_which_label_adds_a_stage() -> None:
    assert plan("pull_request").not_planned["e2e"] == "not planned for pull_request; the label truegreen:e2e adds it"
    assert unplanned(("lint",), "push", {})["unit"] == "not planned for push; the label truegreen:unit adds it"
    assert "lint" not in unplanned(("lint",), "push", {})


def test_plan_disabled_stage_gives_its_own_reason() -> None:
    assert plan("push", disabled={"unit": "moved to CI two"}).not_planned["unit"] == "moved to CI two"
    assert unplanned(("lint",), "push", {"unit": "moved"})["unit"] == "moved"
