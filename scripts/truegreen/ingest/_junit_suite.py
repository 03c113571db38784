"""What a suite of JUnit XML declares, beside what it holds."""

from __future__ import annotations


class Suite:
    """One suite while it is open: what it declares and what it holds at any depth."""

    def __init__(self, tag: str, attributes: dict[str, str], first_row: int) -> None:
        self.first_row = first_row
        self.label = f"{tag} {attributes['name']!r}" if attributes.get("name") else tag
        self.name = attributes.get("name", "")
        self.file = attributes.get("file", "")
        self.host = attributes.get("hostname", "")
        self.tests = count(attributes, "tests") or 0
        self.declares_none = count(attributes, "tests") == 0
        self.declared_skipped = count(attributes, "skipped") or 0
        self.failures = count(attributes, "failures") or 0
        self.bad = self.failures + (count(attributes, "errors") or 0)
        self.skipped = 0
        self.own_errors = 0
        """Errors of suites themselves, which are rows and no elements."""
        self.bad_elements = 0
        """`failure` and `error` elements."""
        self.bad_cases = 0
        self.subtests = 0
        """Reports of subtests, which pytest counts as tests without an element of their own."""
        self.go = False
        """True when gotestsum wrote it, which counts a failed build twice: as a failure and as an error."""
        self.unexplained: list[str] = []
        """What inner suites declare and do not hold; an outer one may know why."""

    def absorb(self, inner: Suite) -> None:
        """Add what a nested suite holds."""
        self.skipped += inner.skipped
        self.own_errors += inner.own_errors
        self.bad_elements += inner.bad_elements
        self.bad_cases += inner.bad_cases
        self.subtests += inner.subtests
        self.go = self.go or inner.go
        self.unexplained += inner.unexplained

    def close(self, rows: int) -> str:
        """Return why failures must have been lost, and settle which missing tests can be explained.

        More cases than declared are no loss: dialects leave out of `tests` what failed to build or to set up
        (gotestsum, Mocha), todos (Jest), skipped tests, or further attempts (pytest-rerunfailures).

        Args:
            rows: how many cases there are by now.
        """
        elements = rows - self.first_row - self.own_errors
        missing = self.tests - self.subtests - elements
        # Mocha counts skipped tests that it does not write; only its outermost suite says how many they are.
        unwritten = max(0, self.declared_skipped - self.skipped)
        if missing > unwritten:
            with_subtests = f" and {self.subtests:,} subtests" if self.subtests else ""
            self.unexplained.append(f"{self.label} declares {self.tests:,} tests, counted {elements:,}{with_subtests}")
        elif missing > 0:
            self.unexplained.clear()
        if self.declares_none and elements > self.skipped + self.bad_cases:
            return f"{self.label} declares no test that ran, counted {elements - self.skipped - self.bad_cases:,}"
        declared = self.failures if self.go else self.bad
        if declared > max(self.bad_elements, self.bad_cases):
            return f"{self.label} declares {declared:,} failures and errors, counted {self.bad_elements:,}"
        return ""


def count(attributes: dict[str, str], name: str) -> int | None:
    """Return an attribute as a number; None when it is absent or no number."""
    text = attributes.get(name)
    if text is None:
        return None
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None  # noqa: PLR2004
