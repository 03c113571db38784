"""Scanning sources of tests: whatever the texts are, nothing is lost, doubled or raised."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from truegreen.analysis import style

LINES = (
    "import time, asyncio, pytest",
    "from time import sleep",
    "@pytest.fixture",
    "@pytest.mark.usefixtures('spare')",
    "def spare(): return 1",
    "def test_a(spare):",
    "async def test_b():",
    "class TestIt:",
    "    def test_c(self):",
    "    time.sleep(2)",
    "        sleep(1)",
    "    assert spare",
    "        await asyncio.sleep(1)  # truegreen: allow sleep: why",
    "    asyncio.new_event_loop()",
    "    request.getfixturevalue(name)",
    "    pass",
    "        pass",
)
TEXTS = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(LINES), max_size=12).map("\n".join))
PATHS = st.sampled_from(["tests/test_a.py", "tests/conftest.py", "test_b.py", "tests/inner/help.py"])


@given(st.dictionaries(PATHS, TEXTS))
def test_each_file_is_read_or_named_and_each_place_is_in_one(texts):
    found = style.scan(texts, style.Choices())
    read = [file.path for file in found.files]
    assert sorted([*read, *(name.partition(": ")[0] for name in found.unread)]) == sorted(texts)
    for one in (*found.remarks, *found.allowed):
        assert one.path in read
        assert 1 <= one.line <= texts[one.path].count("\n") + texts[one.path].count("\r") + 1
    if found.unread:
        assert found.fixtures_unknown
    assert len({*found.remarks}) == len(found.remarks)


@given(st.dictionaries(PATHS, TEXTS))
def test_order_of_the_files_changes_nothing(texts):
    backwards = dict(reversed(texts.items()))
    assert style.scan(texts, style.Choices()) == style.scan(backwards, style.Choices())
