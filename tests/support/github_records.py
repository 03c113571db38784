"""Records in the shape of GitHub's API, for the local server."""

from __future__ import annotations

from typing import Any

from tests.support.github_runs import filled

_WHEN = "2026-11-21T07:00:00Z"


def user(base: str, login: str, kind: str = "User") -> dict[str, Any]:
    """Return a `simple-user`."""
    at = f"{base}/users/{login.replace('[', '').replace(']', '')}"
    links = (
        "events",
        "followers",
        "following",
        "gists",
        "organizations",
        "received_events",
        "repos",
        "starred",
        "subscriptions",
    )
    return {
        "login": login,
        "id": sum(login.encode()),
        "node_id": "U_1",
        "avatar_url": f"{at}/avatar",
        "gravatar_id": "",
        "url": at,
        "html_url": at,
        "type": kind,
        "site_admin": False,
        **{f"{name}_url": f"{at}/{name}" for name in links},
    }


def private_user(base: str, login: str) -> dict[str, Any]:
    """Return a `private-user`."""
    numbers = (
        "public_repos",
        "public_gists",
        "followers",
        "following",
        "private_gists",
        "total_private_repos",
        "owned_private_repos",
        "disk_usage",
        "collaborators",
    )
    blanks = ("bio", "blog", "company", "email", "location", "name")
    return {
        **user(base, login),
        **dict.fromkeys(numbers, 0),
        **dict.fromkeys(blanks),
        "blog": "",
        "hireable": None,
        "user_view_type": "private",
        "two_factor_authentication": True,
        "created_at": _WHEN,
        "updated_at": _WHEN,
    }


def comment(base: str, number_id: int, number: int, body: str, author: dict[str, Any]) -> dict[str, Any]:
    """Return an `issue-comment`."""
    return {
        "id": number_id,
        "node_id": f"IC_{number_id}",
        "url": f"{base}/repos/o/r/issues/comments/{number_id}",
        "html_url": f"{base}/o/r/pull/{number}#issuecomment-{number_id}",
        "issue_url": f"{base}/repos/o/r/issues/{number}",
        "user": author,
        "created_at": _WHEN,
        "updated_at": _WHEN,
        "author_association": "NONE",
        "performed_via_github_app": None,
        "body": body,
    }


def check_run(base: str, number_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Return a `check-run`, with its annotations in a key of their own."""
    output = body.get("output", {})
    annotations = list(output.get("annotations", []))
    return {
        "id": number_id,
        "head_sha": body["head_sha"],
        "node_id": f"CR_{number_id}",
        "external_id": body.get("external_id", ""),
        "url": f"{base}/repos/o/r/check-runs/{number_id}",
        "html_url": f"{base}/o/r/runs/{number_id}",
        "details_url": body.get("details_url") or f"{base}/apps",
        "status": body.get("status", "queued"),
        "conclusion": body.get("conclusion"),
        "started_at": _WHEN,
        "completed_at": _WHEN,
        "output": {
            "title": output.get("title"),
            "summary": output.get("summary"),
            "text": output.get("text"),
            "annotations_count": len(annotations),
            "annotations_url": f"{base}/repos/o/r/check-runs/{number_id}/annotations",
        },
        "name": body["name"],
        "check_suite": {"id": 5},
        "app": None,
        "pull_requests": [],
        "annotations": annotations,
    }


def status(base: str, number_id: int, sha: str, body: dict[str, Any], creator: dict[str, Any]) -> dict[str, Any]:
    """Return a `status`."""
    return {
        "url": f"{base}/repos/o/r/statuses/{sha}",
        "avatar_url": f"{base}/avatar",
        "id": number_id,
        "node_id": f"SC_{number_id}",
        "state": body["state"],
        "description": body.get("description"),
        "target_url": body.get("target_url"),
        "context": body.get("context", "default"),
        "created_at": _WHEN,
        "updated_at": _WHEN,
        "creator": creator,
    }


def combined(base: str, sha: str, rows: list[dict[str, Any]], page: int, size: int) -> dict[str, Any]:
    """Return a `combined-commit-status` with one page of the newest status of each context."""
    shown = [{key: value for key, value in row.items() if key != "creator"} for row in rows]
    states = {row["state"] for row in rows}
    worst = "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
    at = f"{base}/repos/o/r/commits/{sha}"
    return {
        "state": worst,
        "sha": sha,
        "total_count": len(rows),
        "statuses": shown[(page - 1) * size : page * size],
        "repository": filled("minimal-repository"),
        "commit_url": at,
        "url": f"{at}/status",
    }
