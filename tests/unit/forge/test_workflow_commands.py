"""The runner's command files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from truegreen.errors import WrongValue
from truegreen.forge import workflow_commands as commands
from truegreen.runtime.console import Console

if TYPE_CHECKING:
    from pathlib import Path


def read_like_the_runner(text: str) -> dict[str, str]:
    """Return outputs as the runner reads them: `name<<DELIMITER`, lines, `DELIMITER`."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if "<<" in line:
            name, delimiter = line.split("<<", 1)
            value = []
            for inner in lines:
                if inner == delimiter:
                    break
                value.append(inner)
            found[name] = "\n".join(value)
    return found


@pytest.mark.parametrize("value", ["", "a", "a\nb\n", "x=1\ny<<EOF\nz\nEOF", "\r\n", "é👍", "admin=true\n"])
def test_write_output_any_value_comes_back_and_nothing_else(tmp_path: Path, value: str) -> None:
    env = {"GITHUB_OUTPUT": str(tmp_path / "out")}
    assert commands.write_output(env, {"verdict": value, "next": "1"})
    assert read_like_the_runner((tmp_path / "out").read_bytes().decode()) == {"verdict": value, "next": "1"}


def test_output_entry_value_that_holds_the_delimiter_gets_another() -> None:
    tokens = iter(["seen", "seen", "other"])
    entry = commands.output_entry("a", "truegreen_seen", lambda: next(tokens))
    delimiter = entry.split("\n")[0].removeprefix("a<<")
    assert delimiter != "truegreen_seen"
    assert read_like_the_runner(entry) == {"a": "truegreen_seen"}


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "", "a b", "a<<b", "a=b", "1a", "é", "a" * 101])
def test_output_entry_name_that_could_inject_is_refused(name: str) -> None:
    with pytest.raises(WrongValue):
        commands.output_entry(name, "x")


def test_write_output_at_a_desk_does_nothing() -> None:
    assert commands.write_output({}, {"a": "b"}) is False


def test_write_summary_keeps_what_is_there_and_the_budget_counts_it(tmp_path: Path) -> None:
    page = tmp_path / "summary"
    page.write_text("before")
    budgets = []
    assert (
        commands.write_summary({"GITHUB_STEP_SUMMARY": str(page)}, lambda budget: budgets.append(budget) or "# ok\n")
        == ""
    )
    assert page.read_text() == "before\n# ok\n"
    assert budgets == [(1 << 20) - 4096 - len("before") - 2]


def test_write_summary_full_page_is_left_alone_and_said(tmp_path: Path) -> None:
    page = tmp_path / "summary"
    page.write_bytes(b"x" * ((1 << 20) - 4096))
    assert "full" in commands.write_summary({"GITHUB_STEP_SUMMARY": str(page)}, lambda _: "# ok")
    assert page.stat().st_size == (1 << 20) - 4096


def test_write_summary_document_of_exactly_the_budget_fits(tmp_path: Path) -> None:
    page = tmp_path / "summary"
    env = {"GITHUB_STEP_SUMMARY": str(page)}
    assert commands.write_summary(env, lambda budget: "é" * (budget // 2)) == ""
    assert page.stat().st_size <= (1 << 20) - 4096


def test_write_summary_without_page_says_so() -> None:
    assert commands.write_summary({}, lambda _: "x") == "this runner has no summary page"


def test_mask_hides_each_line_and_escapes_it() -> None:
    out = io.StringIO()
    commands.mask(Console(err=out, ci=True), "se%cret\nsecond-line\nab\n")
    assert out.getvalue() == "::add-mask::se%25cret\n::add-mask::second-line\n"


def test_escape_command_characters() -> None:
    assert commands.escape_data("a%\r\nb") == "a%25%0D%0Ab"
    assert commands.escape_property("a:b,c\n") == "a%3Ab%2Cc%0A"
