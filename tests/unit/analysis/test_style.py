"""What the sources of tests say about how they are written, and what must not be said."""

from __future__ import annotations

import pytest
from tests.support.style_scans import PATH, scan, silent, told, unused, waits

from truegreen.model.style import StyleRule


@pytest.mark.parametrize(
    "text",
    [
        "import asyncio\ndef test_a():\n    asyncio.new_event_loop()",
        "from asyncio import new_event_loop as make\ndef test_a():\n    make()",
        "import asyncio\ndef test_a():\n    asyncio.get_event_loop().run_until_complete(x())",
        "import asyncio\ndef helper():\n    loop = asyncio.get_event_loop(); loop.run_until_complete(x())",
        "import uvloop\nclass TestIt:\n  def test_a(self): uvloop.new_event_loop()",
        "import pytest\n@pytest.fixture\ndef event_loop(): yield 1",
        "import asyncio, pytest\n@pytest.fixture\ndef event_loop():\n    yield asyncio.new_event_loop()",
    ],
)
def test_loop_made_by_hand_is_told_once(text):
    assert len(told(scan(text), StyleRule.EVENT_LOOP)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "import asyncio\ndef test_a():\n    asyncio.run(x())",
        "import asyncio\nasync def test_a():\n    asyncio.get_event_loop().create_task(x())",
        "def test_a(event_loop):\n    event_loop.run_until_complete(x())",
        "def test_a(loop):\n    loop.run_until_complete(x())",
        "import mine\ndef test_a():\n    mine.new_event_loop()",
    ],
)
def test_loop_of_somebody_else_is_not_told(text):
    assert told(scan(text), StyleRule.EVENT_LOOP) == []


# --- fixed waits


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("import time\ndef test_a():\n    time.sleep(2)", [(3, 2.0)]),
        ("from time import sleep as nap\ndef test_a():\n    nap(0.5)", [(3, 0.5)]),
        ("import asyncio\nasync def test_a():\n    await asyncio.sleep(delay=1)", [(3, 1.0)]),
        ("import anyio\nasync def test_a():\n    x = await anyio.sleep(1)", [(3, 1.0)]),
        ("import time\nPAUSE = 2 * 3\ndef test_a():\n    time.sleep(PAUSE)", [(4, 6.0)]),
        ("import time\nPAUSE: float = 4 / 2\ndef test_a():\n    time.sleep(PAUSE)", [(4, 2.0)]),
        ("import time\nfrom tests.times import PAUSE\ndef test_a():\n    time.sleep(PAUSE)", [(4, 9.0)]),
        ("import time\nfrom tests import times\ndef test_a():\n    time.sleep(times.PAUSE)", [(4, 9.0)]),
        ("import time\nfrom . import times\ndef test_a():\n    time.sleep(times.PAUSE)", [(4, 9.0)]),
        ("import time\nclass TestIt:\n    def setUp(self):\n        time.sleep(3 - 1)", [(4, 2.0)]),
        ("import time, pytest\n@pytest.fixture\ndef server():\n    time.sleep(1)", [(4, 1.0)]),
        ("import time\ndef wait(): time.sleep(1)\ndef test_a():\n    wait()", [(2, 1.0)]),
        ("import time\ndef test_a():\n    if x:\n        for n in y:\n            time.sleep(1 + 1)", [(5, 2.0)]),
    ],
)
def test_fixed_wait_is_told_with_its_seconds(text, wanted):
    assert waits(text, tests__times="PAUSE = 9") == wanted


@pytest.mark.parametrize(
    "text",
    [
        "import time\ndef test_a():\n    time.sleep(x)",
        "import time\ndef test_a():\n    time.sleep(1 / 0)",
        "import time\ndef test_a():\n    time.sleep(1 ** x)",
        "import time\ndef test_a():\n    time.sleep(1 + x)",
        "import time\ndef test_a():\n    time.sleep()",
        "import time\ndef job(): time.sleep(9)\ndef test_a():\n    start(job)",
        "import asyncio\nasync def test_a():\n    async def slow():\n        await asyncio.sleep(9)\n    assert slow",
        "import asyncio\nasync def test_a():\n    task = asyncio.create_task(asyncio.sleep(9))",
        "import asyncio\nasync def test_a():\n    await asyncio.wait_for(asyncio.sleep(9), 0.1)",
        "import asyncio\nasync def test_a():\n    async with asyncio.timeout(0.1):\n        await asyncio.sleep(9)",
        "import anyio\nasync def test_a():\n    with anyio.move_on_after(0.1):\n        await anyio.sleep(9)",
        "import asyncio\nasync def test_a():\n    try:\n        await asyncio.sleep(9)\n    except TimeoutError: pass",
        "import time\ndef test_a():\n    while not ready():\n        time.sleep(1)",
        "import time\ndef test_a():\n    for n in x:\n        if ready(): break\n        time.sleep(1)",
        "import time\ndef test_a(monkeypatch):\n    monkeypatch.setattr('time.sleep', x)\n    time.sleep(9)",
        "import time\ndef test_a(monkeypatch):\n    monkeypatch.setattr(time, 'sleep', x)\n    time.sleep(9)",
        "import trio\nasync def test_a(autojump_clock):\n    await trio.sleep(9)",
        "import mine\ndef test_a():\n    mine.sleep(9)",
        "import time\ndef test_a():\n    time.sleep(1e999)",
        f"import time\ndef test_a():\n    time.sleep(1{'0' * 400})",
        f"import time\nX = {'+'.join(['1'] * 900)}\ndef test_a():\n    time.sleep(X)",
        "def test_a(clock):\n    clock.sleep(9)",
        "import time\nclass Server:\n    def handle(self): time.sleep(9)",
    ],
)
def test_wait_that_is_not_fixed_or_not_the_tests_is_not_told(text):
    assert waits(text) == []


# --- fixtures


def test_fixture_that_nobody_names_is_told_at_its_place():
    text = """
    import pytest
    @pytest.fixture
    def used(): return 1
    @pytest.fixture(scope="session")
    def spare(): return 2
    @pytest.fixture(name="other")
    def _made(): return 3
    def test_a(used): assert used
    """
    assert told(scan(text), StyleRule.UNUSED_FIXTURE) == [(6, "spare"), (8, "other")]
    assert scan(text).fixtures == 3


def test_fixture_of_plugins_and_of_other_frameworks_is_known():
    text = "import pytest_asyncio\n@pytest_asyncio.fixture\nasync def spare(): yield 1"
    assert unused(text) == ["spare"]
    assert unused("class TestIt:\n    from pytest import fixture\n    @fixture\n    def spare(self): pass") == ["spare"]


SPARE = "import pytest\n@pytest.fixture\ndef spare(): return 1\n"


@pytest.mark.parametrize(
    "use",
    [
        "def test_a(spare): pass",
        "class TestIt:\n    def test_a(self, *, spare): pass",
        "@pytest.fixture\ndef more(spare): return 1\ndef test_a(more): pass",
        "@pytest.mark.usefixtures('spare')\ndef test_a(): pass",
        "@pytest.mark.usefixtures('spare')\nclass TestIt: pass",
        "pytestmark = pytest.mark.usefixtures('spare')",
        "class TestIt:\n    pytestmark = [pytest.mark.usefixtures('spare')]",
        "def test_a(request): request.getfixturevalue('spare')",
        "@pytest.mark.parametrize('spare', [1], indirect=True)\ndef test_a(spare): pass",
        "@pytest.mark.parametrize('other, spare', [], indirect=['spare'])\ndef test_a(other): pass",
        "@pytest.mark.parametrize('x', [pytest.lazy_fixture('spare')])\ndef test_a(x): pass",
        "NAMES = ['spare']",
        "alias = spare",
        "def test_a(): assert spare.__wrapped__()",
        "def pytest_generate_tests(metafunc):\n    metafunc.parametrize('spare', [1])",
        "def test_a():\n    def inner(spare): pass",
        "check = lambda spare: 1",
        '"""\n>>> getfixture("spare")\n"""',
    ],
)
def test_fixture_that_is_named_anywhere_is_used(use):
    assert unused(SPARE + use) == []
    assert unused(use, tests__conftest=SPARE) == []


@pytest.mark.parametrize(
    "text",
    [
        "import pytest\n@pytest.fixture(autouse=True)\ndef spare(): pass",
        "import pytest\n@pytest.fixture(autouse=ALWAYS)\ndef spare(): pass",
        "import pytest\n@pytest.fixture(**options)\ndef spare(): pass",
        "import pytest\n@pytest.fixture(name=NAME)\ndef spare(): pass",
        "import pytest\n@register\n@pytest.fixture\ndef spare(): pass",
        "import pytest\n@pytest.fixture\ndef spare(spare): pass",
        "import pytest\n@pytest.fixture\ndef vcr_config(): pass",
        "import pytest\n@pytest.fixture\ndef event_loop_policy(): pass",
        "import pytest\n@pytest.fixture\ndef browser_context_args(): pass",
        "def make():\n    import pytest\n    @pytest.fixture\n    def spare(): pass\n    return spare",
    ],
)
def test_fixture_that_may_be_meant_for_others_is_not_told(text):
    assert unused(text) == []


def test_fixture_that_overrides_one_nobody_uses_is_told_where_it_begins():
    conftest = "import pytest\n@pytest.fixture\ndef spare(): return 1"
    override = "import pytest\n@pytest.fixture\ndef spare(spare): return spare"
    assert unused(override, tests__conftest=conftest) == ["spare"]


def test_fixture_that_another_file_imports_is_used():
    assert unused("from tests.fixtures import spare", tests__fixtures=SPARE) == []
    assert unused("from tests import fixtures\nX = fixtures.spare", tests__fixtures=SPARE) == []


def test_name_that_is_no_text_is_shown_as_far_as_it_can_be():
    text = "import pytest\n@pytest.fixture(name='\\ud800x')\ndef spare():\n    return 1"
    assert unused(text) == ["?x"]


def test_docstring_that_speaks_of_a_fixture_or_of_asserting_is_neither():
    text = "import pytest\n@pytest.fixture\ndef spare():\n    'A spare one.'\n    return 1"
    assert unused(text) == ["spare"]
    assert unused(SPARE + "def test_a():\n    '>>> getfixture(\"spare\")'") == []
    assert silent("def test_a():\n    'It asserts nothing.'\n    run()") == ["test_a"]


def test_word_that_is_a_local_variable_is_no_use():
    assert unused(SPARE + "def test_a():\n    spare = 1\n    assert spare") == ["spare"]
    assert unused(SPARE + "def test_a(x):\n    assert x.spare") == ["spare"]


@pytest.mark.parametrize(
    "use",
    [
        "def test_a(request, name): request.getfixturevalue(name)",
        "def test_a(request): request.getfixturevalue(f'{x}_db')",
        "@pytest.mark.usefixtures(*NAMES)\ndef test_a(): pass",
        "@pytest.mark.usefixtures(*NAMES)\nclass TestIt: pass",
        "class Base:\n    def get(self): return self.request.getfixturevalue(self.name)",
        "def test_a(items): items[0].getfixturevalue(x)",
    ],
)
def test_name_that_is_computed_leaves_all_fixtures_alone(use):
    found = scan(SPARE + use)
    assert told(found, StyleRule.UNUSED_FIXTURE) == []
    assert found.fixtures_unknown.startswith(f"{PATH}:")


def test_file_that_cannot_be_read_leaves_all_fixtures_alone():
    found = scan(SPARE, tests__test_b="def test_(:")
    assert (found.remarks, found.fixtures_unknown) == ((), "tests/test_b.py could not be read")
    assert [name.partition(":")[0] for name in found.unread] == ["tests/test_b.py"]


def test_document_that_asks_for_a_fixture_uses_it():
    assert unused(SPARE, elsewhere=['>>> getfixture("spare")']) == []
    assert unused(SPARE, elsewhere=["something else is spare"]) == ["spare"]


# --- assertions
