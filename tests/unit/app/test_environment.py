"""The digest of what decides a result beside the code: the same wherever the project lies, another with each input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.config.schema import ProjectOptions
from truegreen.stages.common.project import environment

if TYPE_CHECKING:
    from pathlib import Path


def test_environment_does_not_depend_on_the_place(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "uv.lock").write_text("version = 1\n")
    one, other = (environment(tmp_path / name, ProjectOptions(), "3.12.1") for name in "ab")
    assert one == other
    assert len(one) == 16


def test_environment_changes_with_every_input(tmp_path: Path) -> None:
    options = ProjectOptions()
    seen = [environment(tmp_path, options, "3.12.1")]
    seen.append(environment(tmp_path, options, "3.13.0"))
    seen.append(environment(tmp_path, options, "3.12.1", [("postgres", "18.1")]))
    seen.append(environment(tmp_path, options, "3.12.1", [("postgres", "17.0")]))
    seen.append(environment(tmp_path, ProjectOptions(extras=["web"]), "3.12.1"))
    (tmp_path / "requirements.txt").write_text("a==1\n")
    seen.append(environment(tmp_path, options, "3.12.1"))
    (tmp_path / "requirements.txt").write_text("a==2\n")
    seen.append(environment(tmp_path, options, "3.12.1"))
    assert len(set(seen)) == len(seen)


def test_environment_does_not_depend_on_the_order_of_services(tmp_path: Path) -> None:
    up = [("redis", "8"), ("postgres", "18")]
    assert environment(tmp_path, ProjectOptions(), "", up) == environment(tmp_path, ProjectOptions(), "", up[::-1])
