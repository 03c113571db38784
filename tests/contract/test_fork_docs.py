"""The two workflows for forks that the documentation offers to copy are sound as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from tests.harness import workflow_lint

from truegreen.app import shell as shells

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "publishing.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```yaml\n# (\.github/workflows/[\w-]+\.yml)\n(.*?)```", TEXT, re.DOTALL))
PINNED = re.compile(r"@v\d+\.\d+\.\d+ # pin the full commit")


def test_documentation_offers_both_workflows() -> None:
    assert sorted(FILES) == [".github/workflows/truegreen-publish.yml", ".github/workflows/truegreen.yml"]


def test_workflows_to_copy_are_clean_once_pinned(tmp_path: Path) -> None:
    for name, text in FILES.items():
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(PINNED.sub(f"@{'a' * 40} # v0.1.0", text), encoding="utf-8")
    (tmp_path / "actions").mkdir()
    shell = shells.make(cwd=ROOT, quiet=True)
    assert workflow_lint.actionlint(shell, tmp_path) == []
    assert workflow_lint.zizmor(shell, tmp_path) == []


def test_second_workflow_waits_for_the_first_and_grants_what_is_called_and_no_more() -> None:
    first, second = (yaml.safe_load(FILES[f".github/workflows/{n}.yml"]) for n in ("truegreen", "truegreen-publish"))
    assert second[True]["workflow_run"]["workflows"] == [first["name"]]
    called = yaml.safe_load((ROOT / ".github" / "workflows" / "publish.yml").read_text(encoding="utf-8"))
    assert second["jobs"]["publish"]["permissions"] == called["jobs"]["publish"]["permissions"]
    assert not [step for step in called["jobs"]["publish"]["steps"] if "checkout" in step["uses"]]
    assert "contents" not in called["jobs"]["publish"]["permissions"]
