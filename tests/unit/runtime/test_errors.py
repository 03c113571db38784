"""Every failure: one class a cause, with code, exit code, remedy and a documented meaning."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import msgspec
import pytest

from truegreen import errors
from truegreen.errors import TruegreenError
from truegreen.model.evidence import ErrorRecord

DOCS = Path(__file__).resolve().parents[3] / "docs" / "errors.md"
BASES = {
    "1": (errors.ConfigurationError, errors.EXIT_CONFIGURATION),
    "2": (errors.EvidenceError, errors.EXIT_EVIDENCE),
    "3": (errors.EngineError, errors.EXIT_ENGINE),
    "4": (errors.EngineError, errors.EXIT_ENGINE),
    "9": (errors.InternalError, errors.EXIT_BUG),
}
"""First digit of the code → the base class and the exit code."""


def declared():
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, TruegreenError) and value is not TruegreenError
    ]


CLASSES = declared()
NAMES = [cls.__name__ for cls in CLASSES]


@pytest.fixture(params=CLASSES, ids=NAMES)
def cls(request):
    return request.param


def test_codes_and_slugs_are_unique():
    assert len({cls.code for cls in CLASSES}) == len(CLASSES)
    assert len({cls.slug for cls in CLASSES}) == len(CLASSES)


def test_exit_codes_are_those_that_users_were_promised():
    found = (
        errors.EXIT_OK,
        errors.EXIT_GATE_FAILED,
        errors.EXIT_CONFIGURATION,
        errors.EXIT_EVIDENCE,
        errors.EXIT_ENGINE,
        errors.EXIT_BUG,
    )
    assert found == (0, 1, 2, 3, 4, 70)


def test_all_errors_are_ordered_by_code_and_complete():
    found = errors.all_errors()
    ours = {code: cls for code, cls in found.items() if cls.__module__ == errors.__name__}
    assert list(found) == sorted(found)
    assert ours == {cls.code: cls for cls in CLASSES}
    assert TruegreenError not in found.values()


def test_code_says_family_and_exit_code(cls):
    assert re.fullmatch(r"TG\d{3}", cls.code)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", cls.slug)
    base, exit_code = BASES[cls.code[2]]
    assert issubclass(cls, base)
    assert cls.exit_code == exit_code


def test_no_failure_ends_like_a_success_or_a_verdict(cls):
    assert cls("x").exit_code not in (errors.EXIT_OK, errors.EXIT_GATE_FAILED)


def test_class_has_code_slug_remedy_and_meaning_of_its_own(cls):
    own = vars(cls)
    assert {"code", "slug", "fix_default", "__doc__"} <= set(own)
    assert own["fix_default"]
    assert not own["fix_default"].endswith(".")


def test_documentation_explains_the_class(cls):
    page = DOCS.read_text(encoding="utf-8")
    _, mark, rest = page.partition(f"## {cls.code} {cls.slug}\n")
    assert mark
    entry = rest.partition("\n## ")[0]
    assert inspect.cleandoc(cls.__doc__) in entry
    assert f"Exit code {cls.exit_code} " in entry
    assert cls.fix_default in entry


def test_lines_tell_what_where_why_and_fix_in_this_order():
    error = errors.WrongValue("line is 'x'", where="pyproject.toml:4", why="not a number", fix="write 80")
    assert error.lines() == [
        "error TG104: line is 'x'",
        "  where: pyproject.toml:4",
        "  why: not a number",
        "  fix: write 80",
    ]


def test_lines_leave_out_what_is_not_known():
    assert TruegreenError("broken").lines() == ["error TG900: broken"]
    assert TruegreenError("broken", why="dust").lines() == ["error TG900: broken", "  why: dust"]


def test_fix_of_the_class_stands_in_for_one_of_its_own():
    assert errors.EvidenceStale("old").fix == errors.EvidenceStale.fix_default
    assert errors.EvidenceStale("old", fix="burn it").fix == "burn it"
    assert errors.EvidenceStale("old").lines()[-1] == f"  fix: {errors.EvidenceStale.fix_default}"


def test_message_of_the_exception_is_what_happened():
    assert str(errors.PortInUse("port 80 is in use", where="x", why="y")) == "port 80 is in use"


def test_record_holds_everything_and_survives_json(cls):
    record = cls("what", where="where", why="why").record()
    assert record == ErrorRecord(
        code=cls.code, what="what", where="where", why="why", fix=cls.fix_default, exit_code=cls.exit_code
    )
    assert msgspec.json.decode(msgspec.json.encode(record), type=ErrorRecord) == record
    assert cls("what", fix="other").record().fix == "other"
