"""Which functions are tests, and which of them assert nothing."""

from __future__ import annotations

import pytest
from tests.support.style_scans import scan, silent

from truegreen.analysis import style


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        "...",
        "'''Words.'''",
        "run()",
        "x = run()",
        "import shop",
        "with open('x') as f: f.read()",
        "run(); print(1)",
    ],
)
def test_test_that_asserts_nothing_is_told(body):
    assert silent(f"def test_a(tmp_path):\n    {body}") == ["test_a"]


@pytest.mark.parametrize(
    "body",
    [
        "assert x",
        "with pytest.raises(ValueError): run()",
        "with pytest.warns(UserWarning): run()",
        "pytest.fail('no')",
        "pytest.skip('not here')",
        "raise AssertionError",
        "mock.assert_called_once_with(1)",
        "self.assertEqual(1, 1)",
        "expect(page).to_have_title('x')",
        "np.testing.assert_allclose(1, 1)",
        "subprocess.run(['x'], check=True)",
        "subprocess.check_call(['x'])",
        "warnings.simplefilter('error'); run()",
        "exec('assert x')",
        "def inner():\n        assert x\n    run(inner)",
        "result.raise_for_status(); verify(result)",
        "schema.validate(x)",
    ],
)
def test_test_that_asserts_in_any_way_is_not_told(body):
    assert silent(f"def test_a():\n    {body}") == []


@pytest.mark.parametrize(
    "text",
    [
        "def look(x):\n    assert x\ndef test_a(): look(1)",
        "def look(x):\n    assert x\ndef more(x): look(x)\ndef test_a(): more(1)",
        "from tests.helpers import look\ndef test_a(): look(1)",
        "from .helpers import look as see\nimport tests.helpers as h\ndef test_a(): h.look(1)",
        "class Base:\n    def look(self): assert 1\nclass TestIt(Base):\n    def test_a(self): self.look()",
        "class Server:\n    def handle(self): assert 1\ndef test_a(): run(Server())",
        "import pytest\n@pytest.fixture\ndef look():\n    yield 1\n    assert 2\ndef test_a(look): run()",
        "import pytest\n@pytest.fixture(autouse=True)\ndef look():\n    yield\n    assert 2\ndef test_a(): run()",
        "import pytest\n@pytest.mark.usefixtures('look')\ndef test_a(): run()\n@pytest.fixture\ndef look(): assert 1",
        "class TestIt:\n    def tearDown(self): assert 1\n    def test_a(self): run()",
        "def test_a(httpx_mock): run()",
        "from hypothesis import given\n@given(x=1)\ndef test_a(x): run()",
        "import pytest\n@pytest.mark.mpl_image_compare\ndef test_a(): return 1",
        "import pytest\npytestmark = pytest.mark.benchmark\ndef test_a(): run()",
        "import pytest\nclass TestIt:\n    pytestmark = [pytest.mark.benchmark()]\n    def test_a(self): run()",
        "import pytest\n@pytest.mark.xfail(strict=True)\ndef test_a(): run()",
        "@checked\ndef test_a(): run()",
        "@checked\nclass TestIt:\n    def test_a(self): run()",
        "from other.testing import look\ndef test_a(): look()",
        "from other import *\ndef test_a(): look()",
        "from other import Base\nclass TestIt(Base):\n    def test_a(self): self.look()",
        "class TestIt(make()):\n    def test_a(self): self.look()",
        "def test_a(x): assert x\ndef test_b(): test_a(1)",
    ],
)
def test_test_that_may_assert_elsewhere_is_not_told(text):
    assert silent(text, tests__helpers="def look(x):\n    assert x") == []


def test_assertion_of_every_test_is_that_of_a_conftest_above_only():
    look = "import pytest\n@pytest.fixture(autouse=True)\ndef look():\n    yield\n    assert 2"
    text = "def test_a(): run()"
    assert silent(text, tests__conftest=look) == []
    assert silent(text, conftest=look) == []
    assert silent(text, plugin=look) == []
    assert silent(text, tests__other__conftest=look) == ["test_a"]
    assert silent(text, tests__test_b=look) == ["test_a"]
    assert silent(text, tests__conftest="def pytest_runtest_teardown(item): assert item") == []


def test_class_of_unittest_with_known_base_is_told():
    text = "import unittest\nclass Cart(unittest.TestCase):\n    def test_a(self): run()\n    def setUp(self): pass"
    assert silent(text) == ["Cart::test_a"]


def test_helper_that_is_not_finished_asserts_nothing():
    text = "class Fake:\n    def get(self): raise NotImplementedError\ndef test_a(): Fake().get()"
    assert silent(text) == ["test_a"]


# --- which functions are tests


def names(text, **more):
    return [one.name for file in scan(text, **more).files for one in file.tests]


def test_tests_are_what_pytest_collects():
    text = """
    import pytest, unittest
    def test_a(): assert 1
    def helper(): assert 1
    if True:
        async def test_b(): assert 1
    @pytest.fixture
    def test_data(): return 1
    class TestIt:
        def test_c(self): assert 1
        def helper(self): pass
        class TestInner:
            def test_d(self): assert 1
    class TestMade:
        def __init__(self): pass
        def test_e(self): pass
    class TestOff:
        __test__ = False
        def test_f(self): pass
    class Other:
        def test_g(self): pass
    class Cart(unittest.TestCase):
        def test_h(self): pass
    class Basket(Cart):
        def test_i(self): pass
    """
    wanted = ["test_a", "test_b", "TestIt::test_c", "TestIt::TestInner::test_d", "Cart::test_h", "Basket::test_i"]
    assert names(text) == wanted


def test_choices_of_pytest_decide_what_is_a_test():
    choices = style.Choices(files=("check_*.py",), classes=("*Suite",), functions=("check_*",))
    text = "def check_a(): assert 1\ndef test_b(): assert 1\nclass CartSuite:\n    def check_c(self): assert 1"
    assert names(text, choices=choices) == []
    found = style.scan({"tests/check_a.py": text}, choices)
    assert [one.name for file in found.files for one in file.tests] == ["check_a", "CartSuite::check_c"]


def test_docstring_is_noticed():
    text = "def test_a():\n    'Why.'\n    assert 1\ndef test_b(): assert 1"
    (file,) = scan(text).files
    assert [(one.name, one.line, one.documented) for one in file.tests] == [("test_a", 1, True), ("test_b", 4, False)]


def test_comments_that_let_a_line_be_are_kept_with_their_reasons():
    text = """
    import time
    def test_a():
        time.sleep(1)  # truegreen: allow sleep: the lease lasts a second
        time.sleep(1)  # truegreen: allow sleep, no-assertion
        time.sleep(1)  #truegreen:allow sleep :  why: so
        time.sleep(1)  # truegreen: disallow sleep
    """
    assert [(one.line, one.rules, one.reason) for one in scan(text).allowed] == [
        (4, ("sleep",), "the lease lasts a second"),
        (5, ("sleep", "no-assertion"), ""),
        (6, ("sleep",), "why: so"),
    ]


def test_sources_that_are_deep_or_odd_are_read_or_named():
    deep = "x = " + "(" * 150 + "1" + ")" * 150
    long = "x = " + "+".join(["1"] * 20_000)
    found = style.scan({"tests/test_a.py": deep, "tests/test_b.py": long, "tests/test_c.py": "\0"}, style.Choices())
    assert len(found.files) + len(found.unread) == 3
    assert any(name.startswith("tests/test_c.py") for name in found.unread)
