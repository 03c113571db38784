"""The requirement registry: rows, milestones that extend others, and what is refused."""

from __future__ import annotations

from datetime import date

import pytest

from truegreen.config import requirements
from truegreen.config import settings as config
from truegreen.errors import ConfigurationError, UnknownKey, UnknownName, WrongValue


@pytest.fixture
def load(tmp_path):
    def loaded(text, settings="", name="requirements.toml"):
        (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "x"\n{settings}')
        if text is not None:
            (tmp_path / name).write_text(text)
        return requirements.load(config.load(tmp_path))

    return loaded


def row(name, kind="unit", milestone="M1", **more):
    values = {"id": f'"{name}"', "text": '"it works"', "type": f'"{kind}"', "milestone": f'"{milestone}"', **more}
    return "[[requirements]]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())


def test_project_without_a_registry_has_none(load):
    assert load(None) is None
    assert load("") == ()


def test_rows_keep_their_order_and_place(load):
    first, second = load(row("M1-1") + row("M1-2", "persistence", due="2026-12-01"))
    assert (first.id, first.type, first.milestone, first.due, first.line) == ("M1-1", "unit", "M1", None, 1)
    assert (second.file, second.line, second.due) == ("requirements.toml", 6, date(2026, 12, 1))


def test_milestone_extends_another_and_gives_its_day(load):
    text = row("M3-3.1", "smoke", "M3", due="2026-10-01") + row("M1-1")
    text += (
        '[[milestones]]\nname = "M5"\nextends = "M3"\ndue = 2027-01-01\n[[milestones]]\nname = "M1"\ndue = 2026-12-01\n'
    )
    text += '[[milestones]]\nname = "M6"\nextends = "M5"\n'
    found = {one.id: (one.milestone, one.type, one.due) for one in load(text)}
    assert found == {
        "M3-3.1": ("M3", "smoke", date(2026, 10, 1)),
        "M1-1": ("M1", "unit", date(2026, 12, 1)),
        "M5-3.1": ("M5", "smoke", date(2027, 1, 1)),
        "M6-3.1": ("M6", "smoke", None),
    }


@pytest.mark.parametrize(
    ("text", "kind", "what", "where", "hint"),
    [
        (row("a", "persistance"), UnknownName, "unknown type 'persistance'", ":1", "perhaps you meant 'persistence'"),
        (row("a") + row("a"), WrongValue, "requirement a stands twice", ":6", "another id"),
        (row("a b"), WrongValue, "'a b' cannot name a requirement", ":1", "letters"),
        (row("a", mile='"x"'), UnknownKey, "unknown key 'mile'", ":1", "perhaps you meant 'milestone'"),
        ('[[requirements]]\nid = "a"\n', WrongValue, "missing required field `text`", ":1", "mend"),
        ('[[milestones]]\nname = "M5"\nextends = "M3"\n', UnknownName, "unknown milestone 'M3'", ":1", ""),
        (
            row("x-1", milestone="M3") + '[[milestones]]\nname = "M5"\nextends = "M3"\n',
            WrongValue,
            "milestone M5 cannot have a row like x-1",
            ":6",
            "call it M3-",
        ),
        (
            row("M3-1", milestone="M3") + row("M5-1", milestone="M5") + '[[milestones]]\nname = "M5"\nextends = "M3"\n',
            WrongValue,
            "requirement M5-1 stands twice",
            ":11",
            "another id",
        ),
    ],
)
def test_row_that_cannot_be_used_is_refused_with_its_line(load, text, kind, what, where, hint):
    with pytest.raises(kind) as caught:
        load(text)
    assert caught.value.what.startswith(what)
    assert (caught.value.where, caught.value.exit_code) == (f"requirements.toml{where}", 2)
    assert hint in caught.value.fix


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ('milestones = ["M2"]', "unknown milestone 'M2'"),
        ('types = { smoke = ["unti"] }', "there is no stage 'unti'"),
    ],
)
def test_option_that_names_what_is_not_there_is_refused(load, options, what):
    with pytest.raises(ConfigurationError) as caught:
        load(row("M1-1"), f"[tool.truegreen.gates.requirements]\n{options}\n")
    assert caught.value.what == what


def test_types_of_the_project_are_known_beside_the_shipped_ones(load):
    settings = '[tool.truegreen.gates.requirements]\nmilestones = ["M1"]\ntypes = { audit = ["unit"] }\n'
    assert [one.type for one in load(row("a", "audit") + row("b", "wiring"), settings)] == ["audit", "wiring"]
