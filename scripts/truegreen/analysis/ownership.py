"""Who owns a file by GitHub's rules for CODEOWNERS; pure text, the disk is never asked.

The rules are those of "About code owners" in GitHub's documentation: patterns as in `.gitignore`, the last one that
matches decides, one without owners takes ownership away. A line that GitHub cannot read (`!`, `[ ]`, an escaped
number sign, something that is no owner) is passed over, as GitHub does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LOCATIONS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""The first that exists is the one that counts."""
LIMIT_BYTES = 3 << 20
"""GitHub does not read a larger file."""
_RULES_MAX = 20_000
_PATTERN_MAX, _PATH_MAX = 500, 1_000
_STEPS_MAX = 20_000_000
_WORD = re.compile(r"(?:\\.|[^\s\\])+", re.DOTALL)
_OWNER = re.compile(r"@[\w.-]{1,100}(?:/[\w.-]{1,100})?|[^\s@]{1,100}@[^\s@]{1,100}")
_ANY, _ANY_FOLDERS = "*", "**"

_One = TypeVar("_One")


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the file."""

    segments: tuple[str, ...]
    """Names between slashes, with `*` and `?` in them; `**` stands for any number of folders."""
    owners: tuple[str, ...] = ()
    """None takes ownership away."""


def parse(text: str) -> tuple[Rule, ...]:
    """Return the rules in the order of the file.

    A file with more rules than anybody writes has none: half of it would name the wrong owners.
    """
    rules = []
    for line in text.splitlines():
        words = _words(line)
        if words and (rule := _rule(words[0], words[1:])):
            rules.append(rule)
            if len(rules) > _RULES_MAX:
                return ()
    return tuple(rules)


class Patience:
    """How much comparing is left for all files of a report: a change brings its own CODEOWNERS, and may mean harm."""

    def __init__(self, steps: int = _STEPS_MAX) -> None:
        """Allow so many steps, of which a second has some millions."""
        self._left = steps

    def take(self, steps: int) -> None:
        """Take some.

        Raises:
            TimeoutError: none are left.
        """
        self._left -= steps
        if self._left < 0:
            raise TimeoutError


def of(path: str, rules: Sequence[Rule], patience: Patience | None = None) -> tuple[str, ...]:
    """Return the owners of a file by its path in the repository, as the file names them; empty when it has none.

    Empty too where no patience is left to find out.
    """
    names = path.removeprefix("./").split("/")
    if not path or len(path) > _PATH_MAX or path.startswith("/") or ".." in names:
        return ()
    left = patience or Patience()

    def is_named(pattern: str, name: str) -> bool:
        if _ANY in pattern or "?" in pattern:
            return _wild(pattern, name, _ANY, lambda sign, char: sign in ("?", char), left)
        return pattern == name

    try:
        return next((r.owners for r in reversed(rules) if _wild(r.segments, names, _ANY_FOLDERS, is_named, left)), ())
    except TimeoutError:
        return ()


def _words(line: str) -> list[str]:
    """Return the words before a comment; a space behind a backslash belongs to its word."""
    words = []
    for word in _WORD.findall(line):
        if word.startswith("#"):
            break
        words.append(word)
    return words


def _rule(pattern: str, owners: list[str]) -> Rule | None:
    plain = pattern.replace("\\ ", " ")
    unread = plain.startswith("!") or any(char in plain for char in "[]\\") or len(plain) > _PATTERN_MAX
    if unread or not plain.strip("/") or not all(_OWNER.fullmatch(owner) for owner in owners):
        return None
    names = plain.strip("/").split("/")
    anchored = "/" in plain.rstrip("/")
    start = () if anchored else (_ANY_FOLDERS,)
    if plain.endswith("/") or names[-1] == _ANY_FOLDERS:  # a folder: whatever lies in it, but not a file of its name
        body = names[:-1] if names[-1] == _ANY_FOLDERS else names
        return Rule(segments=(*start, *body, _ANY, _ANY_FOLDERS), owners=tuple(owners))
    below = () if anchored and names[-1] == _ANY else (_ANY_FOLDERS,)  # `docs/*` is not `docs/a/b`
    return Rule(segments=(*start, *names, *below), owners=tuple(owners))


def _wild(
    pattern: Sequence[_One], found: Sequence[_One], star: _One, same: Callable[[_One, _One], bool], left: Patience
) -> bool:
    """Return whether a pattern matches as a whole, where a star stands for any number of things.

    Only the last star that was passed is ever tried again, so that the time is at most the product of the lengths.
    """
    place = at = 0
    passed, resume = -1, 0
    while at < len(found):
        if place < len(pattern) and pattern[place] == star:
            passed, resume = place, at
            place += 1
        elif place < len(pattern) and same(pattern[place], found[at]):
            place, at = place + 1, at + 1
        elif passed >= 0:
            left.take(at - resume + 1)
            resume += 1
            place, at = passed + 1, resume
        else:
            left.take(at + 1)
            return False
    left.take(at + 1)
    return all(part == star for part in pattern[place:])
