"""The only writer to standard output and standard error.

All text is neutralised: a test name or a scanner message can neither issue a workflow command
(`::error::`, `##[…]`) nor move the cursor of a terminal. So are documents on standard output, each in its own
language, for nothing tells a pipe to a parser from the one that the runner reads; parsers read what stood there.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_COMMAND = re.compile(r"((?:^|\r)(?:[^\S\r\n]|\ufeff)*)::", re.MULTILINE)
"""Blanks before a command are nothing to the runner, nor is a mark of the byte order where a stream begins."""
_WORD = re.compile(r"(?:\S|[\x0b\x0c\x1c-\x1f\x85])+")
"""A control character is no blank: it is shown."""
JSON = "application/json"
SHELL = "application/x-sh"
COMMANDS = "text/x-workflow-commands"
"""Documents for the runner, made of commands that we composed and escaped ourselves."""
PROGRESS_AFTER_S = 2.0
_TICK_S = 0.5


def neutral(text: str) -> str:
    """Return text that cannot be a workflow command or a terminal escape.

    Control and bidirectional characters become visible escapes; a line that begins with `::` gets a
    zero-width space in front of it, and each `##[`, which the runner obeys anywhere in a line, one within.
    """
    visible = _CONTROL.sub(lambda m: f"\\u{ord(m.group()):04x}", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _neutral_words(visible)


def neutral_line(text: str, limit: int) -> str:
    """Return the words of text on one neutral line, each blank one space.

    Of a text of many megabytes no more is looked at than is needed: when anything is left out, the line is longer
    than `limit`.
    """
    words, length = [], 0
    for word in _WORD.finditer(text):
        words.append(word[0][: limit + 1])
        length += len(words[-1]) + 1
        if length - 1 > limit:
            break
    return neutral(" ".join(words))


def neutral_document(text: str, media_type: str) -> str:
    """Return a document in which the runner finds no command, and a parser of its language what stood there.

    What is no language known here is plain text, for people.
    """
    return _LANGUAGES.get(media_type, neutral)(text)


def _neutral_words(text: str) -> str:
    return _COMMAND.sub("\\1\u200b::", text).replace("##[", "##\u200b[")


def _neutral_json(text: str) -> str:
    """Strings alone hold a `#`, and none of them a line end: no line begins with `::`."""
    return text.replace("##[", "#\\u0023[")


def _neutral_markup(text: str) -> str:
    return _COMMAND.sub("\\1&#58;:", text).replace("##[", "#&#35;[")


def _neutral_shell(text: str) -> str:
    """Both stand between single quotes alone, which end and begin again."""
    return _COMMAND.sub("\\1''::", text).replace("##[", "#'\\#'[")


_LANGUAGES: dict[str, Callable[[str], str]] = {
    JSON: _neutral_json,
    "application/sarif+json": _neutral_json,
    "application/xml": _neutral_markup,
    "image/svg+xml": _neutral_markup,
    "text/html": _neutral_markup,
    "text/markdown": _neutral_words,
    SHELL: _neutral_shell,
    COMMANDS: str,
}


class Console:
    """Plain lines in CI, a progress line on a terminal, silence when quiet."""

    def __init__(
        self,
        *,
        out: TextIO | None = None,
        err: TextIO | None = None,
        ci: bool = False,
        quiet: bool = False,
        progress_after_s: float = PROGRESS_AFTER_S,
    ) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self.ci = ci
        self.quiet = quiet
        self._progress_after_s = progress_after_s
        self._progress = False
        self._lock = threading.Lock()
        self.tty = bool(getattr(self._err, "isatty", lambda: False)()) and not ci

    def result(self, text: str, media_type: str = "text/plain") -> None:
        """Write a result (JSON, a document) to standard output, so that its language is kept and no command obeyed."""
        shown = neutral_document(text, media_type)
        with self._lock:
            self._clear()
            self._out.write(shown if shown.endswith("\n") else shown + "\n")
            self._out.flush()

    def line(self, text: str = "") -> None:
        """Write one neutralised line of progress to standard error; nothing when quiet."""
        if not self.quiet:
            self._write(neutral(text))

    def error(self, lines: list[str]) -> None:
        """Write an error; shown even when quiet."""
        self._write("\n".join(neutral(line) for line in lines))

    def command(self, text: str) -> None:
        """Write a workflow command that we composed and escaped ourselves."""
        if self.ci:
            self._write(text)

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Fold everything inside under a title in CI; a headed block elsewhere."""
        if self.quiet:
            yield
            return
        self._write(f"::group::{neutral(title)}" if self.ci else f"\n{neutral(title)}")
        try:
            yield
        finally:
            if self.ci:
                self._write("::endgroup::")

    @contextmanager
    def working(self, title: str) -> Iterator[None]:
        """Show a running clock on a terminal once something takes over two seconds."""
        if self.quiet or not self.tty:
            yield
            return
        done = threading.Event()
        thread = threading.Thread(target=self._tick, args=(title, done), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _tick(self, title: str, done: threading.Event) -> None:
        start = time.monotonic()
        while not done.wait(min(_TICK_S, self._progress_after_s)):
            elapsed_s = time.monotonic() - start
            if elapsed_s >= self._progress_after_s:
                with self._lock:
                    self._clear()
                    self._err.write(f"  … {neutral(title)} {elapsed_s:.0f} s")
                    self._err.flush()
                    self._progress = True
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        """Remove the progress line, so that nothing else is written behind it."""
        if self._progress:
            self._err.write("\r\x1b[K")
            self._err.flush()
            self._progress = False

    def _write(self, text: str) -> None:
        with self._lock:
            self._clear()
            self._err.write(text + "\n")
            self._err.flush()
