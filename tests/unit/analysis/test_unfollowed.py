"""Optional dependencies that go where nobody follows them are told, and nothing else is."""

from __future__ import annotations

from textwrap import dedent

import pytest

from truegreen.analysis import unfollowed, unwired

THING = """
    from pathlib import Path
    from app.ports import Repository

    class State: ...
    class Child:
        def __init__(self, repository=None): ...
    class Thing(Child):
        def __init__(self, repository: Repository | None = None, name: str | None = None, path: Path | None = None):
            {body}
    def built():
        return {built}
"""


def names(body, built="Thing()"):
    texts = {
        "app/thing.py": dedent(THING.format(body=body, built=built)),
        "app/ports.py": "class Repository:\n    def save(self): ...\n",
    }
    return [one.name for one in unfollowed.of(unwired.Project(unwired.read(texts)[0]))]


@pytest.mark.parametrize(
    "body",
    [
        "self._all = [repository]",
        "self._all = {'main': repository}",
        "self._state = State()\n            self._state.repository = repository",
        "self._save = repository.save if repository else None",
        "self._save = None\n            if repository is not None: self._save = repository.save",
        "self._call = lambda: repository",
        "self._r = proxied(repository)",
    ],
)
def test_dependency_that_goes_elsewhere_is_told(body):
    assert names(body) == ["Thing.repository"]
    assert names(body, built="None") == []  # nobody builds it


@pytest.mark.parametrize(
    "body",
    [
        "self._r = repository",
        "self._r = repository or Repository()",
        "self._all = [repository or Repository()]",
        "self._all = [repository if repository is not None else Repository()]",
        "if repository is None: repository = Repository()\n            self._all = [repository]",
        "if repository is None: raise ValueError\n            self._all = [repository]",
        "super().__init__(repository)",
        "Child.__init__(self, repository)",
        "self._child = Child(repository=repository)",
        "self._save = repository.save",
        "self._ready = repository is not None",
        "self._names = [name]\n            self._paths = [path]",
        "pass",
    ],
)
def test_dependency_that_is_kept_replaced_required_or_handed_on_is_not_told(body):
    assert names(body) == []
