"""A real OSV service over the advisories in `tests/samples/advisories`.

It answers `POST /v1/query`, `POST /v1/querybatch` and `GET /v1/vulns/ID` as https://google.github.io/osv.dev/api
describes, for the ecosystem PyPI. `python -m tests.support.osv_server --port 0` serves it and prints its address.
"""

from __future__ import annotations

import argparse
import json
import re
import threading
import zipfile
from functools import lru_cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import yaml
from packaging.version import InvalidVersion, Version
from tests.support.loopback import Loopback

ARCHIVE = Path(__file__).parents[1] / "samples" / "advisories" / "pypa-advisories-2024-10.zip"
_LIMIT_BYTES = 4 << 20
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Advisories:
    """The records, parsed when they are first asked for."""

    def __init__(self, archive: Path = ARCHIVE) -> None:
        self._zip = zipfile.ZipFile(archive)
        self._lock = threading.Lock()
        self._by_package: dict[str, list[str]] = {}
        self._by_id: dict[str, str] = {}
        for name in self._zip.namelist():
            _, package, record = name.split("/")
            self._by_package.setdefault(normal(package), []).append(name)
            self._by_id[record.removesuffix(".yaml")] = name
        self._read = lru_cache(maxsize=None)(self._load)

    def __len__(self) -> int:
        return len(self._by_id)

    def record(self, identity: str) -> dict[str, Any] | None:
        """Return one record by its id."""
        return self._read(self._by_id[identity]) if identity in self._by_id else None

    def query(self, package: str, version: str) -> list[dict[str, Any]]:
        """Return the records that affect a version; every record of the package when no version is given."""
        records = [self._read(name) for name in self._by_package.get(normal(package), ())]
        return [record for record in records if not version or affects(record, package, version)]

    def _load(self, name: str) -> dict[str, Any]:
        with self._lock:
            data = self._zip.read(name)
        record = yaml.load(data, Loader=_LOADER)
        return json.loads(json.dumps({"schema_version": "1.6.0", **record}, default=_rfc3339))


def affects(record: dict[str, Any], package: str, version: str) -> bool:
    """Return whether a version is listed, or lies in a range of the ecosystem."""
    try:
        wanted = Version(version)
    except InvalidVersion:
        return False
    return any(
        _listed(affected, wanted) or any(_within(span["events"], wanted) for span in _ranges(affected))
        for affected in record.get("affected", ())
        if normal(affected["package"]["name"]) == normal(package)
    )


def normal(name: str) -> str:
    """Return a package's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


class OsvServer(Loopback):
    """The service on a free port; `fault` makes every answer fail."""

    def __init__(self, port: int = 0, advisories: Advisories | None = None) -> None:
        self.advisories = advisories or Advisories()
        self.queries: list[dict[str, Any]] = []
        self.fault = 0
        """Status to answer everything with, or 0; 200 answers everything with `{}`."""
        super().__init__(type("Handler", (_Handler,), {"osv": self}), port)

    @property
    def url(self) -> str:
        """The query address, as `pip-audit --osv-url` takes it."""
        return f"http://{self.address}/v1/query"

    def answer(self, query: dict[str, Any], *, brief: bool = False) -> dict[str, Any]:
        """Return the answer to one query; a brief one names ids only."""
        package, version = query.get("package") or {}, str(query.get("version", ""))
        if package.get("ecosystem") != "PyPI" or not package.get("name"):
            return {}
        self.queries.append(query)
        found = self.advisories.query(str(package["name"]), version)
        if brief:
            found = [{"id": record["id"], "modified": record["modified"]} for record in found]
        return {"vulns": found} if found else {}


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection; a subclass carries the server it belongs to."""

    protocol_version = "HTTP/1.1"
    osv: OsvServer

    def do_GET(self) -> None:
        prefix, _, identity = self.path.rpartition("/")
        record = self.osv.advisories.record(identity) if prefix == "/v1/vulns" else None
        if record is None:
            self._send(404, {"code": 5, "message": "Bug not found."})
        else:
            self._send(200, record)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= _LIMIT_BYTES:
            self.close_connection = True
            self._send(400, {"code": 3, "message": "Invalid length."})
            return
        try:
            self._send(200, self._answer(json.loads(self.rfile.read(length))))
        except LookupError:
            self._send(404, {"code": 5, "message": "Not found."})
        except (ValueError, AttributeError, TypeError):
            self._send(400, {"code": 3, "message": "Invalid query."})

    def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        if self.path == "/v1/query":
            return self.osv.answer(body)
        if self.path == "/v1/querybatch":
            return {"results": [self.osv.answer(query, brief=True) for query in body["queries"]]}
        raise LookupError(self.path)

    def _send(self, status: int, document: dict[str, Any]) -> None:
        if self.osv.fault:
            status, document = self.osv.fault, {}
        payload = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: object) -> None:
        """Say nothing: tests read what matters from the server object."""


def _listed(affected: dict[str, Any], wanted: Version) -> bool:
    for text in affected.get("versions", ()):
        try:
            if Version(text) == wanted:
                return True
        except InvalidVersion:
            continue
    return False


def _ranges(affected: dict[str, Any]) -> list[dict[str, Any]]:
    return [span for span in affected.get("ranges", ()) if span.get("type") == "ECOSYSTEM"]


def _within(events: list[dict[str, str]], wanted: Version) -> bool:
    """Return whether a version is affected, by the events in the order of their versions."""
    inside = False
    for event in events:
        ((kind, text),) = event.items()
        try:
            limit = Version(text)
        except InvalidVersion:
            return False
        if kind == "introduced" and wanted >= limit:
            inside = True
        elif (kind == "fixed" and wanted >= limit) or (kind == "last_affected" and wanted > limit):
            inside = False
    return inside


def _rfc3339(value: Any) -> str:
    """Return a date of YAML as the protocol writes it."""
    return value.isoformat().replace("+00:00", "Z")


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    server = OsvServer(parser.parse_args().port)
    with server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
