"""The one writer of the runner's command files and of masks."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from truegreen.errors import WrongValue
from truegreen.runtime import files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from truegreen.runtime.console import Console

SUMMARY_LIMIT_BYTES = 1 << 20
SUMMARY_MARGIN_BYTES = 4096
"""A summary of exactly 1 MiB was seen refused, and a refused summary is lost as a whole."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")
_MASK_LEAST = 4
"""A shorter value would mask ordinary words all over the log."""


def output_entry(name: str, value: str, token: Callable[[], str] = lambda: secrets.token_hex(16)) -> str:
    """Return the lines for `GITHUB_OUTPUT` between delimiters nobody can guess.

    Raises:
        WrongValue: the name holds anything but letters, digits, `_` and `-`.
    """
    if not _NAME.fullmatch(name):
        raise WrongValue("the name of an output is not usable", where=repr(name), fix="use letters, digits, _ and -")
    clean = value.replace("\0", "")
    delimiter = f"truegreen_{token()}"
    while delimiter in clean:
        delimiter = f"truegreen_{token()}{secrets.token_hex(4)}"
    return f"{name}<<{delimiter}\n{clean}\n{delimiter}\n"


def write_output(env: Mapping[str, str], values: Mapping[str, str]) -> bool:
    """Write outputs of the step; false where the runner has no such file (a laptop)."""
    path = env.get("GITHUB_OUTPUT", "")
    if not path:
        return False
    files.append_text(Path(path), "".join(output_entry(name, value) for name, value in values.items()))
    return True


def summary_budget(env: Mapping[str, str]) -> int:
    """Return the bytes that the step's summary can still take; 0 where there is no summary page."""
    path = env.get("GITHUB_STEP_SUMMARY", "")
    if not path:
        return 0
    place = Path(path)
    used = place.stat().st_size if place.is_file() else 0
    return max(0, SUMMARY_LIMIT_BYTES - SUMMARY_MARGIN_BYTES - used)


def write_summary(env: Mapping[str, str], render: Callable[[int], str]) -> str:
    """Append a document to the step's summary; returns why it is not there, or nothing.

    Args:
        env: the runner's variables.
        render: given a budget in UTF-8 bytes, returns a document that fits.
    """
    if not env.get("GITHUB_STEP_SUMMARY", ""):
        return "this runner has no summary page"
    budget = summary_budget(env)
    # A blank line first: what the step wrote before may not end with a newline.
    text = "\n" + render(max(0, budget - 2)).strip("\n") + "\n"
    if len(text.encode("utf-8", "backslashreplace")) > budget:
        return f"the step's summary page is full ({budget:,} bytes left)"
    files.append_text(Path(env["GITHUB_STEP_SUMMARY"]), text)
    return ""


def mask(console: Console, secret: str) -> None:
    """Ask the runner to hide a secret, line by line, in everything printed from now on."""
    for line in secret.splitlines():
        if len(line.strip()) >= _MASK_LEAST:
            console.command(f"::add-mask::{escape_data(line.strip())}")


def escape_data(text: str) -> str:
    """Return text that is safe as the message of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """Return text that is safe as a property of a workflow command."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")
