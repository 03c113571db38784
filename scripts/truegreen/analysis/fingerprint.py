"""What failed, without what changes from run to run.

A fingerprint is made of the type of the exception, its message with everything volatile masked, and the deepest frame
inside the repository (file and function, never the line). Equal fingerprints mean that one cause is likely, and no
more: no verdict rests on them alone.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from truegreen.model.testrun import TestCase

_MESSAGE_MAX = 4_000
"""Characters that are read of a message; the rest says the same at greater length."""
_SHOWN_MAX = 300
_LINE_MAX = 1_000
_DIGEST_LENGTH = 16

# Texts, which `re` compiles when they are first used: most runs have no failure.
_ANSI = r"\x1b\[[0-9;]{0,20}[A-Za-z]"
# In this order: a mask must not cut what a later one would know as a whole. Every repetition is bounded or over one
# class of characters, so that no text takes more than linear time.
_MASKS: tuple[tuple[str, str], ...] = (
    (r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "<uuid>"),
    (r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,15}://[^\s'\"<>)\]]{1,500}", "<url>"),
    (
        r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)?(?: ?(?:Z|UTC)\b|[+-]\d\d:?\d\d)?",
        "<date>",
    ),
    (r"\b\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?\b", "<date>"),
    (r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b", "<ip>"),
    (r"(?<![\w:])\[?(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{1,4}\]?(?::\d{1,5})?(?![\w:])", "<ip>"),
    (r"\b\d{1,30}\.\d{3,30}(?:e[+-]?\d{1,3})?\b", "<number>"),
    (r"\b0x[0-9a-fA-F]{1,32}\b", "<hex>"),
    (r"\b(?=[0-9a-fA-F]{0,64}\d)(?=[0-9a-fA-F]{0,64}[a-fA-F])[0-9a-fA-F]{7,128}\b", "<hex>"),
    (r"(?<![\w/.])[A-Za-z]:[\\/][^\s'\":;,)\]]{1,500}", "<path>"),
    (r"(?<![\w/.<])/[^\s'\":;,)\]/]{1,200}(?:/[^\s'\":;,)\]/]{0,200}){1,40}", "<path>"),
    (r"\b\d{1,12}(?:\.\d{1,12})? ?(?:ns|us|µs|ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b", "<time>"),
    (r"(?<=[\w\]]):\d{2,5}\b", ":<port>"),
    (r"(?i)\bport[ =:]{1,3}\d{1,5}\b", "port <port>"),
    (r"\bgw\d{1,4}\b", "<worker>"),
    (r"\d{4,}", "<number>"),
)
_TYPE = r"([A-Za-z_][\w.$]{0,200})(?=:|$)"
_TYPE_WORDS = ("Error", "Exception", "Warning", "Failed", "Failure", "Exit", "Interrupt", "Timeout", "Fault")
_NATIVE_FRAME = r'\s{0,8}File "([^"\n]{1,500})", line \d{1,9}, in ([^\s]{1,200})'
_PYTEST_FRAME = r"([^\s:][^:\n]{0,500}\.py):\d{1,9}:(?: in ([^\s]{1,200})| ?([A-Za-z_][\w.]{0,200})?$)"
_PYTEST_DEFINITION = r"[ >E]?\s{0,40}(?:async )?def ([A-Za-z_]\w{0,200})\("
_JVM_FRAME = r"\s{0,8}at ([\w.$]{1,300})\.([\w$<>]{1,200})\(([\w$]{1,200}\.(?:java|kt|scala|groovy)):\d{1,9}\)"
_FOREIGN = ("site-packages/", "dist-packages/", "/lib/python", "<frozen", "<string>", "node_modules/")
_FOREIGN_JVM = ("java.", "javax.", "jdk.", "sun.", "org.junit.", "org.apache.maven.", "kotlin.", "org.gradle.")


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a fingerprint; each may be empty."""

    exception: str = ""
    message: str = ""
    frame: str = ""
    """`file:function`, the file relative to the repository where that is known."""

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits, equal for equal parts; empty when nothing is known."""
        parts = (self.exception, self.message, self.frame)
        if not any(parts):
            return ""
        text = "\0".join(parts).encode("utf-8", "backslashreplace")
        return hashlib.sha256(text).hexdigest()[:_DIGEST_LENGTH]


def of_case(case: TestCase) -> str:
    """Return the key of a case's failure; empty when it has neither message nor detail."""
    return parts(case.message, case.detail).key


def parts(message: str, detail: str) -> Fingerprint:
    """Return the fingerprint of a failure as a result file tells it.

    Args:
        message: one line or a few; hostile.
        detail: traceback or captured text; hostile.
    """
    told = re.sub(_ANSI, "", message[:_MESSAGE_MAX]).strip()
    plain = re.sub(_ANSI, "", detail) if "\x1b" in detail else detail
    lines = [line[:_LINE_MAX] for line in plain.splitlines()]
    frame, raised = _deepest(lines)
    exception, rest = _exception(told)
    return Fingerprint(exception=exception or raised, message=normalised(rest), frame=frame)


def normalised(message: str) -> str:
    """Return a message on one line, in which what is likely to differ between two runs is masked.

    Masked are dates, times, hexadecimal numbers, addresses, UUIDs, ports, durations, URLs, absolute paths and numbers
    of four digits or more; a short number stays, because 404 and 500 are two failures.
    """
    text = message[:_MESSAGE_MAX]
    for pattern, mask in _MASKS:
        text = re.sub(pattern, mask, text)
    return " ".join(text.split())[:_SHOWN_MAX]


def _exception(message: str) -> tuple[str, str]:
    """Return the type of an exception and the text after it; an empty type when the message begins with none."""
    if message.startswith("assert "):  # pytest leaves the type out
        return "AssertionError", message
    match = re.match(_TYPE, message)
    if match is None or not (any(word in match[1] for word in _TYPE_WORDS) or _is_dotted(match[1], message)):
        return "", message
    return match[1], message[match.end() :].lstrip(": ")


def _is_dotted(name: str, message: str) -> bool:
    """Return whether a name can only be a class of a module, as `socket.gaierror:`."""
    return "." in name.strip(".") and message[len(name) :].startswith(": ")


def _deepest(lines: list[str]) -> tuple[str, str]:
    """Return the deepest frame inside the repository, and the exception where a traceback of pytest names it."""
    frame = raised = function = ""
    first_jvm = ""
    for line in lines:
        # Most lines are source or text; looking for a word is many times faster than any pattern.
        if 'File "' in line and (match := re.match(_NATIVE_FRAME, line)):
            frame = _frame(match[1], match[2]) or frame
        elif ".py:" in line and (match := re.match(_PYTEST_FRAME, line)):
            frame = _frame(match[1], match[2] or function) or frame
            raised, function = match[3] or raised, ""
        elif "def " in line and (match := re.match(_PYTEST_DEFINITION, line)):
            function = match[1]
        elif not first_jvm and "at " in line and (match := re.match(_JVM_FRAME, line)):
            # The JVM writes the deepest frame first.
            first_jvm = "" if match[1].startswith(_FOREIGN_JVM) else f"{match[1]}:{match[2]}"
    return frame or first_jvm, raised


def _frame(path: str, function: str) -> str:
    """Return `file:function`, or nothing for a file that is not the repository's."""
    place = path.replace("\\", "/")
    if any(mark in place for mark in _FOREIGN):
        return ""
    if place.startswith("/") or place[1:3] == ":/":
        # Checkouts lie in different folders on different machines; the last two names are what they share.
        place = "/".join(place.split("/")[-2:])
    return f"{place}:{function}"
