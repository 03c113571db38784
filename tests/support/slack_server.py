"""A real HTTP server that takes messages as Slack's incoming webhooks do, and can be told to fail."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.loopback import Loopback
from tests.support.slack_rules import refusal

PATH = "/services/T00000000/B00000000/sEcReTsEcReT"


@dataclass
class Trouble:
    """One way to go wrong at the next request."""

    status: int = 0
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    drip_s: float = 0.0
    """Send the body byte by byte, with this pause between two."""
    cut: bool = False
    keep: bool = False
    """Take the message before going wrong."""


class SlackServer(Loopback):
    """The server; `messages` holds what was accepted, `refused` why something was not."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self.requests = 0
        self.troubles: list[Trouble] = []
        super().__init__(_handler(self))

    @property
    def url(self) -> str:
        """The webhook's address, which is the secret."""
        return f"http://{self.address}{PATH}"

    def trouble(self, *troubles: Trouble) -> None:
        """Go wrong at the next requests."""
        self.troubles += troubles

    def take(self, path: str, media_type: str, body: bytes) -> tuple[int, str]:
        """Accept or refuse a message, in Slack's words."""
        if path != PATH:
            return 404, "no_service"
        if not media_type.startswith("application/json"):
            self.refused.append(f"media type {media_type}")
            return 400, "invalid_payload"
        word, why = refusal(body)
        if word:
            self.refused.append(f"{word}: {why}")
            return 400, word
        self.messages.append(json.loads(body))
        return 200, "ok"


def _handler(slack: SlackServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer waits 40 ms

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            slack.requests += 1
            trouble = slack.troubles.pop(0) if slack.troubles else Trouble(keep=True)
            code, answer = trouble.status, trouble.body
            if trouble.keep or not (trouble.status or trouble.cut):
                taken = slack.take(self.path, self.headers.get("Content-Type", ""), body)
                code, answer = (code, answer) if trouble.status else taken
            time.sleep(trouble.delay_s)
            if trouble.cut:
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            self._answer(code, answer.encode(), trouble)

        def _answer(self, code: int, payload: bytes, trouble: Trouble) -> None:
            with contextlib.suppress(OSError):
                self.send_response(code)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(payload)))
                for name, value in trouble.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                for byte in payload if trouble.drip_s else ():
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(trouble.drip_s)
                self.wfile.write(b"" if trouble.drip_s else payload)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    return Handler
