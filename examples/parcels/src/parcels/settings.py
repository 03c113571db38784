"""Configuration, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


class MissingSetting(RuntimeError):
    """A variable the application cannot run without is not set."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the stores are."""

    database_url: str
    redis_url: str

    @property
    def sqlalchemy_url(self) -> str:
        """The database URL in SQLAlchemy's dialect."""
        return self.database_url.replace("postgresql://", "postgresql+psycopg://", 1)


def from_environment(env: Mapping[str, str] | None = None) -> Settings:
    """Return the settings; raises MissingSetting."""
    values = os.environ if env is None else env
    for name in ("DATABASE_URL", "REDIS_URL"):
        if not values.get(name):
            raise MissingSetting(f"{name} is not set")
    return Settings(values["DATABASE_URL"], values["REDIS_URL"])
