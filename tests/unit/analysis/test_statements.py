"""Where statements begin."""

from __future__ import annotations

from textwrap import dedent

import pytest

from truegreen.analysis.statements import first_lines


def test_lines_within_a_statement_belong_to_its_first():
    source = dedent(
        """\
        x = f(
            1,
            2,
        )
        if (
            a
            and b
        ):
            y = [
                3
            ]
        @d(
            4
        )
        def g(
            h,
        ):
            return h
        match x:
            case 1:
                z = (
                    5)
        """
    )
    assert first_lines(source) == {2: 1, 3: 1, 4: 1, 6: 5, 7: 5, 8: 5, 10: 9, 11: 9, 16: 15, 17: 15, 22: 21}


def test_head_ends_before_the_decorator_of_its_first_statement():
    assert first_lines("class A:\n    @p\n    def f(self): pass\n") == {}


@pytest.mark.parametrize("source", ["", "x =", "\0", "x = 1\n"])
def test_source_without_such_lines_or_without_sense_has_none(source):
    assert first_lines(source) == {}
