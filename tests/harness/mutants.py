"""Mutation testing of the gates and the analysis: `python -m tests.harness.mutants [MODULE …]`; advisory.

mutmut works in a copy below `build/`: it writes beside what it mutates, and it finds sources in `src`, not `scripts`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from uv import find_uv_bin

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / "build" / "mutants"
VENV = ROOT / "build" / "mutants-venv"
PARTS = ("scripts", "tests", "docs", "actions", "examples", "requirements", "README.md", "pyproject.toml", "uv.lock")
TESTS = ("tests/unit/gates", "tests/unit/analysis", "tests/property/analysis", "tests/contract/test_gates.py")
CONFIG = f"""
[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/truegreen/gates/*", "src/truegreen/analysis/*"]
also_copy = ["docs", "actions", "examples", "requirements", "README.md"]
pytest_add_cli_args = ["-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = {list(TESTS)}
track_dependencies = false
use_git_change_detection = false
"""


def main(modules: list[str]) -> int:
    """Mutate the modules (`gates.judging`, `analysis`), all without a name, and print the mutants that survived."""
    copy()
    environment = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment["UV_PROJECT_ENVIRONMENT"] = str(VENV)
    sync = ("sync", "--quiet", "--frozen", "--all-extras", "--group", "mutants", "--no-install-project")
    subprocess.run([find_uv_bin(), *sync, "--project", str(ROOT)], env=environment, check=True)
    mutmut = str(VENV / "bin" / "mutmut")
    patterns = [f"truegreen.{module}.*" for module in modules]
    done = subprocess.run([mutmut, "run", *patterns], cwd=COPY, env=environment, check=False)
    if done.returncode:
        return done.returncode
    told = subprocess.run([mutmut, "results"], cwd=COPY, env=environment, check=True, capture_output=True, text=True)
    left = [line.strip() for line in told.stdout.splitlines() if line.strip() and not line.endswith("not checked")]
    print(*left, sep="\n")
    print(f"{len(left)} mutants are left; one of them: cd {COPY} && {mutmut} show NAME")
    return 0


def copy() -> None:
    """Make the copy anew, in the layout that mutmut knows."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in PARTS:
        source, target = ROOT / name, COPY / ("src" if name == "scripts" else name)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    settings = COPY / "pyproject.toml"
    text = settings.read_text(encoding="utf-8").replace('pythonpath = ["scripts", "."]', 'pythonpath = ["src", "."]')
    settings.write_text(text + CONFIG, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
