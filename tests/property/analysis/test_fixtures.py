"""Following tests to what they use: any text is read or named, and nothing that is asked for is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from truegreen.analysis import fixtures
from truegreen.model.mocks import Rule

LINES = st.sampled_from([
    "import fakeredis as f, pytest", "from unittest import mock", "from . import helpers", "from .test_a import *",
    "pytest_plugins = 'tests.conftest'", "pytestmark = pytest.mark.usefixtures('a', 'test_a')", "class A(A): a = A",
    "class B(A, f.X):\n    def test_a(self, a): self.test_a(); self.a.b", "@pytest.fixture\ndef a(b): return b",
    "@pytest.fixture(autouse=x)\ndef b(a, request): request.getfixturevalue('a')", "def test_a(a, *b, c=mock): test_a",
    "x = y = f.FakeRedis()", "x.y[0]: int = x", "if x:\n    def a(): a()", "try: x\nexcept X: y = 1\nfinally: z = 2",
    "with mock.patch('a') as x, x: pass", "match x:\n    case {'a': b}: pass", "lambda: (yield)", "del x, y.z",
    "async def test_b(): [a async for a in b]", "f'sqlite://{x!r:>{y}}'", "class test_a: class_ = test_a",
])  # fmt: skip


@given(st.text(), st.text())
def test_any_text_under_any_name_is_read_or_named(text, name):
    found = fixtures.scan([name], {name.split("::")[0]: text}.get)
    assert found.tests == 1
    assert found.files + len(found.unread) >= 1


@given(st.lists(LINES, max_size=12).map("\n".join), st.lists(LINES, max_size=8).map("\n".join))
def test_any_program_is_followed_to_an_end(test, conftest):
    files = {"tests/test_a.py": test, "tests/conftest.py": conftest}
    ids = [f"tests/test_a.py::{end}" for end in ("test_a", "B::test_a[1]", "A::B::test_b", "")]
    found = fixtures.scan(ids, files.get)
    assert {test for use in found.uses for test in use.tests} <= set(ids)
    assert found == fixtures.scan(ids, files.get), "the same sources say the same"


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=8, unique=True), st.booleans())
def test_stand_in_at_the_end_of_any_chain_of_fixtures_is_found(names, hidden):
    chain = "import fakeredis, pytest\n@pytest.fixture\ndef z(): return fakeredis.FakeRedis()\n"
    for name, asks in zip(names, ["z", *names], strict=False):
        chain += f"@pytest.fixture\ndef {name}({asks}): pass\n"
    test = f"def test_a({names[-1]}): pass\ndef test_b(): pass\n"
    files = {"test_a.py": test, "conftest.py": chain} if hidden else {"test_a.py": chain + test}
    found = fixtures.scan(["test_a.py::test_a", "test_a.py::test_b"], files.get)
    assert [(use.rule, use.tests) for use in found.uses] == [(Rule.FAKE_STORE, ("test_a.py::test_a",))]
