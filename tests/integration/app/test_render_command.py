"""`truegreen render`: `$/` is replaced, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.support.app_desk import ROOT

from truegreen.app import render
from truegreen.errors import EXIT_BUG, EXIT_CONFIGURATION, EXIT_OK

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.app_desk import Desk

OPTIONS = ("--repository", "acme/pack", "--ref", "v1.2")


@pytest.mark.parametrize("target", ["act", "ghes", "gitea"])
def test_render_rewrites_self_references_and_nothing_else(desk: Desk, target: str) -> None:
    ended = desk.run("render", "--target", target, *OPTIONS, "build/pack")
    assert ended.code == EXIT_OK
    tree = desk.root / "build" / "pack"
    assert f"target={target}\n" in (tree / "RENDERED").read_text()
    rewritten = 0
    for path in sorted(tree.rglob("*.yml")):
        text, original = path.read_text(), (ROOT / path.relative_to(tree)).read_text()
        assert "uses: $/" not in text
        rewritten += original.count("uses: $/")
        assert re.sub(r"acme/pack/([^\s@]+)@v1\.2", r"$/\1", text) == original
    assert rewritten > 10
    for path in sorted(tree.rglob("*.py")):
        assert path.read_bytes() == (ROOT / path.relative_to(tree)).read_bytes()


def test_render_leaves_own_workflows_and_caches_out_and_no_scratch_behind(desk: Desk) -> None:
    desk.run("render", "--target", "act", *OPTIONS, "pack")
    names = {path.name for path in (desk.root / "pack").rglob("*")}
    assert "pipeline.yml" in names
    assert not [name for name in names if name in ("__pycache__", "__ci.yml") or name.endswith(".pyc")]
    assert sorted(path.name for path in desk.root.iterdir()) == [".git", ".gitignore", "pack", "pyproject.toml"]


@pytest.mark.parametrize(
    ("repository", "ref"),
    [
        ("pack", "v1"),
        ("acme/pack/more", "v1"),
        ("acme/pa ck", "v1"),
        ("acme/..", "v1"),
        ("acme/.", "v1"),
        ("../pack", "v1"),
        ("", "v1"),
        ("acme/pack\n", "v1"),
        ("acme/pack", ""),
        ("acme/pack", "v1 # other"),
        ("acme/pack", "../main"),
        ("acme/pack", "a..b"),
        ("acme/pack", "-x"),
        ("acme/pack", "v1\n"),
    ],
)
def test_render_refuses_what_cannot_stand_in_a_uses_line(desk: Desk, repository: str, ref: str) -> None:
    ended = desk.run("render", "--target", "act", f"--repository={repository}", f"--ref={ref}", "pack")
    assert (ended.code, "TG104" in ended.err) == (EXIT_CONFIGURATION, True)
    assert not (desk.root / "pack").exists()


def test_render_takes_owners_of_other_forges(desk: Desk) -> None:
    ended = desk.run("render", "--target", "gitea", "--repository", "my_org.de/pack", "--ref", "v1", "pack")
    assert ended.code == EXIT_OK
    assert "uses: my_org.de/pack/actions/" in (desk.root / "pack" / ".github/workflows/pipeline.yml").read_text()


def test_render_into_a_folder_with_files_changes_nothing(desk: Desk) -> None:
    kept = desk.write("pack/mine.txt", "mine")
    ended = desk.run("render", "--target", "act", *OPTIONS, "pack")
    assert (ended.code, "not empty" in ended.err) == (EXIT_CONFIGURATION, True)
    assert [path.name for path in kept.parent.iterdir()] == ["mine.txt"]


def test_render_onto_a_file_changes_nothing(desk: Desk) -> None:
    kept = desk.write("pack", "mine")
    assert desk.run("render", "--target", "act", *OPTIONS, "pack").code == EXIT_CONFIGURATION
    assert kept.read_text() == "mine"


def test_render_into_an_empty_folder_fills_it(desk: Desk) -> None:
    (desk.root / "pack").mkdir()
    assert desk.run("render", "--target", "act", *OPTIONS, "pack").code == EXIT_OK


def test_render_of_a_pack_without_parts_takes_what_is_there(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "actions" / "a").mkdir(parents=True)
    (source / "actions" / "a" / "action.yml").write_text("steps:\n  - uses: $/actions/b\n")
    folder = tmp_path / "out"
    assert render.render(source=source, folder=folder, target="act", repository="o/r", ref="v1") == 2
    assert (folder / "actions" / "a" / "action.yml").read_text() == "steps:\n  - uses: o/r/actions/b@v1\n"


def test_render_that_breaks_leaves_no_scratch_behind(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "actions").mkdir(parents=True)
    (source / "actions" / "bad.yml").write_bytes(b"\xff")
    with pytest.raises(UnicodeDecodeError):
        render.render(source=source, folder=tmp_path / "out", target="act", repository="o/r", ref="v1")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_rendered_tree_runs_and_without_its_actions_it_says_what_is_missing(desk: Desk) -> None:
    desk.run("render", "--target", "act", *OPTIONS, "pack")
    again = ("render", "--target", "act", *OPTIONS, "again")
    assert launched(desk, "pack", *again).returncode == EXIT_OK
    assert (desk.root / "again" / "RENDERED").is_file()
    shutil.rmtree(desk.root / "pack" / "actions")
    ended = launched(desk, "pack", "render", "--target", "act", *OPTIONS, "third")
    assert ended.returncode == EXIT_BUG
    assert "run from a checkout" in ended.stderr
    assert "Traceback" not in ended.stderr
    desk.write(
        ".github/workflows/ci.yml", f"jobs:\n  a:\n    uses: o/truegreen/.github/workflows/unit.yml@{'a' * 40}\n"
    )
    assert launched(desk, "pack", "doctor").returncode == EXIT_OK, "nothing to compare a call with is no error"


def launched(desk: Desk, pack: str, *argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(desk.root / pack / "scripts" / "launch.py"), *argv]
    return subprocess.run(command, cwd=desk.root, capture_output=True, text=True, check=False)
