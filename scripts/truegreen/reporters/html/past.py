"""Sections of the page about earlier runs: against the base, test by test over runs, trends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.analysis import coverage as figures
from truegreen.model import detail
from truegreen.reporters.html.markup import Html, commit, element, joined, row, stage_name, table, text
from truegreen.reporters.words import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from truegreen.model.detail import Detail, Named, Several, Slower, Strip, TrendPoint

_EXACT = 10**12
_CELL, _STEP, _HEIGHT = 6, 8, 16
_BARS = {
    detail.FAILED: ("failed", 16),
    detail.ERRED: ("failed", 16),
    detail.FLAKY: ("flaky", 10),
    detail.SKIPPED: ("ran", 2),
    detail.PASSED: ("ran", 4),
    detail.RAN: ("ran", 4),
}
"""Letter → class and height: the height tells what the colour tells."""
_WIDTH, _TALL, _EDGE = 300, 60, 4


def compared(found: Detail) -> Html:
    """Return this run beside the one of the base: figures, and the tests whose outcome changed."""
    against = found.comparison
    if against is None or found.now is None:
        return Html("")
    which = "the commit where the change left its base" if against.exact else "the newest run of the default branch"
    base, now = against.base, found.now
    rows = [
        row("Verdict", base.status, now.status, ""),
        row("Tests that ran", f"{base.tests:,}", f"{now.tests:,}", _signed(now.tests - base.tests)),
        row("Failed", f"{base.failed:,}", f"{now.failed:,}", _signed(now.failed - base.failed)),
        row("Flaky", f"{base.flaky:,}", f"{now.flaky:,}", _signed(now.flaky - base.flaky)),
        row("Lines covered", _percent(base.line_ratio), _percent(now.line_ratio), _points(base, now)),
        row("Time", duration(base.duration_s), duration(now.duration_s), f"{now.duration_s - base.duration_s:+.1f} s"),
    ]
    return joined(
        (
            element("p", f"Compared with {which}, ", commit(base.commit), text(f", {base.created}")),
            table(("Figure", "There", "Here", "Change"), rows, label="Against the base"),
            _names("Newly failing", against.newly_failing),
            _names("Failing there too", against.still_failing),
            _names("Fixed", against.fixed),
            _names("Newly flaky", against.newly_flaky),
            _names("New", against.new),
            _names("Gone", against.gone),
            _names("Newly skipped", against.newly_skipped),
            _slower(against.slower),
        )
    )


def _names(title: str, tests: Several[Named]) -> Html:
    return _list(title, [f"{one.stage}: {one.test}" for one in tests.named], tests.count)


def _slower(tests: Several[Slower]) -> Html:
    rows = [f"{one.stage}: {one.test}: {duration(one.now_s)}, usually {duration(one.usual_s)}" for one in tests.named]
    return _list("Slower", rows, tests.count)


def _list(title: str, lines: list[str], total: int) -> Html:
    if not total:
        return Html("")
    rows = [element("li", text(line), class_="item") for line in lines]
    if total > len(lines):
        rows.append(element("li", f"and {total - len(lines):,} more"))
    summary = element("summary", f"{title} ({total:,})")
    return element("details", summary, element("ul", *rows))


def _signed(value: int) -> str:
    return f"{value:+,}" if value else "="


def _percent(ratio: float | None) -> str:
    """Return a share rounded down, as everywhere: 99.996 % is not the whole."""
    return "" if ratio is None else figures.percent(round(ratio * _EXACT), _EXACT)


def _points(base: TrendPoint, now: TrendPoint) -> str:
    if base.line_ratio is None or now.line_ratio is None:
        return ""
    apart = now.line_ratio - base.line_ratio
    if not apart:
        return "±0 points"
    return f"{'+' if apart > 0 else '-'}{max(0.01, abs(apart) * 100):.2f} points"  # a difference is never none


# --- test by test ----------------------------------------------------------------------------------------------------


def strips(found: Detail) -> Html:
    """Return one row of bars for each test that was red or flaky in one of the newest runs."""
    rows = [
        row(text(one.test), stage_name(one.stage), _strip(one), str(_seen(one)), numbers=1, class_="item")
        for one in found.strips
    ]
    if not rows:
        return Html("")
    runs = len(found.trend)
    legend = (
        f"The last {runs:,} runs, oldest on the left, and this one at the end: a full bar failed, a half one was "
        "flaky (a rerun passed), a low one shows no failure, a gap means that the stage did not run."
    )
    grid = table(("Test", "Stage", "Runs", "Red or flaky"), rows, label="Tests over runs", name="t-flaky", numbers=1)
    return joined((element("p", legend, class_="quiet"), grid))


def _seen(strip: Strip) -> int:
    return sum(strip.cells.count(letter) for letter in (detail.FAILED, detail.ERRED, detail.FLAKY))


def _strip(strip: Strip) -> Html:
    paths: dict[str, str] = {}
    for place, letter in enumerate(strip.cells):
        if letter in _BARS:
            kind, height = _BARS[letter]
            left, top = place * _STEP, _HEIGHT - height
            paths[kind] = paths.get(kind, "") + f"M{left} {top}h{_CELL}v{height}h-{_CELL}z"
    failed = strip.cells.count(detail.FAILED) + strip.cells.count(detail.ERRED)
    said = f"failed in {failed} and flaky in {strip.cells.count(detail.FLAKY)} of {len(strip.cells)} runs"
    width = len(strip.cells) * _STEP
    drawn = (element("path", class_=kind, d=path) for kind, path in paths.items())
    return element(
        "svg", *drawn, viewBox=f"0 0 {width} {_HEIGHT}", width=width, height=_HEIGHT, role="img", aria_label=said
    )


# --- trends ----------------------------------------------------------------------------------------------------------


def trends(found: Detail) -> Html:
    """Return coverage, duration, flaky and failed tests over the newest runs, as drawings with their figures."""
    points = (*found.trend, *((found.now,) if found.now else ()))
    if len(points) < 2:  # noqa: PLR2004 - one point is no line
        return Html("")
    return element(
        "div",
        _trend("Lines covered", points, lambda one: one.line_ratio, _percent),
        _trend("Time", points, lambda one: one.duration_s, duration),
        _trend("Flaky tests", points, lambda one: one.flaky, lambda value: f"{value:,.0f}"),
        _trend("Failed tests", points, lambda one: one.failed, lambda value: f"{value:,.0f}"),
        class_="trends",
    )


def _trend(
    title: str,
    points: Sequence[TrendPoint],
    value: Callable[[TrendPoint], float | None],
    shown: Callable[[float], str],
) -> Html:
    known = [(place, figure) for place, one in enumerate(points) if (figure := value(one)) is not None]
    if not known:
        return Html("")
    figures = [figure for _, figure in known]
    low, high = min(figures), max(figures)
    said = f"{title} over {len(known)} runs: first {shown(figures[0])}, last {shown(figures[-1])}"
    spread = f"lowest {shown(low)}, highest {shown(high)}"
    step = (_WIDTH - 2 * _EDGE) / max(len(points) - 1, 1)
    dots = [(_EDGE + place * step, _level(figure, low, high)) for place, figure in known]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in dots)
    last = dots[-1]
    drawing = element(
        "svg",
        element("polyline", points=line),
        element("circle", cx=f"{last[0]:.1f}", cy=f"{last[1]:.1f}", r=3),
        viewBox=f"0 0 {_WIDTH} {_TALL}",
        role="img",
        aria_label=f"{said}, {spread}",
    )
    caption = element("figcaption", element("strong", title), f" {shown(figures[-1])}")
    return element("figure", caption, drawing, element("small", spread))


def _level(value: float, low: float, high: float) -> float:
    """Return how far from the top a figure is drawn; equal ones lie in the middle."""
    share = (value - low) / (high - low) if high > low else 0.5
    return _TALL - _EDGE - share * (_TALL - 2 * _EDGE)
