"""What the local GitHub knows of runs that ended: their artifacts, and the pull requests of their heads."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any

SLICE = Path(__file__).parent.parent / "samples" / "github" / "api-slice.json.gz"
_WHEN = "2026-11-21T07:00:00Z"
_TIP = {"type": "commit", "sha": "7" * 40}
HOME = 1
"""Number of the repository; others are forks of it."""


@cache
def document() -> dict[str, Any]:
    """Return the slice of GitHub's published description."""
    found: dict[str, Any] = json.loads(gzip.decompress(SLICE.read_bytes()))
    return found


def filled(schema: str, /, **values: Any) -> dict[str, Any]:
    """Return a record of a published schema: what it requires, filled by type, and the values that matter."""
    return {**_filled(document()["components"]["schemas"][schema]), **values}


def _filled(schema: dict[str, Any]) -> Any:
    if "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if schema.get("nullable"):
        return None
    if "enum" in schema:
        return schema["enum"][0]
    if "allOf" in schema or "anyOf" in schema or "oneOf" in schema:
        return _filled((schema.get("allOf") or schema.get("anyOf") or schema["oneOf"])[0])
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        return {name: _filled(schema["properties"][name]) for name in schema.get("required", ())}
    text = _WHEN if schema.get("format") == "date-time" else "https://x.example/1"
    return {"array": [], "integer": 1, "number": 1, "boolean": False, "string": text}.get(str(kind))


def pull(number: int, sha: str, branch: str, head: str, base: str) -> dict[str, Any]:
    """Return a `pull-request-simple` of a branch of one repository into another."""

    def side(repository: str, ref: str, commit: str) -> dict[str, Any]:
        repo = filled("repository", full_name=repository)
        return {"label": f"{repository.partition('/')[0]}:{ref}", "ref": ref, "sha": commit, "repo": repo, "user": None}

    return filled(
        "pull-request-simple",
        number=number,
        state="open",
        head=side(head, branch, sha),
        base=side(base, "main", "b" * 40),
    )


class Runs:
    """Artifacts and pull requests; a part of the local GitHub."""

    url: str

    def __init__(self) -> None:
        self.artifacts: list[tuple[int, dict[str, Any]]] = []
        self.blobs: dict[int, bytes] = {}
        self.blob_faults: dict[int, list[int]] = {}
        """Archive → statuses that the place where it lies answers with before it hands it out."""
        self.workflow_runs: dict[int, dict[str, Any]] = {}
        self.elsewhere: set[str] = set()
        """Commits that no branch reaches, such as that of a tag beside them."""
        self.pulls: list[dict[str, Any]] = []

    def add_artifact(self, run: int, data: bytes, name: str = "truegreen-report", **values: Any) -> int:
        """Keep an archive as an upload of a run; returns its number."""
        number = 500 + len(self.artifacts)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        known = {"id": number, "name": name, "size_in_bytes": len(data), "digest": digest, "created_at": _WHEN}
        self.artifacts.append((run, filled("artifact", **{**known, **values})))
        self.blobs[number] = data
        return number

    def add_run(self, run: int, sha: str, *, head: int = HOME, login: str = "ann", **values: Any) -> None:
        """Let a run be known; `head` is the number of the repository its code comes from."""
        known = {
            "id": run,
            "head_sha": sha,
            "head_branch": "main",
            "event": "push",
            "path": ".github/workflows/ci.yml",
            "run_attempt": 1,
            "pull_requests": [],
            "actor": filled("simple-user", login=login),
            "repository": filled("minimal-repository", id=HOME, full_name="o/r"),
            "head_repository": filled("minimal-repository", id=head),
        }
        kept = filled("workflow-run", **{**known, **values})
        self.workflow_runs[run] = {**kept, "workflow_id": zlib.crc32(kept["path"].partition("@")[0].encode())}

    def add_pull(self, number: int, sha: str, branch: str = "topic", head: str = "eve/r", base: str = "o/r") -> None:
        """Open a pull request."""
        self.pulls.append(pull(number, sha, branch, head, base))

    def _artifacts_list(self, parts: tuple[str, ...], query: dict[str, str], _body: Any) -> tuple[int, Any, Any]:
        rows = [row for run, row in self.artifacts if run == int(parts[1]) and row["name"] == query.get("name")]
        return 200, {"total_count": len(rows), "artifacts": rows}, {}

    def _artifacts_all(self, _parts: tuple[str, ...], query: dict[str, str], _body: Any) -> tuple[int, Any, Any]:
        rows = [{**row, "workflow_run": self._of_run(run)} for run, row in reversed(self.artifacts)
                if row["name"] == query.get("name", row["name"])]  # fmt: skip
        size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
        return 200, {"total_count": len(rows), "artifacts": rows[(page - 1) * size : page * size]}, {}

    def _of_run(self, run: int) -> dict[str, Any]:
        known = self.workflow_runs[run]
        same = {name: known[name] for name in ("id", "head_branch", "head_sha")}
        return {**same, "repository_id": HOME, "head_repository_id": known["head_repository"]["id"]}

    def _runs_get(self, parts: tuple[str, ...], _query: Any, _body: Any) -> tuple[int, Any, Any]:
        found = self.workflow_runs.get(int(parts[1]))
        return (404, {"message": "Not Found"}, {}) if found is None else (200, found, {})

    def _workflow_list(self, parts: tuple[str, ...], query: dict[str, str], _body: Any) -> tuple[int, Any, Any]:
        named = [row for _, row in sorted(self.workflow_runs.items(), reverse=True)
                 if query.get("branch") in (None, row["head_branch"])]  # fmt: skip
        rows = [row for row in named if row["workflow_id"] == int(parts[1])]
        size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
        return 200, {"total_count": len(rows), "workflow_runs": rows[(page - 1) * size : page * size]}, {}

    def _branch_get(self, parts: tuple[str, ...], _query: Any, _body: Any) -> tuple[int, Any, Any]:
        return 200, filled("git-ref", ref=f"refs/heads/{parts[1]}", object={**_TIP, "url": "https://x.example/1"}), {}

    def _compare_get(self, parts: tuple[str, ...], _query: Any, _body: Any) -> tuple[int, Any, Any]:
        status = "diverged" if parts[2] in self.elsewhere or parts[1] != _TIP["sha"] else "behind"
        by = {"author": filled("simple-user"), "committer": filled("simple-user")}
        commit = filled("commit", **by)
        return 200, filled("commit-comparison", status=status, base_commit=commit, merge_base_commit=commit), {}

    def _artifacts_zip(self, parts: tuple[str, ...], _query: Any, _body: Any) -> tuple[int, Any, Any]:
        if any(row["expired"] for _, row in self.artifacts if row["id"] == int(parts[1])):
            return 410, {"message": "Artifact has expired"}, {}
        return 302, {}, {"Location": f"{self.url}/_blobs/{parts[1]}?signature=s3cr3t"}

    def _pulls_list(self, _parts: tuple[str, ...], query: dict[str, str], _body: Any) -> tuple[int, Any, Any]:
        rows = [row for row in self.pulls if row["head"]["label"].partition(":")[0] + ":" + row["head"]["ref"]
                == query.get("head") and row["state"] == query.get("state")]  # fmt: skip
        return 200, rows, {}
