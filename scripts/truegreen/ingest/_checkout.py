"""The folder of another machine in which a report was made: what stands before the project's own paths there."""

from __future__ import annotations

from truegreen.ingest._paths import absolute
from truegreen.ingest._xml import Refused

_FIX = "leave files of other projects out of the report (`omit` or `source`), or let it name paths from the project on"


class Checkout:
    """Whether names of one report may be read without their first parts.

    A test may import its own `/tmp/x/app.py`, which is not the project's `app.py`. So absolute names lose one and the
    same beginning or none, none does where another one lies in this very project, and the name of a file alone is
    never enough: a longer path that begins in the same folder must be there too.
    """

    def __init__(self) -> None:
        self._here = ""
        """A name that is found without leaving anything out."""
        self._folder = ""
        """What absolute names lose."""
        self._guessed = ""
        """The first name that lost it."""
        self._bare: dict[str, str] = {}
        """Parts left out → a name of which only the file's own name was left."""
        self._borne_out: set[str] = set()
        """Parts left out of a name of which more than that was left."""

    def at(self, left_out: str) -> bool:
        """Return whether parts are those that absolute names lost so far."""
        return bool(left_out) and left_out == self._folder

    def take(self, name: str, path: str, left_out: str, *, alone: bool) -> None:
        """Note how a name was found.

        Args:
            name: as the report writes it.
            path: what was found in the project.
            left_out: the first parts that were left out; empty for none.
            alone: whether the name says by itself where its file lies.

        Raises:
            Refused: that contradicts how other names of the report were found.
        """
        if alone:
            self._here = self._here or name
        if left_out:
            if "/" in path:
                self._borne_out.add(left_out)
            else:
                self._bare.setdefault(left_out, name)
        if absolute(left_out):
            self._guessed = self._guessed or name
            if self._folder and left_out != self._folder:
                raise _two_places(name, self._guessed)
            self._folder = left_out
        if self._guessed and self._here:
            raise _two_places(self._guessed, self._here)

    def settle(self) -> None:
        """End the report; raises Refused where nothing but the name of a file speaks for what was left out."""
        for left_out, name in self._bare.items():
            if left_out not in self._borne_out:
                same = name.replace("\\", "/").rpartition("/")[2]
                raise Refused(f"{name[:200]} may be another file than {same[:200]} of the project: {_FIX}")


def _two_places(one: str, other: str) -> Refused:
    return Refused(f"{one[:200]} and {other[:200]} lie in two places, and one is outside the project: {_FIX}")
