"""Bring the database to the newest version: `python -m ledger.migrate`; safe to run twice."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

from ledger.settings import Settings, from_environment

# Beside the sources in a checkout, below the package in the image.
_CANDIDATES = (Path(__file__).resolve().parents[2] / "migrations", Path("migrations"))


def configuration(settings: Settings) -> Config:
    """Return Alembic's configuration for a database."""
    folder = next(path for path in _CANDIDATES if path.is_dir())
    config = Config()
    config.set_main_option("script_location", str(folder.resolve()))
    config.attributes["url"] = settings.sqlalchemy_url
    return config


def main() -> None:
    """Upgrade to the newest version."""
    command.upgrade(configuration(from_environment()), "head")
    print("ledger.migrate done", flush=True)


if __name__ == "__main__":
    main()
