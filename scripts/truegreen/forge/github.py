"""GitHub and what speaks its language (GHES, Gitea), by PyGithub: the only module that knows it.

PyGithub gives authentication, connections, throttling and decoding. Its objects are not used: they
fetch more than is needed, and follow addresses in answers, which are wrong behind a proxy and on Gitea.
Importing it takes half a second, so it happens when the forge is opened.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from truegreen.errors import ExtraMissing, ForgeRefused, ForgeUnreachable, TruegreenError
from truegreen.forge import answers, matching
from truegreen.forge.patience import Broken, Call, Patience, Reply, Unsure
from truegreen.forge.port import ANNOTATION_BATCH, Annotation, CheckRun, CommitStatus, Outcome, Written

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
_UNAUTHORISED, _NOT_FOUND = 401, 404
_ELSEWHERE = 302
_INSTALLATION_TOKEN = "ghs_"  # noqa: S105 - a public prefix
_BOTS = ("github-actions[bot]", "gitea-actions")
_GITHUB = "https://api.github.com"
_GITHUBS = ("//api.github.com", ".ghe.com", "/api/v3")
"""What the addresses of github.com, of its companies' own places, and of Enterprise Server end with."""
_INVALID = "the token is not valid"
_MAY_NOT = "the token may not, or there is no such thing"
_LOCKED = "is locked"
"""In what GitHub says of a conversation that only those with the right to push may still write to."""
_LATER = "a later run has spoken since"


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
        self._surely_github = api_url.rstrip("/").endswith(_GITHUBS)
        self._viewer: str | None = None
        self._gone: set[int] = set()
        self._told_before: dict[str, tuple[int, int]] = {}

    @property
    def calls(self) -> int:
        """Requests sent so far, repeated ones included."""
        return self._patience.calls

    # --- comment ---------------------------------------------------------------------------

    def find_comments(self, number: int, marker: str) -> list[tuple[int, str]]:
        """Return id and body of our comments, read to the last page: they begin with the marker and are ours."""
        found: list[tuple[int, str]] = []
        stranger = ""
        for page in range(1, _PAGES_MAX + 1):
            query = {"per_page": str(_PAGE), "page": str(page)}
            reply = self._patience.call(Call(verb="GET", path=f"{self._repo}/issues/{number}/comments", query=query))
            rows = answers.rows(self._granted(reply, "pull-requests: read"))
            for comment in (row for row in rows if matching.marked(row, marker)):
                if self._is_own(comment):
                    found.append((int(comment["id"]), str(comment["body"])))
                elif not self._viewer and matching.by_bot(comment):
                    stranger = matching.login(comment)
            if 'rel="next"' not in reply.headers.get("link", ""):
                break
        if not found and stranger:
            raise ForgeRefused(
                f"{stranger} wrote a comment with our marker, and the token does not say whether it is of {stranger}",
                why="grant `statuses: write`: who writes a status is named in the answer",
            )
        return found

    def upsert_comment(self, number: int, bodies: tuple[str, ...]) -> Written:
        """Write the one comment; sends nothing when it is already there byte for byte."""
        return self._surface("comment", "pull-requests: write", lambda: self._comment(number, bodies))

    def _comment(self, number: int, bodies: tuple[str, ...]) -> Written:
        """Write the comment; of several of ours, as two runs at once leave them, the first stays."""
        own = self.find_comments(number, bodies[0].partition("\n")[0])
        told = matching.run_told(bodies[0])
        if any(matching.run_told(body) > told > matching.NO_RUN for _, body in own):
            return Written(surface="comment", outcome=Outcome.SUPERSEDED, reason=_LATER)
        written = self._write_comment(number, bodies, own[0] if own else None)
        self._told_before["comment"] = max([matching.run_told(body) for _, body in own], default=matching.NO_RUN)
        for identity, _ in own[1:]:
            self._patience.call(Call(verb="DELETE", path=f"{self._repo}/issues/comments/{identity}"))
        return written

    def _write_comment(self, number: int, bodies: tuple[str, ...], found: tuple[int, str] | None) -> Written:
        reply = Reply(status=422)
        for body in bodies:
            if found is not None and matching.same(found[1], body):
                return Written(surface="comment", outcome=Outcome.UNCHANGED)
            reply = self._patience.call(self._comment_call(number, found, body))
            if reply.status == _NOT_FOUND and found is not None and found[0] not in self._gone:
                self._gone.add(found[0])
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
        """Return whether we wrote a comment that bears our marker: anybody may copy a marker.

        Who we are is known from the answer to the commit status, which costs no request.
        """
        login = matching.login(comment)
        if not self._bot_token and self._viewer is None:
            # Only a person's token may ask who it is; asked once, and only when there is a candidate.
            reply = self._patience.call(Call(verb="GET", path="/user"))
            self._viewer = matching.login({"user": reply.data}) if reply.ok else ""
        return login.lower() == self._viewer.lower() if self._viewer else login in _BOTS

    # --- check run ---------------------------------------------------------------------------

    def upsert_check_run(self, check: CheckRun) -> Written:
        """Write the check run; one that tells the same already is only completed."""
        return self._surface("check run", "checks: write", lambda: self._check_run(check))

    def _check_run(self, check: CheckRun) -> Written:
        runs: list[dict[str, Any]] = []
        if not self._is_first(check):
            query = {"check_name": check.name, "filter": "all", "per_page": str(_PAGE)}
            path = f"{self._repo}/commits/{check.head_sha}/check-runs"
            reply = self._patience.call(Call(verb="GET", path=path, query=query))
            if reply.status == _NOT_FOUND and not self._surely_github:
                why = "the forge answered 404: it has no check runs (as Gitea), or the token lacks `checks: write`"
                return Written(surface="check run", outcome=Outcome.ABSENT, reason=why)
            runs = answers.rows(self._granted(reply, "checks: write"), "check_runs")
        told = matching.run_checked(check.external_id)
        if any(matching.run_checked(run.get("external_id")) > told > matching.NO_RUN for run in runs):
            return Written(surface="check run", outcome=Outcome.SUPERSEDED, reason=_LATER)
        run, dealt_with = matching.our_run(runs, check)
        batches = matching.batches(check.annotations[dealt_with:])
        refused = matching.refused(run, check) if run is not None else 0
        if run is not None and matching.tells(run, check) and not batches:
            outcome = Outcome.UNCHANGED
        else:
            outcome = Outcome.CREATED if run is None else Outcome.UPDATED
            for batch in batches or [()]:
                run, refused = self._write_run(run, check, batch, refused)
        reason = f"{refused} remarks on lines were refused, they are in the report of the run" if refused else ""
        return Written(surface="check run", outcome=outcome, url=_url(run), reason=reason)

    def _is_first(self, check: CheckRun) -> bool:
        """Return whether no check run tells of this run yet, asked where the remarks on lines take two requests.

        Status and comment are written before it: where both told of earlier runs, or of none, looking for it is spared,
        and a publication is six requests at the most. The look after an answer that was lost is not.
        """
        seen, self._told_before = self._told_before, {}
        told = matching.run_checked(check.external_id)
        both = len(seen) == 2 and all(matching.NO_RUN <= before < told for before in seen.values())  # noqa: PLR2004
        return both and len(check.annotations) > ANNOTATION_BATCH and self._surely_github

    def _write_run(
        self, run: dict[str, Any] | None, check: CheckRun, batch: tuple[Annotation, ...], refused: int
    ) -> tuple[dict[str, Any], int]:
        """Create or extend the check run; a batch that the forge refuses is left out, and counted with the others."""
        reply = self._patience.call(self._run_call(run, matching.without(check, refused), batch))
        if reply.status in _TOO_MUCH and batch:
            refused += len(batch)
            reply = self._patience.call(self._run_call(run, matching.without(check, refused), ()))
        data = self._granted(reply, "checks: write")
        return data if isinstance(data, dict) else {}, refused

    def _run_call(self, run: dict[str, Any] | None, check: CheckRun, batch: tuple[Annotation, ...]) -> Call:
        body = matching.run_body(check, batch)
        if run is None:
            return Call(verb="POST", path=f"{self._repo}/check-runs", body={**body, "head_sha": check.head_sha})
        # Annotations are added to those that are there: the same request twice would show them twice.
        return Call(verb="PATCH", path=f"{self._repo}/check-runs/{run['id']}", body=body, adds=bool(batch))

    # --- commit status ---------------------------------------------------------------------------

    def set_status(self, status: CommitStatus) -> Written:
        """Write the commit status, unless a later run has: the newest of a context is the one that counts."""
        return self._surface("commit status", "statuses: write", lambda: self._status(status))

    def run_told(self, sha: str, context: str) -> tuple[int, int]:
        """Return run and attempt that the commit status of a context names; `NO_RUN` for none, else `UNKNOWN`.

        Raises:
            ForgeUnreachable: the forge cannot be reached, or keeps failing.
        """
        self._patience.begin()
        return self._run_told(sha, context)

    def _run_told(self, sha: str, context: str) -> tuple[int, int]:
        for page in range(1, _PAGES_MAX + 1):
            query = {"per_page": str(_PAGE), "page": str(page)}
            reply = self._patience.call(Call(verb="GET", path=f"{self._repo}/commits/{sha}/status", query=query))
            if not reply.ok:
                return matching.UNKNOWN
            for row in answers.rows(reply.data, "statuses"):
                if row.get("context") == context:
                    told = matching.run_of_url(row.get("target_url"))
                    return told if told > matching.NO_RUN else matching.UNKNOWN
            if 'rel="next"' not in reply.headers.get("link", ""):
                break
        return matching.NO_RUN

    def _status(self, status: CommitStatus) -> Written:
        told = matching.run_of_url(status.target_url)
        before = self._run_told(status.sha, status.context) if told > matching.NO_RUN else matching.UNKNOWN
        if before > told:
            return Written(surface="commit status", outcome=Outcome.SUPERSEDED, reason=_LATER)
        body = {"state": status.state, "context": status.context, "description": status.description}
        if status.target_url:
            body["target_url"] = status.target_url
        call = Call(verb="POST", path=f"{self._repo}/statuses/{status.sha}", body=body, adds=False)
        data = self._granted(self._patience.call(call), "statuses: write")
        if isinstance(data, dict) and (creator := matching.login({"user": data.get("creator")})):
            self._viewer = creator
        self._told_before["status"] = before
        return Written(surface="commit status", outcome=Outcome.CREATED, url=_url(data))

    # --- reading ---------------------------------------------------------------------------

    def read(self, path: str, query: dict[str, str], permission: str) -> Any:
        """Return what the forge keeps below the repository.

        Args:
            path: such as `/pulls`.
            query: parameters of the address.
            permission: what the token needs, for the message.

        Raises:
            ForgeRefused: the forge says no.
            ForgeUnreachable: it cannot be reached, or keeps failing.
        """
        self._patience.begin()
        return self._granted(self._patience.call(Call(verb="GET", path=self._repo + path, query=query)), permission)

    def place_of(self, path: str, permission: str) -> str:
        """Return the address that the forge sends a reader of a file to; the token does not go there.

        Raises:
            ForgeRefused: the forge says no, or names no address.
            ForgeUnreachable: it cannot be reached, or keeps failing.
        """
        self._patience.begin()
        reply = self._patience.call(Call(verb="GET", path=self._repo + path))
        if reply.status == _ELSEWHERE and (place := reply.headers.get("location", "")):
            return place
        self._granted(reply, permission)
        raise ForgeRefused(f"the forge answered {reply.status} where it should name an address")

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
        if reply.status in _DENIED and _LOCKED in reply.message.lower():
            raise ForgeRefused(said, why="the conversation is locked, and the token is of nobody who may still write")
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


def _url(data: Any) -> str:
    value = (data.get("html_url") or data.get("url")) if isinstance(data, dict) else ""
    return value if isinstance(value, str) else ""


def _said(error: TruegreenError) -> str:
    return error.what + (f" ({error.why})" if error.why else "")
