"""Open Policy Agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.services import wire_http
from truegreen.services.base import Access, EmbeddedPlan, NotReady, Server

if TYPE_CHECKING:
    from pathlib import Path


class Runtime(msgspec.Struct):
    """What the server tells of itself."""

    version: str = ""


class Binding(msgspec.Struct):
    """One answer of the query."""

    found: Runtime


class Answer(msgspec.Struct):
    """The answers of the query."""

    result: list[Binding] = []


class Opa(Server):
    """Open Policy Agent as a server: image `openpolicyagent/opa`, or built from the Go module proxy."""

    kind: ClassVar[str] = "opa"
    image: ClassVar[str] = "openpolicyagent/opa:{version}"
    version: ClassVar[str] = "1.4.2"
    verified: ClassVar[str] = "OPA 1.22 (embedded)"
    scheme: ClassVar[str] = "http"
    has_database: ClassVar[bool] = False
    port: ClassVar[int] = 8181
    defaults: ClassVar[Access] = Access(port=8181)
    exports: ClassVar[dict[str, str]] = {"OPA_URL": "url"}
    embedded: ClassVar[str] = "opa"

    def container_args(self) -> list[str]:
        """Return the command of a server; by itself it would listen inside the container only."""
        return ["run", "--server", "--addr", f":{self.port}"]

    def embedded_plan(self, tool: Path, data: Path, access: Access) -> EmbeddedPlan:
        """Return how to run the server."""
        argv = (str(tool / "bin" / "opa"), "run", "--server", "--addr", f"{access.host}:{access.port}")
        return EmbeddedPlan(argv=argv, env={"HOME": str(data)})

    def probe(self, access: Access) -> str:
        """Let the server evaluate a query, whose answer is its version."""
        query = msgspec.json.encode({"query": "found := opa.runtime()"}).decode()
        answer = wire_http.ask_json(access, "/v1/query", Answer, method="POST", body=query)
        if not answer.result or not answer.result[0].found.version:
            raise NotReady("the server evaluates nothing")
        return answer.result[0].found.version
