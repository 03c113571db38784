"""Columns as few bytes: what goes in comes out, and what was damaged never does."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truegreen.model.testrun import Outcome
from truegreen.stores import columns, content

NUMBERS = st.sets(st.integers(0, 500)).map(sorted)


@given(st.floats(1e-5, 3e4))
def test_code_keeps_a_duration_within_nine_percent(duration_s: float) -> None:
    kept = columns.SECONDS[columns.code(duration_s)]
    assert kept == pytest.approx(duration_s, rel=0.05)
    assert columns.code(kept) == columns.code(duration_s)


@pytest.mark.parametrize(
    ("duration_s", "step"), [(0.0, 0), (-1.0, 0), (float("nan"), 0), (1e-9, 1), (float("inf"), 255), (1e12, 255)]
)
def test_code_of_an_impossible_duration_is_a_step(duration_s: float, step: int) -> None:
    assert columns.code(duration_s) == step


@given(NUMBERS)
def test_spans_give_the_numbers_back(numbers: list[int]) -> None:
    assert columns.numbers(columns.pairs(columns.spans(numbers))) == numbers


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255))))
def test_shifted_steps_come_back(pairs: list[tuple[int, int]]) -> None:
    steps, usual = [step for step, _ in pairs], [base for _, base in pairs]
    assert list(columns.unshifted(columns.shifted(steps, usual), usual)) == steps


@given(st.lists(NUMBERS, max_size=4))
def test_groups_come_back(given_groups: list[list[int]]) -> None:
    assert [list(group) for group in columns.ungrouped(columns.groups(given_groups))] == given_groups


@given(st.binary(max_size=40), st.integers(0, 400), st.integers(1, 255))
def test_damaged_bytes_are_never_read_as_something_else(data: bytes, at: int, change: int) -> None:
    for blob, read in ((columns.pack(data), columns.unpack), (columns.groups([list(data)]), columns.ungrouped)):
        damaged = bytearray(blob)
        damaged[at % len(blob)] ^= change
        with contextlib.suppress(columns.Damaged):  # some bits of a compressed stream decide nothing
            assert read(bytes(damaged)) == read(blob)
        with pytest.raises(columns.Damaged):
            read(blob[: at % len(blob)])


def test_unpack_refuses_a_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    blob = columns.pack(bytes(5000))
    monkeypatch.setattr(columns, "LIMIT_BYTES", 1000)
    with pytest.raises(columns.Damaged):
        columns.unpack(blob)


def test_unshifted_refuses_durations_of_other_tests() -> None:
    with pytest.raises(columns.Damaged, match="3 tests belong to 2"):
        columns.unshifted(columns.shifted([1, 2, 3], [0, 0, 0]), [0, 0])


def test_pairs_refuses_a_set_that_is_cut() -> None:
    with pytest.raises(columns.Damaged, match="cut"):
        columns.pairs(columns.pack(b"\1\0\0\0"))


def test_letters_exist_for_every_outcome() -> None:
    assert content.outcomes(content.letters(Outcome)) == tuple(Outcome)
    assert len(set(content.LETTERS.values())) == len(Outcome)
