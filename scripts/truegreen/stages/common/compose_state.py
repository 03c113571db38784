"""What the containers of a compose project are doing, and what that means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import ToolFailed

if TYPE_CHECKING:
    from collections.abc import Collection

_OUTPUT_MAX = 1000
_SERVICE = "com.docker.compose.service"


class ContainerState(msgspec.Struct, frozen=True, kw_only=True):
    """One container of the project."""

    service: str
    id: str
    status: str
    """created, running, restarting, exited, dead, paused or removing."""
    health: str = ""
    """starting, healthy or unhealthy; empty without a health check."""
    health_output: str = ""
    """What the last health check said."""
    exit_code: int = 0
    restarts: int = 0
    oom_killed: bool = False
    one_shot: bool = False
    """Whether it may end with 0: something waits for its completion, or an option names it."""

    @property
    def failure(self) -> str:
        """Return why this container can never become ready, or an empty string."""
        if self.oom_killed:
            return f"service {self.service} was killed for lack of memory"
        if self.status in ("exited", "dead") and self.exit_code != 0:
            return f"service {self.service} ended with {self.exit_code}"
        if self.status in ("exited", "dead") and not self.one_shot:
            return f"service {self.service} ended with 0, and nothing says that it may end"
        # A one-shot keeps the health check of its image, and is called unhealthy once it has ended.
        if self.status == "running" and self.health == "unhealthy":
            return f"service {self.service} is unhealthy"
        return ""

    @property
    def completed(self) -> bool:
        """Return whether this was a one-shot that succeeded."""
        return self.one_shot and self.status == "exited" and self.exit_code == 0

    @property
    def waiting(self) -> str:
        """Return what is still awaited, or an empty string."""
        if self.completed:
            return ""
        if self.status != "running":
            return f"service {self.service} is {self.status}"
        if self.one_shot:
            return f"service {self.service} has not ended yet"
        return "" if self.health in ("", "healthy") else f"service {self.service} is {self.health}"


class _Check(msgspec.Struct, rename="pascal"):
    output: str = ""
    exit_code: int = 0


class _Health(msgspec.Struct, rename="pascal"):
    status: str = ""
    log: list[_Check] | None = None


class _State(msgspec.Struct, rename="pascal"):
    status: str
    exit_code: int = 0
    oom_killed: bool = msgspec.field(default=False, name="OOMKilled")
    health: _Health | None = None


class _Config(msgspec.Struct, rename="pascal"):
    labels: dict[str, str] | None = None


class _Inspected(msgspec.Struct, rename="pascal"):
    id: str
    state: _State
    config: _Config
    restart_count: int = 0


def parse(text: str, one_shots: Collection[str] = ()) -> tuple[ContainerState, ...]:
    """Return the containers in the answer of `docker inspect`; `one_shots` are the services that may end.

    Raises:
        ToolFailed: it is not that.
    """
    try:
        found = msgspec.json.decode(text, type=list[_Inspected])
    except msgspec.DecodeError as error:
        raise ToolFailed("docker inspect said something unknown", where="docker inspect", why=str(error)) from None
    states = [
        ContainerState(
            service=(item.config.labels or {}).get(_SERVICE, item.id[:12]),
            id=item.id,
            status=item.state.status,
            health=item.state.health.status if item.state.health else "",
            health_output=_last(item.state.health),
            exit_code=item.state.exit_code,
            restarts=item.restart_count,
            oom_killed=item.state.oom_killed,
            one_shot=(item.config.labels or {}).get(_SERVICE, "") in one_shots,
        )
        for item in found
    ]
    return tuple(sorted(states, key=lambda state: (state.service, state.id)))


def _last(health: _Health | None) -> str:
    """Return the exit code and output of the last health check."""
    if health is None or not health.log:
        return ""
    return f"exit code {health.log[-1].exit_code}: {health.log[-1].output.strip()[-_OUTPUT_MAX:]}"


def lost_since(before: tuple[ContainerState, ...], now: tuple[ContainerState, ...]) -> tuple[str, ...]:
    """Return a sentence for each container that was running and no longer is as it was."""
    current = {state.id: state for state in now}
    lost = []
    for state in before:
        if state.completed:
            continue
        later = current.get(state.id)
        if later is None:
            lost.append(f"service {state.service} is gone")
        elif later.failure:
            lost.append(later.failure)
        elif later.restarts > state.restarts:
            lost.append(f"service {state.service} was restarted {later.restarts - state.restarts} times")
        elif later.status != "running":
            lost.append(f"service {state.service} is {later.status} (exit code {later.exit_code})")
    return tuple(lost)
