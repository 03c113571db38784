"""The plugin takes a dependency away as a class is made, however it is imported, and says what happened."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import inspect
import sys

import pytest

from truegreen_pytest.unwire import Unwire

SHOP = """
from dataclasses import InitVar, dataclass


class Meta(type):
    def __new__(mcls, title, bases, body, *, name=""):
        return super().__new__(mcls, title, bases, body)

    def __init__(cls, title, bases, body, *, name=""):
        super().__init__(title, bases, body)


class Named(metaclass=Meta, name="a keyword that classes may have"):
    pass


class Service:
    def __init__(self, repository=None, *, limit=3):
        self._repository = repository
        self.limit = limit

    def save(self):
        return self._repository


class Heir(Service):
    pass


class Slotted:
    __slots__ = ("store",)

    def __init__(self, store=None):
        self.store = store


class Fixed:
    def __init__(self, store=None):
        self._kept = store

    @property
    def store(self):
        return self._kept


class Twice:
    def __init__(self, store=None):
        self.store = self.__store = store

    def both(self):
        return self.store, self.__store


@dataclass(frozen=True)
class Generated:
    store: "str | None" = None
    size: InitVar[int] = 3

    def __post_init__(self, size):
        object.__setattr__(self, "seen", (self.store, size))


class Outer:
    class Inner:
        def __init__(self, store=None):
            self.store = store


class Bare:
    store = "of the class"


READY = Service("at import")
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Return a function that imports a module in which one dependency is taken away, and what was reported."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "unwired_shop.py").write_text(SHOP)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.syspath_prepend(str(tmp_path / "src"))
    report = tmp_path / "report.txt"

    def load(owner, attribute, path="src/unwired_shop.py"):
        asked = {
            "path": path,
            "owner": owner,
            "attributes": attribute.split(),
            "root": str(tmp_path),
            "report": str(report),
        }
        sys.meta_path.insert(0, Unwire(asked))
        sys.modules.pop("unwired_shop", None)
        return importlib.import_module("unwired_shop"), lambda: report.read_text().split() if report.exists() else []

    yield load
    sys.modules.pop("unwired_shop", None)


def test_dependency_is_none_after_the_constructor_ran(shop):
    module, said = shop("Service", "_repository")
    service = module.Service("real", limit=5)
    assert (service.save(), service.limit) == (None, 5)
    assert said() == ["built", "removed"]


def test_instance_that_the_module_builds_itself_has_none_either(shop):
    module, said = shop("Service", "_repository")
    assert module.READY.save() is None
    assert said() == ["built", "removed"]


def test_constructor_looks_as_before(shop):
    module, _ = shop("Service", "_repository")
    assert str(inspect.signature(module.Service)) == "(repository=None, *, limit=3)"


def test_heir_without_a_constructor_of_its_own_has_none(shop):
    module, _ = shop("Service", "_repository")
    assert module.Heir("real").save() is None


@pytest.mark.parametrize(("owner", "attribute"), [("Slotted", "store"), ("Inner", "store")])
def test_slots_and_nested_classes_are_found(shop, owner, attribute):
    module, said = shop(owner, attribute)
    made = (module.Slotted if owner == "Slotted" else module.Outer.Inner)("real")
    assert made.store is None
    assert said() == ["built", "removed"]


def test_every_attribute_that_holds_the_dependency_is_none(shop):
    module, said = shop("Twice", "store __store")
    assert module.Twice("real").both() == (None, None)
    assert said() == ["built", "removed"]


def test_class_whose_constructor_is_generated_has_none_either(shop):
    module, said = shop("Generated", "store")
    made = module.Generated("real", size=4)
    assert (made.store, made.seen) == (None, ("real", 4))
    assert said() == ["built", "removed"]


def test_attribute_that_cannot_be_set_is_told(shop):
    module, said = shop("Fixed", "store")
    assert module.Fixed("real").store == "real"
    assert said() == ["built", "stuck"]


def test_instance_that_never_had_it_is_not_counted(shop):
    module, said = shop("Slotted", "store")
    module.Slotted()
    assert said() == ["built"]


@pytest.mark.parametrize(
    ("owner", "path"), [("Service", "src/other.py"), ("Nobody", "src/unwired_shop.py"), ("Bare", "src/unwired_shop.py")]
)
def test_other_classes_and_files_are_left_alone(shop, owner, path):
    module, said = shop(owner, "_repository", path)
    assert module.Service("real").save() == "real"
    assert said() == []


def test_installed_copy_of_the_file_is_meant_too(shop):
    module, said = shop("Service", "_repository", "services/api/src/unwired_shop.py")
    assert module.Service("real").save() is None
    assert said() == ["built", "removed"]


def test_classes_are_made_as_before_once_the_module_is_there(shop):
    before = builtins.__build_class__
    shop("Service", "_repository")
    assert builtins.__build_class__ is before


def test_module_that_does_not_exist_is_not_found_as_before(shop):
    shop("Service", "_repository")
    assert importlib.util.find_spec("unwired_nothing") is None
