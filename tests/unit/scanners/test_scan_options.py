"""Names of scanners, formatters and personas: a misspelt one is refused, it never switches a tool off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.scans import write_tree

from truegreen.config import settings
from truegreen.errors import WrongValue

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("table", "text", "key", "near"),
    [
        ("security-scan", 'tools = [\n"bandit", "semgrpe"]', "security-scan.tools[1]", "semgrep"),
        ("lint", '\ntools = ["ruff", "formater"]', "lint.tools[1]", "formatter"),
        ("lint", '\nformatter = "blakc"', "lint.formatter", "black"),
        ("lint", '\nzizmor-persona = "pendantic"', "lint.zizmor-persona", "pedantic"),
    ],
)
def test_misspelt_tool_is_refused_with_its_place_and_the_known_values(
    table: str, text: str, key: str, near: str, tmp_path: Path
) -> None:
    write_tree(tmp_path, {"pyproject.toml": f"[project]\nname = 'x'\n[tool.truegreen.{table}]\n{text}\n"})
    with pytest.raises(WrongValue) as caught:
        settings.load(tmp_path)
    assert key in caught.value.what
    assert caught.value.where.split(":")[-1] in ("4", "5")
    assert f"perhaps you meant {near}" in caught.value.fix
    assert "known values: " in caught.value.fix


def test_known_tools_are_accepted_and_all_of_them_are_the_default(tmp_path: Path) -> None:
    write_tree(tmp_path, {"pyproject.toml": "[tool.truegreen.security-scan]\ntools = ['bandit', 'pip-audit']\n"})
    stages = settings.load(tmp_path).stages
    assert stages["security-scan"].tools == ["bandit", "pip-audit"]
    assert stages["lint"].tools == ["ruff", "formatter", "prettier", "actionlint", "zizmor", "test-style"]
