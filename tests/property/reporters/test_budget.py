"""Fitting into any number of bytes: whole forms only, within the budget to the byte, and never silent."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from truegreen.reporters import budget
from truegreen.reporters.budget import Part, fit, join, size

NOTE = 450
WORDS = st.text(st.sampled_from("aé日👩‍\u0301&;`|<"), min_size=1, max_size=30)


@st.composite
def some_parts(draw):
    """Return parts whose forms grow: tables, fences and entities among text of one to four bytes a character."""
    found = []
    for number in range(draw(st.integers(1, 6))):
        body = f"part {number} {draw(WORDS)}"
        forms = [body]
        for step in range(draw(st.integers(0, 3))):
            row = draw(st.sampled_from(("```text\n{}\n```", "| {} |\n|---|", "&#124; {}", "<details>\n{}\n</details>")))
            forms.append(f"{forms[-1]}\n\n{row.format(f'{draw(WORDS)} {number}.{step}' * draw(st.integers(1, 20)))}")
        kind = {"required": number == 0 or draw(st.booleans())}
        if not kind["required"]:
            kind["expendable"] = draw(st.booleans())
        found.append(Part(name=f"part {number}", forms=tuple(forms), **kind))
    return tuple(found)


def least(parts):
    return size(join(part.forms[0] for part in parts if part.required))


@settings(max_examples=150, deadline=None)
@given(some_parts(), st.data())
def test_document_holds_whole_forms_alone_at_any_budget_and_its_neighbours(parts, data):
    full = size(join(part.forms[-1] for part in parts))
    middle = data.draw(st.integers(least(parts) + NOTE, max(full, least(parts) + NOTE) + 2))
    for limit in (middle - 1, middle, middle + 1, full - 1, full, full + 1):
        if limit < least(parts) + NOTE:
            continue
        fitted = fit(parts, limit)
        assert size(fitted.text) <= limit
        chosen = [
            next((form for form in reversed(part.forms) if form in fitted.text), None)
            if part.name not in fitted.left_out
            else None
            for part in parts
        ]
        note = "" if not fitted.omitted else fitted.text.rstrip("\n").rpartition("\n\n")[2]
        assert fitted.text == join((*(form for form in chosen if form), note))
        assert all(form is not None for part, form in zip(parts, chosen, strict=True) if part.required)
        kept = size(fitted.text) - size(f"{note}\n\n") * bool(note)
        for part in parts:
            assert part.name not in fitted.left_out or kept + size(part.forms[0]) + 2 > limit - NOTE


@settings(max_examples=150, deadline=None)
@given(some_parts(), st.integers(-1, 1))
def test_document_is_whole_from_its_exact_size_on_and_below_says_what_is_missing_and_where_it_is(parts, step):
    full = size(join(part.forms[-1] for part in parts))
    fitted = fit(parts, full + step)
    assert bool(fitted.omitted) == (step < 0 and (fitted.shortened != () or fitted.left_out != ()))
    if step >= 0:
        assert fitted.text == join(part.forms[-1] for part in parts)
    elif full - 1 >= least(parts) + NOTE:
        assert fitted.omitted
        assert "Not everything fits here." in fitted.text
        assert "report.html" in fitted.text


def test_note_with_names_that_are_too_long_is_replaced_by_a_short_one():
    parts = (
        Part(name="a", forms=("a",), required=True),
        *(Part(name="日" * 80, forms=("x", "x" * 100, "x" * 900)) for _ in range(5)),
    )
    text = fit(parts, 1000).text
    assert size(text) <= 1000
    assert text.endswith(f"_{budget._CUT} {budget._WHOLE}_\n")


def test_parts_that_come_first_are_served_first():
    parts = tuple(Part(name=f"p{n}", forms=(f"p{n}", f"p{n} " + "x" * 500)) for n in range(4))
    fitted = fit(parts, 1600)
    assert fitted.shortened == ("p2", "p3")
    assert fit(parts, 460).left_out == ("p2", "p3")


@settings(max_examples=150, deadline=None)
@given(some_parts(), st.data())
def test_expendable_part_takes_nothing_from_the_others(parts, data):
    """Beside an expendable part that fits nowhere the same others stand as beside the one that may."""
    lower, upper = least(parts) + NOTE, size(join(part.forms[-1] for part in parts)) - 1
    assume(lower <= upper)
    limit = data.draw(st.integers(lower, upper))
    expendable = {part.name for part in parts if part.expendable}
    hopeless = ("x" * (upper + NOTE),)
    beside = tuple(replace(part, forms=hopeless) if part.expendable else part for part in parts)
    assert set(fit(parts, limit).left_out) - expendable == set(fit(beside, limit).left_out) - expendable


def test_part_that_fits_nowhere_costs_no_other_one():
    parts = (
        Part(name="head", forms=("head",), required=True),
        Part(name="table", forms=("t" * 5_000,)),
        *(Part(name=f"p{n}", forms=(f"p{n}", f"p{n} " + "x" * 100)) for n in range(3)),
    )
    fitted = fit(parts, 2_000)
    assert fitted.left_out == ("table",)
    assert all(f"p{n} {'x' * 100}" in fitted.text for n in range(3))
    assert size(fitted.text) <= 2_000
