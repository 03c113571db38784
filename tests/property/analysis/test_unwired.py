"""Scanning sources: any text is read or named, and what one call site supplies, no other takes away."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from truegreen.analysis import unwired
from truegreen.model.wiring import Supply

SERVICE = """
class Service:
    def __init__(self, repository: "Repository | None" = None):
        self.repository = repository

class Repository: ...
"""
CALLS = st.sampled_from(
    ["Service()", "Service(None)", "Service(x)", "Service(repository=x)", "Service(repository=None)"]
)
GIVES = frozenset({"Service(x)", "Service(repository=x)"})


@given(st.text())
def test_any_text_is_read_or_named(text):
    found = unwired.scan({"a.py": text})
    assert found.files + len(found.unread) == 1


@given(st.lists(CALLS, min_size=1, max_size=8))
def test_dependency_is_supplied_exactly_when_one_call_site_hands_it_over(calls):
    texts = {"a.py": SERVICE} | {f"b{n}.py": f"from a import Service\n{call}\n" for n, call in enumerate(calls)}
    (found,) = unwired.scan(texts).dependencies
    assert found.supply is (Supply.SUPPLIED if GIVES & set(calls) else Supply.NEVER)
    assert len(found.calls) == len(calls)
    assert len(found.suppliers) == sum(call in GIVES for call in calls)
    # The order of the files decides nothing.
    assert unwired.scan(dict(reversed(texts.items()))).dependencies == (found,)
