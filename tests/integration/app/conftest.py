"""A project of the test, and the command line in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support import app_broken, app_desk, foreign_runs
from tests.support.github_api import GithubApi
from tests.support.history_artifacts import Ci

from truegreen import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.app_desk import Desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    return app_desk.desk(tmp_path / "project", monkeypatch, capsys)


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str, type[Any]], None]]:
    def put(kind: str, name: str, cls: type[Any]) -> None:
        app_broken.register(monkeypatch, kind, name, cls)

    yield put
    monkeypatch.undo()
    registry.load.cache_clear()


@pytest.fixture
def api() -> Iterator[GithubApi]:
    with GithubApi() as server:
        yield server
    assert server.violations == []


@pytest.fixture
def ci(desk: Desk, api: GithubApi) -> Ci:
    """The CI of the desk's project."""
    return Ci(desk, api)


@pytest.fixture
def page(desk: Desk, api: GithubApi) -> Path:
    """The summary page of a desk that is no project, with a token; pull request 7 of a fork is open."""
    (desk.root / "pyproject.toml").unlink()
    place = desk.root.parent / "summary.md"
    desk.env(GITHUB_TOKEN="ghs_secret", GITHUB_API_URL=api.url, GITHUB_STEP_SUMMARY=str(place))
    api.add_pull(7, foreign_runs.SHA)
    return place
