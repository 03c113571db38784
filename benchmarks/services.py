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
