"""`make demo`, once to warm everything and once measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import measure

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = measure.ROOT / "examples" / "demo.py"


def warm() -> Iterator[measure.Row]:
    """Yield the second run; limit 90 s."""
    if not SCRIPT.is_file():
        raise measure.Unavailable("examples/demo.py is not there")
    command = [measure.PYTHON, SCRIPT]
    measure.timed(command, cwd=measure.ROOT, env=measure.plain_env(), limit_s=1800)
    took_s, _ = measure.timed(command, cwd=measure.ROOT, env=measure.plain_env(), limit_s=600)
    yield measure.row("make demo, warm", 90_000, [took_s], note="second run")
