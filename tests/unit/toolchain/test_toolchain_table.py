"""The table of pinned tools, its locks, and what the environment may say to them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from truegreen.errors import UnknownName
from truegreen.runtime import toolchain
from truegreen.runtime.console import Console
from truegreen.runtime.process import ProcessRunner
from truegreen.runtime.toolchain import TOOLS, Toolchain, clean_env, uv_env

LOCKS = Path(toolchain.__file__).with_name("locks")
FROM_PYPI = sorted(name for name, tool in TOOLS.items() if tool.source == "pypi")


@pytest.mark.parametrize("name", FROM_PYPI)
def test_lock_pins_the_version_of_the_table(name: str) -> None:
    tool = TOOLS[name]
    assert f"\n{tool.package}=={tool.version} " in "\n" + (LOCKS / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", FROM_PYPI)
def test_lock_has_a_hash_for_each_pin_and_names_no_index(name: str) -> None:
    text = (LOCKS / f"{name}.txt").read_text()
    assert not re.search(r"https?://|--index|--find-links|--trusted|file:|-e ", text)
    entries = re.split(r"\n(?=\S)", text.strip())
    assert entries
    assert all(re.match(r"[\w.\[\],-]+==\S+", entry) and "--hash=sha256:" in entry for entry in entries)


def test_every_lock_belongs_to_a_tool_and_every_tool_has_an_exact_version() -> None:
    assert sorted(path.stem for path in LOCKS.glob("*.txt")) == FROM_PYPI
    assert all(re.fullmatch(r"\d+(\.\d+)+(\.post\d+|-\d{14}-[0-9a-f]{12})?", tool.version) for tool in TOOLS.values())
    assert all(tool.executable for tool in TOOLS.values() if tool.source == "go")


def chain(cache: Path, **env: str) -> Toolchain:
    return Toolchain({"TRUEGREEN_CACHE": str(cache), **env}, ProcessRunner(), Console(quiet=True))


@pytest.mark.parametrize("method", ["path", "python", "environment", "version", "available"])
def test_unknown_tool_is_refused_with_the_known_names(method: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownName) as caught:
        getattr(chain(tmp_path), method)("rufff")
    assert "ruff" in caught.value.fix


def test_empty_cache_and_path_have_nothing_and_status_says_so(tmp_path: Path) -> None:
    tools = chain(tmp_path, PATH=str(tmp_path))
    assert not any(tools.available(name) for name in TOOLS)
    assert set(tools.status().values()) == {"not installed"}
    assert f"bandit {TOOLS['bandit'].version}" in tools.status()
    assert list(tmp_path.iterdir()) == []


def test_clean_env_hides_python_pip_uv_and_conda() -> None:
    env = {
        "PYTHONPATH": "x",
        "PIP_FIND_LINKS": "x",
        "UV_INDEX_URL": "x",
        "VIRTUAL_ENV": "x",
        "PATH": "/bin",
        "HOME": "/h",
    }
    assert clean_env(env) == {"PATH": "/bin", "HOME": "/h"}


def test_uv_env_keeps_only_how_an_index_is_reached() -> None:
    env = {
        "PYTHONPATH": "x",
        "PIP_FIND_LINKS": "x",
        "PIP_INDEX_URL": "https://mirror.example/simple",
        "PIP_CERT": "/ca.pem",
        "UV_CACHE_DIR": "/cache",
        "UV_NO_BINARY": "1",
        "UV_INDEX_INNER_PASSWORD": "secret",
    }
    assert uv_env(env) == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "SSL_CERT_FILE": "/ca.pem",
        "UV_CACHE_DIR": "/cache",
        "UV_INDEX_INNER_PASSWORD": "secret",
    }


def test_uv_settings_win_over_those_of_pip() -> None:
    assert uv_env({"PIP_INDEX_URL": "https://pip", "UV_DEFAULT_INDEX": "https://uv"}) == {
        "UV_DEFAULT_INDEX": "https://uv"
    }
