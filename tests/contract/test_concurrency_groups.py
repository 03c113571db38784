"""No run of a branch waits for another: of those that wait in one group GitHub drops all but the last."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[2] / ".github" / "workflows"
PUBLIC = sorted(path for path in FOLDER.glob("*.yml") if not path.name.startswith("__"))


@pytest.mark.parametrize("path", PUBLIC, ids=lambda path: path.stem)
def test_concurrency_group_of_a_public_workflow_is_of_one_run_and_one_project(path: Path) -> None:
    group = yaml.safe_load(path.read_text(encoding="utf-8"))["concurrency"]["group"]
    assert "github.run_id" in group
    assert "inputs.working-directory" in group
