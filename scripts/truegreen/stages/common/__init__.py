"""What several stages share: their options, their context, and the runs of the tools.

A module is loaded when it is first used: every command types the options of all stages, few commands run one.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from truegreen.stages.common import (
        image_run,
        lint_tools,
        mutants_run,
        probe,
        prove_run,
        pytest_pairs,
        pytest_run,
        recorder,
        scan_bench,
        scan_code,
        scan_packages,
        scan_sources,
        stack,
        stack_load,
        stack_tests,
        style_scan,
        watch,
        wiring_scan,
        wiring_walk,
        workers,
    )

__all__ = [
    "image_run",
    "lint_tools",
    "mutants_run",
    "probe",
    "prove_run",
    "pytest_pairs",
    "pytest_run",
    "recorder",
    "scan_bench",
    "scan_code",
    "scan_packages",
    "scan_sources",
    "stack",
    "stack_load",
    "stack_tests",
    "style_scan",
    "watch",
    "wiring_scan",
    "wiring_walk",
    "workers",
]


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")
