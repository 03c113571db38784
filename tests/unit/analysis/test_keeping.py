"""What a constructor keeps of a parameter, however it is written."""

from __future__ import annotations

from textwrap import dedent

import pytest
from tests.support.wiring_sources import scan

from truegreen.analysis import slots, unwired
from truegreen.model.wiring import Supply

THING = """
    from typing import cast
    from app.ports import Repository
    class State: ...
    class Above:
        def _above(self, *, given):
            self._r = given
    class Thing(Above):
        def __init__(self, repository: Repository | None = None, enabled: bool = True):
            {body}
        def _set_up(self, kept):
            self._r = kept
        {go_on}
        def apply(self, x):
            if self._r is not None:
                self._r.save(x)
    def get_thing_service():
        return Thing()
"""
ALONE = [
    "self._r = repository",
    "repo = repository\n            self._r = repo",
    "repo = repository\n            kept = repo\n            self._r = kept",
    "self._r = repository or None",
    "self._r = repository if enabled else None",
    "self._r = cast('Repository | None', repository)",
    "self._r, self._n = repository, 1",
    "self.repository = self._r = repository",
    "self._r = self.repository = repository",
    "if (r := repository) is None: pass\n            self._r = r",
    "self._r = (r := repository)",
    "self.__dict__['_r'] = repository",
    "vars(self)['_r'] = repository",
    "self.__dict__.update(_r=repository)",
    "object.__setattr__(self, '_r', repository)",
    "super().__setattr__('_r', repository)",
    "setattr(self, '_r', repository)",
    "self._set_up(repository)",
    "self._set_up(kept=repository)",
    "self._go_on(repository)",
    "self._above(given=repository)",
    "self._r = None\n            if enabled: self._r = repository",
]
REPLACED = [
    "self._r = repository or Repository()",
    "self._r = repository if enabled else Repository()",
    "self._r = repository\n            if self._r is None: self._r = Repository()",
    "repo = repository\n            if repo is None: repo = Repository()\n            self._r = repo",
    "if repository is None: repository = Repository()\n            self._set_up(repository)",
    "self._set_up(repository or Repository())",
    "self._r = repository\n            if enabled: self._set_up(Repository())",
    "self._set_up(repository)\n            if enabled: self._go_on(Repository())",
]
ELSEWHERE = ["self._r = [repository]", "self._r = wrapped(repository)", "self._r = self._set_up", "use(repository)"]


GO_ON = "def _go_on(self, kept):\n            self._set_up(kept)"


def written(body):
    return THING.format(body=body, go_on=GO_ON if "_go_on" in body else "")


def things(body, more=""):
    text = written(body)
    return [one for one in scan(text, more).dependencies if one.owner == "Thing"]


def rows(body):
    texts = {
        "app/thing.py": dedent(written(body)),
        "app/ports.py": "class Repository: ...",
    }
    project = unwired.Project(unwired.read(texts)[0])
    return slots.of(project).get("app/thing.py", {}).get("Thing", ())


@pytest.mark.parametrize("body", ALONE)
def test_parameter_that_is_kept_as_it_is_is_a_dependency_that_nobody_supplies(body):
    (found,) = things(body)
    assert "_r" in (found.attribute, *found.also)
    assert len(found.guards) == 1


@pytest.mark.parametrize("body", ALONE)
def test_factory_that_leaves_it_out_is_walked_and_red_by_its_guard(body):
    assert [len(one.guards) for one in rows(body) if one.attribute == "_r"] == [1]


@pytest.mark.parametrize("body", REPLACED)
def test_parameter_that_something_else_replaces_is_only_walked(body):
    assert things(body) == []
    assert [one.attribute for one in rows(body)] == ["_r"]


@pytest.mark.parametrize("body", ELSEWHERE)
def test_parameter_that_goes_elsewhere_is_not_taken_for_kept(body):
    assert things(body) == []
    assert [one for one in rows(body) if one.attribute == "_r"] == []


def test_property_that_keeps_what_it_is_given_is_followed():
    text = """
        from app.ports import Repository
        class Thing:
            def __init__(self, repository: Repository | None = None):
                self.repository = repository
            @property
            def repository(self):
                return self._r
            @repository.setter
            def repository(self, value):
                self._r = value
            def apply(self, x):
                if self.repository:
                    self.repository.save(x)
        Thing()
    """
    (found,) = [one for one in scan(text).dependencies if one.owner == "Thing"]
    assert (found.attribute, len(found.guards)) == ("_r", 1)


@pytest.mark.parametrize(
    "setter",
    [
        "def _made(self, kept=None):\n                self._r = connect()",
        "def make(self, kept):\n                self._r = kept",
    ],
)
def test_method_that_makes_it_or_that_somebody_outside_may_call_supplies(setter):
    text = f"""
        from app.ports import Repository
        class Thing:
            def __init__(self, repository: Repository | None = None):
                self._r = repository
                self._made()
            {setter}
            def apply(self, x):
                if self._r:
                    self._r.save(x)
        Thing()
    """
    (found,) = [one for one in scan(text).dependencies if one.owner == "Thing"]
    assert found.supply is Supply.SUPPLIED


def test_helper_that_only_constructors_call_supplies_nothing():
    (found,) = things("self._set_up(repository)")
    assert found.supply is Supply.NEVER
    (found,) = things("self._set_up(repository)", "def late(thing):\n    thing._set_up(connect())\n")
    assert found.supply is Supply.SUPPLIED


@pytest.mark.parametrize(
    "other",
    [
        "class Other:\n    def __init__(self):\n        self._state = State()\n        self._state._r = connect()\n",
        "class Other:\n    _state: State\n    def start(self):\n        self._state._r = connect()\n",
        "def start():\n    state = State()\n    state._r = connect()\n",
        "def start(state: State):\n    state._r = connect()\n",
        "state = State()\nstate._r = connect()\ndef start():\n    state._r = connect()\n",
        "def start(app):\n    app.state._r = connect()\n",
        "def start(request):\n    request.app.state._r = connect()\n",
    ],
)
def test_attribute_of_an_object_of_another_class_supplies_nothing(other):
    (found,) = things("self._r = repository", f"from app.m0 import State\n{other}")
    assert found.supply is Supply.NEVER


@pytest.mark.parametrize(
    "other",
    [
        "def start(thing: Thing):\n    thing._r = connect()\n",
        "def start(thing: Better):\n    thing._r = connect()\n",
        "def start(thing: Above):\n    thing._r = connect()\n",
        "def start(thing: Shape):\n    thing._r = connect()\n",
        "def start(thing):\n    thing._r = connect()\n",
        "def start():\n    thing = made()\n    thing._r = connect()\n",
        "def start(holder):\n    holder.thing._r = connect()\n",
        "thing = State()\nthing = made()\nthing._r = connect()\n",
    ],
)
def test_attribute_of_what_may_be_of_the_class_is_supplied_later(other):
    known = "from typing import Protocol\nfrom app.m0 import Above, State, Thing\nclass Better(Thing): ...\n"
    (found,) = things("self._r = repository", f"{known}class Shape(Protocol): ...\n{other}")
    assert found.supply is Supply.SUPPLIED
