"""Optional dependencies that nobody supplies: what is found, what is not, and what is not known."""

from __future__ import annotations

from textwrap import dedent

import pytest

from truegreen.analysis import unwired
from truegreen.model.wiring import Supply

SERVICE = """
    from app.ports import Repository

    class Service:
        def __init__(self, repository: Repository | None = None, *, name: str | None = None) -> None:
            self._repository = repository
            self._name = name

        def save(self, row):
            if self._repository:
                self._repository.save(row)
"""
PORTS = "class Repository: ...\n"


def scan(*texts, **files):
    """Scan the service, its ports, and modules given as texts or by name."""
    named = {f"app/m{number}.py": text for number, text in enumerate(texts)}
    named |= {f"app/{name}.py": text for name, text in files.items()}
    return unwired.scan(
        {
            "app/service.py": dedent(SERVICE),
            "app/ports.py": PORTS,
            **{path: dedent(text) for path, text in named.items()},
        }
    )


def one(*texts, **files):
    (found,) = scan(*texts, **files).dependencies
    return found


def test_dependency_that_every_call_site_leaves_out_is_supplied_by_nobody():
    found = one("from app.service import Service\n\ndef get_service():\n    return Service()\n")
    assert (found.owner, found.parameter, found.attribute, found.kind) == (
        *("Service", "repository", "_repository"),
        "Repository",
    )
    assert found.supply is Supply.NEVER
    assert [str(place) for place in found.calls] == ["app/m0.py:4"]
    assert [str(place) for place in found.guards] == ["app/service.py:10"]
    assert str(found.place) == "app/service.py:5"
    assert found.uses == 2


@pytest.mark.parametrize(
    "call",
    [
        "Service(repo)",
        "Service(repository=repo)",
        "Service(*parts)",
        "Service(**parts)",
        "partial(Service, repository=repo)",
        "providers.Factory(Service, repo)",
    ],
)
def test_call_site_that_hands_something_over_supplies(call):
    found = one(f"from app.service import Service\nservice = {call}\n")
    assert found.supply is Supply.SUPPLIED
    assert [str(place) for place in found.suppliers] == ["app/m0.py:2"]


@pytest.mark.parametrize("call", ["Service()", "Service(None)", "Service(repository=None)", "Service(name='x')"])
def test_call_site_that_hands_nothing_over_does_not_supply(call):
    assert one(f"from app.service import Service\nservice = {call}\n").supply is Supply.NEVER


@pytest.mark.parametrize(
    ("imported", "called"),
    [
        ("from app.service import Service as S", "S"),
        ("import app.service", "app.service.Service"),
        ("from app import service", "service.Service"),
        ("from .service import Service", "Service"),
    ],
)
def test_class_is_known_by_every_name_it_is_imported_under(imported, called):
    assert one(f"{imported}\nmade = {called}()\n").supply is Supply.NEVER
    assert one(f"{imported}\nmade = {called}(repo)\n").supply is Supply.SUPPLIED


def test_class_of_the_same_name_in_another_module_supplies_nothing():
    other = "class Service:\n    def __init__(self, repository): ...\n"
    wrong = "from app.other import Service\nmade = Service(repo)\n"
    right = "from app.service import Service\nmade = Service()\n"
    found = next(one for one in scan(wrong, right, other=other).dependencies)
    assert (found.supply, len(found.calls)) == (Supply.NEVER, 1)


def test_class_that_nothing_builds_is_not_known():
    found = one("from app.service import Service\n\ndef use(service: Service) -> list[Service]: ...\n")
    assert (found.supply, found.why) == (Supply.UNKNOWN, "nothing in the project builds the class")


@pytest.mark.parametrize("handed", ["register(Service)", "{'service': Service}", "Depends(Service)", "[Service]"])
def test_class_that_is_handed_on_is_not_known(handed):
    found = one(f"from app.service import Service\nService()\nhanded = {handed}\n")
    assert found.supply is Supply.UNKNOWN
    assert found.why == "the class is handed on at app/m0.py:3"


@pytest.mark.parametrize(
    "named",
    [
        "def use(service: Service, more: 'list[Service]') -> Service: ...",
        "def use(x):\n    return isinstance(x, Service)",
        "made: dict[str, Service] = {}",
        "class Better(Service):\n    pass",
        "try: ...\nexcept Service: ...",
        "Alias = Optional[Service]",
        "Service.create()",
        "x = cast(Service, y)",
    ],
)
def test_name_that_builds_nothing_leaves_the_finding(named):
    assert one(f"from app.service import Service\nService()\n{named}\n").supply is Supply.NEVER


def test_heir_that_inherits_the_constructor_counts_as_the_class():
    text = "from app.service import Service\nclass Better(Service):\n    pass\n"
    assert one(text + "Service()\nBetter(repo)\n").supply is Supply.SUPPLIED
    assert one(text + "Better()\n").supply is Supply.NEVER


@pytest.mark.parametrize("call", ["super().__init__(repo)", "Service.__init__(self, repo)"])
def test_heir_with_a_constructor_of_its_own_supplies_by_calling_its_parents(call):
    text = f"""
        from app.service import Service
        class Better(Service):
            def __init__(self, repo):
                {call}
    """
    assert one(text).supply is Supply.SUPPLIED
    assert one(text.replace("repo)", ")").replace("self, )", "self)")).supply is Supply.NEVER


def test_class_method_that_builds_its_own_class_is_a_call_site():
    text = """
        from app.ports import Repository
        class Store:
            def __init__(self, repository: Repository | None = None):
                self.repository = repository
            @classmethod
            def default(cls):
                return cls({})
    """
    store = [found for found in scan(text.format("")).dependencies if found.owner == "Store"]
    assert [found.supply for found in store] == [Supply.NEVER]
    store = [found for found in scan(text.format("Repository()")).dependencies if found.owner == "Store"]
    assert [found.supply for found in store] == [Supply.SUPPLIED]


FORWARDING = """
    from app.service import Service

    def get_service(repository=None):
        return Service(repository=repository)
"""


def test_factory_that_hands_on_its_own_parameter_supplies_where_it_is_called_with_it():
    assert one(FORWARDING).supply is Supply.SUPPLIED  # nothing is known of who calls it
    assert one(FORWARDING, "from app.m0 import get_service\nget_service()\n").supply is Supply.NEVER
    assert one(FORWARDING, "from app.m0 import get_service\nget_service(repo)\n").supply is Supply.SUPPLIED


def test_factories_that_hand_on_to_each_other_come_to_an_end():
    text = (
        FORWARDING
        + """
    def other(repository=None):
        return again(repository)

    def again(repository=None):
        get_service(repository)
        return other(repository)
    """
    )
    assert one(text).supply is Supply.NEVER


@pytest.mark.parametrize(
    "later",
    [
        "service = Service()\nservice._repository = repo\n",
        "class Better(Service):\n    def start(self):\n        self._repository = connect()\nService()\n",
    ],
)
def test_attribute_that_is_set_later_is_supplied(later):
    assert one(f"from app.service import Service\n{later}").supply is Supply.SUPPLIED


def test_attribute_of_another_class_and_one_that_is_set_to_none_supply_nothing():
    text = """
        from app.service import Service
        class Other:
            def start(self):
                self._repository = connect()
        service = Service()
        service._repository = None
    """
    assert one(text).supply is Supply.NEVER


@pytest.mark.parametrize(
    ("parameter", "kind"),
    [
        ("repository: Repository | None = None", "Repository"),
        ("repository: Optional[Repository] = None", "Repository"),
        ("repository: 'Repository | None' = None", "Repository"),
        ("repository: Union[None, Repository, Other] = None", "Repository"),
        ("repository: Annotated[Repository | None, 'x'] = None", "Repository"),
        ("repository: redis.Redis | None = None", "redis.Redis"),
        ("repository: Redis[str] | None = None", "Redis[str]"),
        ("repository: sqlite3.Connection | None = None", "sqlite3.Connection"),
        ("repository=None", ""),
        ("user_store=None", ""),
        ("repository: str | None = None", None),
        ("repository: Path | None = None", None),
        ("repository: Callable[[], int] | None = None", None),
        ("repository: Settings | None = None", None),
        ("repository: Colour | None = None", None),
        ("repository: Point | None = None", None),
        ("repository: Alias | None = None", None),
        ("repository: list[Repository] | None = None", None),
        ("repository: Repository = None or 3", None),
        ("repository: 'not python(' = None", None),
        ("repository: Repository", None),
        ("limit=None", None),
    ],
)
def test_dependency_is_told_from_a_value_by_its_annotation_or_its_name(parameter, kind):
    name = parameter.partition(":")[0].partition("=")[0]
    text = f"""
        import redis, sqlite3
        from collections import namedtuple
        from collections.abc import Callable
        from dataclasses import dataclass
        from enum import Enum
        from pathlib import Path
        from redis import Redis
        from typing import Annotated, Optional, Union
        from app.ports import Alias, Repository

        @dataclass(frozen=True)
        class Settings: ...

        class Colour(Enum): ...

        class Point(namedtuple("Point", "x y")): ...

        class Thing:
            def __init__(self, {parameter}):
                self.kept = {name}
    """
    found = [one.kind for one in scan(text).dependencies if one.owner == "Thing"]
    assert found == ([] if kind is None else [kind])


@pytest.mark.parametrize(
    "body",
    [
        "self.kept = repository or Repository()",
        "if repository is None:\n                    repository = Repository()\n                self.kept = repository",
        "if not repository:\n                    raise ValueError\n                self.kept = repository",
        "if repository is None:\n                    raise ValueError\n                self.kept = repository",
        "use(repository)",
    ],
)
def test_parameter_with_another_default_or_that_is_not_kept_is_no_optional_dependency(body):
    text = f"""
        from app.ports import Repository
        class Thing:
            def __init__(self, repository: Repository | None = None):
                {body}
    """
    assert [one for one in scan(text).dependencies if one.owner == "Thing"] == []


@pytest.mark.parametrize(
    ("body", "silent"),
    [
        ("if self.r: self.r.save()", 1),
        ("if self.r is not None: self.r.save()", 1),
        ("if not self.r: return", 1),
        ("if self.r is None: return", 1),
        ("if self.r is None: raise ValueError", 0),
        ("if not self.r: raise ValueError", 0),
        ("assert self.r", 0),
        ("if self.r: self.r.save()\n                else: raise ValueError", 0),
        ("if (kept := self.r) is not None and more: kept.save()", 1),
        ("self.r and self.r.save()", 1),
        ("return self.r.find() if self.r else None", 1),
        ("return self.r.find()", 0),
        ("return self.r == 3", 0),
        ("while not self.r is None: self.r.save()", 1),
    ],
)
def test_guard_is_silent_unless_it_raises(body, silent):
    text = f"""
        from app.ports import Repository
        class Thing:
            def __init__(self, r: Repository | None = None):
                self.r = r
            async def use(self, more=None):
                {body}
    """
    (found,) = [one for one in scan(text).dependencies if one.owner == "Thing"]
    assert len(found.guards) == silent
    assert found.uses >= 1


def test_file_that_is_no_python_is_named_and_the_rest_is_read():
    found = scan("def (:\n")
    assert len(found.unread) == 1
    assert found.unread[0].startswith("app/m0.py: ")
    assert (found.files, found.classes, len(found.dependencies)) == (2, 2, 1)


def test_code_that_is_nested_deeply_is_read_or_named():
    deep = "x = " + "[" * 80 + "]" * 80 + "\n"
    wide = "x = " + "+".join(["a"] * 20_000) + "\n"
    found = scan(deep, wide)
    assert found.files + len(found.unread) == 4


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
