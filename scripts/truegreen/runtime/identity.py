"""The identity that a CI job was given, as its own token tells it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import ConfigurationError, EngineError
from truegreen.runtime.http import checked

if TYPE_CHECKING:
    from collections.abc import Mapping

_URL, _TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
_TIMEOUT_S = 10.0
_LIMIT_BYTES = 1 << 16


class _Answer(msgspec.Struct):
    value: str


class _Claims(msgspec.Struct):
    job_workflow_ref: str


def available(env: Mapping[str, str]) -> bool:
    """Return whether this job may ask for a token."""
    return bool(env.get(_URL) and env.get(_TOKEN))


def signer(env: Mapping[str, str]) -> str:
    """Return the name that a certificate for this job holds: the address of the workflow that runs it.

    The token is asked of the runner's own service, so its claims are read without a check of the signature:
    they say which name to expect, and the certificate authority checks them.

    Raises:
        ConfigurationError: the service's address is not `https://`.
        EngineError: the service gave no token, or one without that claim.
    """
    import urllib3  # noqa: PLC0415 - only where something is signed

    if not available(env):
        raise ConfigurationError("this job may not ask for an identity token", fix="give it `id-token: write`")
    address = checked(env[_URL])
    separator = "&" if "?" in address else "?"
    try:
        reply = urllib3.request(
            "GET",
            f"{address}{separator}audience=truegreen",
            headers={"Authorization": f"Bearer {env[_TOKEN]}", "User-Agent": "truegreen"},
            timeout=_TIMEOUT_S,
            redirect=False,
            retries=urllib3.Retry(3, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504), redirect=0),
        )
        if reply.status != 200 or len(reply.data) > _LIMIT_BYTES:  # noqa: PLR2004 - HTTP's OK
            raise _refused(f"it answered {reply.status}")
        payload = msgspec.json.decode(reply.data, type=_Answer).value.split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Claims)
    except urllib3.exceptions.HTTPError as error:
        raise _refused(type(error).__name__) from None
    except (msgspec.DecodeError, ValueError, IndexError) as error:
        raise _refused(f"its answer is no token: {error}") from None
    return f"{env.get('GITHUB_SERVER_URL') or 'https://github.com'}/{claims.job_workflow_ref}"


def _refused(why: str) -> EngineError:
    return EngineError(
        "the runner gave no identity token", why=why, fix="run the job again, or set signed-image.identity"
    )
