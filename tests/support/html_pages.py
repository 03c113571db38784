"""Reports as HTML pages."""

from __future__ import annotations

from truegreen import registry


def render(report, budget=None):
    return registry.load("reporter", "html")().render(report, budget)
