"""The HTTP interface."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, JsonResponse

from stockroom import factory
from stockroom.domain import Refused, Unknown

Answer = tuple[int, dict[str, Any]]


def endpoint(method: str) -> Callable[[Callable[..., Answer]], Callable[..., JsonResponse]]:
    """Return a decorator: one method, JSON in and out, errors of the domain as status codes."""

    def decorate(view: Callable[..., Answer]) -> Callable[..., JsonResponse]:
        @functools.wraps(view)
        def respond(request: HttpRequest, **values: str) -> JsonResponse:
            if request.method != method:
                return JsonResponse({"error": f"use {method}"}, status=405)
            try:
                body = json.loads(request.body) if request.body else {}
                status, answer = view(body, **values)
            except Unknown as error:
                status, answer = 404, {"error": str(error)}
            except (Refused, KeyError, ValueError) as error:
                status, answer = 422, {"error": str(error)}
            return JsonResponse(answer, status=status)

        return respond

    return decorate


@endpoint("POST")
def items(body: dict[str, Any]) -> Answer:
    """Add one item."""
    added = factory.get_stock_service().add_items([(body["sku"], body["name"])])
    return 201 if added else 200, {"sku": body["sku"]}


@endpoint("POST")
def imports(body: dict[str, Any]) -> Answer:
    """Add many items."""
    rows = [(row["sku"], row["name"]) for row in body["items"]]
    return 201, {"added": factory.get_stock_service().add_items(rows)}


@endpoint("GET")
def item(_: dict[str, Any], sku: str) -> Answer:
    """Show an item."""
    return 200, asdict(factory.get_stock_service().item(sku))


@endpoint("POST")
def receipts(body: dict[str, Any], sku: str) -> Answer:
    """Put more of an item on the shelf."""
    return 201, asdict(factory.get_stock_service().receive(sku, body["quantity"], body["reference"]))


@endpoint("POST")
def reservations(body: dict[str, Any]) -> Answer:
    """Reserve a part of an item."""
    made = factory.get_stock_service().reserve(body["reference"], body["sku"], body["quantity"])
    return 201, asdict(made)


@endpoint("GET")
def reservation(_: dict[str, Any], reference: str) -> Answer:
    """Show a reservation."""
    return 200, asdict(factory.get_stock_service().reservation(reference))


@endpoint("POST")
def act(_: dict[str, Any], reference: str, action: str) -> Answer:
    """Ship or cancel a reservation."""
    service = factory.get_stock_service()
    actions = {"ship": service.ship, "cancel": service.cancel}
    if action not in actions:
        return 404, {"error": f"there is no {action}"}
    return 200, asdict(actions[action](reference))
