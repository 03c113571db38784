"""The event that started a run: a pure reading of the forge's variables and payload.

The head of a pull request comes from the payload: `GITHUB_SHA` is a merge commit on GitHub and the
head on Gitea, so neither it nor `GITHUB_REF` says what is being judged.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from truegreen.errors import UnsafeEvent
from truegreen.forge.answers import SHA, table, text

if TYPE_CHECKING:
    from collections.abc import Mapping

PAYLOAD_LIMIT_BYTES = 25 << 20
UNSAFE = ("pull_request_target", "workflow_run", "issue_comment")
PULL_REQUEST = ("pull_request", "pull_request_target", "pull_request_review")
_NAME = re.compile(r"[a-z][a-z_]{0,49}")
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_PULL_REF = re.compile(r"refs/pull/(\d{1,10})/(?:head|merge)")
_RUN_NUMBER = re.compile(r"[0-9]{1,20}")
_NO_COMMIT = re.compile(r"0+")
_LABELS_LIMIT = 100
_GITHUB_API = "https://api.github.com"
_GITHUB = "https://github.com"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What started the run; empty values where nobody said."""

    name: str = "local"
    """`pull_request`, `push` …; `local` at a desk."""
    repository: str = ""
    """`owner/name`."""
    sha: str = ""
    """The commit being judged: of a pull request its head, never the merge commit."""
    base_sha: str = ""
    ref: str = ""
    """`refs/heads/main`, `refs/tags/v1`, `refs/pull/7/merge`."""
    head_ref: str = ""
    """Branch of a pull request, without `refs/heads/`."""
    base_ref: str = ""
    """Branch a pull request wants to enter, without `refs/heads/`."""
    pull_request: int | None = None
    is_fork: bool = False
    """True when the head comes from another repository: its token can only read."""
    default_branch: str = ""
    labels: tuple[str, ...] = ()
    actor: str = ""
    run_id: str = ""
    run_attempt: int = 1
    run_url: str = ""
    server_url: str = ""
    api_url: str = ""
    notes: tuple[str, ...] = ()
    """What could not be read, in words."""

    @property
    def on_default_branch(self) -> bool:
        """True for a push to the default branch."""
        return bool(self.default_branch) and self.ref == f"refs/heads/{self.default_branch}"

    @property
    def is_tag(self) -> bool:
        """True for a pushed tag or a release."""
        return self.ref.startswith("refs/tags/")

    @property
    def branch(self) -> str:
        """The branch the commit belongs to, `pull/N` for a pull request, empty for a tag or at a desk."""
        if self.pull_request is not None:
            return f"pull/{self.pull_request}"
        return self.ref.removeprefix("refs/heads/") if self.ref.startswith("refs/heads/") else ""


def parse(env: Mapping[str, str], payload: bytes | None = None) -> Event:
    """Return the event; a missing or malformed payload leaves what the variables say, with a note.

    Args:
        env: the runner's variables; `GITHUB_*` is enough on every forge.
        payload: content of the file at `GITHUB_EVENT_PATH`.
    """
    name = _matching(_NAME, env.get("GITHUB_EVENT_NAME", "")) or "local"
    data, notes = _decode(payload, expected=name != "local")
    pull = table(data, "pull_request")
    number = _number(pull, data, env, name)
    sha, sha_note = _sha(name, data, pull, env)
    repository = _matching(_REPOSITORY, env.get("GITHUB_REPOSITORY", "")) or _full_name(table(data, "repository"))
    server = _http(env.get("GITHUB_SERVER_URL", "")) or (_GITHUB if repository else "")
    run_id = _matching(_RUN_NUMBER, env.get("GITHUB_RUN_ID", ""))
    return Event(
        name=name,
        repository=repository,
        sha=sha,
        base_sha=_base_sha(name, data, pull),
        ref=text(env.get("GITHUB_REF", "")) or text(data.get("ref")),
        head_ref=text(table(pull, "head").get("ref")) or text(env.get("GITHUB_HEAD_REF", "")),
        base_ref=text(table(pull, "base").get("ref")) or text(env.get("GITHUB_BASE_REF", "")),
        pull_request=number,
        is_fork=_is_fork(pull, repository),
        default_branch=_default_branch(name, data, env),
        labels=_labels(pull),
        actor=text(env.get("GITHUB_ACTOR", "")) or text(table(data, "sender").get("login")),
        run_id=run_id,
        run_attempt=int(_matching(_RUN_NUMBER, env.get("GITHUB_RUN_ATTEMPT", "")) or 1),
        run_url=f"{server}/{repository}/actions/runs/{run_id}" if server and repository and run_id else "",
        server_url=server,
        api_url=_http(env.get("GITHUB_API_URL", "")) or (_GITHUB_API if server == _GITHUB else ""),
        notes=(*notes, *sha_note),
    )


def refuse_unsafe(event: Event) -> None:
    """Refuse to run the user's code for an event that hands secrets to unreviewed code.

    Raises:
        UnsafeEvent: for `pull_request_target`, `workflow_run` and `issue_comment`.
    """
    if event.name in UNSAFE:
        raise UnsafeEvent(
            f"truegreen refuses to run code on {event.name}",
            where="GITHUB_EVENT_NAME",
            why="that event hands secrets and a writing token to code nobody reviewed",
        )


def _decode(payload: bytes | None, *, expected: bool) -> tuple[dict[str, Any], tuple[str, ...]]:
    if payload is None:
        return {}, ("the event's payload is missing",) if expected else ()
    try:
        data = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}, ("the event's payload is not JSON",)
    return (data, ()) if isinstance(data, dict) else ({}, ("the event's payload is not a JSON object",))


def _sha(name: str, data: dict[str, Any], pull: dict[str, Any], env: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Return the judged commit, and a note when only a merge commit is known."""
    given = _matching(SHA, env.get("GITHUB_SHA", ""))
    if name in PULL_REQUEST:
        head = _commit(table(pull, "head").get("sha"))
        if head:
            return head, ()
        merged = env.get("GITHUB_REF", "").endswith("/merge")
        return given, ("the head of the pull request is unknown; GITHUB_SHA may be a merge commit",) if merged else ()
    named = {
        "workflow_run": table(data, "workflow_run").get("head_sha"),
        "merge_group": table(data, "merge_group").get("head_sha"),
        "push": data.get("after"),
    }.get(name)
    return _commit(named) or given, ()


def _base_sha(name: str, data: dict[str, Any], pull: dict[str, Any]) -> str:
    if name in PULL_REQUEST:
        return _commit(table(pull, "base").get("sha"))
    if name == "merge_group":
        return _commit(table(data, "merge_group").get("base_sha"))
    return _commit(data.get("before")) if name == "push" else ""


def _default_branch(name: str, data: dict[str, Any], env: Mapping[str, str]) -> str:
    """Return the default branch; a schedule names no repository in its payload, and runs on that branch only."""
    named = text(table(data, "repository").get("default_branch"))
    ref = text(env.get("GITHUB_REF", ""))
    if not named and name == "schedule" and ref.startswith("refs/heads/"):
        return ref.removeprefix("refs/heads/")
    return named


def _number(pull: dict[str, Any], data: dict[str, Any], env: Mapping[str, str], name: str) -> int | None:
    """Return the pull request's number from the payload, else from the ref."""
    candidates = [pull.get("number")]
    if name in PULL_REQUEST:
        candidates.append(data.get("number"))
    if name == "workflow_run":
        pulls = table(data, "workflow_run").get("pull_requests")
        candidates += [entry.get("number") for entry in _list(pulls) if isinstance(entry, dict)]
    if match := _PULL_REF.fullmatch(env.get("GITHUB_REF", "")):
        candidates.append(int(match.group(1)))
    return next((n for n in candidates if type(n) is int and n > 0), None)


def _is_fork(pull: dict[str, Any], repository: str) -> bool:
    """Return whether the head lies in another repository; a deleted one counts as another."""
    if not pull or "head" not in pull:
        return False
    head = _full_name(table(table(pull, "head"), "repo"))
    base = _full_name(table(table(pull, "base"), "repo")) or repository
    return head.lower() != base.lower()


def _labels(pull: dict[str, Any]) -> tuple[str, ...]:
    labels = _list(pull.get("labels"))[:_LABELS_LIMIT]
    names = [text(label.get("name")) for label in labels if isinstance(label, dict)]
    return tuple(name for name in names if name)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _full_name(repo: dict[str, Any]) -> str:
    return _matching(_REPOSITORY, repo.get("full_name"))


def _matching(pattern: re.Pattern[str], value: Any) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""


def _commit(value: Any) -> str:
    sha = _matching(SHA, value)
    return "" if _NO_COMMIT.fullmatch(sha) else sha


def _http(value: str) -> str:
    """Return an http(s) URL without user, query and trailing slash; anything else is nothing."""
    try:
        parts = urlsplit(value)
        known = parts.scheme in ("http", "https") and parts.hostname and not parts.username and not parts.query
    except ValueError:
        return ""
    return value.rstrip("/") if known and value.isprintable() and " " not in value else ""
