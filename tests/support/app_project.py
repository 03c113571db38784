"""A project whose environment costs nothing: it borrows the packages of the one that runs the tests."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.app_desk import Desk

_PACKAGES = Path(pytest.__file__).resolve().parents[1]
_INSTALL = f"""\
import sysconfig
from pathlib import Path
Path(sysconfig.get_paths()["purelib"], "borrowed.pth").write_text({str(_PACKAGES)!r})
"""
_TESTS = """\
import json, os, sys
import pytest

def test_unit(pytestconfig):
    told = {"argv": list(pytestconfig.invocation_params.args), "env": dict(os.environ)}
    open("told.json", "w").write(json.dumps(told))

@pytest.mark.wiring
def test_wiring():
    pass
"""
CONFIGURATION = f"""\
[tool.truegreen]
python = "{sys.version_info[0]}.{sys.version_info[1]}"
install = ["python install.py"]
source = ["app"]
[tool.truegreen.unit]
workers = "0"
[tool.truegreen.wiring]
workers = "0"
[tool.truegreen.lint]
tools = ["ruff"]
[tool.pytest.ini_options]
markers = ["wiring", "persistence", "e2e", "performance"]
"""


def borrow(desk: Desk, more: str = "", tests: str = _TESTS) -> str:
    """Make the desk's project one with tests, commit it, and return the commit."""
    desk.configure(CONFIGURATION + more)
    desk.write("install.py", _INSTALL)
    desk.write("app/__init__.py", "")
    desk.write("app/sums.py", "def double(number):\n    return 2 * number\n")
    desk.write("tests/test_app.py", tests)
    desk.write("tests/conftest.py", "from app.sums import double\n\nassert double(1) == 2\n")
    desk.write("conftest.py", "")
    return desk.commit()
