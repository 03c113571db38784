"""The typed option table: every command and option declared once.

The parser, the help, the reference page and the tests come from this table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One option or positional argument of a command."""

    flags: tuple[str, ...]
    """`("--json",)`, or one bare name for a positional argument."""
    help: str
    type: Callable[[str], Any] | None = None
    default: Any = None
    choices: tuple[str, ...] = ()
    switch: bool = False
    """True for a flag without a value."""
    many: str = ""
    """argparse's nargs: `*`, `+` or `?`."""
    repeat: bool = False
    """True when the option may be given several times."""
    metavar: str = ""
    required: bool = False


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command; `target` is `module:function`, imported only when the command runs."""

    name: str
    help: str
    target: str
    options: tuple[Option, ...] = ()
    examples: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()
    """Sub-commands, such as `services up`."""
    alone: bool = False
    """True when a command with sub-commands does something without one, too."""
    passes_through: bool = False
    """True when arguments after `--` go on unchanged."""


def seed(text: str) -> int:
    """Return a seed of a random order of tests.

    Raises:
        ValueError: it is no whole number from 0 to 2^32 - 1, which is what Python takes as PYTHONHASHSEED.
    """
    number = int(text)
    if not 0 <= number < 1 << 32:
        raise ValueError(text)
    return number


SET = Option(
    flags=("--set",),
    repeat=True,
    metavar="KEY=VALUE",
    help="Override one configuration value, such as gates.coverage.line=85.",
)
JSON = Option(flags=("--json",), switch=True, help="Print the result as JSON on standard output.")
ROOT = Option(flags=("-C", "--directory"), metavar="DIR", help="Work as if started in this folder.")
QUIET = Option(flags=("-q", "--quiet"), switch=True, help="Print results and errors only.")
EVIDENCE = Option(flags=("--evidence",), metavar="DIR", help="Folder with evidence (default .truegreen).")
EVENT = Option(flags=("--event",), metavar="NAME", help="Plan as for this event (default: the CI's event, or local).")
STAGES = Option(
    flags=("stages",), many="*", metavar="STAGE", help="Stages by name; none means those planned for the event."
)
COMMON = (ROOT, SET, QUIET)
