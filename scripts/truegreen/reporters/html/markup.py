"""HTML that is escaped by construction: whatever is not `Html` is foreign and becomes text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.reporters.escape import html_text, last_lines, one_line, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

_VOID = frozenset({"meta", "input", "br"})


class Html(str):
    """Markup that is safe as it stands; only this module and constants of ours make it."""

    __slots__ = ()


def element(tag: str, *children: Html | str | None, **attributes: str | int | None) -> Html:
    """Return an element; children that are not markup are escaped, None and empty ones vanish.

    Args:
        tag: name of the element.
        children: what it holds.
        attributes: `class_` stands for `class`, `data_x` for `data-x`; None and False leave one out, True gives it
            no value.
    """
    given = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in _VOID:
        return Html(f"<{tag}{given}>")
    return Html(f"<{tag}{given}>{joined(children)}</{tag}>")


def _attribute(name: str, value: str | int | None) -> str:
    if value is None or value is False:
        return ""
    known = name.rstrip("_").replace("_", "-")
    return f" {known}" if value is True else f' {known}="{html_text(str(value))}"'


def joined(children: Iterable[Html | str | None]) -> Html:
    """Return children one after the other, foreign ones escaped."""
    return Html("".join(child if isinstance(child, Html) else html_text(child) for child in children if child))


def text(value: str, limit: int = 2000) -> Html:
    """Return one line of foreign text."""
    return Html(html_text(shorten(value, limit)))


def stage_name(value: str) -> Html:
    """Return the name of a stage, which is not broken where there is room."""
    return element("span", text(value, 60), class_="stage")


def commit(value: str) -> Html:
    """Return the beginning of a commit's name, by which people know it."""
    return element("code", text(value[:12]))


def prose(value: str, limit: int = 2000) -> Html:
    """Return a sentence in which a pair of backticks marks code."""
    pieces = one_line(value, limit).split("`")
    if len(pieces) % 2 == 0:
        return text(value, limit)
    return joined(element("code", piece) if place % 2 else piece for place, piece in enumerate(pieces))


def block(value: str, lines: int, width: int = 500) -> Html:
    """Return the last lines of a foreign text, preformatted; says how many lines stand above them."""
    rows, above = last_lines(value, lines, width)
    shown = "\n".join((*([f"[… {above:,} lines above]"] if above else ()), *rows))
    return element("pre", Html(html_multiline(shown)), tabindex=0)


def html_multiline(value: str) -> str:
    """Return text of several lines, each escaped."""
    return "\n".join(html_text(row) for row in value.split("\n"))


def table(head: Iterable[str], rows: Iterable[Html], *, label: str, name: str = "", numbers: int = 0) -> Html:
    """Return a table that scrolls within itself where the page is narrow.

    Args:
        head: titles of the columns.
        rows: complete `tr` elements.
        label: what the table is, for those who cannot see it.
        name: id by which the address bar remembers how it is sorted; empty means that it cannot be sorted.
        numbers: how many of the last columns hold numbers.
    """
    titles = list(head)
    first = len(titles) - numbers
    cells = (
        element("th", title, scope="col", class_="number" if place >= first else None)
        for place, title in enumerate(titles)
    )
    grid = element(
        "table",
        element("caption", label, class_="hidden"),
        element("thead", element("tr", *cells)),
        element("tbody", Html("".join(rows))),
        id=name or None,
        class_="sortable" if name else None,
    )
    return element("div", grid, class_="wide", tabindex=0)


def row(*cells: Html | str, numbers: int = 0, **attributes: str | int | None) -> Html:
    """Return a row of a table, its last cells numbers."""
    first = len(cells) - numbers
    found = (element("td", cell, class_="number" if place >= first else None) for place, cell in enumerate(cells))
    return element("tr", *found, **attributes)
