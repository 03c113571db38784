"""The identity that a job expects of its own signature."""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest
from tests.support.loopback import serving
from tests.support.trust_domain_http import IDENTITY, REQUEST_TOKEN, Issuer, serve_issuer

from truegreen.errors import ConfigurationError, EngineError
from truegreen.runtime import identity

if TYPE_CHECKING:
    from collections.abc import Iterator


def job(address: str, token: str = REQUEST_TOKEN) -> dict[str, str]:
    return {"ACTIONS_ID_TOKEN_REQUEST_URL": address, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": token}


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with serving(Handler) as address:
        yield f"http://{address}/token"


def token(claims: object) -> bytes:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return json.dumps({"value": f"head.{payload}.signature"}).encode()


def test_signer_is_the_workflow_that_the_token_names() -> None:
    with serve_issuer(Issuer()) as address:
        assert identity.signer(job(f"{address}/token?x=1")) == IDENTITY


def test_signer_on_another_server_has_that_servers_address() -> None:
    with serve_issuer(Issuer()) as address:
        env = {**job(f"{address}/token"), "GITHUB_SERVER_URL": "https://ghe.example"}
        assert identity.signer(env) == IDENTITY.replace("https://github.com", "https://ghe.example")


@pytest.mark.parametrize("env", [{}, {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://runner.example"}])
def test_job_without_the_right_is_told_which_one(env: dict[str, str]) -> None:
    assert not identity.available(env)
    with pytest.raises(ConfigurationError) as caught:
        identity.signer(env)
    assert "id-token: write" in caught.value.fix


def test_service_that_refuses_is_an_engine_error_without_the_token() -> None:
    with serve_issuer(Issuer()) as address, pytest.raises(EngineError) as caught:
        identity.signer(job(f"{address}/token", token="wrong-request-token"))
    assert "401" in caught.value.why
    assert "wrong-request-token" not in str(caught.value.lines())


@pytest.mark.parametrize(
    "body",
    [b"", b"no json", b'{"value": "one-part"}', token({}), token([]), token({"job_workflow_ref": 1}), b"x" * (1 << 17)],
)
def test_answer_that_is_no_token_is_an_engine_error(body: bytes) -> None:
    with answering(200, body) as address, pytest.raises(EngineError, match="no identity token"):
        identity.signer(job(address))


def test_service_that_is_gone_is_an_engine_error() -> None:
    with pytest.raises(EngineError, match="no identity token"):
        identity.signer(job("http://127.0.0.1:9/token"))


def test_address_in_the_clear_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="https"):
        identity.signer(job("http://runner.example/token"))
