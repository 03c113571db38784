"""A real HTTP server that behaves as GitHub's API does, for the operations truegreen uses.

Every request and every answer of its own is checked against GitHub's published description; a breach is
recorded in `violations`, and the fixture that owns the server fails the test. It keeps comments, check
runs and statuses, pages as GitHub does, and can be told to fail at any request.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.github_contract import Contract
from tests.support.github_records import check_run, combined, comment, private_user, status, user
from tests.support.github_runs import Runs
from tests.support.loopback import Loopback

if TYPE_CHECKING:
    from collections.abc import Callable

_ROUTES = (
    ("user", "GET", r"/user"),
    ("comments.list", "GET", r"/repos/([^/]+/[^/]+)/issues/(\d+)/comments"),
    ("comments.create", "POST", r"/repos/([^/]+/[^/]+)/issues/(\d+)/comments"),
    ("comments.update", "PATCH", r"/repos/([^/]+/[^/]+)/issues/comments/(\d+)"),
    ("comments.delete", "DELETE", r"/repos/([^/]+/[^/]+)/issues/comments/(\d+)"),
    ("checks.list", "GET", r"/repos/([^/]+/[^/]+)/commits/([^/]+)/check-runs"),
    ("checks.create", "POST", r"/repos/([^/]+/[^/]+)/check-runs"),
    ("checks.update", "PATCH", r"/repos/([^/]+/[^/]+)/check-runs/(\d+)"),
    ("statuses.combined", "GET", r"/repos/([^/]+/[^/]+)/commits/([^/]+)/status"),
    ("statuses.create", "POST", r"/repos/([^/]+/[^/]+)/statuses/([^/]+)"),
    ("pulls.list", "GET", r"/repos/([^/]+/[^/]+)/pulls"),
    ("artifacts.list", "GET", r"/repos/([^/]+/[^/]+)/actions/runs/(\d+)/artifacts"),
    ("artifacts.all", "GET", r"/repos/([^/]+/[^/]+)/actions/artifacts"),
    ("runs.get", "GET", r"/repos/([^/]+/[^/]+)/actions/runs/(\d+)"),
    ("workflow.list", "GET", r"/repos/([^/]+/[^/]+)/actions/workflows/(\d+)/runs"),
    ("branch.get", "GET", r"/repos/([^/]+/[^/]+)/git/ref/heads%2F([^/]+)"),
    ("compare.get", "GET", r"/repos/([^/]+/[^/]+)/compare/([0-9a-f]+)\.\.\.([0-9a-f]+)"),
    ("artifacts.zip", "GET", r"/repos/([^/]+/[^/]+)/actions/artifacts/(\d+)/zip"),
)
OPERATIONS = tuple(name for name, _, _ in _ROUTES)
_DEFAULT_PAGE = 30
_PAGE_MAX = 100
_COMMENT_MAX = 65_536
_DESCRIPTION_MAX = 140
_BOT = "github-actions[bot]"


@dataclass
class Fault:
    """One way to go wrong at one request."""

    status: int = 0
    """Answer this instead; 0 leaves the answer as it is."""
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "fault"
    delay_s: float = 0.0
    """Wait before answering."""
    cut: bool = False
    """Close the connection instead of answering."""
    act: bool = False
    """Do what was asked before going wrong, as a proxy that lost the answer."""
    call: Callable[[], None] | None = None
    """Run this when the request has come in (and, with `act`, was done)."""


@dataclass
class Recorded:
    """One request as it came."""

    operation: str
    verb: str
    path: str
    query: dict[str, str]
    body: Any
    status: int = 0


class GithubApi(Runs, Loopback):
    """The server; use it as a context manager."""

    def __init__(
        self,
        *,
        base_path: str = "",
        check_runs: bool = True,
        read_only: bool = False,
        login: str = _BOT,
        comment_max: int = _COMMENT_MAX,
    ) -> None:
        self.base_path = base_path
        self.has_check_runs = check_runs
        self.read_only = read_only
        self.login = login
        self.comment_max = comment_max
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.check_runs: list[dict[str, Any]] = []
        self.statuses: list[dict[str, Any]] = []
        self.requests: list[Recorded] = []
        self.violations: list[str] = []
        self.faults: dict[int | str, list[Fault]] = {}
        self.lock = threading.RLock()
        self._next_id = 1000
        Runs.__init__(self)
        Loopback.__init__(self, _handler(self))

    @property
    def url(self) -> str:  # type: ignore[override]
        return f"http://{self.address}{self.base_path}"

    def fault(self, at: int | str, *faults: Fault) -> None:
        """Go wrong at the n-th request (1 is the first), or at the next requests of an operation."""
        self.faults.setdefault(at, []).extend(faults)

    def add_comment(self, number: int, body: str, login: str = "someone", kind: str = "User") -> dict[str, Any]:
        """Add a comment as somebody else would."""
        with self.lock:
            row = comment(self.url, self.new_id(), number, body, user(self.url, login, kind))
            self.comments.setdefault(number, []).append(row)
            return row

    def own_comments(self, number: int) -> list[dict[str, Any]]:
        """Return the comments that our login wrote."""
        return [row for row in self.comments.get(number, []) if row["user"]["login"] == self.login]

    def operations(self) -> list[str]:
        """Return the operations asked for, in order."""
        return [request.operation for request in self.requests]

    def new_id(self) -> int:
        self._next_id += 1
        return self._next_id

    def take_fault(self, recorded: Recorded) -> Fault | None:
        """Return the fault set for this request, used up."""
        for key in (len(self.requests), recorded.operation):
            if waiting := self.faults.get(key):
                return waiting.pop(0)
        return None

    # --- what the operations do ----------------------------------------------------------------

    def perform(
        self, operation: str, parts: tuple[str, ...], query: dict[str, str], body: Any
    ) -> tuple[int, Any, dict[str, str]]:
        """Return status, answer and headers, and change the state."""
        reads = (".list", ".zip", ".combined", ".all", ".get")
        writes = not operation.endswith(reads) and operation != "user"
        if writes and self.read_only:
            return 403, {"message": "Resource not accessible by integration", "documentation_url": "https://docs"}, {}
        if operation.startswith("checks.") and not self.has_check_runs:
            return 404, {"message": "404 page not found"}, {}
        method: Callable[..., tuple[int, Any, dict[str, str]]] = getattr(self, "_" + operation.replace(".", "_"))
        return method(parts, query, body)

    def _user(self, _parts: Any, _query: Any, _body: Any) -> tuple[int, Any, dict[str, str]]:
        if self.login.endswith("[bot]"):
            return 403, {"message": "Resource not accessible by integration"}, {}
        return 200, private_user(self.url, self.login), {}

    def _comments_list(
        self, parts: tuple[str, ...], query: dict[str, str], _body: Any
    ) -> tuple[int, Any, dict[str, str]]:
        size = min(int(query.get("per_page", _DEFAULT_PAGE)), _PAGE_MAX)
        page = int(query.get("page", 1))
        rows = self.comments.get(int(parts[1]), [])
        last = max(1, -(-len(rows) // size))
        link = f'<{self.url}/repositories/1/issues/{parts[1]}/comments?per_page={size}&page=%d>; rel="%s"'
        relations = [(page + 1, "next"), (last, "last")] if page < last else []
        headers = {"Link": ", ".join(link % relation for relation in relations)} if relations else {}
        return 200, rows[(page - 1) * size : page * size], headers

    def _comments_create(self, parts: tuple[str, ...], _query: Any, body: Any) -> tuple[int, Any, dict[str, str]]:
        if problem := self._comment_problem(body):
            return problem
        kind = "Bot" if self.login.endswith("[bot]") else "User"
        return 201, self.add_comment(int(parts[1]), body["body"], self.login, kind), {}

    def _comments_update(self, parts: tuple[str, ...], _query: Any, body: Any) -> tuple[int, Any, dict[str, str]]:
        if problem := self._comment_problem(body):
            return problem
        rows = [row for number in self.comments for row in self.comments[number] if row["id"] == int(parts[1])]
        if not rows:
            return 404, {"message": "Not Found"}, {}
        rows[0]["body"] = body["body"]
        return 200, rows[0], {}

    def _comments_delete(self, parts: tuple[str, ...], _query: Any, _body: Any) -> tuple[int, Any, dict[str, str]]:
        for rows in self.comments.values():
            rows[:] = [row for row in rows if row["id"] != int(parts[1])]
        return 204, None, {}

    def _comment_problem(self, body: Any) -> tuple[int, Any, dict[str, str]] | None:
        if len(body["body"]) <= self.comment_max:
            return None
        error = {"resource": "IssueComment", "code": "unprocessable", "field": "data"}
        return (
            422,
            {
                "message": f"Validation Failed: body is too long (maximum is {self.comment_max} characters)",
                "documentation_url": "https://docs",
                "errors": [error],
            },
            {},
        )

    def _checks_list(
        self, parts: tuple[str, ...], query: dict[str, str], _body: Any
    ) -> tuple[int, Any, dict[str, str]]:
        rows = [run for run in self.check_runs if run["head_sha"] == parts[1]]
        rows = [run for run in rows if run["name"] == query.get("check_name", run["name"])]
        newest_first = list(reversed(rows))[: int(query.get("per_page", _DEFAULT_PAGE))]
        return 200, {"total_count": len(rows), "check_runs": [_public(run) for run in newest_first]}, {}

    def _checks_create(self, _parts: Any, _query: Any, body: Any) -> tuple[int, Any, dict[str, str]]:
        run = check_run(self.url, self.new_id(), body)
        self.check_runs.append(run)
        return 201, _public(run), {}

    def _checks_update(self, parts: tuple[str, ...], _query: Any, body: Any) -> tuple[int, Any, dict[str, str]]:
        run = next((run for run in self.check_runs if run["id"] == int(parts[1])), None)
        if run is None:
            return 404, {"message": "Not Found"}, {}
        run.update({key: body[key] for key in ("external_id", "conclusion", "status", "details_url") if key in body})
        output = body.get("output", {})
        run["annotations"] += output.get("annotations", [])
        run["output"].update({key: output[key] for key in ("title", "summary") if key in output})
        run["output"]["annotations_count"] = len(run["annotations"])
        return 200, _public(run), {}

    def _statuses_combined(
        self, parts: tuple[str, ...], query: dict[str, str], _body: Any
    ) -> tuple[int, Any, dict[str, str]]:
        of_commit = [row for row in self.statuses if row["url"].endswith(parts[1])]
        newest = list({row["context"]: row for row in of_commit}.values())
        size, page = min(int(query.get("per_page", _DEFAULT_PAGE)), _PAGE_MAX), int(query.get("page", 1))
        more = {"Link": f'<{self.url}/repositories/1/commits/x/status?page={page + 1}>; rel="next"'}
        return 200, combined(self.url, parts[1], newest, page, size), more if page * size < len(newest) else {}

    def _statuses_create(self, parts: tuple[str, ...], _query: Any, body: Any) -> tuple[int, Any, dict[str, str]]:
        if len(body.get("description") or "") > _DESCRIPTION_MAX:
            return 422, {"message": "Validation Failed: description is too long (maximum is 140 characters)"}, {}
        row = status(self.url, self.new_id(), parts[1], body, user(self.url, self.login, "Bot"))
        self.statuses.append(row)
        return 201, row, {}


def _public(run: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in run.items() if key != "annotations"}


def _handler(api: GithubApi) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one class of short methods
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer waits 40 ms

        def _serve(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query))
            path = parts.path.removeprefix(api.base_path)
            if path.startswith("/_blobs/"):
                self._blob(path)
                return
            with api.lock:
                self._exchange(path, query, data, known=parts.path.startswith(api.base_path + "/"))

        def _exchange(self, path: str, query: dict[str, str], data: bytes, *, known: bool) -> None:
            operation, groups = _route(self.command, path) if known else ("", ())
            recorded = Recorded(operation, self.command, self.path, query, json.loads(data) if data else None)
            api.requests.append(recorded)
            contract = Contract(self.command, path, query, data)
            problems = contract.request_problems() if operation else [f"no such operation: {self.command} {self.path}"]
            if not self.headers.get("Authorization"):
                problems.append(f"no Authorization on {path}")
            api.violations += problems
            fault = api.take_fault(recorded) or Fault(act=True)
            if problems:
                code, answer, headers = 422, {"message": "; ".join(problems)}, {}
            elif fault.act or not (fault.status or fault.cut):
                code, answer, headers = api.perform(operation, groups, query, recorded.body)
                api.violations += contract.response_problems(code, json.dumps(answer).encode())
            else:
                code, answer, headers = fault.status, None, {}
            if fault.call is not None:
                fault.call()
            time.sleep(fault.delay_s)
            if fault.status:
                code, answer, headers = fault.status, {"message": fault.message}, fault.headers
            recorded.status = 0 if fault.cut else code
            self._cut() if fault.cut else self._answer(code, answer, headers)

        def _blob(self, path: str) -> None:
            """Answer as the store of archives: another place, which must never see the token."""
            if self.headers.get("Authorization"):
                api.violations.append(f"the token was sent to {path}")
            number = int(path.rsplit("/", 1)[1])
            waiting = api.blob_faults.get(number)
            data = None if waiting else api.blobs.get(number)
            self.close_connection = True  # who has read enough of it hangs up
            self.send_response(waiting.pop(0) if waiting else 404 if data is None else 200)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(data or b"")

        def _cut(self) -> None:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

        def _answer(self, code: int, answer: Any, headers: dict[str, str]) -> None:
            payload = b"" if answer is None else json.dumps(answer).encode()
            with contextlib.suppress(OSError):
                self.send_response(code)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(payload)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(payload)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    return Handler


def _route(verb: str, path: str) -> tuple[str, tuple[str, ...]]:
    for name, method, pattern in _ROUTES:
        match = re.fullmatch(pattern, path)
        if match and method == verb:
            return name, match.groups()
    return "", ()
