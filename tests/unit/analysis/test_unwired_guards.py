"""What uses an optional dependency silently: guards, heirs, dataclasses, and how the code around them is read."""

from __future__ import annotations

from textwrap import dedent

import pytest
from tests.support.wiring_sources import one, scan

from truegreen.model.wiring import Supply


def test_method_that_has_the_name_of_a_class_is_followed_by_its_import_alone():
    text = (
        "from app.service import Service\n\nclass Box:\n    def Service(self, x): ...\n\nService()\nBox().Service(1)\n"
    )
    # Nothing tells that the method is not the class: in doubt it is supplied.
    assert one(text).supply is Supply.SUPPLIED


DATACLASS = """
    from dataclasses import dataclass, field
    from app.ports import Repository

    @dataclass(slots=True)
    class Store:
        name: str
        repository: Repository | None = {}

        def save(self, row):
            if self.repository is not None:
                self.repository.save(row)

    {}
"""


@pytest.mark.parametrize("default", ["None", "field(default=None)"])
@pytest.mark.parametrize(
    ("call", "supply"),
    [
        ("Store('x')", Supply.NEVER),
        ("Store('x', None)", Supply.NEVER),
        ("Store('x', repo)", Supply.SUPPLIED),
        ("Store(name='x', repository=repo)", Supply.SUPPLIED),
        ("class Better(Store): ...\n    Better('x', repo)", Supply.SUPPLIED),
        ("class Better(Store): ...\n    Better('x')", Supply.NEVER),
    ],
)
def test_dataclass_that_is_a_service_is_looked_at_like_any_class(default, call, supply):
    (found,) = [one for one in scan(DATACLASS.format(default, call)).dependencies if one.owner == "Store"]
    assert (found.attribute, found.supply, len(found.guards)) == ("repository", supply, 1)


def test_classes_that_inherit_from_each_other_come_to_an_end():
    text = """
        from app.ports import Repository
        class A(B):
            def use(self): ...
        class B(A): ...
        class C(A):
            def __init__(self, repository: Repository | None = None):
                self.repository = repository
        A(1)
        B(2)
        C()
    """
    (found,) = [one for one in scan(text).dependencies if one.owner == "C"]
    assert found.supply is Supply.NEVER


THING = """
    from functools import cached_property
    from app.ports import Repository

    class Thing:
        def __init__(self, r: Repository | None = None):
            self._r = r

        @property
        def given(self):
            \"\"\"What was handed over.\"\"\"
            return self._r

        @property
        def sure(self):
            if self._r is None:
                raise ValueError
            return self._r

        def use(self, other):
            {}

    Thing()
"""


@pytest.mark.parametrize(
    ("body", "silent"),
    [
        ("r = self._r\n            if r is not None:\n                r.save(1)", 1),
        ("r: object = self._r\n            if not r: return", 1),
        ("n, r = 1, self._r\n            r and r.save(n)", 1),
        ("if (r := self._r) and other: r.save(1)\n            return r if r else None", 2),
        ("r = self.given\n            if r: r.save(1)", 1),
        ("if self.given is not None: self.given.save(1)", 1),
        ("r = self._r\n            if r is None: raise ValueError", 0),
        ("r = self._r\n            r = r or other", 0),
        ("r = self._r\n            for r in other:\n                if r: r.save(1)", 0),
        ("r = self._r\n            def inner(r):\n                if r: r.save(1)", 0),
        ("global r\n            r = self._r\n            if r: r.save(1)", 0),
        ("if other: self.sure.save(1)", 0),
        ("if self.sure: self.sure.save(1)", 0),
        ("r = other._r\n            if r: r.save(1)", 0),
        ("n, r = *other, self._r\n            if n: r.save(1)", 0),
        ("r = self._r\n            match other:\n                case {'a': 1, **r}: ...\n            if r: r()", 0),
        ("r = self._r\n            match other:\n                case [*r]: ...\n            if r: r()", 0),
        ("import r\n            r = self._r\n            if r: r.save(1)", 0),
    ],
)
def test_guard_by_another_name_is_silent_too_where_that_name_means_nothing_else(body, silent):
    (found,) = [one for one in scan(THING.format(body)).dependencies if one.owner == "Thing"]
    # `sure` asks for it loudly.
    assert len(found.guards) == silent


BASE = """
    from app.ports import Repository

    class Base:
        def __init__(self, r: Repository | None = None):
            self._r = r
"""
GUARD = """
        def apply(self):
            if self._r:
                self._r.save(1)
"""


def guards(*texts):
    found = [one for one in scan(*texts, __init__="").dependencies if one.parameter == "r"]
    return [[str(place) for place in one.guards] for one in found]


@pytest.mark.parametrize(
    "heir",
    [
        "from app.m0 import Base\nclass Heir(Base):{}\nHeir()\n",
        "from app.m0 import *\nclass Heir(Base):{}\nHeir()\n",
        "from app import Base\nclass Heir(Base):{}\nHeir()\n",
        "from app.m0 import Base\nclass Middle(Base): ...\nclass Heir(Middle):{}\nHeir()\n",
        "import app.m0\nclass Heir(app.m0.Base):{}\nHeir()\n",
    ],
)
def test_guard_of_an_heir_that_is_built_is_one_of_the_class_that_takes_the_dependency(heir):
    ((guard,),) = guards(BASE, heir.format(dedent(GUARD).replace("\n", "\n    ")))
    assert guard.startswith("app/m1.py:")


@pytest.mark.parametrize(
    "heir",
    [
        "from app.m0 import Base\nclass Heir(Base):{}\nBase()\n",
        "from app.m0 import Base\nclass Heir(Base):\n    def __init__(self, r): self._r = r{}\nHeir(1)\nBase()\n",
        "from other import Base\nclass Heir(Base):{}\nHeir()\n",
    ],
)
def test_guard_of_an_heir_that_nobody_builds_or_that_keeps_its_own_is_none(heir):
    assert guards(BASE, heir.format(dedent(GUARD).replace("\n", "\n    "))) == [[]]


def test_guard_that_is_inherited_is_one_unless_the_class_has_a_method_of_that_name():
    mixin = f"    class Mixin:{GUARD}"
    heir = "    class Heir(Mixin, Base):\n        def other(self): ...\n    Heir()\n"
    assert guards(BASE + mixin.replace("    class", "\n    class", 1) + heir) == [["app/m0.py:10"]]
    loud = "        def apply(self):\n            {}self._r.save(1)\n    Heir()\n"
    text = BASE + mixin.replace("    class", "\n    class", 1) + "    class Heir(Mixin, Base):\n"
    assert guards(text + loud.format("")) == [[]]
    assert guards(text + loud.format("super().apply(); ")) == [["app/m0.py:10"]]


def test_guard_of_a_name_of_the_class_alone_is_not_that_of_an_heir():
    heir = "class Heir(Base):" + dedent(GUARD).replace("\n", "\n    ") + "\nHeir()\n"
    assert guards(BASE.replace("_r", "__r"), ("from app.m0 import Base\n" + heir).replace("_r", "__r")) == [[]]


DATA = """
    from __future__ import annotations
    from dataclasses import dataclass

    @dataclass
    class Ledger:
        dsn: str = ""
        def save(self, x): ...
        def url(self): ...
        @property
        def name(self): ...

    class Thing:
        def __init__(self, {}: Ledger | None = None):
            self._it = {}
        async def use(self):
            {}
    Thing()
"""


@pytest.mark.parametrize(
    ("name", "body", "part"),
    [
        ("repository", "return self._it.url()", True),
        ("ledger", "self._it.save(1)", True),
        ("ledger", "return await self._it.url()", True),
        ("ledger", "it = self._it\n            if it: it.save(1)", True),
        ("ledger", "return self._it.url()", False),
        ("repository", "return self._it.dsn", False),
        ("repository", "return self._it.name()", False),
        ("ledger", "self._it.other()", False),
    ],
)
def test_dataclass_that_does_something_is_no_mere_value(name, body, part):
    found = [one for one in scan(DATA.format(name, name, body)).dependencies if one.owner == "Thing"]
    assert [one.kind for one in found] == (["Ledger"] if part else [])
