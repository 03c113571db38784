"""The same examples in every run, whatever else the process has imported before."""

from __future__ import annotations

from hypothesis.internal.conjecture import providers


def forget_constants_of_our_modules() -> None:
    """Keep constants of imported modules out of the examples.

    Hypothesis mixes them in, also where `derandomize` is set, and which modules a process has imported depends on the
    tests that were handed to it. There is no setting for it, so the function that collects them is replaced.
    """
    assert callable(providers._get_local_constants)
    nothing = type(providers.GLOBAL_CONSTANTS)(
        integers=providers.SortedSet(),
        floats=providers.SortedSet(key=providers.float_to_int),
        bytes=providers.SortedSet(),
        strings=providers.SortedSet(),
    )
    providers._get_local_constants = lambda: nothing
