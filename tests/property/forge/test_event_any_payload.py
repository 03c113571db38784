"""No payload and no variable breaks the reading of an event, or smuggles anything through."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from truegreen.forge.event import parse
from truegreen.forge.workflow_commands import output_entry

KEYS = (
    *("pull_request", "head", "base", "repo", "full_name", "sha", "number", "labels", "name", "after", "ref"),
    *("repository", "workflow_run", "pull_requests", "sender", "login"),
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
JSON = st.recursive(
    LEAVES | st.just("a" * 40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)
NAMES = tuple(
    f"GITHUB_{name}" for name in ["EVENT_NAME", "SHA", "REF", "REPOSITORY", "RUN_ID", "SERVER_URL", "API_URL"]
)
TELLING = ("pull_request", "push", "workflow_run", "refs/pull/7/merge", "http://[", "https://u:p@h", "o/r")
ENV = st.dictionaries(st.sampled_from(NAMES), st.text(max_size=20) | st.sampled_from(TELLING))


@settings(max_examples=300, deadline=None)
@given(ENV, JSON)
def test_parse_any_payload_gives_an_event_of_clean_values(env: dict[str, str], payload: Any) -> None:
    event = parse(env, json.dumps(payload).encode())
    assert re.fullmatch("(|[0-9a-f]{40}|[0-9a-f]{64})", event.sha)
    assert re.fullmatch("(|[0-9a-f]{40}|[0-9a-f]{64})", event.base_sha)
    assert re.fullmatch(r"(|[\w.-]+/[\w.-]+)", event.repository, re.ASCII)
    assert event.pull_request is None or event.pull_request > 0
    for text in (event.ref, event.head_ref, event.base_ref, event.actor, event.run_url, event.api_url, *event.labels):
        assert text == "" or text.isprintable()
    assert event.api_url == "" or event.api_url.startswith(("http://", "https://"))
    assert "@" not in event.api_url


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.text(max_size=50))
def test_output_entry_any_value_is_read_back_as_one_output(value: str, noise: str) -> None:
    entry = output_entry("verdict", value + noise)
    head, *lines = entry.split("\n")
    name, delimiter = head.split("<<", 1)
    assert name == "verdict"
    assert lines.index(delimiter) == len(lines) - 2
    assert "\n".join(lines[: lines.index(delimiter)]) == (value + noise).replace("\0", "")
