"""The requirement registry: rows of `requirements.toml`, with the milestones that extend others spelt out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from truegreen import registry
from truegreen.config import toml_rows
from truegreen.errors import WrongValue
from truegreen.model.requirement import Milestone, Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from truegreen.config.settings import Settings
    from truegreen.config.toml_rows import Place

FILE = "requirements.toml"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")


def load(settings: Settings) -> tuple[Requirement, ...] | None:
    """Return the requirements of a project in the order of the file; None when it keeps none.

    Raises:
        ConfigSyntax: not UTF-8 TOML.
        ConfigurationError: a row or an option that names what is not there; says file and line.
    """
    options = settings.gates["requirements"]
    for stages in options.types.values():
        for stage in stages:
            registry.load("stage", stage)
    path = toml_rows.find(settings.root, settings.project.requirements, FILE, "requirements")
    if path is None:
        return None
    label = settings.project.requirements or FILE
    rows = read(path, label, tuple(options.stages_of_types()))
    known = {row.milestone for row in rows}
    for name in options.milestones:
        toml_rows.refuse_unknown(name, known, toml_rows.Place("gates.requirements.milestones"), "milestone")
    return rows


def read(path: Path, label: str, types: tuple[str, ...]) -> tuple[Requirement, ...]:
    """Return the rows of a file; `types` are the kinds of test that a row may ask for."""
    tables = toml_rows.read(path, label, {"requirements": Requirement, "milestones": Milestone})
    rows: dict[str, Requirement] = {}
    for row, place in tables["requirements"]:
        toml_rows.refuse_unknown(row.type, types, place, "type")
        if not _ID.fullmatch(row.id):
            fix = "use letters, digits and . _ : / -"
            raise WrongValue(f"{row.id!r} cannot name a requirement", where=str(place), fix=fix)
        _add(rows, row, place)
    for milestone, place in tables["milestones"]:
        if milestone.extends:
            known = dict.fromkeys(row.milestone for row in rows.values())
            toml_rows.refuse_unknown(milestone.extends, known, place, "milestone")
            for row in _extended(tuple(rows.values()), milestone, place):
                _add(rows, row, place)
    due = {milestone.name: milestone.due for milestone, _ in tables["milestones"]}
    return tuple(msgspec.structs.replace(row, due=row.due or due.get(row.milestone)) for row in rows.values())


def _add(rows: dict[str, Requirement], row: Requirement, place: Place) -> None:
    if row.id in rows:
        other = rows[row.id]
        raise WrongValue(
            f"requirement {row.id} stands twice",
            where=str(place),
            why=f"see {other.file}:{other.line}",
            fix="give one of them another id",
        )
    rows[row.id] = row


def _extended(rows: Iterable[Requirement], milestone: Milestone, place: Place) -> Iterable[Requirement]:
    """Yield the rows of the milestone that another one extends, under the name of that one."""
    for row in rows:
        if row.milestone != milestone.extends:
            continue
        if not row.id.startswith(milestone.extends):
            raise WrongValue(
                f"milestone {milestone.name} cannot have a row like {row.id}",
                where=str(place),
                why=f"its id does not begin with {milestone.extends}",
                fix=f"call it {milestone.extends}-…, or write the rows out",
            )
        name = milestone.name + row.id.removeprefix(milestone.extends)
        yield msgspec.structs.replace(
            row, id=name, milestone=milestone.name, due=None, line=place.first, last_line=place.last
        )
