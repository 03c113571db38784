"""Pushing an image and learning its digest from the registry; a tag is never trusted.

For rehearsals, `crane registry serve` is a real registry in one process, with its content on disk.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from truegreen.errors import ServiceNotReady, ToolFailed
from truegreen.runtime import net
from truegreen.runtime.process import stop
from truegreen.stages.common.stack_ready import log_tail

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from truegreen.runtime.clock import Clock
    from truegreen.runtime.process import ProcessRunner

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REFERENCE = re.compile(r"(?P<name>[^@\s]+)@(?P<digest>sha256:[0-9a-f]{64})")
_START_S = 20.0
_PUSH_S = 600.0


@contextlib.contextmanager
def rehearsal_registry(
    crane: Path, folder: Path, *, processes: ProcessRunner, env: Mapping[str, str], clock: Clock, log: Path
) -> Iterator[str]:
    """Serve a registry on loopback and yield its `host:port`; it is gone afterwards.

    Raises:
        ServiceNotReady: it did not start.
    """
    port = net.free_port()
    argv = [str(crane), "registry", "serve", "--address", f"{net.LOOPBACK}:{port}", "--disk", str(folder)]
    folder.mkdir(parents=True, exist_ok=True)
    process = processes.spawn(argv, log=log, env=dict(env))
    try:
        start = clock.monotonic()
        while net.http_status(f"http://{net.LOOPBACK}:{port}/v2/") != 200:  # noqa: PLR2004 - HTTP's OK
            if process.poll() is not None or clock.monotonic() - start > _START_S:
                raise ServiceNotReady("the rehearsal registry did not start", where=str(log), why=log_tail(log))
            clock.sleep(0.03)
        yield f"{net.LOOPBACK}:{port}"
    finally:
        stop(process)


def push(crane: Path, archive: Path, reference: str, *, processes: ProcessRunner, env: Mapping[str, str]) -> str:
    """Push a docker archive and return `registry/repository@sha256:…` as the registry knows it.

    Raises:
        ToolFailed: the push was refused, or the registry did not name a digest.
    """
    done = processes.run([str(crane), "push", str(archive), reference], env=env, timeout_s=_PUSH_S)
    if not done.ok:
        raise ToolFailed(
            f"the image could not be pushed to {reference}",
            where="crane push",
            why="it took too long" if done.timed_out else done.tail(4),
            fix="check the registry's address and `docker login`; a job needs `packages: write` for ghcr.io",
        )
    pushed = _digest(done.stdout)
    asked = processes.run([str(crane), "digest", reference], env=env, timeout_s=_PUSH_S)
    stored = _digest(asked.stdout)
    if not stored or pushed != stored:
        raise ToolFailed(
            f"the registry does not hold what was pushed to {reference}",
            where="crane digest",
            why=f"pushed {pushed or 'nothing'}, the registry says {stored or asked.tail(2)}",
            fix="somebody else moved the tag, or the registry rewrote the image; push again",
        )
    return f"{repository(reference)}@{stored}"


def repository(reference: str) -> str:
    """Return a reference without tag and digest; a port is kept."""
    name = reference.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def digest_of(reference: str) -> str:
    """Return the digest of `name@sha256:…`, or an empty string when it has none."""
    found = _REFERENCE.fullmatch(reference)
    return found["digest"] if found else ""


def _digest(text: str) -> str:
    found = _DIGEST.findall(text)
    return found[-1] if found else ""
