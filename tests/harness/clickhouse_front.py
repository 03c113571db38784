"""ClickHouse's own engine behind a small HTTP interface: run where `chdb-core` is installed.

The engine is the real one (the package holds it as a library). The HTTP interface is written here, after ClickHouse's
documentation: `python clickhouse_front.py FOLDER USER PASSWORD` prints the port it listens on.
"""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb import session

FOLDER, USER, PASSWORD = sys.argv[1:4]
ENGINE = session.Session(FOLDER)
ALONE = threading.Lock()


class Front(BaseHTTPRequestHandler):
    """Answers a POST with what the engine answers."""

    def do_POST(self) -> None:
        """Run the statement in the body, with the parameters and the database of the address."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        given = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        who = (self.headers.get("X-ClickHouse-User"), self.headers.get("X-ClickHouse-Key"))
        if who != (USER, PASSWORD):
            text = f"Code: 516. DB::Exception: {who[0]}: Authentication failed. (AUTHENTICATION_FAILED)"
            self.answer(403, text.encode())
            return
        values = {name.removeprefix("param_"): value for name, value in given.items() if name.startswith("param_")}
        with ALONE:
            try:
                ENGINE.query(f"USE `{given['database']}`")
                found = ENGINE.query(body.decode(), params=values or None)
                self.answer(200, found.bytes() if found else b"")
            except Exception as error:  # noqa: BLE001 - the engine's text is the answer
                self.answer(500, str(error).encode())

    def answer(self, status: int, body: bytes) -> None:
        """Send an answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


SERVER = ThreadingHTTPServer(("127.0.0.1", 0), Front)
print(SERVER.server_address[1], flush=True)
SERVER.serve_forever()
