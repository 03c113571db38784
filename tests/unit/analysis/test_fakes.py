"""Stand-ins in the sources of tests: what counts as use, and how a test is followed to it."""

from __future__ import annotations

import pytest

from truegreen.analysis import fakes, fixtures
from truegreen.model.mocks import Rule

# Each name was looked up in the library itself: fakeredis 2, mongomock 4, moto 5, responses 0.26, respx 0.23,
# requests-mock 1.12, pytest-httpx 0.36, vcrpy 8, aioresponses 0.7, pytest-mock 3.15, httpx 0.28,
# flexmock 0.13, mockito 2.0, botocore 1.44 and SQLAlchemy 2.1.
SAMPLES = [
    ("import fakeredis\ndef test_a(): fakeredis.FakeRedis().set('a', 1)", Rule.FAKE_STORE),
    ("from fakeredis import FakeAsyncRedis as Redis\nasync def test_a(): await Redis().get('a')", Rule.FAKE_STORE),
    ("import fakeredis.aioredis as r\ndef test_a(): r.FakeRedis()", Rule.FAKE_STORE),
    ("import pytest\nfake = pytest.importorskip('fakeredis')\ndef test_a(): fake.FakeRedis()", Rule.FAKE_STORE),
    ("import mongomock\ndef test_a(): mongomock.MongoClient().db.c.insert_one({})", Rule.FAKE_STORE),
    ("from moto import mock_aws\n@mock_aws\ndef test_a(): pass", Rule.FAKE_STORE),
    ("import responses\n@responses.activate\ndef test_a(): pass", Rule.FAKE_HTTP),
    ("import respx\n@respx.mock\ndef test_a(): pass", Rule.FAKE_HTTP),
    ("def test_a(respx_mock): pass", Rule.FAKE_HTTP),
    ("import requests_mock\ndef test_a():\n    with requests_mock.Mocker() as m: m.get('http://a')", Rule.FAKE_HTTP),
    ("def test_a(requests_mock): pass", Rule.FAKE_HTTP),
    ("def test_a(httpx_mock): httpx_mock.add_response()", Rule.FAKE_HTTP),
    ("from aioresponses import aioresponses\ndef test_a():\n    with aioresponses() as m: pass", Rule.FAKE_HTTP),
    ("import httpx\ndef test_a(): httpx.Client(transport=httpx.MockTransport(print))", Rule.FAKE_HTTP),
    ("import vcr\n@vcr.use_cassette('a.yaml')\ndef test_a(): pass", Rule.RECORDED),
    ("import pytest\n@pytest.mark.vcr\ndef test_a(): pass", Rule.RECORDED),
    ("def test_a(vcr_cassette): pass", Rule.RECORDED),
    ("from sqlalchemy import create_engine\ndef test_a(): create_engine('sqlite://')", Rule.SQLITE),
    ("def test_a(): connect('sqlite+aiosqlite:///:memory:')", Rule.SQLITE),
    ("def test_a(tmp_path): engine(f'sqlite:///{tmp_path}/a.db')", Rule.SQLITE),
    ("import sqlite3\ndef test_a(): sqlite3.connect(':memory:')", Rule.SQLITE),
    ("from sqlalchemy import URL\ndef test_a(): engine(URL.create('sqlite'))", Rule.SQLITE),
    ("import sqlalchemy as sa\ndef test_a(): sa.engine.URL.create(drivername='sqlite+pysqlite')", Rule.SQLITE),
    ("import boto3\nfrom botocore.stub import Stubber\ndef test_a(): Stubber(boto3.client('s3'))", Rule.FAKE_HTTP),
    ("from flexmock import flexmock\ndef test_a(): flexmock(dict).should_receive('get')", Rule.REPLACED),
    (
        "def test_a():\n    from mockito import when, unstub\n    when(dict).get(1).thenReturn(4); unstub()",
        Rule.REPLACED,
    ),
    ("import mockito\ndef test_a(): mockito.mock()", Rule.REPLACED),
    ("from unittest import mock as m\ndef test_a():\n    with m.patch('a.b'): pass", Rule.REPLACED),
    ("from unittest.mock import patch as p\n@p.object(dict, 'get')\ndef test_a(_): pass", Rule.REPLACED),
    ("import mock\ndef test_a(): mock.mock.patch('a.b').start()", Rule.REPLACED),
    ("def test_a(mocker): mocker.patch('a.b')", Rule.REPLACED),
    ("def test_a(monkeypatch): monkeypatch.setattr('a.b', 1)", Rule.REPLACED),
    ("from unittest.mock import AsyncMock\ndef test_a(): AsyncMock()", Rule.MOCK),
    ("from app import app, db\ndef test_a(): app.dependency_overrides[db] = print", Rule.OVERRIDE),
]


def scan(files, *tests):
    if isinstance(files, str):
        files = {"tests/test_a.py": files}
    return fixtures.scan(tests or ("tests/test_a.py::test_a",), files.get)


def rules(files, *tests):
    return [use.rule for use in scan(files, *tests).uses]


@pytest.mark.parametrize(("text", "rule"), SAMPLES, ids=[f"{n}-{rule.value}" for n, (_, rule) in enumerate(SAMPLES)])
def test_stand_in_that_a_test_uses_is_found(text, rule):
    assert set(rules(text)) == {rule}


@pytest.mark.parametrize(
    "text",
    [
        "import fakeredis, moto, responses\nfrom unittest import mock\ndef test_a(): pass",
        "from unittest.mock import ANY, call, sentinel, DEFAULT\ndef test_a(): assert [call(1)] == [ANY, sentinel.x]",
        "from unittest.mock import Mock\ndef test_a(value: Mock) -> Mock: pass",
        "def test_a(monkeypatch): monkeypatch.setenv('A', 'b')",
        "def test_a(mocker): mocker.stopall()",
        "def test_a():\n    responses = []\n    responses.append(1)",
        "def test_a():\n    '''sqlite:// is not used here'''\n    'sqlite://'",
        "def test_a(): assert url() == 'sqlite://'",
        "import sqlite3\ndef test_a(): sqlite3.connect('notes.db')",
        "import fakeredis\ndef helper(): fakeredis.FakeRedis()\ndef test_a(): pass",
        "import fakeredis\nredis = fakeredis.FakeRedis()\ndef test_a(): pass",
        "def test_a(app): app.dependency_overrides.clear()",
        "from sqlalchemy import URL\ndef test_a(driver): URL.create('postgresql'), URL.create(driver), URL.create()",
        "from mockito import unstub, verify\ndef test_a(): verify(a).save(1); unstub()",
    ],
)
def test_import_annotation_comparison_and_what_nobody_uses_is_no_use(text):
    assert scan(text).uses == ()


@pytest.mark.parametrize("path", ["shop/testing.py", "src/shop/testing.py", "src/shop/testing/__init__.py"])
def test_stand_in_of_a_module_for_tests_beside_the_application_is_found(path):
    files = {
        path: "import fakeredis\ndef make(): return fakeredis.FakeRedis()\ndef other(): pass",
        "src/shop/store.py": "import fakeredis\ndef make(): return fakeredis.FakeRedis()",
        "tests/conftest.py": "import pytest\nfrom shop.testing import make\nfrom shop import store\n"
        "@pytest.fixture\ndef cache(): return make()\n@pytest.fixture\ndef real(): return store.make()",
        "tests/test_a.py": "def test_a(cache): pass\ndef test_b(real): pass",
    }
    (use,) = scan(files, "tests/test_a.py::test_a", "tests/test_a.py::test_b").uses
    assert (use.rule, use.path, use.line) == (Rule.FAKE_STORE, path, 2)
    assert use.tests == ("tests/test_a.py::test_a",)


FAKE = "import fakeredis, pytest\n"


@pytest.mark.parametrize(
    "text",
    [
        "@pytest.fixture\ndef r(): return fakeredis.FakeRedis()\ndef test_a(r): pass",
        "@pytest.fixture\ndef r(): return fakeredis.FakeRedis()\n@pytest.fixture\ndef s(r): pass\ndef test_a(s): pass",
        "@pytest.fixture(name='r')\ndef made(): return fakeredis.FakeRedis()\ndef test_a(r): pass",
        "@pytest.fixture\ndef r(): fakeredis.FakeRedis()\n@pytest.mark.usefixtures('r')\ndef test_a(): pass",
        "pytestmark = [pytest.mark.usefixtures('r')]\n@pytest.fixture\ndef r(): fakeredis.FakeRedis()\ndef test_a(): 1",
        "@pytest.fixture(autouse=True)\ndef r(): fakeredis.FakeRedis()\ndef test_a(): pass",
        "@pytest.fixture\ndef r(): fakeredis.FakeRedis()\ndef test_a(request): request.getfixturevalue('r')",
        "def helper(): return fakeredis.FakeRedis()\ndef test_a(): helper()",
        "Redis = fakeredis.FakeRedis\ndef test_a(): Redis()",
        "redis = fakeredis.FakeRedis()\ndef test_a(): redis.get('a')",
        "if True:\n    redis = fakeredis.FakeRedis()\ndef test_a(): redis.get('a')",
        "import app\napp.redis = fakeredis.FakeRedis()\ndef test_a(): pass",
        "def setup_module(): fakeredis.FakeRedis()\ndef test_a(): pass",
        "with fakeredis.FakeRedis() as r:\n    pass\ndef test_a(): pass",
    ],
)
def test_stand_in_is_found_through_fixtures_helpers_and_variables(text):
    assert set(rules(FAKE + text)) == {Rule.FAKE_STORE}


IN_CLASS = [
    "class TestA:\n    def setup_method(self): fakeredis.FakeRedis()\n    def test_a(self): pass",
    "class TestA:\n    def make(self): fakeredis.FakeRedis()\n    def test_a(self): self.make()",
    "class TestA:\n    redis = fakeredis.FakeRedis()\n    def test_a(self): pass",
    "class TestA:\n    @pytest.fixture(autouse=True)\n    def r(self): fakeredis.FakeRedis()\n    def test_a(self): 1",
    "class TestA:\n    @pytest.fixture\n    def r(self): fakeredis.FakeRedis()\n    def test_a(self, r): pass",
    "@pytest.fixture\ndef r(): fakeredis.FakeRedis()\n@pytest.mark.usefixtures('r')\nclass TestA:\n def test_a(_): 1",
    "class Base:\n    def setUp(self): fakeredis.FakeRedis()\nclass TestA(Base):\n    def test_a(self): pass",
    "class Base:\n    def test_a(self): fakeredis.FakeRedis()\nclass TestA(Base): pass",
    "from unittest.mock import patch\n@patch('a.b')\nclass TestA:\n    def test_a(self, _): fakeredis.FakeRedis()",
]


@pytest.mark.parametrize("text", IN_CLASS)
def test_stand_in_is_found_in_classes_and_what_they_inherit(text):
    assert Rule.FAKE_STORE in rules(FAKE + text, "tests/test_a.py::TestA::test_a[1]")


def test_fixture_of_another_class_is_not_used():
    text = "class B:\n    @pytest.fixture(autouse=True)\n    def r(self): fakeredis.FakeRedis()\ndef test_a(): pass"
    assert rules(FAKE + text) == []


@pytest.mark.parametrize(
    "files",
    [
        {"tests/conftest.py": FAKE + "@pytest.fixture\ndef r(): fakeredis.FakeRedis()"},
        {"conftest.py": FAKE + "@pytest.fixture\ndef r(): fakeredis.FakeRedis()"},
        {
            "tests/conftest.py": "pytest_plugins = ['tests.support.redis']",
            "tests/support/redis.py": FAKE + "@pytest.fixture\ndef r(): fakeredis.FakeRedis()",
        },
        {
            "tests/conftest.py": "import pytest\nfrom .helpers import make\n@pytest.fixture\ndef r(): return make()",
            "tests/helpers.py": FAKE + "def make(): return fakeredis.FakeRedis()",
        },
        {
            "tests/conftest.py": "import pytest\nimport tests.helpers\n@pytest.fixture\n"
            "def r(): return tests.helpers.make()",
            "tests/helpers/__init__.py": FAKE + "def make(): return fakeredis.FakeRedis()",
        },
        {
            "tests/conftest.py": "from tests.support.redis import r",
            "tests/support/redis.py": FAKE + "@pytest.fixture\ndef r(): fakeredis.FakeRedis()",
        },
        {
            "tests/conftest.py": "from tests.support.redis import *\nfrom tests.support.other import *",
            "tests/support/redis.py": FAKE + "@pytest.fixture\ndef r(): fakeredis.FakeRedis()",
            "tests/support/other.py": "from .redis import *",
        },
        {
            "tests/conftest.py": "pytest_plugins = ('tests.plugins',)",
            "tests/plugins/__init__.py": "pytest_plugins = 'tests.plugins.redis'",
            "tests/plugins/redis.py": FAKE + "@pytest.fixture\ndef r(): fakeredis.FakeRedis()",
        },
        {
            "tests/conftest.py": "import pytest\nfrom .helpers import *\n@pytest.fixture\ndef r(): return make()",
            "tests/helpers.py": FAKE + "def make(): return fakeredis.FakeRedis()",
        },
        {"tests/conftest.py": FAKE + "def pytest_runtest_setup(): fakeredis.FakeRedis()\n"},
    ],
)
def test_stand_in_hidden_in_a_conftest_or_helper_is_found_there(files):
    found = scan({**files, "tests/db/test_a.py": "def test_a(r): pass"}, "tests/db/test_a.py::test_a")
    (use,) = found.uses
    assert use.path != "tests/db/test_a.py"
    assert use.tests == ("tests/db/test_a.py::test_a",)


def test_nearer_fixture_overrides_and_may_ask_for_the_one_above():
    far = FAKE + "@pytest.fixture\ndef r(): fakeredis.FakeRedis()"
    near = "import pytest\n@pytest.fixture\ndef r({}): pass\ndef test_a(r): pass"
    files = {"tests/conftest.py": far}
    assert rules({**files, "tests/test_a.py": near.format("")}) == []
    assert rules({**files, "tests/test_a.py": near.format("r")}) == [Rule.FAKE_STORE]


def test_application_is_not_looked_into():
    files = {
        "shop.py": "DEFAULT = 'sqlite://'\ndef make(): return DEFAULT",
        "test_a.py": "import shop\nfrom shop import make\ndef test_a(): make(); shop.make()",
    }
    assert rules(files, "test_a.py::test_a") == []
    inside = {"shop/tests/test_a.py": "from shop.settings import make\ndef test_a(): make()",
              "shop/settings.py": files["shop.py"]}  # fmt: skip
    assert rules(inside, "shop/tests/test_a.py::test_a") == []


def test_each_test_of_a_function_is_named_and_counted():
    text = FAKE + "@pytest.mark.parametrize('n', [1, 2])\ndef test_a(n): fakeredis.FakeRedis()\ndef test_b(): pass"
    ids = [f"tests/test_a.py::test_{end}" for end in ("a[1]", "a[2]", "b")]
    found = scan(text, *ids)
    assert (found.files, found.tests, found.unread) == (1, 3, ())
    (use,) = found.uses
    assert (use.what, use.path, use.line, use.tests) == ("fakeredis.FakeRedis", "tests/test_a.py", 3, tuple(ids[:2]))


@pytest.mark.parametrize("text", ["def test_a(:", "a\0b", "(" * 100_000, None])
def test_file_that_cannot_be_read_is_named(text):
    found = scan({} if text is None else {"tests/test_a.py": text})
    (unread,) = found.unread
    assert unread.startswith("tests/test_a.py: ")
    assert found.uses == ()


def test_conftest_that_cannot_be_read_is_named_too():
    found = scan({"tests/test_a.py": "def test_a(): pass", "conftest.py": "def"})
    assert [name.partition(":")[0] for name in found.unread] == ["conftest.py"]


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("unittest.mock.patch.object", Rule.REPLACED),
        ("mock.mock.MagicMock", Rule.MOCK),
        ("unittest.mock.ANY", None),
        ("unittest.mock", None),
        ("fakeredis", None),
        ("moto.core.x", Rule.FAKE_STORE),
        ("mockingbird.x", None),
    ],
)
def test_rule_of_a_name(name, rule):
    assert fakes.rule_of(name) is rule
