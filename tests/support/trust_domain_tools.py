"""The servers of a sigstore trust domain, built once from their Go modules.

Newer versions ask for a newer Go than the one that builds them here, so these are pinned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.harness.tools import TOOLS, Tool, ensure_tool

if TYPE_CHECKING:
    from pathlib import Path

SERVERS = (
    Tool("fulcio", "github.com/sigstore/fulcio", ".", "v1.8.8", ("version",)),
    Tool(
        "timestamp-server",
        "github.com/sigstore/timestamp-authority/v2",
        "./cmd/timestamp-server",
        "v2.1.1",
        ("version",),
    ),
    Tool(
        "rekor-server-posix", "github.com/sigstore/rekor-tiles/v2", "./cmd/rekor-server/posix", "v2.3.0", ("version",)
    ),
)
LOAD_GENERATOR = Tool("k6", "go.k6.io/k6", ".", "v1.8.1", ("version",))


def server(name: str) -> Path:
    """Return the program of one server, building it first where the cache lacks it (one to two minutes)."""
    TOOLS.update({tool.name: tool for tool in (*SERVERS, LOAD_GENERATOR) if tool.name not in TOOLS})
    return ensure_tool(name)
