"""The fixtures; a project that has one of the same name in its conftest keeps its own."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Callable

import pytest

from truegreen_pytest import waiting
from truegreen_pytest.addresses import Addresses
from truegreen_pytest.probe import Probe, ask
from truegreen_pytest.processes import Process, Processes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen_pytest.recorder import Line

LINE: pytest.StashKey[Line | None] = pytest.StashKey()
"""Where the session keeps its line to the recorder."""
_STARTED: pytest.StashKey[Processes] = pytest.StashKey()
"""Where a test keeps the programs it started."""


@pytest.fixture(scope="session")
def probe(pytestconfig: pytest.Config) -> Probe:
    """Ask the stage's database and cache directly: `probe.count("operations", id=…)`, `probe.redis("GET", key)`.

    Read-only, and over a connection that is neither the application's nor the test's.
    """
    return Probe(pytestconfig.stash.get(LINE, None))


@pytest.fixture
def clean_postgres(pytestconfig: pytest.Config) -> list[str]:
    """Empty all tables of the stage's database before the test; tables of migration tools stay."""
    return _clean(pytestconfig, "postgres")


@pytest.fixture
def clean_redis(pytestconfig: pytest.Config) -> list[str]:
    """Empty the stage's database of Redis before the test."""
    return _clean(pytestconfig, "redis")


@pytest.fixture
def clean_nats(request: pytest.FixtureRequest) -> list[str]:
    """Remove the messages of all streams of the stage's NATS before the test; streams and consumers stay.

    With `@pytest.mark.clean(streams="test_")`, the streams whose names begin so are deleted instead.
    """
    mark = request.node.get_closest_marker("clean")
    prefix = str(mark.kwargs.get("streams", "")) if mark else ""
    if mark and (mark.args or set(mark.kwargs) - {"streams"}):  # a misspelt one would purge everything
        raise pytest.UsageError(f"clean() knows streams=..., not {mark.args or sorted(mark.kwargs)}")
    return _clean(request.config, "nats", prefix=prefix)


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """Wait until a condition is true: `eventually(lambda: probe.count("operations") == 1, timeout_s=5)`."""
    return waiting.eventually


@pytest.fixture(scope="session")
def eventually_async() -> Callable[..., Any]:
    """Wait as `eventually` does, while the event loop of the test goes on."""
    return waiting.eventually_async


@pytest.fixture(scope="session")
def wait_for_event() -> Callable[..., Any]:
    """Wait for an event: `wait_for_event(pubsub.get_message, lambda event: event["type"] == "message")`."""
    return waiting.wait_for_event


@pytest.fixture(scope="session")
def wait_for_event_async() -> Callable[..., Any]:
    """Wait as `wait_for_event` does, while the event loop of the test goes on."""
    return waiting.wait_for_event_async


@pytest.fixture(scope="session")
def service_url() -> Iterator[Callable[[str], str]]:
    """Return the URL of a service: the stage's where it runs one, else of a container of testcontainers."""
    addresses = Addresses()
    yield addresses.url
    addresses.close()


@pytest.fixture
def unique_name() -> Callable[[str], str]:
    """Name a topic, subject, collection, bucket, schema or folder of this test alone: `unique_name("orders")`."""
    mark = secrets.token_hex(5)
    return lambda name: f"{name}{mark}"


@pytest.fixture
def process(request: pytest.FixtureRequest) -> Iterator[Callable[..., Process]]:
    """Start a program and wait until it is ready: `process("python", "-m", "worker", ready="waiting")`.

    Its end belongs to the test: `terminate()`, `interrupt()`, `kill()`, `wait()`. What still runs is ended after it.
    """
    started = Processes()
    request.node.stash[_STARTED] = started
    yield started.start
    started.close()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Show what the programs of a test printed beside its failure."""
    if call.when == "call" and call.excinfo and (started := item.stash.get(_STARTED, None)):
        for command, output in started.told():
            item.add_report_section("call", command, output)


def _clean(config: pytest.Config, kind: str, **more: str) -> list[str]:
    __tracebackhide__ = True
    return list(ask(config.stash.get(LINE, None), "clean", kind=kind, **more))
