"""The HTTP interface: `flask --app parcels.api:serve run`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Flask, request

from parcels import factory
from parcels.domain import InvalidParcel
from parcels.service import ParcelService
from parcels.settings import from_environment

Answer = tuple[dict[str, Any], int]


def create_app(service: ParcelService) -> Flask:
    """Return the application over a service."""
    app = Flask("parcels")
    app.errorhandler(InvalidParcel)(lambda error: ({"error": str(error)}, 422))

    @app.post("/parcels")
    def register() -> Answer:
        body = request.get_json()
        new = service.register([(body.get("id"), body.get("address"))])
        return {"id": body.get("id")}, 201 if new else 200

    @app.post("/manifests")
    def manifest() -> Answer:
        rows = [(row.get("id"), row.get("address")) for row in request.get_json()["parcels"]]
        return {"new": service.register(rows)}, 201

    @app.get("/parcels/<parcel>")
    def show(parcel: str) -> Answer:
        found = service.find(parcel)
        return (asdict(found), 200) if found else ({"error": "no such parcel"}, 404)

    @app.get("/parcels/<parcel>/state")
    def state(parcel: str) -> Answer:
        found = service.state(parcel)
        return ({"state": found}, 200) if found else ({"error": "no such parcel"}, 404)

    @app.post("/scans")
    def scan() -> Answer:
        return asdict(service.scan(request.get_data())), 202

    return app


def serve() -> Flask:
    """Return the application over the real stores."""
    return create_app(factory.open_application(from_environment()).service)
