"""Members of families with a bug, for tests of what a bug of our own looks like to its users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from truegreen import registry
from truegreen.stages.common.options import StageOptions

if TYPE_CHECKING:
    import pytest


class BuggyStage:
    """A stage that stops on a bug."""

    name: ClassVar[str] = "lint"
    title: ClassVar[str] = "Lint"
    Options: ClassVar[type[StageOptions]] = StageOptions

    def run(self, context: Any) -> Any:
        """Leave a file, then stop."""
        (context.out / "half.log").write_text("half")
        raise ZeroDivisionError("division by zero")


class BuggyStore:
    """A store that stops on a bug."""

    def __init__(self, path: Any) -> None:
        raise ZeroDivisionError("division by zero")


def register(monkeypatch: pytest.MonkeyPatch, kind: str, name: str, cls: type[Any]) -> None:
    """Put a class into the registry's table for the time of a test."""
    monkeypatch.setitem(registry.FAMILIES[kind], name, f"{cls.__module__}:{cls.__name__}")
    registry.load.cache_clear()
