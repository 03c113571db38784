"""A package whose roots are walked in this process."""

from __future__ import annotations

PARTS = """
    class Repository:
        def save(self, row): ...

    class SqlRepository(Repository): ...
    class FakeRepository(Repository): ...

    class Service:
        def __init__(self, repository: Repository | None = None):
            self._repository = repository

        def save(self, row):
            if self._repository:
                self._repository.save(row)
"""


def wrong(row):
    return [one["path"] for one in row["flawed"] if one["red"]]


def build(body, *, head="def get_service():", more=""):
    return f"{more}\nfrom shop.parts import *\n\n{head}\n    {body}\n"
