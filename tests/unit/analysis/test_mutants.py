"""The order in which mutants are tried."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.support.evidence import mutant

from truegreen.analysis.mutants import spread


def one(line, operator, path="a.py"):
    return mutant(path=path, line=line, operator=operator)


def test_every_line_has_its_first_before_any_has_its_second_and_kinds_take_turns():
    made = [one(1, "Swap a"), one(1, "Swap b"), one(1, "Number"), one(2, "Swap a"), one(1, "Swap a", path="b.py")]
    order = [(m.path, m.line, m.operator) for m in spread(made, 9)]
    assert order == [
        ("a.py", 1, "Swap a"),
        ("a.py", 2, "Swap a"),
        ("b.py", 1, "Swap a"),
        ("a.py", 1, "Number"),
        ("a.py", 1, "Swap b"),
    ]


@given(st.lists(st.builds(one, st.integers(1, 4), st.sampled_from(["A x", "A y", "B", "C"]))), st.integers(1, 5))
def test_only_what_is_too_much_for_a_line_is_left_out(made, per_line):
    kept = spread(made, per_line)
    for line in range(1, 5):
        assert sum(m.line == line for m in kept) == min(per_line, sum(m.line == line for m in made))
    assert {(m.line, m.operator) for m in kept} <= {(m.line, m.operator) for m in made}
