"""Print the notes of a release: `python3 -I docs/release_notes.py vX.Y.Z`; standard library only.

Ends with 1 and one message when tag, version and changelog do not agree.
"""
# ruff: noqa: INP001

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def notes(tag: str, version: str, changelog: str) -> str:
    """Return the section of a tag.

    Raises:
        ValueError: the tag is not the version, or its section is missing, undated or empty.
    """
    if tag != f"v{version}":
        raise ValueError(f"the tag is {tag}, the version in scripts/truegreen/__init__.py is {version}")
    heading = re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE)
    if heading is None:
        raise ValueError(f"CHANGELOG.md has no line `## [{version}] - YYYY-MM-DD`")
    body = changelog[heading.end() :].split("\n## ", maxsplit=1)[0].strip()
    if not body:
        raise ValueError(f"the section of {version} in CHANGELOG.md is empty")
    return body + "\n"


def main(arguments: list[str]) -> int:
    """Print the notes and return 0, or say what does not agree and return 1."""
    source = (ROOT / "scripts" / "truegreen" / "__init__.py").read_text(encoding="utf-8")
    version = re.search(r'^__version__ = "([^"]+)"$', source, re.MULTILINE)
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    try:
        sys.stdout.write(notes(arguments[0], version[1] if version else "unknown", changelog))
    except (IndexError, ValueError) as error:
        sys.stderr.write(f"error: {error if arguments else 'name the tag'}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
