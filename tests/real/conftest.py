"""The pack, rendered for act, and a way to run a caller in a folder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.real import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.harness.act import ActRun


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pipeline.render_pack(tmp_path_factory.mktemp("pack") / "tree")


@pytest.fixture(scope="session")
def light_pack(pack: Path) -> Path:
    return pipeline.light_pack(pack, pack.with_name("light"))


@pytest.fixture(scope="session")
def run_caller(pack: Path, light_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ActRun]:
    """Run a caller made of `caller`'s options (or a folder) for one event.

    With `copied`, each step gets the whole pack by copy as on GitHub; otherwise the jobs share its code.
    """

    def run(caller: dict[str, Any] | Path, payload: dict[str, Any], *, copied: bool = False, **options: Any) -> ActRun:
        folder = tmp_path_factory.mktemp("real")
        if isinstance(caller, dict):
            caller = pipeline.make_caller(folder / "repository", **caller)
        work = folder / "work"
        work.mkdir()
        if copied:
            return pipeline.run(caller, pack, work, payload, **options)
        return pipeline.run(caller, light_pack, work, payload, mounts=pipeline.mount(pack), **options)

    return run
