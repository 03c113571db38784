"""The OSV service of the tests answers by the protocol, from the real advisories."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from tests.support.osv_server import OsvServer

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def osv() -> Iterator[OsvServer]:
    with OsvServer() as server:
        yield server


def ask(url: str, body: Any = None) -> tuple[int, Any]:
    method = "GET" if body is None else "POST"
    payload = body if isinstance(body, bytes) else None if body is None else json.dumps(body)
    answer = urllib3.request(method, url, body=payload, retries=False)
    return answer.status, answer.json()


def pin(name: str, version: str) -> dict[str, Any]:
    return {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}


@pytest.mark.parametrize(
    ("name", "version", "count"),
    [("jinja2", "2.4.1", 5), ("Flask", "0.5", 3), ("requests", "2.19.1", 2), ("idna", "3.7", 0), ("nobody", "1", 0)],
)
def test_query_finds_what_is_known_about_a_version(osv: OsvServer, name: str, version: str, count: int) -> None:
    status, answer = ask(osv.url, pin(name, version))
    assert (status, len(answer.get("vulns", ()))) == (200, count)


def test_batch_gives_ids_in_the_order_asked_and_each_can_be_fetched(osv: OsvServer) -> None:
    base = osv.url.removesuffix("query")
    _, answer = ask(f"{base}querybatch", {"queries": [pin("idna", "3.7"), pin("flask", "0.5")]})
    empty, found = answer["results"]
    assert empty == {}
    assert set(found["vulns"][0]) == {"id", "modified"}
    status, record = ask(f"{base}vulns/{found['vulns'][0]['id']}")
    assert (status, record["id"], record["affected"][0]["package"]["ecosystem"]) == (
        200,
        found["vulns"][0]["id"],
        "PyPI",
    )


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"package": 3}', b"17"])
def test_request_that_is_no_query_is_refused(osv: OsvServer, body: bytes) -> None:
    assert ask(osv.url, body)[0] == 400


@pytest.mark.parametrize("path", ["vulns/PYSEC-0000-0", "nothing"])
def test_unknown_address_is_not_found(osv: OsvServer, path: str) -> None:
    assert ask(osv.url.removesuffix("query") + path)[0] == 404


def test_served_as_a_program_it_prints_its_address() -> None:
    argv = [sys.executable, "-m", "tests.support.osv_server", "--port", "0"]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        url = program.stdout.readline().strip()
        assert len(ask(url, pin("flask", "0.5"))[1]["vulns"]) == 3
        program.terminate()
