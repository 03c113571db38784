"""Cut the slice of GitHub's API description that the tests need.

Usage: npm pack @octokit/openapi && tar xzf octokit-openapi-*.tgz
       python tests/support/cut_github_api.py package/generated/api.github.com.json
Writes tests/samples/github/api-slice.json.gz: the operations below, closed over `$ref`, without
examples and descriptions. The description is MIT-licensed, © Octokit contributors and GitHub.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "samples" / "github" / "api-slice.json.gz"
OPERATIONS = {
    "/user": ("get",),
    "/repos/{owner}/{repo}/issues/{issue_number}/comments": ("get", "post"),
    "/repos/{owner}/{repo}/issues/comments/{comment_id}": ("patch", "delete"),
    "/repos/{owner}/{repo}/check-runs": ("post",),
    "/repos/{owner}/{repo}/check-runs/{check_run_id}": ("patch",),
    "/repos/{owner}/{repo}/commits/{ref}/check-runs": ("get",),
    "/repos/{owner}/{repo}/commits/{ref}/status": ("get",),
    "/repos/{owner}/{repo}/statuses/{sha}": ("post",),
    "/repos/{owner}/{repo}/pulls": ("get",),
    "/repos/{owner}/{repo}/actions/artifacts": ("get",),
    "/repos/{owner}/{repo}/actions/runs/{run_id}": ("get",),
    "/repos/{owner}/{repo}/actions/runs/{run_id}/artifacts": ("get",),
    "/repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}": ("get",),
    "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs": ("get",),
    "/repos/{owner}/{repo}/git/ref/{ref}": ("get",),
    "/repos/{owner}/{repo}/compare/{basehead}": ("get",),
}
PROSE = ("description", "examples", "example", "summary", "externalDocs", "x-github", "tags", "x-octokit")


def cut(document: dict[str, Any]) -> dict[str, Any]:
    """Return the slice of a description."""
    paths = {
        path: {
            **{verb: strip(document["paths"][path][verb]) for verb in verbs},
            **(
                {"parameters": strip(document["paths"][path]["parameters"])}
                if "parameters" in document["paths"][path]
                else {}
            ),
        }
        for path, verbs in OPERATIONS.items()
    }
    components: dict[str, dict[str, Any]] = {}
    pending = list(references(paths))
    while pending:
        kind, name = pending.pop()
        if name in components.setdefault(kind, {}):
            continue
        part = strip(document["components"][kind][name])
        components[kind][name] = part
        pending.extend(references(part))
    ordered = {kind: dict(sorted(parts.items())) for kind, parts in sorted(components.items())}
    info = {
        "title": document["info"]["title"],
        "version": document["info"]["version"],
        "license": document["info"]["license"],
    }
    return {
        "openapi": document["openapi"],
        "info": info,
        "servers": document["servers"],
        "paths": paths,
        "components": ordered,
    }


def strip(node: Any, *, names: bool = False) -> Any:
    """Return a part without its prose; `names` says that the keys are property names, not keywords."""
    if isinstance(node, list):
        return [strip(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: strip(value, names=key in ("properties", "schemas", "responses", "headers") and not names)
        for key, value in node.items()
        if names or key not in PROSE
    }
    if not names and "content" in kept and "description" in node:
        kept["description"] = ""  # OpenAPI asks for it in a response
    if (
        not names
        and "$ref" not in kept
        and "description" in node
        and not ({"type", "in", "allOf", "anyOf", "oneOf"} & set(kept))
    ):
        kept["description"] = ""
    return kept


def references(node: Any) -> list[tuple[str, str]]:
    """Return (kind, name) of every `$ref` in a part."""
    found = []
    if isinstance(node, dict):
        target = node.get("$ref")
        if isinstance(target, str):
            found.append((target.split("/")[-2], target.split("/")[-1]))
        for value in node.values():
            found += references(value)
    elif isinstance(node, list):
        for value in node:
            found += references(value)
    return found


def main() -> None:
    """Cut the file named on the command line."""
    document = json.loads(Path(sys.argv[1]).read_bytes())
    text = json.dumps(cut(document), separators=(",", ":"), sort_keys=True).encode()
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_bytes(gzip.compress(text, 9, mtime=0))
    sys.stdout.write(f"{TARGET}: {len(text):,} bytes, {TARGET.stat().st_size:,} compressed\n")


if __name__ == "__main__":
    main()
