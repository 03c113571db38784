"""The rewriting of `$/` is pure, and touches nothing but `uses:`."""

from __future__ import annotations

import pytest

from truegreen.app.render import rewrite


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("      - uses: $/actions/run", "      - uses: o/r/actions/run@v1"),
        ("    uses: $/.github/workflows/unit.yml", "    uses: o/r/.github/workflows/unit.yml@v1"),
        ("    uses: $/actions/run # why", "    uses: o/r/actions/run@v1 # why"),
        ('    uses: "$/actions/run"', '    uses: "o/r/actions/run@v1"'),
        ("    uses: '$/actions/run'", "    uses: 'o/r/actions/run@v1'"),
        ("-   uses:   $/actions/run", "-   uses:   o/r/actions/run@v1"),
    ],
)
def test_rewrite_self_reference_becomes_a_full_one(line: str, expected: str) -> None:
    text = f"jobs:\n{line}\n    with: {{a: 1}}\n"
    assert rewrite(text, "o/r", "v1") == (text.replace(line, expected), 1)


@pytest.mark.parametrize(
    "line",
    [
        "  uses: actions/checkout@v7",
        "  uses: ./actions/run",
        "  # uses: $/actions/run",
        "  run: echo 'uses: $/actions/run'",
        "  description: uses: $/x",
        "  reuses: $/actions/run",
        "  path: $/actions/run",
        "  uses: $HOME/actions/run",
        "  uses: ${{ inputs.uses }}",
        "  uses: \"$/actions/run'",
    ],
)
def test_rewrite_leaves_everything_else(line: str) -> None:
    assert rewrite(line, "o/r", "v1") == (line, 0)


def test_rewrite_counts_all_and_keeps_dollars_and_backslashes_of_the_reference() -> None:
    text = "- uses: $/a\n- uses: $/b\n"
    assert rewrite(text, r"o/r\1", "v$1") == (f"- uses: {r'o/r'}\\1/a@v$1\n- uses: {r'o/r'}\\1/b@v$1\n", 2)
