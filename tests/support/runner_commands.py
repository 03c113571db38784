"""What the runner of GitHub Actions obeys in the output of a step.

As https://github.com/actions/runner reads it (`ActionCommand.cs`), but that any name
of a command is taken as known here.
"""

from __future__ import annotations

import re

_BLANK = f"\ufeff \t\x0b\x0c\x85\xa0\u1680{''.join(map(chr, range(0x2000, 0x200B)))}\u2028\u2029\u202f\u205f\u3000"
"""What .NET removes from the beginning of a line, and the mark of the byte order at the beginning of a stream."""

COMMANDING = (
    "boom\n::error file=x,line=1::owned\n::add-mask::e\n::stop-commands::zz\n##[error]owned\n",
    "\ufeff::error::owned",
    "\u3000\u2009::stop-commands::zz",
    "a\r::error::owned",
    "\n\n \n\t ::error::owned",
    "a ##[add-mask]b ##[##[error]c",
    "::::error::owned",
    "###[error]",
    "#",
    "::",
)
"""Output of tests that tries to command the runner."""


def obeyed(text: str) -> list[str]:
    """Return the lines that the runner takes for commands."""
    lines = re.split(r"\r\n|\r|\n", text)
    return [line for line in lines if line.lstrip(_BLANK).startswith("::") or "##[" in line]
