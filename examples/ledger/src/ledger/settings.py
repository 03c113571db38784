"""Configuration, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


class MissingSetting(RuntimeError):
    """A variable the ledger cannot run without is not set."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the stores are, and where to listen."""

    postgres_dsn: str
    redis_url: str
    nats_url: str
    http_host: str = "127.0.0.1"
    http_port: int = 8080

    @property
    def sqlalchemy_url(self) -> str:
        """The database URL in SQLAlchemy's dialect."""
        _, _, rest = self.postgres_dsn.partition("://")
        return f"postgresql+asyncpg://{rest}"


def from_environment(env: Mapping[str, str] | None = None) -> Settings:
    """Return the settings, or raise MissingSetting naming every variable that is absent."""
    env = os.environ if env is None else env
    missing = [name for name in ("POSTGRES_DSN", "REDIS_URL", "NATS_URL") if not env.get(name)]
    if missing:
        raise MissingSetting(
            f"set {', '.join(missing)}; `truegreen services up` prints values for all of them"
        )
    return Settings(
        postgres_dsn=env["POSTGRES_DSN"],
        redis_url=env["REDIS_URL"],
        nats_url=env["NATS_URL"],
        http_host=env.get("LEDGER_HTTP_HOST", "127.0.0.1"),
        http_port=int(env.get("LEDGER_HTTP_PORT", "8080")),
    )
