"""Optional dependencies that nobody supplies: what is found, what is not, and what is not known."""

from __future__ import annotations

import pytest
from tests.support.wiring_sources import one, scan

from truegreen.model.wiring import Supply


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
        ("save = getattr(self.r, 'save', None)", 1),
        ("save = getattr(self.r, 'save')", 0),
        ("if isinstance(self.r, Repository): self.r.save()", 1),
        ("if not hasattr(self.r, 'save'): return", 1),
        ("if not isinstance(self.r, Repository): raise TypeError", 0),
        ("if callable(self.r): self.r()", 1),
        ("match self.r:\n                    case None: return\n                    case r: r.save()", 1),
        ("match self.r:\n                    case 3 | None: raise ValueError", 0),
        ("match self.r:\n                    case Repository(): self.r.save()", 1),
        ("match self.r:\n                    case Repository(): ...\n                    case _: return", 1),
        ("match self.r:\n                    case Repository(): ...\n                    case _: raise ValueError", 0),
        ("match self.r:\n                    case r: r.save()", 0),
        ("for r in filter(None, [self.r]): r.save()", 1),
        ("for r in filter(check, [self.r]): r.save()", 0),
        ("for r in (self.r, more): r.save()", 0),
        ("for r in (self.r, more):\n                    if r is not None: r.save()", 1),
        ("for r in [self.r]:\n                    if not r: continue\n                    r.save()", 1),
        ("return [r.find() for r in (self.r, more) if r]", 1),
        ("return [r.find() for r in (self.r, more) if r.good()]", 0),
        ("with suppress(AttributeError): self.r.save()", 1),
        ("with suppress(KeyError): self.r.save()", 0),
        ("try: self.r.save()\n                except Exception: log(self.r)", 1),
        ("try: self.r.save()\n                except (ValueError, AttributeError): return", 1),
        ("try: self.r.save()\n                except OSError: return", 0),
        ("try: self.r.save()\n                except Exception: raise ValueError", 0),
        ("try: more()\n                except Exception: return self.r", 0),
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
