"""The waiver file: read strictly, because a waiver that is not understood must not hide anything."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from truegreen import registry
from truegreen.config import toml_rows
from truegreen.errors import WrongValue
from truegreen.model.verdict import Status
from truegreen.model.waiver import Waiver

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.config.settings import Settings
    from truegreen.config.toml_rows import Place

FILE = "truegreen-waivers.toml"
_BY_ITEM = frozenset({"tests", "coverage", "scans"})
"""Parts of the evidence from which single items can be taken out."""


def load(settings: Settings) -> tuple[Waiver, ...]:
    """Return the waivers of a project in the order of the file, those that are not in force included.

    Raises:
        ConfigSyntax: not UTF-8 TOML.
        ConfigurationError: a row that cannot be honoured, whatever the day; names file and line.
    """
    path = toml_rows.find(settings.root, settings.project.waivers, FILE, "waivers")
    return read(path, settings.project.waivers or FILE, settings.gates["waivers"].max_days) if path else ()


def read(path: Path, label: str, max_days: int) -> tuple[Waiver, ...]:
    """Return the waivers of a file; `max_days` is the longest time from issue to expiry."""
    rows = toml_rows.read(path, label, {"waivers": Waiver})["waivers"]
    seen: dict[tuple[Any, ...], Place] = {}
    for waiver, place in rows:
        _check_scope(waiver, place)
        _check_people_and_days(waiver, place, max_days)
        scope = (waiver.gate, waiver.stage, waiver.items)
        if scope in seen:
            raise WrongValue(
                f"{waiver.title} is waived twice", where=str(place), why=f"see {seen[scope]}", fix="keep one"
            )
        seen[scope] = place
    return tuple(waiver for waiver, _ in rows)


def _check_scope(waiver: Waiver, place: Place) -> None:
    """Refuse a waiver for a gate or stage that does not exist, or of what is never waived."""
    toml_rows.refuse_unknown(waiver.gate, registry.names("gate"), place, "gate")
    gate = registry.load("gate", waiver.gate)
    toml_rows.refuse_unknown(waiver.stage, sorted(gate.stages), place, f"stage of gate {waiver.gate}")
    if not gate.waivable:
        raise WrongValue(
            f"gate {waiver.gate} is never waived",
            where=str(place),
            why="it says whether the evidence can be trusted at all",
            fix="mend the evidence, or leave the stage out: `enabled = false` with a `why`",
        )
    if waiver.items and not by_item(gate):
        raise WrongValue(
            f"gate {waiver.gate} cannot be waived item by item",
            where=str(place),
            fix="take `items` out: the waiver is then about the whole gate",
        )
    if any(not item.strip() for item in waiver.items):
        raise WrongValue("an item is empty", where=str(place), fix="name a test, a path, a rule or a fingerprint")


def by_item(gate: Any) -> bool:
    """Return whether single items can be taken out of what a gate reads."""
    return gate.id == "requirements" or (bool(gate.needs & _BY_ITEM) and Status.BLIND in gate.waivable)


def _check_people_and_days(waiver: Waiver, place: Place, max_days: int) -> None:
    if _name(waiver.author) == _name(waiver.approver):
        raise WrongValue(
            f"{waiver.author} approved a waiver of their own",
            where=str(place),
            fix="let somebody else than the author approve it",
        )
    if waiver.expires < waiver.issued:
        raise WrongValue("expires lies before issued", where=str(place), fix="mend the dates")
    if (waiver.expires - waiver.issued).days > max_days:
        raise WrongValue(
            f"the waiver is for {(waiver.expires - waiver.issued).days:,} days, at most {max_days:,} are allowed",
            where=str(place),
            fix="let it expire earlier, and ask again then",
        )


def _name(person: str) -> str:
    """Return a person's name as it is compared: `@Kim` is `kim`, however it is spaced and whatever cannot be seen."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKC", person) if unicodedata.category(sign) != "Cf")
    return " ".join(plain.split()).lstrip("@").strip().casefold()
