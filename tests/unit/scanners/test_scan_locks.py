"""Which packages the lock files name, and what cannot be looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.scans import write_tree

from truegreen.stages.common.scan_locks import read_locks, requirements

if TYPE_CHECKING:
    from pathlib import Path

UV_LOCK = """version = 1

[[package]]
name = "app"
version = "0.1"
source = { editable = "." }

[[package]]
name = "jinja2"
version = "2.4.1"
source = { registry = "https://example.org/simple" }

[[package]]
name = "jinja2"
version = "3.1.6"
source = { registry = "https://example.org/simple" }

[[package]]
name = "fork"
version = "1.0"
source = { git = "https://example.org/fork?rev=1" }
"""


def pins(root: Path) -> list[tuple[str, str, int]]:
    return [(pin.name, pin.version, pin.line) for pin in read_locks(root).pins]


def test_uv_lock_gives_every_version_with_its_line_and_not_the_project(tmp_path: Path) -> None:
    write_tree(tmp_path, {"uv.lock": UV_LOCK})
    assert pins(tmp_path) == [("jinja2", "2.4.1", 9), ("jinja2", "3.1.6", 14)]


def test_uv_lock_names_a_git_dependency_as_not_looked_up(tmp_path: Path) -> None:
    write_tree(tmp_path, {"uv.lock": UV_LOCK})
    (loose,) = read_locks(tmp_path).loose
    assert loose.startswith("uv.lock: fork comes from git")


def test_poetry_lock_gives_pins_and_names_foreign_sources(tmp_path: Path) -> None:
    text = (
        '[[package]]\nname = "flask"\nversion = "0.5"\n\n'
        '[[package]]\nname = "fork"\nversion = "1"\n[package.source]\ntype = "git"\n\n'
        '[[package]]\nname = "mine"\nversion = "1"\n[package.source]\ntype = "directory"\n'
    )
    locked = read_locks(write_tree(tmp_path, {"poetry.lock": text}))
    assert [(pin.name, pin.version) for pin in locked.pins] == [("flask", "0.5")]
    assert len(locked.loose) == 1


def test_pylock_gives_pins_and_names_packages_without_version(tmp_path: Path) -> None:
    text = (
        'lock-version = "1.0"\n[[packages]]\nname = "idna"\nversion = "3.7"\n'
        '[[packages]]\nname = "mine"\ndirectory = { path = "." }\n'
        '[[packages]]\nname = "odd"\n[[packages]]\nname = "fork"\nvcs = { type = "git" }\n'
    )
    locked = read_locks(write_tree(tmp_path, {"pylock.toml": text}))
    assert [(pin.name, pin.version) for pin in locked.pins] == [("idna", "3.7")]
    assert locked.loose[0] == "pylock.toml: odd has no version"
    assert "fork comes from vcs" in locked.loose[1]


def test_requirements_with_hashes_markers_extras_and_comments_are_pins(tmp_path: Path) -> None:
    text = (
        "# made by hand\n--index-url https://example.org/simple\n-e .\n-c other.txt\n"
        "jinja2==2.4.1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n"
        "requests[socks]==2.19.1 ; python_version < '3' # old\nidna === 3.7\n"
    )
    locked = read_locks(write_tree(tmp_path, {"requirements.txt": text}))
    found = [(pin.name, pin.version, pin.line) for pin in locked.pins]
    assert found == [("jinja2", "2.4.1", 5), ("requests", "2.19.1", 8), ("idna", "3.7", 9)]
    assert locked.loose == locked.unpinned == ()


@pytest.mark.parametrize("row", ["flask", "flask>=1", "flask==1.*", "fork @ git+https://example.org/x", "flask~=2.0"])
def test_requirement_without_an_exact_version_is_unpinned(row: str, tmp_path: Path) -> None:
    locked = requirements(tmp_path, "requirements.txt", f"idna==3.7\n{row}\n")
    assert len(locked.pins) == 1
    assert locked.unpinned[0].startswith("requirements.txt:2:")
    assert locked.loose == ()


@pytest.mark.parametrize("name", ["uv.lock", "poetry.lock", "pylock.toml"])
def test_broken_lock_is_loose_and_never_empty(name: str, tmp_path: Path) -> None:
    locked = read_locks(write_tree(tmp_path, {name: "[[package]\nname = "}))
    assert locked.pins == ()
    assert locked.loose[0].startswith(f"{name}: ")


def test_project_without_any_lock_names_no_file(tmp_path: Path) -> None:
    assert read_locks(tmp_path).files == ()


def test_requirements_beside_a_lock_are_read_too(tmp_path: Path) -> None:
    write_tree(tmp_path, {"uv.lock": UV_LOCK, "requirements.txt": "flask==0.5\n"})
    locked = read_locks(tmp_path)
    assert locked.files == ("uv.lock", "requirements.txt")
    assert {pin.source for pin in locked.pins} == {"uv.lock", "requirements.txt"}


def test_every_file_that_the_installation_recognises_is_read(tmp_path: Path) -> None:
    names = ["requirements.txt", "requirements-dev.txt", "dev-requirements.txt", "requirements/base.txt"]
    locks = {"uv.lock": UV_LOCK, "poetry.lock": UV_LOCK, "pylock.toml": UV_LOCK, "pylock.dev.toml": UV_LOCK}
    write_tree(tmp_path, {**locks, **dict.fromkeys(names, "flask==0.5\n"), "docs/requirements.txt": "x==1\n"})
    assert set(read_locks(tmp_path).files) == {*names, *locks}


@pytest.mark.parametrize("name", ["uv.lock", "poetry.lock", "pylock.toml"])
@pytest.mark.parametrize("text", ["", "version = 1\n", "package = 3\n"])
def test_lock_cut_to_nothing_is_not_taken_for_no_dependencies(name: str, text: str, tmp_path: Path) -> None:
    (loose,) = read_locks(write_tree(tmp_path, {name: text})).loose
    assert loose.startswith(f"{name}: it names no package")


def test_included_requirements_are_followed_once_and_a_missing_one_is_named(tmp_path: Path) -> None:
    files = {
        "requirements.txt": "-r requirements/base.txt\n--requirement=gone.txt\nidna==3.7\n",
        "requirements/base.txt": "-r ../requirements.txt\n-rmore.txt\nflask==0.5\n",
        "requirements/more.txt": "jinja2==2.4.1\n",
    }
    locked = read_locks(write_tree(tmp_path, files))
    assert {pin.name: pin.source for pin in locked.pins} == {
        "idna": "requirements.txt",
        "flask": "requirements/base.txt",
        "jinja2": "requirements/more.txt",
    }
    assert [reason.partition(":")[0] for reason in locked.loose] == ["gone.txt"]


@pytest.mark.parametrize("name", ["/etc/hostname", "../outside.txt"])
def test_included_file_outside_the_project_is_not_read(name: str, tmp_path: Path) -> None:
    write_tree(tmp_path, {"outside.txt": "flask==0.5\n", "project/requirements.txt": f"-r {name}\nidna==3.7\n"})
    locked = read_locks(tmp_path / "project")
    assert [pin.name for pin in locked.pins] == ["idna"]
    assert "outside the project" in locked.loose[0]
