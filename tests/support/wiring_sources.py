"""A service with an optional dependency, and the scan of it with other modules."""

from __future__ import annotations

from textwrap import dedent

from truegreen.analysis import unwired

SERVICE = """
    from app.ports import Repository

    class Service:
        def __init__(self, repository: Repository | None = None, *, name: str | None = None) -> None:
            self._repository = repository
            self._name = name

        def save(self, row):
            if self._repository:
                self._repository.save(row)
"""
PORTS = "class Repository: ...\n"


def scan(*texts, **files):
    """Scan the service, its ports, and modules given as texts or by name."""
    named = {f"app/m{number}.py": text for number, text in enumerate(texts)}
    named |= {f"app/{name}.py": text for name, text in files.items()}
    return unwired.scan(
        {
            "app/service.py": dedent(SERVICE),
            "app/ports.py": PORTS,
            **{path: dedent(text) for path, text in named.items()},
        }
    )


def one(*texts, **files):
    (found,) = scan(*texts, **files).dependencies
    return found
