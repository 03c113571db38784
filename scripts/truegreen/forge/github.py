"""GitHub and what speaks its language (GHES, Gitea), by PyGithub: the only module that knows it.

PyGithub gives authentication, connections, throttling and decoding. Its objects are not used: they
fetch more than is needed, and follow addresses in answers, which are wrong behind a proxy and on Gitea.
Importing it takes half a second, so it happens when the forge is opened.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from truegreen.errors import ExtraMissing, ForgeRefused, ForgeUnreachable, TruegreenError
from truegreen.forge.patience import Broken, Call, Patience, Reply, Unsure
from truegreen.forge.port import (
    ANNOTATION_BATCH,
    CHECK_NAME,
    MARKER,
    STATUS_CONTEXT,
    Annotation,
    CheckRun,
    CommitStatus,
    Outcome,
    Written,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from truegreen.runtime.clock import Clock

_TIMEOUT_S = 15
_LIMIT_S = 75.0
_PAGE = 100
_PAGES_MAX = 100
_LOOKS_MAX = 5
_DENIED = (401, 403, 404, 410)
_TOO_MUCH = (413, 422)
_NOT_FOUND = 404
_UNAUTHORISED = 401
_INSTALLATION_TOKEN = "ghs_"  # noqa: S105 - a public prefix
_BOTS = ("github-actions[bot]", "gitea-actions")
_GITHUB = "https://api.github.com"
_EXTERNAL = "truegreen:"
_INVALID = "the token is not valid"
_MAY_NOT = "the token may not, or there is no such thing"


def connect(
    *, repository: str, token: str, api_url: str, clock: Clock, seconds_between_writes: float = 0.0
) -> GithubForge:
    """Return the forge behind an API address; empty means github.com. Sends nothing yet.

    Raises:
        ExtraMissing: PyGithub is not installed.
    """
    return GithubForge(
        repository=repository,
        token=token,
        api_url=api_url or _GITHUB,
        clock=clock,
        seconds_between_writes=seconds_between_writes,
    )


class GithubForge:
    """Writes comment, check run and commit status; every answer is a `Written`, never an exception."""

    def __init__(
        self,
        *,
        repository: str,
        token: str,
        api_url: str,
        clock: Clock,
        seconds_between_writes: float = 0.0,
        timeout_s: int = _TIMEOUT_S,
        limit_s: float = _LIMIT_S,
    ) -> None:
        """Open the forge; sends nothing yet.

        Args:
            repository: `owner/name`.
            token: of the workflow, an app or a person.
            api_url: `https://api.github.com`, `https://ghes/api/v3`, `https://gitea/api/v1`.
            clock: waits and measures.
            seconds_between_writes: least pause between two writing requests.
            timeout_s: of one request.
            limit_s: of one surface, all waiting included.

        Raises:
            ExtraMissing: PyGithub is not installed.
        """
        self._requester = _requester(token, api_url.rstrip("/"), seconds_between_writes, timeout_s)
        self._patience = Patience(self._send, clock, limit_s=limit_s)
        self._repo = f"/repos/{repository}"
        self._bot_token = token.startswith(_INSTALLATION_TOKEN)
        self._surely_github = api_url.rstrip("/").endswith(("//api.github.com", "/api/v3"))
        self._viewer: str | None = None

    @property
    def calls(self) -> int:
        """Requests sent so far, repeated ones included."""
        return self._patience.calls

    # --- comment ---------------------------------------------------------------------------

    def find_comment(self, number: int) -> tuple[int, str] | None:
        """Return id and body of our comment, read to the last page: it begins with our marker and is ours."""
        found: tuple[int, str] | None = None
        for page in range(1, _PAGES_MAX + 1):
            query = {"per_page": str(_PAGE), "page": str(page)}
            reply = self._patience.call(Call(verb="GET", path=f"{self._repo}/issues/{number}/comments", query=query))
            comments = _rows(self._granted(reply, "pull-requests: read"))
            for comment in comments:
                if found is None and _marked(comment) and self._is_own(comment):
                    found = int(comment["id"]), str(comment["body"])
            if 'rel="next"' not in reply.headers.get("link", ""):
                break
        return found

    def upsert_comment(self, number: int, bodies: tuple[str, ...]) -> Written:
        """Write the one comment; sends nothing when it is already there byte for byte."""
        return self._surface("comment", "pull-requests: write", lambda: self._comment(number, bodies))

    def _comment(self, number: int, bodies: tuple[str, ...]) -> Written:
        found = self.find_comment(number)
        reply = Reply(status=422)
        for body in bodies:
            if found is not None and _same(found[1], body):
                return Written(surface="comment", outcome=Outcome.UNCHANGED)
            reply = self._patience.call(self._comment_call(number, found, body))
            if reply.status == _NOT_FOUND and found is not None:
                raise Unsure("our comment was deleted meanwhile")
            if reply.status not in _TOO_MUCH:
                break
        data = self._granted(reply, "pull-requests: write")
        outcome = Outcome.CREATED if found is None else Outcome.UPDATED
        return Written(surface="comment", outcome=outcome, url=_url(data))

    def _comment_call(self, number: int, found: tuple[int, str] | None, body: str) -> Call:
        if found is None:
            return Call(verb="POST", path=f"{self._repo}/issues/{number}/comments", body={"body": body})
        return Call(verb="PATCH", path=f"{self._repo}/issues/comments/{found[0]}", body={"body": body})

    def _is_own(self, comment: dict[str, Any]) -> bool:
        """Return whether we wrote a comment that bears our marker: anybody may copy a marker."""
        user = comment.get("user")
        user = user if isinstance(user, dict) else {}
        login = str(user.get("login") or "")
        if not self._bot_token and self._viewer is None:
            # Only a person's token may ask who it is; asked once, and only when there is a candidate.
            reply = self._patience.call(Call(verb="GET", path="/user"))
            self._viewer = str(reply.data.get("login") or "") if reply.ok and isinstance(reply.data, dict) else ""
        if self._viewer:
            return login.lower() == self._viewer.lower()
        return login in _BOTS or user.get("type") == "Bot"

    # --- check run ---------------------------------------------------------------------------

    def upsert_check_run(self, check: CheckRun) -> Written:
        """Write the check run; one that tells the same already is only completed."""
        return self._surface("check run", "checks: write", lambda: self._check_run(check))

    def _check_run(self, check: CheckRun) -> Written:
        query = {"check_name": CHECK_NAME, "filter": "all", "per_page": str(_PAGE)}
        path = f"{self._repo}/commits/{check.head_sha}/check-runs"
        reply = self._patience.call(Call(verb="GET", path=path, query=query))
        if reply.status == _NOT_FOUND and not self._surely_github:
            why = "the forge answered 404: it has no check runs (as Gitea), or the token lacks `checks: write`"
            return Written(surface="check run", outcome=Outcome.ABSENT, reason=why)
        data = self._granted(reply, "checks: write")
        runs = _rows(data.get("check_runs") if isinstance(data, dict) else None)
        run, shown = _our_run(runs, check)
        batches = _batches(check.annotations[shown:])
        if run is not None and _tells(run, check) and not batches:
            return Written(surface="check run", outcome=Outcome.UNCHANGED, url=_url(run))
        outcome = Outcome.CREATED if run is None else Outcome.UPDATED
        for batch in batches or [()]:
            run = self._write_run(run, check, batch)
        return Written(surface="check run", outcome=outcome, url=_url(run))

    def _write_run(self, run: dict[str, Any] | None, check: CheckRun, batch: tuple[Annotation, ...]) -> dict[str, Any]:
        """Create or extend the check run; a batch that the forge refuses is left out, the verdict is not."""
        reply = self._patience.call(self._run_call(run, check, batch))
        if reply.status in _TOO_MUCH and batch:
            reply = self._patience.call(self._run_call(run, check, ()))
        data = self._granted(reply, "checks: write")
        return data if isinstance(data, dict) else {}

    def _run_call(self, run: dict[str, Any] | None, check: CheckRun, batch: tuple[Annotation, ...]) -> Call:
        output: dict[str, Any] = {"title": check.title, "summary": check.summary}
        if batch:
            output["annotations"] = [_annotation(annotation) for annotation in batch]
        body: dict[str, Any] = {
            "name": CHECK_NAME,
            "external_id": check.external_id,
            "status": "completed",
            "conclusion": check.conclusion,
            "output": output,
        }
        if check.details_url:
            body["details_url"] = check.details_url
        if run is None:
            return Call(verb="POST", path=f"{self._repo}/check-runs", body={**body, "head_sha": check.head_sha})
        return Call(verb="PATCH", path=f"{self._repo}/check-runs/{run['id']}", body=body)

    # --- commit status ---------------------------------------------------------------------------

    def set_status(self, status: CommitStatus) -> Written:
        """Write the commit status; the newest of a context is the one that counts."""
        return self._surface("commit status", "statuses: write", lambda: self._status(status))

    def _status(self, status: CommitStatus) -> Written:
        body = {"state": status.state, "context": STATUS_CONTEXT, "description": status.description}
        if status.target_url:
            body["target_url"] = status.target_url
        call = Call(verb="POST", path=f"{self._repo}/statuses/{status.sha}", body=body)
        data = self._granted(self._patience.call(call), "statuses: write")
        return Written(surface="commit status", outcome=Outcome.CREATED, url=_url(data))

    # --- shared ---------------------------------------------------------------------------

    def _surface(self, surface: str, permission: str, write: Callable[[], Written]) -> Written:
        """Write one surface within its time limit; look again whenever it is unsure what the forge did."""
        self._patience.begin()
        reason = ""
        for _ in range(_LOOKS_MAX):
            try:
                return write()
            except Unsure as error:
                reason = str(error)
            except ForgeRefused as error:
                return self._refusal(surface, permission, error)
            except ForgeUnreachable as error:
                reason = _said(error)
                break
        return Written(surface=surface, outcome=Outcome.FAILED, reason=reason)

    def _refusal(self, surface: str, permission: str, error: ForgeRefused) -> Written:
        denied = error.why in (_INVALID, _MAY_NOT)
        return Written(
            surface=surface,
            outcome=Outcome.REFUSED if denied else Outcome.FAILED,
            reason=_said(error),
            permission=permission if denied else "",
        )

    def _granted(self, reply: Reply, permission: str) -> Any:
        """Return the data of a 2xx answer.

        Raises:
            ForgeRefused: any other answer.
        """
        if reply.ok:
            return reply.data
        said = f"the forge answered {reply.status}" + (f": {reply.message}" if reply.message else "")
        if reply.status in _DENIED:
            why = _INVALID if reply.status == _UNAUTHORISED else _MAY_NOT
            raise ForgeRefused(said, why=why, fix=f"grant `{permission}` to the job")
        raise ForgeRefused(said)

    def _send(self, call: Call) -> Reply:
        """Send one request and decode the answer."""
        try:
            status, headers, text = self._requester.requestJson(
                call.verb, call.path, parameters=dict(call.query), input=call.body
            )
        except (OSError, RuntimeError, ValueError, AssertionError) as error:  # requests' errors are OSErrors
            raise Broken(f"the connection broke ({type(error).__name__})") from None
        names = {str(name).lower(): str(value) for name, value in headers.items()}
        try:
            data = json.loads(text) if text else None
        except (ValueError, RecursionError):
            if status < 300:  # noqa: PLR2004 - a cut or foreign body is no answer
                raise Broken("the answer is not JSON") from None
            data = None
        return Reply(status=int(status), headers=names, data=data)


def _requester(token: str, api_url: str, seconds_between_writes: float, timeout_s: int) -> Any:
    """Return PyGithub's transport, without its own retries: ours know what may be sent twice."""
    try:
        import github  # noqa: PLC0415 - half a second, and an optional dependency
    except ModuleNotFoundError:
        raise ExtraMissing(
            "PyGithub is not installed",
            where="truegreen publish",
            why="writing to a forge is an optional part",
            fix="install truegreen[github]",
        ) from None
    return github.Github(
        auth=github.Auth.Token(token),
        base_url=api_url,
        timeout=timeout_s,
        user_agent="truegreen",
        retry=None,
        seconds_between_requests=0.0,
        seconds_between_writes=seconds_between_writes,
        lazy=True,
    ).requester


def _marked(comment: dict[str, Any]) -> bool:
    """Return whether a comment begins with our marker; a quotation has `>` in front of it."""
    body = comment.get("body")
    return isinstance(body, str) and body.lstrip().startswith(MARKER) and type(comment.get("id")) is int


def _same(left: str, right: str) -> bool:
    return left.replace("\r\n", "\n").rstrip() == right.replace("\r\n", "\n").rstrip()


def _our_run(runs: list[dict[str, Any]], check: CheckRun) -> tuple[dict[str, Any] | None, int]:
    """Return the check run to write to, and how many of the annotations it shows already.

    Annotations can only be added. So a run with the same content is completed, a run of ours without
    annotations is reused, and otherwise a new one takes its place (the newest of a name counts).
    """
    ours = [run for run in runs if str(run.get("external_id") or "").startswith(_EXTERNAL) and "id" in run]
    for run in ours:
        if run["external_id"] == check.external_id:
            return run, _annotations_shown(run)
    for run in ours:
        if _annotations_shown(run) == 0:
            return run, 0
    return None, 0


def _annotations_shown(run: dict[str, Any]) -> int:
    output = run.get("output")
    count = output.get("annotations_count") if isinstance(output, dict) else 0
    return count if isinstance(count, int) else 0


def _tells(run: dict[str, Any], check: CheckRun) -> bool:
    return run.get("external_id") == check.external_id and run.get("conclusion") == check.conclusion


def _batches(annotations: tuple[Annotation, ...]) -> list[tuple[Annotation, ...]]:
    return [annotations[at : at + ANNOTATION_BATCH] for at in range(0, len(annotations), ANNOTATION_BATCH)]


def _annotation(annotation: Annotation) -> dict[str, Any]:
    row: dict[str, Any] = {
        "path": annotation.path,
        "start_line": annotation.line,
        "end_line": annotation.line,
        "annotation_level": annotation.level,
        "message": annotation.message,
    }
    return {**row, "title": annotation.title} if annotation.title else row


def _rows(data: Any) -> list[dict[str, Any]]:
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []


def _url(data: Any) -> str:
    value = (data.get("html_url") or data.get("url")) if isinstance(data, dict) else ""
    return value if isinstance(value, str) else ""


def _said(error: TruegreenError) -> str:
    return error.what + (f" ({error.why})" if error.why else "")
