"""What a factory hands over is held against the class that is declared for it."""

from __future__ import annotations

import pytest
from tests.support.wiring_roots import build, wrong

pytest_plugins = ["pytester"]
PARTS = """
    from abc import ABC, abstractmethod
    from typing import Protocol

    class Repository:
        def __init__(self):
            self.rows = []

        def save(self, row): ...

    class SqlRepository(Repository): ...

    class Quiet:
        def save(self, row): ...

    class Other:
        def close(self): ...

    class Proxy:
        def __getattr__(self, name):
            return getattr(Repository(), name)

    class Saves(Protocol):
        def save(self, row): ...

    class Base(ABC):
        @abstractmethod
        def save(self, row): ...

    Base.register(Quiet)

    class Static:
        @staticmethod
        def save(row): ...

    class Service:
        def __init__(self, repository: {kind}, limit: int = 3):
            self._repository = repository

        def save(self, row):
            self._repository.save(row)
"""


def built(walk, given, kind="Repository"):
    parts = PARTS.replace("{kind}", kind)
    _, _, walks = walk(di=build(f"return {given}", head="def get_service() -> Service:"), parts=parts)
    return walks["shop.di:get_service"]


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ("Service(Repository)", "the class Repository"),
        ("Service(SqlRepository)", "the class SqlRepository"),
        ("Service(Service)", "the class Service"),
        ("Service(lambda *row: None)", "the function <lambda>"),
        ("Service(print)", "the function print"),
        ("Service(Repository().save)", "the function save"),
        ("Service('a name')", "a value of the type str"),
        ("Service.__new__(Service)", "nothing"),
    ],
)
def test_what_cannot_do_what_is_asked_of_the_declared_class_is_red(walk, given, holds):
    seen = built(walk, given)
    assert [(one["path"], one["holds"]) for one in seen["flawed"] if one["red"]] == [("Service._repository", holds)]


@pytest.mark.parametrize(
    ("given", "holds"),
    [("lambda: Service(Repository())", "the function <lambda>"), ("Service", "the class Service")],
)
def test_factory_that_gives_no_object_of_what_it_says_is_red(walk, given, holds):
    seen = built(walk, given)
    assert [(one["path"], one["holds"]) for one in seen["flawed"] if one["red"]] == [("get_service()", holds)]


@pytest.mark.parametrize("kind", ["Quiet", "Other"])
def test_object_of_another_class_is_listed_and_turns_nothing_red(walk, kind):
    seen = built(walk, f"Service({kind}())")
    assert [(one["flaw"], one["holds"], one["red"]) for one in seen["flawed"]] == [("wrong", kind, False)]


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("Service(Repository())", "Repository"),
        ("Service(SqlRepository())", "Repository"),
        ("Service(SqlRepository())", "'Repository'"),
        ("Service(SqlRepository())", "Repository | Other"),
        ("Service(Proxy())", "Repository"),
        ("Service(Quiet())", "Saves"),
        ("Service(Quiet())", "Base"),
        ("Service(Static)", "Saves"),
        ("Service(lambda row: None)", "Saves"),
        ("Service(Quiet())", "Quiet | Saves"),
    ],
)
def test_object_that_is_declared_or_may_be_is_not_listed(walk, given, kind):
    assert built(walk, given, kind)["flawed"] == []


def test_class_whose_methods_need_no_object_is_listed_and_turns_nothing_red(walk):
    seen = built(walk, "Service(Static)", "Static")
    assert [(one["holds"], one["red"]) for one in seen["flawed"]] == [("the class Static", False)]
    assert wrong(seen) == []
