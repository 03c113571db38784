"""MariaDB and MySQL with the row binlog."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from tests.harness import server_files
from tests.harness.server_plan import HOST, PASSWORD, Plan, number
from tests.harness.shell import harness_dir, run


def mariadb(folder: Path, port: int, log: Path) -> Plan:
    """MariaDB with the row binlog; its root has `PASSWORD` over TCP, and the database `app` exists."""
    server_files.debian("mariadb-server-core", "mariadbd")
    server_files.debian("mariadb-client-core", "my_print_defaults")  # mariadb-install-db needs it
    template = _mariadb_template()
    shutil.copytree(template, folder / "data")
    first = folder / "first.sql"
    first.write_text(f"ALTER USER root@localhost IDENTIFIED BY '{PASSWORD}';\nCREATE DATABASE app;\n")
    return Plan(
        argv=["mariadbd", "--no-defaults", *_flags(_sql_settings(folder, port, first))],
        ready=lambda: "ready for connections" in log.read_text(errors="replace"),
        version=number(run(["mariadbd", "--version"], fix="reinstall mariadb-server-core")),
        url=f"mysql://root:{PASSWORD}@{HOST}:{port}/app",
        user="root",
        password=PASSWORD,
        database="app",
    )


def _mariadb_template() -> Path:
    """Return a fresh data folder, made once for each version."""
    version = number(run(["mariadbd", "--version"], fix="reinstall mariadb-server-core"))
    template = harness_dir() / f"mariadb-{version}"
    if not template.exists():
        scratch = Path(tempfile.mkdtemp(dir=harness_dir()))
        options = ["--skip-test-db", "--auth-root-authentication-method=normal", "--skip-name-resolve"]
        who = [f"--user={'root' if os.geteuid() == 0 else os.environ.get('USER', '')}", f"--datadir={scratch / 'data'}"]
        run(["mariadb-install-db", "--no-defaults", *who, *options], fix="look at the message above")
        try:
            (scratch / "data").rename(template)
        except OSError:  # another process was quicker
            pass
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return template


def mysql(folder: Path, port: int, log: Path) -> Plan:
    """MySQL with the row binlog; its root has `PASSWORD` over TCP, and the database `app` exists."""
    home = server_files.mysql()
    shutil.copytree(home / "data/mysql", folder / "data")
    first = folder / "first.sql"
    first.write_text(
        f"UPDATE mysql.user SET password = password('{PASSWORD}');\nFLUSH PRIVILEGES;\nCREATE DATABASE app;\n"
    )
    settings = {
        **_sql_settings(folder, port, first),
        "basedir": home,
        "lc-messages-dir": home / "share",
    }
    return Plan(
        argv=[str(home / "mysqld"), "--no-defaults", *_flags(settings)],
        env={"LD_LIBRARY_PATH": str(home)},  # of its own libaio
        ready=lambda: "ready for connections" in log.read_text(errors="replace"),
        version="5.6.24",
        url=f"mysql://root:{PASSWORD}@{HOST}:{port}/app",
        user="root",
        password=PASSWORD,
        database="app",
    )


def _sql_settings(folder: Path, port: int, first: Path) -> dict[str, object]:
    """Return what MariaDB and MySQL are told alike: the row binlog, little memory, and nothing waits for the disk."""
    return {
        "user": "root" if os.geteuid() == 0 else "",
        "datadir": folder / "data",
        "socket": folder / "server.sock",
        "pid-file": folder / "server.pid",
        "bind-address": HOST,
        "port": port,
        "init-file": first,
        "log-bin": "binlog",
        "binlog-format": "ROW",
        "server-id": 1,
        "innodb-flush-log-at-trx-commit": 0,
        "innodb-buffer-pool-size": "32M",
        "innodb-log-file-size": "16M",
    }


def _flags(settings: dict[str, object]) -> list[str]:
    return [f"--{key}={value}" for key, value in settings.items() if value != ""]
