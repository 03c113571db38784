"""Failures of one cause, and the lines that tell it; texts as pytest and the JVM write them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from truegreen.analysis import causes
from truegreen.model.verdict import Item

# The form of pytest 9, with a print and a log line in the test.
PYTEST = """\
    def test_total():
        print("loading")
>       assert total(ledger) == {"paid": 3, "open": 1}
E       AssertionError: assert {'open': 1, 'paid': 2} == {'open': 1, 'paid': 3}
E         Omitting 1 identical items, use -vv to show
E         Differing items:
E         {'paid': 2} != {'paid': 3}
E         Use -v to get more diff

tests/test_ledger.py:7: AssertionError
----------------------------- Captured stdout call -----------------------------
loading
------------------------------ Captured log call -------------------------------
WARNING  ledger:ledger.py:3 slow"""
# The form of the JVM: message first, then frames, then the cause.
JVM = """\
java.lang.IllegalStateException: no booking
\tat com.acme.Ledger.book(Ledger.java:12)
\tat com.acme.LedgerTest.books(LedgerTest.java:8)
Caused by: java.net.ConnectException: Connection refused
\tat java.base/sun.nio.ch.Net.pollConnect(Native Method)
\tat com.acme.Store.open(Store.java:33)
\tat com.acme.Ledger.book(Ledger.java:11)
\t... 2 more"""


def failing(name: str, message: str = "assert 1 == 2", detail: str = "tests/help.py:3: in check") -> Item:
    return Item(title=name, message=message, detail=detail)


def test_telling_lines_of_pytest_are_statement_comparison_and_place_without_what_was_captured():
    rows = PYTEST.splitlines()
    assert causes.telling(PYTEST) == (*rows[2:7], "tests/test_ledger.py:7: AssertionError")


def test_telling_lines_of_coloured_text_are_those_of_the_plain_one():
    coloured = "\n".join(f"\x1b[1m\x1b[31m{line}\x1b[0m" for line in PYTEST.splitlines())
    assert causes.telling(coloured) == causes.telling(PYTEST)


def test_telling_lines_of_a_stack_are_the_last_cause_and_the_frames_next_to_it():
    lines = causes.telling(JVM)
    assert lines[0] == "Caused by: java.net.ConnectException: Connection refused"
    assert "Store.java:33" in lines[2]


def test_telling_lines_of_anything_else_are_the_last_ones():
    assert causes.telling("\n".join(map(str, range(20)))) == tuple(map(str, range(14, 20)))
    assert causes.telling("") == causes.telling("\n \n") == ()


def test_text_with_nothing_but_captured_output_is_shown_all_the_same():
    assert causes.telling("---- Captured stdout call ----\nout")[-1] == "out"


@given(st.text(st.sampled_from("E >\nat.py:1 -Captured\x1b[m"), max_size=300), st.integers(3, 8))
def test_telling_lines_are_no_more_than_asked_for_and_none_is_empty(text, count):
    lines = causes.telling(text, count)
    assert len(lines) <= count
    assert all(line.strip() for line in lines)


def test_failures_with_the_same_exception_message_and_frame_are_one_cause():
    items = [failing(f"t{n}", message=f"timeout after {n}.5 s at 0x{n:08x}") for n in range(9)]
    (cause,) = causes.by_cause(items)
    assert cause.items == tuple(items)


def test_failures_at_different_places_or_with_different_messages_are_several_causes():
    items = [failing("a"), failing("b", message="assert 3 == 4"), failing("c", detail="tests/other.py:3: in check")]
    assert [len(cause.items) for cause in causes.by_cause(items)] == [1, 1, 1]


def test_failures_of_which_nearly_nothing_is_known_are_not_called_alike():
    items = [failing(name, message="failed", detail="") for name in "ab"]
    items += [failing(name, message="assert False", detail="") for name in "cd"]
    assert len(causes.by_cause(items)) == 4


def test_failures_with_an_exception_of_its_own_are_alike_without_a_frame():
    items = [failing(name, message="ConnectionRefusedError: no database", detail="") for name in "ab"]
    assert len(causes.by_cause(items)) == 1


@given(st.lists(st.integers(0, 6), max_size=40), st.integers(1, 12))
def test_listed_failures_show_every_cause_there_is_room_for_and_count_the_others(kinds, limit):
    items = [failing(f"t{n}", detail=f"tests/file_{kind}.py:3: in check") for n, kind in enumerate(kinds)]
    listed, whole = causes.listed(items, limit), causes.by_cause(items)
    assert [item.title for item in listed] == sorted((item.title for item in listed), key=lambda name: int(name[1:]))
    shown = causes.by_cause(listed)
    assert len(listed) == min(limit, len(items))
    assert len(shown) == min(limit, len(whole))
    assert [cause.tests for cause in shown] == [cause.tests for cause in whole[: len(shown)]]


@given(st.lists(st.sampled_from(["boom 1", "boom 22", "no row", ""])))
def test_varied_messages_are_all_there_and_each_kind_comes_before_a_second_of_any(messages):
    places = causes.varied(messages)
    assert sorted(places) == list(range(len(messages)))
    kinds = [messages[place].rstrip(" 0123456789") for place in places]
    first = kinds[: len(set(kinds))]
    assert len(set(first)) == len(first)
