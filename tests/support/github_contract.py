"""What GitHub's published description says of a request and an answer."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from tests.support.github_runs import document


@cache
def _description() -> tuple[OpenAPI, dict[str, Any]]:
    return OpenAPI.from_dict(document()), document()


class Contract:
    """Checks one exchange against the published description."""

    def __init__(self, verb: str, path: str, query: dict[str, str], data: bytes) -> None:
        self.openapi, self.document = _description()
        self.request = MockRequest("https://api.github.com", verb, path, args=query, data=data)
        self.verb = verb.lower()
        self.query = query
        self.data = data

    def request_problems(self) -> list[str]:
        try:
            self.openapi.validate_request(self.request)
        except Exception as error:  # noqa: BLE001 - any refusal of the validator is a breach
            causes = [str(cause.message) for cause in getattr(error.__cause__, "schema_errors", ())]
            return [f"{self.verb} {self.request.path}: {type(error).__name__} {error} {causes}"]
        return self._unknown()

    def response_problems(self, code: int, data: bytes) -> list[str]:
        operation = self._operation()
        if code >= 400 and str(code) not in operation["responses"]:
            return []  # undocumented refusals exist; documented ones must be right
        try:
            self.openapi.validate_response(self.request, MockResponse(data, status_code=code))
        except Exception as error:  # noqa: BLE001
            causes = [str(cause.message) for cause in getattr(error.__cause__, "schema_errors", ())]
            return [f"our own answer {code} to {self.verb} {self.request.path}: {error} {causes}"]
        return []

    def _operation(self) -> dict[str, Any]:
        for pattern, verbs in self.document["paths"].items():
            expression = re.sub(r"\{\w+\}", "[^/]+", pattern)
            if re.fullmatch(expression, self.request.path) and self.verb in verbs:
                found: dict[str, Any] = verbs[self.verb]
                return found
        return {"responses": {}}

    def _unknown(self) -> list[str]:
        """The description lets unknown keys pass; GitHub ignores them in silence, so we do not."""
        operation = self._operation()
        names = {self._resolve(part)["name"] for part in operation.get("parameters", [])}
        problems = [f"unknown query parameter {key}" for key in self.query if key not in names]
        body = operation.get("requestBody")
        if body and self.data:
            schema = body["content"]["application/json"]["schema"]
            sent = json.loads(self.data)
            problems += [f"unknown key {key} in {self.request.path}" for key in sent if key not in schema["properties"]]
        return problems

    def _resolve(self, part: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in part:
            return part
        found: dict[str, Any] = self.document["components"]["parameters"][part["$ref"].rsplit("/", 1)[1]]
        return found
