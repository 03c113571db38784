"""Variables of modules and attributes of `app.state` that are None for ever, and what may set them all the same."""

from __future__ import annotations

from textwrap import dedent

import pytest

from truegreen.analysis import ambient, unwired

MODULE = """
    from fastapi import FastAPI, Request
    app = FastAPI()
    {nothing}
    @app.post("/ops")
    def post(request: Request):
        {body}
        return {{}}
"""
VARIABLE = "if repository: repository.save('x')"
STATE = "if request.app.state.repository: request.app.state.repository.save('x')"


def found(nothing="repository = None", body=VARIABLE, *, walked=True, **more):
    texts = {"app/main.py": dedent(MODULE).format(nothing=dedent(nothing), body=body)}
    texts |= {f"app/{name}.py": dedent(text) for name, text in more.items()}
    sources, unread = unwired.read(texts)
    assert unread == []
    return [(one.name, one.handled) for one in ambient.of(unwired.Project(sources), walked=walked)]


@pytest.mark.parametrize(
    "body",
    [
        VARIABLE,
        "if repository is not None: repository.save('x')",
        "repo = repository\n    if repo: repo.save('x')",
        "repository and repository.save('x')",
        "match repository:\n        case None: return\n    repository.save('x')",
    ],
)
def test_variable_that_nothing_sets_and_a_route_passes_over_is_red(body):
    assert found(body=body) == [("app.main:repository", True)]
    assert found("repository: Repository | None = None", body) == [("app.main:repository", True)]


@pytest.mark.parametrize(
    "body",
    [
        STATE,
        "repository = request.app.state.repository\n    if repository: repository.save('x')",
        "repo = getattr(request.app.state, 'repository', None)\n    if repo is not None: repo.save('x')",
    ],
)
def test_attribute_of_the_state_that_nothing_sets_is_red(body):
    assert found("app.state.repository = None", body) == [("app.state.repository", True)]


def test_attribute_that_is_asked_for_with_a_default_and_never_set_is_red():
    body = "repo = getattr(request.app.state, 'repository', None)\n    if repo: repo.save('x')"
    assert found("", body) == [("app.state.repository", True)]


@pytest.mark.parametrize(
    "route", ["@app.get('/')\ndef get():\n    store()", "@router.get('/')\ndef get(x=Depends(store)): ..."]
)
def test_function_that_a_route_goes_through_counts_as_the_route(route):
    other = f"from app.main import repository\ndef store():\n    if repository: repository.save(1)\n{route}\n"
    assert found(body="pass", other=other) == [("app.main:repository", True)]
    assert found(body="pass", other=other.replace("@app.get('/')", "").replace("@router.get('/')", "")) == [
        ("app.main:repository", False)
    ]


def test_nothing_is_red_where_nothing_is_walked():
    assert found(walked=False) == [("app.main:repository", False)]


def test_other_module_asks_by_the_name_of_the_module():
    other = "from app import main\n@main.app.get('/')\ndef get():\n    if main.repository: main.repository.save(1)\n"
    assert found(body="pass", other=other) == [("app.main:repository", True)]


@pytest.mark.parametrize(
    "nothing",
    [
        "repository = None\ndef start():\n    global repository\n    repository = connect()\n",
        "repository = None\nif SETTINGS:\n    repository = connect()\n",
        "try:\n    from app.ports import repository\nexcept ImportError:\n    repository = None\n",
        "repository = None\nglobals()['x'] = connect()\n",
        "from app.ports import *\nrepository = None\n",
        "repository: str | None = None\n",
        "repository = connect()\n",
    ],
)
def test_variable_that_is_set_or_may_be_is_not_told(nothing):
    assert found(nothing) == []


@pytest.mark.parametrize(
    "other",
    [
        "from app import main\ndef start():\n    main.repository = connect()\n",
        "from app import main\nsetattr(main, 'repository', connect())\n",
        "def start(module):\n    module.repository = connect()\n",
        "class App:\n    def __init__(self, main):\n        main.repository = connect()\n",
    ],
)
def test_variable_that_another_module_sets_or_may_is_not_told(other):
    assert found(other=other) == []


@pytest.mark.parametrize(
    "other",
    [
        "def start(app):\n    app.state.repository = connect()\n",
        "def start(api):\n    api.state.repository = connect()\n",
        "def start(app):\n    setattr(app.state, 'repository', connect())\n",
        "class App:\n    def __init__(self):\n        self.app.state.repository = connect()\n",
    ],
)
def test_state_that_somebody_sets_or_may_is_not_told(other):
    assert found("app.state.repository = None", STATE, other=other) == []


@pytest.mark.parametrize(
    "other",
    [
        "def start(app):\n    app.state.repository = connect()\n",
        "class Thing:\n    def start(self):\n        self.repository = connect()\n",
    ],
)
def test_attribute_of_something_else_sets_no_variable(other):
    assert found(other=other) == [("app.main:repository", True)]


@pytest.mark.parametrize(
    "body",
    [
        "if repository is None: raise RuntimeError",
        "repository.save('x')",
        "repository = connect()\n    if repository: repository.save('x')",
        "return [repository for repository in () if repository]",
    ],
)
def test_variable_that_no_function_passes_over_is_not_told(body):
    assert found(body=body) == []


def test_what_is_no_part_of_the_application_is_not_told():
    assert found("limit = None", "if limit: print(limit)") == []
    assert found("prefix = None", "if prefix: prefix.strip()") == []
    assert found("tracer = None", "if tracer: tracer.begin()") == [("app.main:tracer", True)]


def test_what_nothing_is_called_on_is_only_listed():
    assert found(body="if repository: print(repository)") == [("app.main:repository", False)]


def test_state_of_a_request_is_another_one():
    assert found("app.state.repository = connect()", "repo = request.state.repository\n    if repo: repo.save(1)") == []
