"""A project of the test, and the command line in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support import app_broken, app_desk

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
