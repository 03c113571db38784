"""MariaDB."""

from __future__ import annotations

from typing import ClassVar

from truegreen.services.catalogue.mysql import MySql


class MariaDb(MySql):
    """MariaDB with the row binlog: image `mariadb`."""

    kind: ClassVar[str] = "mariadb"
    image: ClassVar[str] = "mariadb:{version}"
    version: ClassVar[str] = "11.4"
    verified: ClassVar[str] = "MariaDB 10.11"
    exports: ClassVar[dict[str, str]] = {"MARIADB_URL": "url", **MySql.exports}
    prefix: ClassVar[str] = "MARIADB"
    is_mariadb: ClassVar[bool] = True
