"""Where an application is put together, and which parameters take a part of it: what is found, and what is not."""

from __future__ import annotations

from textwrap import dedent

import pytest

from truegreen.analysis import roots, slots, unwired
from truegreen.model.wiring import Place

PARTS = """
    class Repository:
        def save(self, row): ...

    class Service:
        def __init__(self, repository: Repository | None = None):
            self._repository = repository

    class Quick(Service): ...
    class Row:
        def __init__(self, name: str = ""): self.name = name
"""
HEAD = "from app.parts import *\nfrom app.parts import Service as S\nimport fastapi, app.parts\n"


def project(**texts):
    named = {"src/app/parts.py": PARTS, **{f"src/app/{name}.py": text for name, text in texts.items()}}
    sources, unread = unwired.read({path: dedent(text) for path, text in named.items()})
    assert not unread
    return unwired.Project(sources)


def found(text):
    made = project(di=HEAD + dedent(text))
    return [root.name.removeprefix("app.di:") for root in roots.of(made, slots.of(made))]


@pytest.mark.parametrize(
    "text",
    [
        "def get_service(): return Service()",
        "def get_operations_service() -> Service: ...",
        "def create_app(config=None, *, debug=False): return fastapi.FastAPI()",
        "def build_service() -> 'Service | None': ...",
        "def make_it():\n    it = app.parts.Service()\n    return it",
        "async def get_service() -> AsyncIterator[Service]:\n    yield Service()",
        "def create_it() -> S: ...",
        "def create_it() -> Quick: ...",
        "def get_service(session: Annotated[Session, Depends(get_session)]) -> Service: ...",
        "def get_service(session=Depends(get_session)) -> Service: ...",
        "@functools.lru_cache(maxsize=1)\ndef get_service() -> Service: ...",
        "service = Service()",
        "app: fastapi.FastAPI = fastapi.FastAPI()",
        "class Container(containers.DeclarativeContainer): ...",
        "def create_it() -> Service: ...\nif __name__ == '__main__':\n    run()",
    ],
)
def test_what_builds_a_part_of_the_application_is_a_root(text):
    assert len(found(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "def create_tables(): engine.run()",
        "def create_row() -> Row: return Row()",
        "def get_context() -> Service: ...",
        "def create_service(engine) -> Service: ...",
        "def create_service(*, engine) -> Service: ...",
        "def _create_service() -> Service: ...",
        "@router.get('/')\ndef create_service() -> Service: ...",
        "@pytest.fixture\ndef create_service() -> Service: ...",
        "def service() -> Service: ...",
        "class Factory:\n    def create_service(self) -> Service: ...",
        "def outer():\n    def create_service() -> Service: ...",
        "SERVICE = Service()",
        "_service = Service()",
        "row = Row()",
        "def create_it() -> Service: ...\nmain()",
        "def create_it() -> Service: ...\nwith x:\n    server.serve_forever()",
        "def create_it() -> Service: ...\ntry:\n    run()\nfinally:\n    pass",
        "class Odd(Odd): ...",
    ],
)
def test_what_builds_nothing_needs_something_or_starts_a_program_is_no_root(text):
    assert found(text) == []


def test_programs_beside_the_application_are_no_roots():
    sources, _ = unwired.read({"examples/a.py": "import fastapi\napp = fastapi.FastAPI()\n"})
    assert roots.of(unwired.Project(sources), {}) == ()


def test_name_of_a_module_is_that_of_its_import():
    names = ["src/app/di.py", "app/di.py", "app/__init__.py", "src/app/__init__.py", "di.py"]
    assert [roots.module(name) for name in names] == ["app.di", "app.di", "app", "app", "di"]


def test_place_of_a_declared_root_is_its_definition_or_its_module():
    made = project(di="\n\ndef build(x): ...\nclass Box: ...\nbox = Box()\n")
    assert roots.place(made, "app.di:build") == Place("src/app/di.py", 3)
    assert roots.place(made, "app.di:Box") == Place("src/app/di.py", 4)
    assert roots.place(made, "app.di:box") == Place("src/app/di.py", 1)
    assert roots.place(made, "other:box") is None


def slot(text, parts=""):
    made = project(di="from app.parts import *\n" + dedent(parts) + dedent(text))
    classes = slots.of(made).get("src/app/di.py", {})
    return next((rows[0] for name, rows in classes.items() if name == "It"), None)


def it(parameter, method="", attribute="it"):
    name = parameter.split(":")[0].split("=")[0]
    text = f"class It:\n    def __init__(self, {parameter}):\n        self.{attribute} = {name}\n"
    return text + (f"    def use(self):\n        {method}\n" if method else "")


@pytest.mark.parametrize(
    ("parameter", "kind", "optional", "own"),
    [
        ("it: Repository", "Repository", False, True),
        ("it: Repository | None", "Repository", True, True),
        ("it: Repository = None", "Repository", True, True),
        ("it: Optional[Repository] = None", "Repository", True, True),
        ("repository", "", False, False),
        ("repository=None", "", True, False),
        ("db: Any = None", "", True, False),
    ],
)
def test_parameter_that_takes_a_part_of_the_application_is_a_slot(parameter, kind, optional, own):
    row = slot(it(parameter))
    assert (row.kind, row.optional, row.own, row.attribute, row.line) == (kind, optional, own, "it", 3)


@pytest.mark.parametrize("parameter", ["it: str", "it: Row | None = None", "it: int | None = None", "it", "it=None"])
def test_parameter_that_takes_a_value_is_none(parameter):
    row = slot(it(parameter), parts="from dataclasses import dataclass\n@dataclass\nclass Row: ...\n")
    assert row is None


@pytest.mark.parametrize(
    ("method", "kind"), [("self.it.publish(1)", ""), ("self.it.upper()", None), ("self.it + 1", None)]
)
def test_parameter_without_a_type_is_told_by_what_is_called_on_it(method, kind):
    row = slot(it("it=None", method))
    assert (row.kind if row else None) == kind


@pytest.mark.parametrize(
    ("method", "lazy", "guards", "called"),
    [
        ("self.it.save()", False, 0, True),
        ("return self.it", False, 0, False),
        ("if self.it: self.it.save()", False, 1, True),
        ("self.it = Repository()", True, 0, False),
        ("self.it = None", False, 0, False),
    ],
)
def test_slot_says_what_methods_do_without_it(method, lazy, guards, called):
    row = slot(it("it: Repository | None = None", method))
    assert (row.lazy, len(row.guards), row.called) == (lazy, guards, called)


def test_setter_that_is_handed_a_part_does_not_make_one():
    text = it("it: Repository | None = None") + "    def set_it(self, one):\n        self.it = one\n"
    assert slot(text).lazy is False


def test_chain_of_equals_ends_somewhere():
    assert slot(it("it: 'It | None' = None", "self.it.use()")).lazy is True
    assert (
        slot(it("it: Base | None = None").replace("class It", "class It(Base)"), parts="class Base: ...\n").lazy is True
    )


def test_heir_has_a_row_of_its_own_with_what_its_methods_do():
    made = project(
        base="from app.parts import *\n" + it("it: Repository | None = None", "self.it.save()"),
        heirs="from app.base import It\nclass Heir(It):\n    def use(self):\n        if self.it: self.it.save()\n"
        "class Lazy(It):\n    def use(self):\n        self.it = 3\n"
        "class Own(It):\n    def __init__(self, it: Repository):\n        self.it = it\n",
    )
    found = slots.of(made)
    (base,) = found["src/app/base.py"]["It"]
    (heir,), (lazy,) = (found["src/app/heirs.py"][name] for name in ("Heir", "Lazy"))
    assert (heir.owner, heir.path, heir.line) == (base.owner, base.path, base.line) == ("It", "src/app/base.py", 3)
    assert (base.guards, heir.guards, lazy.lazy) == ((), ("src/app/heirs.py:4",), True)
    assert [row.owner for row in found["src/app/heirs.py"]["Own"]] == ["Own"]
