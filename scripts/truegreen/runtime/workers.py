"""Work of the processor in several processes."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")
_SHARES_EACH = 4
"""More shares than processes, so that none waits long for the slowest."""


def in_shares(work: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item], processes: int) -> list[Result]:
    """Return the results of a function over shares of the items, in the order of the items.

    Where a process cannot be copied safely (not on Linux, or with other threads), or was ended before it was done,
    this one does it all.

    Args:
        work: what is done with a share; a function of a module, which has no effects.
        items: what there is to do; small, for they are sent to other processes.
        processes: how many at most.
    """
    if processes < 2 or sys.platform != "linux" or threading.active_count() > 1:  # noqa: PLR2004
        return work(items)
    import multiprocessing  # noqa: PLC0415 - few commands come here
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415
    from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415

    size = max(1, -(-len(items) // (processes * _SHARES_EACH)))
    shares = [items[start : start + size] for start in range(0, len(items), size)]
    try:
        with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("fork")) as pool:
            return [result for part in pool.map(work, shares) for result in part]
    except (BrokenProcessPool, OSError, ImportError):  # killed, no room for another, or no semaphores
        return work(items)
