"""Create the tables: `python -m parcels.migrate`; safe to run twice."""

from __future__ import annotations

from parcels.repository import make_engine
from parcels.settings import from_environment
from parcels.tables import Base


def main() -> None:
    """Create what is missing."""
    engine = make_engine(from_environment().sqlalchemy_url)
    Base.metadata.create_all(engine)
    engine.dispose()
    print("parcels.migrate done", flush=True)


if __name__ == "__main__":
    main()
