"""The quarantine file: read strictly, because a row that is not understood must not hide anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.config import toml_rows
from truegreen.errors import WrongValue
from truegreen.model.quarantine import Quarantined

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.config.settings import Settings
    from truegreen.config.toml_rows import Place

FILE = "truegreen-quarantine.toml"


def load(settings: Settings) -> tuple[Quarantined, ...]:
    """Return the rows of a project in the order of the file, those that are not in force included.

    Raises:
        ConfigSyntax: not UTF-8 TOML.
        ConfigurationError: a row that cannot be honoured, whatever the day; names file and line.
    """
    path = toml_rows.find(settings.root, settings.project.quarantine, FILE, "quarantine")
    return read(path, settings.project.quarantine or FILE, settings.gates["quarantine"].max_days) if path else ()


def read(path: Path, label: str, max_days: int) -> tuple[Quarantined, ...]:
    """Return the rows of a file; `max_days` is the longest term, from creation or renewal to expiry."""
    rows: list[tuple[Quarantined, Place]] = toml_rows.read(path, label, {"quarantine": Quarantined})["quarantine"]
    seen: dict[str, Place] = {}
    for row, place in rows:
        _check_test(row, place)
        _check_days(row, place, max_days)
        if row.test in seen:
            why = f"see {seen[row.test]}"
            raise WrongValue(f"{row.test} is in quarantine twice", where=str(place), why=why, fix="keep one row")
        seen[row.test] = place
    return tuple(row for row, _ in rows)


def _check_test(row: Quarantined, place: Place) -> None:
    """Refuse what looks like a pattern: quarantine is for tests one knows, one by one."""
    head = row.test.partition("[")[0]
    if "*" in head or "?" in head or head.endswith(("/", ".py")):
        raise WrongValue(
            f"{row.test} names no single test",
            where=str(place),
            why="a pattern would take in tests that nobody has looked at",
            fix="write the id as the report shows it, such as tests/test_a.py::test_x",
        )


def _check_days(row: Quarantined, place: Place, max_days: int) -> None:
    start = row.renewed or row.created
    if row.renewed and not 0 < (row.renewed - row.created).days <= max_days:
        raise WrongValue(
            "renewed does not lie within the first term",
            where=str(place),
            why=f"a row is renewed once, at most {max_days} days after it was created",
            fix="mend the test, or its row's dates",
        )
    if row.expires < start:
        raise WrongValue("expires lies before the term begins", where=str(place), fix="mend the dates")
    if (row.expires - start).days > max_days:
        raise WrongValue(
            f"the quarantine is for {(row.expires - start).days:,} days, at most {max_days:,} are allowed",
            where=str(place),
            fix="let it expire earlier; it can be renewed once",
        )
