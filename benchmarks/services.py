"""PostgreSQL, Redis and NATS together: from the command to all three answering their protocols."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import measure

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("postgres", "redis", "nats")
RUNS = 5
LIMIT_MS = 3_000


def embedded() -> Iterator[measure.Row]:
    """Yield the embedded servers; the first, unmeasured run may install them."""
    yield _measured("embedded", {name: {"provider": "embedded"} for name in NAMES})


def containers() -> Iterator[measure.Row]:
    """Yield containers, from images that are there."""
    yield _measured("containers", {name: {"provider": "containers", "image": _image(name)} for name in NAMES})


def beside_installation() -> Iterator[measure.Row]:
    """Yield what services add to a stage whose project takes longer to install than they take to start.

    Each run is a project of its own, so that nothing is installed before; what services take alone stands beside it.
    """
    _with_services(_BOTH)  # may install the servers
    pairs = [(_with_services(""), _with_services(_BOTH)) for _ in range(RUNS)]
    alone = _measured("embedded", {name: {"provider": "embedded"} for name in ("postgres", "redis")})
    limit_ms = alone.value_ms * _SHARE
    added = [max(0.0, after - before) for before, after in pairs]
    yield measure.row(
        "services beside an installation",
        limit_ms,
        added,
        note=f"{alone.value_ms:.0f} ms alone, installation {_INSTALL_S} s",
    )


_BOTH, _INSTALL_S = '"postgres", "redis"', 4
_SHARE = 0.25
"""Share of the time alone that may be left of it beside a longer installation."""


def _with_services(names: str) -> float:
    """Return the seconds of a stage that installs and then finds no pytest: evidence it leaves none."""
    table = "".join(f'[tool.truegreen.services.{name}]\nprovider = "embedded"\n' for name in ("postgres", "redis"))
    table += f'[tool.truegreen]\ninstall = ["sleep {_INSTALL_S}"]\n[tool.truegreen.unit]\nservices = [{names}]\n'
    with measure.project(table) as folder:
        return measure.timed(measure.truegreen("run", "unit"), cwd=folder, env=measure.plain_env(), codes=(3, 4))[0]


def _measured(provider: str, tables: dict[str, dict[str, str]]) -> measure.Row:
    text = "".join(
        f"\n[tool.truegreen.services.{name}]\n" + "".join(f'{key} = "{value}"\n' for key, value in table.items())
        for name, table in tables.items()
    )
    with measure.project(text) as folder:
        times, slowest = [], []
        for number in range(RUNS + 1):
            took_s, handles = _up(folder)
            if number:
                times.append(took_s)
                slowest.append(max(handle["ready_s"] for handle in handles))
    alone = f"slowest of the three {sorted(slowest)[RUNS // 2] * 1000:.0f} ms, the rest is the command"
    return measure.row(f"services ready, {provider}", LIMIT_MS, times, note=alone)


def _up(folder: Any) -> tuple[float, list[dict[str, Any]]]:
    """Start and stop once; whatever was started is stopped."""
    try:
        took_s, text = measure.timed(measure.truegreen("services", "up", "--json"), cwd=folder, env=measure.plain_env())
    finally:
        measure.timed(measure.truegreen("services", "down"), cwd=folder, env=measure.plain_env())
    return took_s, json.loads(text)


def _image(name: str) -> str:
    """Return the image of the tests' own harness.

    Raises:
        Unavailable: no engine answers, or the image was not built.
    """
    sys.path.insert(0, str(measure.ROOT))
    from tests.harness import engine, images  # noqa: PLC0415 - only where containers are measured

    if engine.find_engine() is None:
        raise measure.Unavailable("no container engine answers; `python -m tests.harness setup` starts one")
    if name in images.missing_images():
        raise measure.Unavailable(f"the image of {name} is not built; `python -m tests.harness setup` builds it")
    return images.image_tag(name)
