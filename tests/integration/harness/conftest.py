"""What the tests of the harness share: the toy pack and its caller."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.harness.act import ActRun, run_workflow

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture(scope="session")
def run_toy(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ActRun]:
    tmp_path_factory.getbasetemp()  # two threads that need it first would each empty it and make it

    def run(event: str, payload: dict[str, Any], workflow: str, **options: Any) -> ActRun:
        return run_workflow(
            SAMPLES / "caller",
            event,
            payload,
            pack_dir=SAMPLES / "pack",
            work_dir=tmp_path_factory.mktemp("run"),
            pack_slug="toy/pack",
            workflow=workflow,
            **options,
        )

    return run
