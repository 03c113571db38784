"""A local GitHub; a breach of its published contract fails the test."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.clocks import QuickClock
from tests.support.github_api import GithubApi

from truegreen.forge.event import Event
from truegreen.forge.github import GithubForge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHA = "a" * 40


@pytest.fixture
def make_api() -> Iterator[Callable[..., GithubApi]]:
    started: list[GithubApi] = []
    with ExitStack() as stack:

        def make(**options: Any) -> GithubApi:
            started.append(stack.enter_context(GithubApi(**options)))
            return started[-1]

        yield make
        assert [violation for api in started for violation in api.violations] == []


@pytest.fixture
def api(make_api: Callable[..., GithubApi]) -> GithubApi:
    return make_api()


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
def open_forge(clock: QuickClock) -> Callable[..., GithubForge]:
    def make(api: GithubApi, token: str = "ghs_secret", **options: Any) -> GithubForge:
        return GithubForge(repository="o/r", token=token, api_url=api.url, clock=clock, **options)

    return make


@pytest.fixture
def event() -> Event:
    return Event(
        name="pull_request", repository="o/r", sha=SHA, pull_request=7, run_url="https://github.com/o/r/actions/runs/77"
    )
