"""MySQL."""

from __future__ import annotations

import re
from contextlib import closing
from typing import ClassVar

import msgspec

from truegreen.runtime.wire.mysql import MySql as Connection
from truegreen.services import wire
from truegreen.services.base import Access, NotReady, Server

_VERSION = re.compile(r"\d+(\.\d+)*")


class MySql(Server):
    """MySQL with the row binlog: image `mysql`."""

    kind: ClassVar[str] = "mysql"
    image: ClassVar[str] = "mysql:{version}"
    version: ClassVar[str] = "8.4"
    scheme: ClassVar[str] = "mysql"
    port: ClassVar[int] = 3306
    # root, since reading the binlog and making databases for workers are not granted to other users.
    defaults: ClassVar[Access] = Access(port=3306, user="root", password="truegreen", database="app")  # noqa: S106
    exports: ClassVar[dict[str, str]] = {
        "MYSQL_URL": "url",
        "DATABASE_URL": "url",
        "DB_HOST": "host",
        "DB_PORT": "port",
        "DB_USER": "user",
        "DB_PASSWORD": "password",
        "DB_NAME": "database",
    }
    prefix: ClassVar[str] = "MYSQL"
    is_mariadb: ClassVar[bool] = False

    def container_env(self, access: Access) -> dict[str, str]:
        """Return the environment of the official image, which makes root by itself."""
        found = {f"{self.prefix}_ROOT_PASSWORD": access.password, f"{self.prefix}_DATABASE": access.database}
        if access.user != "root":
            found |= {f"{self.prefix}_USER": access.user, f"{self.prefix}_PASSWORD": access.password}
        return found

    def container_args(self) -> list[str]:
        """Return the flags of the row binlog, by which committed rows are known; nothing waits for the disk."""
        return ["--log-bin=binlog", "--binlog-format=ROW", "--server-id=1", "--innodb-flush-log-at-trx-commit=0"]

    def probe(self, access: Access) -> str:
        """Log in, ask `SELECT VERSION()`, and see that it is this server and not its sibling."""
        (row,) = _asked(access, "SELECT VERSION()")
        if ("MariaDB" in row[0]) is not self.is_mariadb:
            raise NotReady(f"another server: {row[0]}")
        match = _VERSION.match(row[0])
        return match.group() if match else row[0]

    def prepare(self, access: Access) -> None:
        """Create the database where it does not exist."""
        quoted = access.database.replace("`", "``")
        _asked(msgspec.structs.replace(access, database=""), f"CREATE DATABASE IF NOT EXISTS `{quoted}`")


def _asked(access: Access, sql: str) -> list[list[str]]:
    """Return the rows of one statement; raises NotReady."""
    login = {"user": access.user, "password": access.password, "database": access.database}
    with wire.asking(access), closing(Connection(access.host, access.port, **login, **wire.LIMITS)) as client:
        return client.query(sql)
