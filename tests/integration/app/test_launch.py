"""The program as its users start it: isolated, quiet when cut off, never a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from tests.support.app_desk import LAUNCHER, ROOT
from tests.support.app_evidence import leave, linted

from truegreen import __main__ as program
from truegreen import __version__
from truegreen.errors import EXIT_CONFIGURATION, EXIT_ENGINE, EXIT_OK

if TYPE_CHECKING:
    from tests.support.app_desk import Desk


def start(desk: Desk, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*LAUNCHER, *argv], cwd=desk.root, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version_is_printed(desk: Desk, flag: str) -> None:
    assert desk.run(flag).out == f"truegreen {__version__}\n"
    ended = start(desk, flag)
    assert (ended.returncode, ended.stdout, ended.stderr) == (EXIT_OK, f"truegreen {__version__}\n", "")


def test_module_and_launcher_are_the_same_program(desk: Desk) -> None:
    desk.env(PYTHONPATH=str(ROOT / "scripts"))
    module = subprocess.run(
        [sys.executable, "-m", "truegreen", "explain", "TG201"],
        cwd=desk.root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert module.stdout == start(desk, "explain", "TG201").stdout


def test_typing_extensions_is_not_loaded_by_a_command_and_can_be_imported_later(desk: Desk) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'scripts')!r})\n"
        "from truegreen.__main__ import main\n"
        "assert main(['explain', 'TG201']) == 0\n"
        "assert 'typing_extensions' not in sys.modules\n"
        "import typing_extensions\n"
    )
    ended = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_files_of_the_caller_never_run_inside(desk: Desk) -> None:
    for name in ("json.py", "msgspec.py", "sitecustomize.py", "truegreen/__init__.py", "scripts/truegreen.py"):
        desk.write(name, "raise SystemExit('the code of the caller ran')\n")
    desk.env(PYTHONPATH=str(desk.root))
    ended = start(desk, "explain", "TG201")
    assert (ended.returncode, ended.stderr) == (EXIT_OK, "")


def test_error_of_the_command_line_is_one_explained_error(desk: Desk) -> None:
    ended = start(desk, "gaet")
    assert ended.returncode == EXIT_CONFIGURATION
    assert ended.stdout == ""
    assert "perhaps you meant `truegreen gate`" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("argv", [("explain", "coverage"), ("config", "explain"), ("run", "--help"), ("--help",)])
def test_reader_that_goes_away_ends_the_program_quietly(desk: Desk, argv: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        ended = subprocess.run(
            [*LAUNCHER, *argv], cwd=desk.root, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
    assert ended.stderr == ""
    assert ended.returncode == EXIT_ENGINE


@pytest.mark.parametrize("argv", [("gate", "lint", "--json", "-q"), ("explain", "coverage")])
def test_verdict_nobody_could_read_is_not_green(desk: Desk, argv: tuple[str, ...]) -> None:
    leave(desk.root / ".truegreen", "lint", linted(), commit=desk.git("rev-parse", "HEAD"))
    assert desk.run(*argv).code == EXIT_OK
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        desk.monkeypatch.setattr(sys, "stdout", pipe)
        code = program.main(list(argv))
        desk.monkeypatch.undo()
    assert code == EXIT_ENGINE


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_program_without_a_traceback_and_stops_what_it_started(desk: Desk, signum: int) -> None:
    desk.configure(
        "[tool.truegreen]\ninstall = [\"sh -c 'echo $$ > .truegreen/pid; exec sleep 60'\"]\n"
        f'python = "{sys.version_info[0]}.{sys.version_info[1]}"\n'
    )
    desk.commit()
    process = subprocess.Popen(
        [*LAUNCHER, "run", "unit"], cwd=desk.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    sign = desk.root / ".truegreen" / "pid"
    until = time.monotonic() + 30
    while not (sign.exists() and sign.read_text().strip()) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signum)
    out, err = process.communicate(timeout=30)
    assert process.returncode == EXIT_ENGINE
    assert "error TG308" in err
    assert "Traceback" not in out + err
    record = json.loads((desk.root / ".truegreen" / "unit" / "stage.json").read_text())
    assert record["error"]["code"] == "TG308"
    with pytest.raises(ProcessLookupError):
        os.kill(int(sign.read_text()), 0)
