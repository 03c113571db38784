"""The real application on a real PostgreSQL, and the database asked past Django."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection
from django.test import Client

from stockroom import factory


@pytest.fixture
def database(transactional_db):
    """Rows are committed, and taken away after the test."""


@pytest.fixture
def stored(database):
    """Asks the database over a connection of its own."""
    values = connection.get_connection_params()
    known = {key: values[key] for key in ("host", "port", "user", "password", "dbname") if values.get(key)}
    with psycopg.connect(**known, autocommit=True) as own:
        yield lambda query, *parameters: own.execute(query, parameters).fetchall()


@pytest.fixture
def ask(database):
    """Sends one request to the application."""

    def ask(method, path, body=None):
        data = json.dumps(body) if body is not None else ""
        answer = Client().generic(method, path, data, content_type="application/json")
        return answer.status_code, answer.json()

    return ask


@pytest.fixture
def service(database):
    return factory.get_stock_service()


@pytest.fixture
def later(database):
    """The service, a day and an hour from now."""
    return factory.get_stock_service(now=lambda: datetime.now(UTC) + timedelta(hours=25))


@pytest.fixture
def bolts(service):
    """Ten bolts on the shelf, put there in the set-up phase."""
    service.add_items([("BOLT-8", "bolt")])
    service.receive("BOLT-8", 10, "delivery")
    return "BOLT-8"
