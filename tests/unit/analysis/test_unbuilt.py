"""Functions that give a part of the application and are no roots: why, and what they leave out."""

from __future__ import annotations

from textwrap import dedent

import pytest

from truegreen.analysis import roots, slots, unbuilt, unwired

PARTS = """
    class Repository:
        def save(self, row): ...

    class Service:
        def __init__(self, repository: Repository | None = None):
            self._repository = repository

        def save(self, row):
            if self._repository:
                self._repository.save(row)
"""
CLI = """
    from app.parts import Repository, Service

    def run():
        Service(repository=Repository()).save(1)
"""
LEFT = "def get_service(settings): return Service()\n"
HEAD = "from app.parts import *\n"


def found(text, cli=CLI):
    texts = {"src/app/parts.py": PARTS, "src/app/cli.py": cli, "src/app/di.py": HEAD + dedent(text)}
    project = unwired.Project(unwired.read({path: dedent(text) for path, text in texts.items()})[0])
    table = slots.of(project)
    walked = roots.of(project, table)
    return unbuilt.of(project, table, walked, unwired.found(project).dependencies)


@pytest.mark.parametrize(
    ("text", "why", "factory"),
    [
        ("def get_service(settings): return Service()", "it needs `settings`", True),
        ("def create_service(*, engine, url=1): return Service()", "it needs `engine`", True),
        ("def bootstrap(config): return Service()", "it needs `config`", True),
        ("def make_it(config): return Service()", "it needs `config`", False),
        ("def start(): return Service()", "its name does not say that it builds", False),
        ("def _get_service(): return Service()", "its name does not say that it builds", False),
        ("@app.get('/')\ndef get_service(): return Service()", "`@get` hands it to somebody else", False),
        ("def get_service(): return Service()\nmain()", "importing its module starts a program", False),
    ],
)
def test_function_that_gives_a_part_and_is_no_root_says_why_and_what_it_leaves_out(text, why, factory):
    (one,) = found(text)
    assert (one.why, one.factory, one.omits) == (why, factory, ("Service.repository",))
    assert (one.place.path, one.place.line) == ("src/app/di.py", 3 if text.startswith("@") else 2)


@pytest.mark.parametrize(
    "text",
    [
        "def get_service(settings): return Service(Repository())",
        "def get_service(settings): return Service(**settings)",
        LEFT + "def create_service() -> Service: return get_service(3)",
        LEFT + "class Box:\n    def __init__(self): get_service(3)\ndef create_service(): return Service(Box())",
        LEFT + "def get_x(a=Depends(get_service)): ...\ndef create_service(): return Service(1)",
    ],
)
def test_function_that_leaves_nothing_out_or_that_a_walk_goes_through_is_only_named(text):
    assert [(one.name, one.omits) for one in found(text)] == [("app.di:get_service", ())]


def test_what_nobody_supplies_is_told_elsewhere_and_what_is_walked_is_not_told():
    (one,) = found("def get_service(settings): return Service()", cli="")
    assert one.omits == ()
    assert found("def get_service(): return Service()\ndef bootstrap() -> Service: ...") == ()
