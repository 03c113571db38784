"""Two small servers of the trust domain: a certificate transparency log and an issuer of identity tokens."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import time
import urllib.parse
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.support.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_POISON = bytes.fromhex("060a2b06010401d679020403")  # the object identifier 1.3.6.1.4.1.11129.2.4.3
_EXTENSIONS = 0xA3
REQUEST_TOKEN = "abc"
CLAIMS = {
    "aud": "sigstore",
    "sub": "repo:acme/app:ref:refs/heads/main",
    "job_workflow_ref": "acme/pack/.github/workflows/signed-image.yml@refs/tags/v1",
    "job_workflow_sha": "1" * 40,
    "workflow_ref": "acme/app/.github/workflows/ci.yml@refs/heads/main",
    "workflow_sha": "2" * 40,
    "workflow": "ci",
    "repository": "acme/app",
    "repository_id": "10",
    "repository_owner": "acme",
    "repository_owner_id": "20",
    "repository_visibility": "public",
    "event_name": "push",
    "ref": "refs/heads/main",
    "sha": "2" * 40,
    "run_id": "30",
    "run_attempt": "1",
    "runner_environment": "github-hosted",
}
IDENTITY = f"https://github.com/{CLAIMS['job_workflow_ref']}"


class TransparencyLog:
    """Answers `add-pre-chain` with a signed certificate timestamp; keeps nothing."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._spki = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def public_pem(self) -> bytes:
        """Return the log's public key."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def answer(self, chain: list[str]) -> dict[str, Any]:
        """Return the timestamp for a chain of base64 certificates, precertificate first."""
        precert, issuer = (x509.load_der_x509_certificate(base64.b64decode(part)) for part in chain[:2])
        spki = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        tbs = without_poison(precert.tbs_certificate_bytes)
        now_ms = int(time.time() * 1000)
        signed = struct.pack(">BBQH", 0, 0, now_ms, 1) + hashlib.sha256(spki).digest()
        signed += len(tbs).to_bytes(3, "big") + tbs + b"\0\0"
        signature = self._key.sign(signed, ec.ECDSA(hashes.SHA256()))
        struct_signed = b"\4\3" + len(signature).to_bytes(2, "big") + signature
        return {
            "sct_version": 0,
            "id": base64.b64encode(hashlib.sha256(self._spki).digest()).decode(),
            "timestamp": now_ms,
            "extensions": "",
            "signature": base64.b64encode(struct_signed).decode(),
        }


class Issuer:
    """Mints tokens shaped like those of GitHub Actions."""

    def __init__(self) -> None:
        self.url = ""
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def mint(self, audience: str = "sigstore", **claims: str) -> str:
        """Return a token; claims replace the usual ones."""
        now_s = int(time.time())
        body = {**CLAIMS, "iss": self.url, "aud": audience, "iat": now_s, "nbf": now_s, "exp": now_s + 300, **claims}
        head = _b64(json.dumps({"alg": "RS256", "typ": "JWT", "kid": "one"}).encode())
        text = f"{head}.{_b64(json.dumps(body).encode())}"
        signature = self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{_b64(signature)}"

    def keys(self) -> dict[str, Any]:
        """Return the public key as a JSON web key set."""
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "one", "n": _int(numbers.n), "e": _int(numbers.e)}
        return {"keys": [key]}

    def answer(self, path: str, authorization: str) -> tuple[int, Any]:
        """Return status and document for a GET."""
        parts = urllib.parse.urlsplit(path)
        if parts.path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/auth",
                "token_endpoint": f"{self.url}/token",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        if parts.path == "/keys":
            return 200, self.keys()
        if parts.path == "/token" and authorization.lower() == f"bearer {REQUEST_TOKEN}":
            audience = urllib.parse.parse_qs(parts.query).get("audience", [""])[0]
            return 200, {"value": self.mint(audience)}
        return 404 if parts.path != "/token" else 401, {}


@contextmanager
def serve_log(log: TransparencyLog) -> Iterator[str]:
    """Serve a log and yield its URL."""

    def post(_: str, body: bytes) -> tuple[int, Any]:
        return 200, log.answer(json.loads(body)["chain"])

    with _serve(lambda path, _: (404, {"path": path}), post) as url:
        yield f"{url}/test"


@contextmanager
def serve_issuer(issuer: Issuer) -> Iterator[str]:
    """Serve an issuer and yield its URL, which is also its name."""
    with _serve(issuer.answer, lambda *_: (404, {})) as url:
        issuer.url = url
        yield url


def without_poison(tbs: bytes) -> bytes:
    """Return a certificate's to-be-signed part without the poison extension (RFC 6962, 3.2)."""
    parts = _children(_children(tbs)[0][1])
    kept = []
    for tag, value in parts:
        if tag == _EXTENSIONS:
            extensions = _children(_children(value)[0][1])
            rest = b"".join(_tlv(t, v) for t, v in extensions if not v.startswith(_POISON))
            kept.append(_tlv(tag, _tlv(0x30, rest)))
        else:
            kept.append(_tlv(tag, value))
    return _tlv(0x30, b"".join(kept))


def _children(data: bytes) -> list[tuple[int, bytes]]:
    """Return the DER elements in a row as tag and value."""
    found, at = [], 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            width = length & 0x7F
            length, at = int.from_bytes(data[at : at + width], "big"), at + width
        found.append((tag, data[at : at + length]))
        at += length
    return found


def _tlv(tag: int, value: bytes) -> bytes:
    size = len(value)
    if size < 0x80:
        return bytes((tag, size)) + value
    width = (size.bit_length() + 7) // 8
    return bytes((tag, 0x80 | width)) + size.to_bytes(width, "big") + value


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _int(number: int) -> str:
    return _b64(number.to_bytes((number.bit_length() + 7) // 8, "big"))


@contextmanager
def _serve(get: Callable[[str, str], tuple[int, Any]], post: Callable[[str, bytes], tuple[int, Any]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(*get(self.path, self.headers.get("Authorization", "")))

        def do_POST(self) -> None:
            self._reply(*post(self.path, self.rfile.read(int(self.headers["Content-Length"]))))

        def _reply(self, status: int, document: Any) -> None:
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as address:
        yield f"http://{address}"
