"""The waiver file: what is read, and what is refused with file and line."""

from __future__ import annotations

from datetime import date

import pytest

from truegreen.config import settings as config
from truegreen.config import waivers
from truegreen.config.toml_lines import row_lines
from truegreen.errors import ConfigSyntax, ConfigurationError, UnknownKey, UnknownName, WrongValue

GOOD = {
    "gate": '"findings"',
    "stage": '"security-scan"',
    "reason": '"no fix is published yet"',
    "author": '"@jo"',
    "approver": '"kim"',
    "issued": "2026-11-01",
    "expires": "2026-12-24",
}


def row(**more):
    return "[[waivers]]\n" + "".join(f"{key} = {value}\n" for key, value in {**GOOD, **more}.items() if value)


@pytest.fixture
def load(tmp_path):
    def loaded(text, settings="", name="truegreen-waivers.toml"):
        (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "x"\n{settings}')
        if text is not None:
            (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return waivers.load(config.load(tmp_path))

    return loaded


def test_no_file_is_no_waiver(load):
    assert load(None) == ()
    assert load("# nothing\n") == ()


def test_rows_are_read_with_their_places(load):
    wide = row(items='[\n  "src/**",\n]', owner='"ops"')
    first, second = load(f"# why\n{row()}\n# next\n{wide}\n\n")
    assert (first.issued, first.expires, first.items) == (date(2026, 11, 1), date(2026, 12, 24), ())
    assert (first.file, first.line, first.last_line) == ("truegreen-waivers.toml", 2, 9)
    assert (second.line, second.last_line, second.items, second.owner) == (12, 23, ("src/**",), "ops")


def test_rows_may_be_written_inline_and_dates_as_text(load):
    inline = ", ".join(f"{key} = {value}" for key, value in {**GOOD, "issued": '"2026-11-01"'}.items())
    (only,) = load(f"# x\nwaivers = [{{ {inline} }}]\n")
    assert (only.line, only.issued) == (2, date(2026, 11, 1))


def test_file_may_lie_elsewhere_in_the_project(load, tmp_path):
    (tmp_path / "ci").mkdir()
    (only,) = load(row(), '[tool.truegreen]\nwaivers = "ci/w.toml"\n', "ci/w.toml")
    assert only.file == "ci/w.toml"


@pytest.mark.parametrize(
    ("more", "kind", "what", "fix"),
    [
        ({"gate": '"finding"'}, UnknownName, "unknown gate 'finding'", "perhaps you meant 'findings'"),
        ({"stage": '"security"'}, UnknownName, "unknown stage of gate findings 'security'", "perhaps you meant"),
        ({"stage": '"unit"'}, UnknownName, "unknown stage of gate findings 'unit'", "known: security-scan"),
        ({"gate": '"stage-complete"', "stage": '"unit"'}, WrongValue, "gate stage-complete is never waived", "mend"),
        ({"gate": '"waivers"', "stage": '"run"'}, WrongValue, "gate waivers is never waived", "mend"),
        ({"approver": '"Jo "'}, WrongValue, "@jo approved a waiver of their own", "somebody else"),
        ({"approver": '"J\\u200bo"'}, WrongValue, "@jo approved a waiver of their own", "somebody else"),
        ({"approver": '"\\uff2ao\\u00a0"'}, WrongValue, "@jo approved a waiver of their own", "somebody else"),
        ({"approver": '"@ jo"'}, WrongValue, "@jo approved a waiver of their own", "somebody else"),
        ({"expires": "2026-10-31"}, WrongValue, "expires lies before issued", "dates"),
        ({"expires": "2027-01-31"}, WrongValue, "the waiver is for 91 days, at most 90 are allowed", "earlier"),
        ({"expires": None}, WrongValue, "missing required field `expires`", "mend"),
        ({"expires": '"soon"'}, WrongValue, "expires: invalid", "mend"),
        ({"reason": '" "'}, WrongValue, "reason is empty", "fill"),
        ({"items": '[""]'}, WrongValue, "an item is empty", "name a test"),
        ({"reasons": '"x"'}, UnknownKey, "unknown key 'reasons'", "perhaps you meant 'reason'"),
        ({"line": "3"}, UnknownKey, "unknown key 'line'", ""),
        (
            {"gate": '"load"', "stage": '"performance"', "items": '["GET /"]'},
            WrongValue,
            "gate load cannot be waived item by item",
            "take `items` out",
        ),
        (
            {"gate": '"tests-ran"', "stage": '"unit"', "items": '["a"]'},
            WrongValue,
            "gate tests-ran cannot be waived item by item",
            "take `items` out",
        ),
    ],
)
def test_row_that_cannot_be_honoured_is_refused_with_its_line(load, more, kind, what, fix):
    with pytest.raises(kind) as caught:
        load(f"\n{row(**more)}")
    assert caught.value.what.startswith(what)
    assert (caught.value.where, caught.value.exit_code) == ("truegreen-waivers.toml:2", 2)
    assert fix in caught.value.fix


def test_row_that_stands_twice_is_refused(load):
    with pytest.raises(WrongValue, match="is waived twice") as caught:
        load(row() + row(reason='"again"'))
    assert (caught.value.where, caught.value.why) == ("truegreen-waivers.toml:9", "see truegreen-waivers.toml:1")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"[[waivers]\n", ConfigSyntax),
        (b"\xff", ConfigSyntax),
        (b"[[waiver]]\n", UnknownKey),
        (b"[waivers]\n", WrongValue),
        (b"waivers = 3\n", WrongValue),
        (b"waivers = [3]\n", WrongValue),
    ],
)
def test_file_that_is_no_list_of_waivers_is_refused(load, text, kind):
    with pytest.raises(kind) as caught:
        load(text)
    assert caught.value.where.startswith("truegreen-waivers.toml")


@pytest.mark.parametrize(
    ("name", "what"), [("gone.toml", "there is no gone.toml"), ("../w.toml", "../w.toml lies outside")]
)
def test_file_that_is_named_must_be_there_and_inside(load, name, what):
    with pytest.raises(ConfigurationError) as caught:
        load(None, f'[tool.truegreen]\nwaivers = "{name}"\n')
    assert caught.value.what.startswith(what)


def test_longest_time_is_an_option(load):
    load(row(expires="2027-01-31"), "[tool.truegreen.gates.waivers]\nmax-days = 91\n")
    with pytest.raises(WrongValue, match="53 days"):
        load(row(), "[tool.truegreen.gates.waivers]\nmax-days = 30\n")


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("", []),
        ("[[a]]\nx = 1\n[[a]]\n", [(1, 2), (3, 3)]),
        ("[[a]]\nx = 1\n\n# c\n[b]\ny = 1\n[[a]]\nz = '''\n[[a]]\n'''\n", [(1, 2), (7, 10)]),
        ("[[a]]\n[a.sub]\nx = 1\n[[b]]\n", [(1, 3)]),
    ],
)
def test_row_lines_span_a_row_without_what_follows_it(text, spans):
    assert row_lines(text, "a") == spans
