"""A real git server over HTTP: git's own backend, and tokens that may read or write as a forge's tokens may."""

from __future__ import annotations

import base64
import os
import subprocess
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.support.loopback import Loopback

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class GitServer(Loopback):
    """Serves bare repositories below a folder; use it as a context manager."""

    def __init__(self, root: Path, *, writers: tuple[str, ...] = (), readers: tuple[str, ...] | None = None) -> None:
        """Serve a folder.

        Args:
            root: holds `owner/name.git`.
            writers: tokens that may push.
            readers: tokens that may fetch, beside those that may push; None lets everybody.
        """
        server = self
        self.root = root
        self.writers = writers
        self.readers = readers
        self.requests: list[tuple[str, str]] = []
        """Path with its query, and the header that was shown, of each request."""
        self.broken = 0
        """Requests that are answered with 503 before one is let through."""
        self.before_push: Callable[[], None] | None = None
        """What happens when the first push comes in, before it is looked at."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server._answer(self)

            def do_POST(self) -> None:
                server._answer(self)

            def log_message(self, *_: object) -> None:
                return

        super().__init__(Handler)

    @property
    def url(self) -> str:
        """Where the server is, as `GITHUB_SERVER_URL` would say."""
        return f"http://{self.address}"

    def make(self, name: str) -> Path:
        """Make an empty repository and return its folder."""
        bare = self.root / f"{name}.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(bare)], check=True)
        return bare

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        shown = request.headers.get_all("Authorization") or []
        self.requests.append((request.path, " ".join(shown)))
        body = _body(request)
        if self.before_push and request.command == "POST" and "git-receive-pack" in request.path:
            meanwhile, self.before_push = self.before_push, None
            meanwhile()
        if self.broken:
            self.broken -= 1
            request.send_error(503)
        elif len(shown) > 1:
            request.send_error(400)  # as GitHub: "Duplicate header"
        elif not self._allowed(shown[0] if shown else "", writes="git-receive-pack" in request.path):
            request.send_response(403 if shown else 401)
            request.send_header("WWW-Authenticate", 'Basic realm="git"')
            request.end_headers()
        else:
            _backend(self.root, request, body)

    def _allowed(self, shown: str, *, writes: bool) -> bool:
        tokens = self.writers if writes else (*self.writers, *(self.readers or ()))
        known = {"basic " + base64.b64encode(f"x-access-token:{token}".encode()).decode() for token in tokens}
        return (self.readers is None and not writes) or shown in known


def _body(request: BaseHTTPRequestHandler) -> bytes:
    if request.headers.get("Transfer-Encoding", "") != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length") or 0))
    found = b""
    while size := int(request.rfile.readline().split(b";")[0], 16):
        found += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return found


def _backend(root: Path, request: BaseHTTPRequestHandler, body: bytes) -> None:
    parts = urlsplit(request.path)
    env = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "REMOTE_USER": "somebody",  # who may do what was decided above
        "REQUEST_METHOD": request.command,
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
    }
    done = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True, check=False)
    head, _, rest = done.stdout.partition(b"\r\n\r\n")
    rows = [row.partition(":") for row in head.decode("latin-1").splitlines()]
    headers = {name.strip(): value.strip() for name, _, value in rows}
    request.send_response(int(headers.pop("Status", "200").split()[0]))
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(rest)))
    request.end_headers()
    request.wfile.write(rest)
