"""What container states mean."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from truegreen.errors import ToolFailed
from truegreen.stages.common.compose_state import ContainerState, lost_since, parse


def state(**changes: Any) -> ContainerState:
    return msgspec.structs.replace(ContainerState(service="api", id="1", status="running"), **changes)


@pytest.mark.parametrize(
    ("changes", "failure", "waiting"),
    [
        ({}, "", ""),
        ({"health": "healthy"}, "", ""),
        ({"health": "starting"}, "", "api is starting"),
        ({"status": "created"}, "", "api is created"),
        ({"status": "restarting", "exit_code": 1}, "", "api is restarting"),
        ({"status": "exited", "exit_code": 0}, "ended with 0", "api is exited"),
        ({"status": "exited", "exit_code": 0, "one_shot": True}, "", ""),
        ({"status": "exited", "exit_code": 3, "one_shot": True}, "ended with 3", "api is exited"),
        ({"one_shot": True}, "", "api has not ended yet"),
        ({"status": "exited", "exit_code": 3}, "ended with 3", "api is exited"),
        ({"status": "dead", "exit_code": 137}, "ended with 137", "api is dead"),
        ({"health": "unhealthy"}, "unhealthy", "api is unhealthy"),
        ({"status": "exited", "health": "unhealthy", "one_shot": True}, "", ""),
        ({"status": "exited", "oom_killed": True, "one_shot": True}, "memory", ""),
    ],
)
def test_state_says_failure_and_what_is_awaited(changes: dict[str, Any], failure: str, waiting: str) -> None:
    found = state(**changes)
    assert (failure in found.failure) if failure else found.failure == ""
    assert (waiting in found.waiting) if waiting else found.waiting == ""


@pytest.mark.parametrize(
    ("later", "text"),
    [
        ((), "is gone"),
        ((state(status="exited"),), "ended with 0"),
        ((state(status="exited", exit_code=9),), "ended with 9"),
        ((state(restarts=2),), "restarted 2 times"),
        ((state(health="unhealthy"),), "unhealthy"),
    ],
)
def test_container_that_changed_since_it_was_ready_is_lost(later: tuple[ContainerState, ...], text: str) -> None:
    [found] = lost_since((state(),), later)
    assert text in found


def test_one_shot_that_completed_before_is_not_lost() -> None:
    done = state(status="exited", one_shot=True)
    assert lost_since((done,), (done,)) == ()


def test_inspection_is_parsed_and_sorted() -> None:
    def item(name: str, **changes: Any) -> dict[str, Any]:
        return {
            "Id": name * 4,
            "RestartCount": 1,
            "State": {"Status": "running", "ExitCode": 0, "OOMKilled": False, **changes},
            "Config": {"Labels": {"com.docker.compose.service": name}},
        }

    text = json.dumps([item("web", Health={"Status": "healthy", "Log": []}), item("db", OOMKilled=True)])
    assert [(s.service, s.health, s.oom_killed, s.restarts, s.one_shot) for s in parse(text, {"db"})] == [
        ("db", "", True, 1, True),
        ("web", "healthy", False, 1, False),
    ]


@pytest.mark.parametrize("text", ["", "{}", '[{"Id": 1}]', "Error: no such object"])
def test_inspection_of_another_shape_is_a_failed_tool(text: str) -> None:
    with pytest.raises(ToolFailed):
        parse(text)
