"""A whole sigstore trust domain on loopback: real certificate authority, log and timestamps, no `--insecure` flag.

Fulcio (certificates), Rekor v2 (transparency log, files on disk), a timestamp authority, our own
certificate transparency log and our own token issuer. cosign takes the token by its provider for
GitHub Actions, so a signature made here is like one made there, but for the names.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from tests.harness.shell import file_lock
from tests.support.trust_domain_http import IDENTITY, REQUEST_TOKEN, Issuer, TransparencyLog, serve_issuer, serve_log
from tests.support.trust_domain_tools import server

from truegreen.runtime.net import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_START_S = 30.0
_SINCE = "2020-01-01T00:00:00Z"
_LOG_NAME = "rekor-local"
_PASSWORD = "loopback"
_FULCIO_CONFIG = """
oidc-issuers:
  {issuer}:
    issuer-url: {issuer}
    client-id: sigstore
    type: ci-provider
    ci-provider: github-workflow
ci-issuer-metadata:
  github-workflow:
    default-template-values:
      url: "https://github.com"
    extension-templates:
      github-workflow-trigger: "event_name"
      github-workflow-sha: "sha"
      github-workflow-name: "workflow"
      github-workflow-repository: "repository"
      github-workflow-ref: "ref"
      build-signer-uri: "{{{{ .url }}}}/{{{{ .job_workflow_ref }}}}"
      build-signer-digest: "job_workflow_sha"
      runner-environment: "runner_environment"
      source-repository-uri: "{{{{ .url }}}}/{{{{ .repository }}}}"
      source-repository-digest: "sha"
      source-repository-ref: "ref"
    subject-alternative-name-template: "{{{{ .url }}}}/{{{{ .job_workflow_ref }}}}"
"""


@dataclass
class TrustDomain:
    """A running domain; files are in `folder`."""

    folder: Path
    cosign: Path
    issuer: Issuer
    issuer_url: str
    identity: str = IDENTITY
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def signing_config(self) -> Path:
        """File for `cosign sign --signing-config`."""
        return self.folder / "signing-config.json"

    @property
    def trusted_root(self) -> Path:
        """File for `--trusted-root`."""
        return self.folder / "trusted-root.json"

    def runner_env(self) -> dict[str, str]:
        """Return what a runner gives a job that may ask for an identity token."""
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.issuer_url}/token?x=1",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
        }


@contextlib.contextmanager
def trust_domain(folder: Path, cosign: Path) -> Iterator[TrustDomain]:
    """Start everything, yield the domain, and stop everything."""
    issuer, log = Issuer(), TransparencyLog()
    # The timestamp authority serves its metrics on port 2112 and has no option for another: one domain at a time.
    with file_lock("trust-domain"), serve_issuer(issuer) as issuer_url, serve_log(log) as log_url:
        domain = TrustDomain(folder, cosign, issuer, issuer_url)
        (folder / "ct.pub").write_bytes(log.public_pem())
        try:
            fulcio = _fulcio(domain, log_url)
            tsa = _timestamps(domain)
            rekor = _rekor(domain)
            _describe(domain, fulcio, tsa, rekor, log_url)
            yield domain
        finally:
            for process in reversed(domain.processes):
                process.terminate()
            for process in domain.processes:
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()


def _fulcio(domain: TrustDomain, log_url: str) -> str:
    _authority(domain.folder)
    config = domain.folder / "fulcio.yaml"
    config.write_text(_FULCIO_CONFIG.format(issuer=domain.issuer_url))
    port, grpc, metrics = (str(free_port()) for _ in range(3))
    argv = ["serve", "--ca", "fileca", "--fileca-cert", "ca.pem", "--fileca-key", "ca.key", "--fileca-watch=false"]
    argv += ["--fileca-key-passwd", _PASSWORD, "--ct-log-url", log_url, "--config-path", str(config)]
    argv += ["--host", "127.0.0.1", "--port", port, "--grpc-host", "127.0.0.1", "--grpc-port", grpc]
    argv += ["--metrics-port", metrics, "--legacy-unix-domain-socket", str(domain.folder / "legacy.sock")]
    _spawn(domain, "fulcio", argv, f"http://127.0.0.1:{port}/api/v2/trustBundle")
    return f"http://127.0.0.1:{port}"


def _timestamps(domain: TrustDomain) -> str:
    port = str(free_port())
    argv = ["serve", "--host", "127.0.0.1", "--port", port, "--disable-ntp-monitoring", "--timestamp-signer", "memory"]
    chain = f"http://127.0.0.1:{port}/api/v1/timestamp/certchain"
    _spawn(domain, "timestamp-server", argv, chain)
    with urllib.request.urlopen(chain, timeout=5) as reply:
        (domain.folder / "tsa.pem").write_bytes(reply.read())
    return f"http://127.0.0.1:{port}"


def _rekor(domain: TrustDomain) -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    (domain.folder / "rekor.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (domain.folder / "rekor.pub").write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    port, grpc, metrics = (str(free_port()) for _ in range(3))
    argv = ["serve", "--http-address", "127.0.0.1", "--http-port", port, "--grpc-port", grpc]
    argv += ["--http-metrics-port", metrics, "--hostname", _LOG_NAME, "--storage-dir", str(domain.folder / "log")]
    argv += ["--signer-filepath", "rekor.pem", "--checkpoint-interval", "200ms"]
    _spawn(domain, "rekor-server-posix", argv, f"http://127.0.0.1:{port}/healthz")
    return f"http://127.0.0.1:{port}"


def _authority(folder: Path) -> None:
    """Write a self-signed certificate authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "loopback"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback authority"),
        ]
    )
    now = dt.datetime.now(dt.UTC)
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    secret = BestAvailableEncryption(_PASSWORD.encode())
    (folder / "ca.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))


def _describe(domain: TrustDomain, fulcio: str, tsa: str, rekor: str, log_url: str) -> None:
    """Write the signing configuration and the trusted root."""
    since = f"start-time={_SINCE}"
    _cosign(
        domain,
        ["signing-config", "create", "--out", str(domain.signing_config)],
        ["--fulcio", f"url={fulcio},api-version=1,{since},operator=x"],
        ["--oidc-provider", f"url={domain.issuer_url},api-version=1,{since},operator=x"],
        ["--rekor", f"url={rekor},api-version=2,{since},operator=x", "--rekor-config", "EXACT:1"],
        ["--tsa", f"url={tsa}/api/v1/timestamp,api-version=1,{since},operator=x", "--tsa-config", "EXACT:1"],
    )
    _cosign(
        domain,
        ["trusted-root", "create", "--out", str(domain.trusted_root)],
        ["--fulcio", f"url={fulcio},certificate-chain=ca.pem,{since}"],
        ["--tsa", f"url={tsa},certificate-chain=tsa.pem,{since}"],
        # The host must be the log's name, or its notes do not verify.
        ["--rekor", f"url=http://{_LOG_NAME},public-key=rekor.pub,{since},origin={_LOG_NAME}"],
        ["--ctfe", f"url={log_url},public-key=ct.pub,{since}"],
    )


def _cosign(domain: TrustDomain, *groups: list[str]) -> None:
    argv = [str(domain.cosign), *(word for group in groups for word in group)]
    done = subprocess.run(argv, cwd=domain.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _spawn(domain: TrustDomain, name: str, argv: list[str], ready_url: str) -> None:
    log = domain.folder / f"{name}.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [str(server(name)), *argv], cwd=domain.folder, stdout=sink, stderr=sink, env=dict(os.environ)
        )
    domain.processes.append(process)
    deadline = time.monotonic() + _START_S
    while True:
        try:
            with urllib.request.urlopen(ready_url, timeout=1) as reply:
                reply.read()
                return
        except (urllib.error.URLError, OSError):
            ended = process.poll() is not None
            assert not ended and time.monotonic() < deadline, f"{name} did not start: {log.read_text()[-2000:]}"  # noqa: PT018
            time.sleep(0.05)
