"""An application whose parts are replaced, and what a session noted of that."""

from __future__ import annotations

import sys

SHOP = """
import time
from pathlib import Path
TIMEOUT = 3
URL = None
FOLDER = Path("/var/lib")
HOSTS = ["a"]
class _Slots:
    __slots__ = ("now",)
Slots = _Slots()
Slots.now = None
class Repo:
    def save(self, row): return row
    @staticmethod
    def count(): return 1
def make(): return Repo()
class Service:
    def __init__(self, repo): self.repo = repo
    def run(self): return self.repo.save(1)
"""


def forget_modules():
    """Forget what a session in this process has imported."""
    for name in ("shop", "test_it", "conftest"):
        sys.modules.pop(name, None)


def rows(found):
    return {(row["kind"], row["target"]): [(use[0].partition("::")[2], *use[1:]) for use in row["uses"]]
            for row in found["replaced"]}  # fmt: skip
