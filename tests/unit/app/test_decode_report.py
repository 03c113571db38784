"""A `verdict.json` that nobody's run left is refused in words, whichever document is asked for."""

from __future__ import annotations

import copy
import json

import pytest
from tests.support.known_reports import flaky

from truegreen import registry
from truegreen.app import gate
from truegreen.errors import EvidenceUnreadable

KNOWN = json.loads(registry.load("reporter", "json")().render(flaky()).body)
TESTS = ("detail", "tests", 0)


def changed(path, value):
    document = copy.deepcopy(KNOWN)
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ((*TESTS, "names"), [], "differ in length"),
        ((*TESTS, "outcomes"), "f", "differ in length"),
        ((*TESTS, "durations_s"), [0.1] * 50, "differ in length"),
        ((*TESTS, "outcomes"), "x" * len(KNOWN["detail"]["tests"][0]["names"]), "an outcome that is none"),
        ((*TESTS, "durations_s", 0), 1e308, "longer than anything"),
        (("detail", "now", "failed"), 10**4200, "larger than anything"),
        (("detail", "trend", 0, "duration_s"), -1e300, "larger than anything"),
        (("detail", "comparison", "base", "tests"), 10**30, "larger than anything"),
    ],
)
def test_report_with_what_cannot_be_is_refused_with_the_reason(path, value, why):
    with pytest.raises(EvidenceUnreadable) as refused:
        gate.decode(changed(path, value), "artifact")
    assert why in refused.value.why
    assert refused.value.where == "artifact"


def test_report_as_it_was_written_is_read_back():
    assert gate.decode(changed(("headline",), "x"), "artifact").headline == "x"
