"""What counts as an object that was put, on a real MinIO: the table of truth."""

import hashlib
import hmac
import http.client
import os
import signal
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from tests.harness import servers

from truegreen.errors import ServiceNotReady
from truegreen.model.service import ServiceHandle
from truegreen.runtime.wire.s3 import elements
from truegreen.stages.observers.minio import MinioObserver

pytestmark = pytest.mark.slow
VERSIONING = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


def handle_of(server, **more):
    values = {"name": "s3", "kind": "minio", "provider": "attach", "host": server.host, "port": server.port}
    return ServiceHandle(
        url="", **{**values, "user": server.user, "password": server.password, "database": "app", **more}
    )


class Client:
    """Signs requests with bodies, as the application's library does."""

    def __init__(self, server):
        self.server = server

    def __call__(self, method, path, query="", body=b""):
        host, now = f"{self.server.host}:{self.server.port}", datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        names, digest = "host;x-amz-content-sha256;x-amz-date", hashlib.sha256(body).hexdigest()
        path = quote(path)
        listed = f"host:{host}\nx-amz-content-sha256:{digest}\nx-amz-date:{now}\n"
        canonical = f"{method}\n{path}\n{query}\n{listed}\n{names}\n{digest}"
        scope = f"{now[:8]}/us-east-1/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = f"AWS4{self.server.password}".encode()
        for part in (*scope.split("/"),):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        who = f"AWS4-HMAC-SHA256 Credential={self.server.user}/{scope}, SignedHeaders={names}, Signature={signature}"
        connection = http.client.HTTPConnection(host)
        headers = {"x-amz-date": now, "x-amz-content-sha256": digest, "Authorization": who}
        connection.request(method, f"{path}?{query}", body, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status


@contextmanager
def minio():
    with servers.running("minio") as made:
        while Client(made)("PUT", "/app") == 503:  # it says ready a moment before it is
            time.sleep(0.05)
        yield made


@pytest.fixture(scope="module")
def server():
    with minio() as made:
        client = Client(made)
        assert client("PUT", "/other") == client("PUT", "/versioned") == 200
        assert client("PUT", "/versioned", "versioning=", VERSIONING) == 200
        yield made


@pytest.fixture(scope="module")
def observer(server):
    made = MinioObserver(handle_of(server))
    yield made
    made.close()


@pytest.fixture
def client(server):
    made = Client(server)
    assert made("PUT", "/app/old.txt", body=b"old") == 200
    assert made("PUT", "/versioned/old.txt", body=b"old") == 200
    return made


def two_uploads(client):
    client("PUT", "/versioned/twice", body=b"1")
    client("PUT", "/versioned/twice", body=b"2")


def deleted_again(bucket):
    def happens(client):
        client("PUT", f"/{bucket}/brief", body=b"x")
        client("DELETE", f"/{bucket}/brief")

    return happens


def many(client):
    for number in range(1005):
        client("PUT", f"/app/many/{number:04}", body=b"x")


@pytest.mark.parametrize(
    ("happens", "expected"),
    [
        (lambda c: c("PUT", "/app/a/b ü+&<.bin", body=b"new"), {("app", "a/b ü+&<.bin", "put"): 1}),
        (lambda c: c("PUT", "/app/old.txt", body=b"new"), {("app", "old.txt", "put"): 1}),
        (lambda c: c("PUT", "/app/old.txt", body=b"old"), {("app", "old.txt", "put"): 1}),
        (lambda c: c("PUT", "/other/x", body=b"x"), {("other", "x", "put"): 1}),
        (two_uploads, {("versioned", "twice", "put"): 2}),
        (lambda c: c("DELETE", "/app/old.txt"), {("app", "old.txt", "removal"): 1}),
        (lambda c: c("DELETE", "/versioned/old.txt"), {("versioned", "old.txt", "removal"): 1}),
        (deleted_again("versioned"), {("versioned", "brief", "put"): 1, ("versioned", "brief", "removal"): 1}),
        (deleted_again("app"), {}),
        (lambda c: c("PUT", "/app/empty"), {("app", "empty", "empty-put"): 1}),
        (lambda c: c("PUT", "/nowhere/x", body=b"x"), {}),
        (lambda c: c("POST", "/app/parts", "uploads="), {}),
        (lambda c: c("GET", "/app/old.txt"), {}),
    ],
    ids=[
        *("put", "other content", "same content", "another bucket", "two versions", "deleted", "marked deleted"),
        *("versions deleted again", "deleted again", "empty", "failed", "never completed", "read"),
    ],
)
def test_object_counts_when_it_is_there(observer, client, happens, expected):
    start = observer.position()
    happens(client)
    window = observer.between(start, observer.position())
    assert {(change.database, change.object, change.kind): change.count for change in window.committed} == expected


def test_objects_beyond_one_page_are_seen(observer, client):
    start = observer.position()
    many(client)
    assert len(observer.between(start, observer.position()).committed) == 1005


def test_server_that_refuses_or_ends_is_no_silence(client):
    del client
    with minio() as server:
        with pytest.raises(ServiceNotReady, match="cannot be listed") as caught:
            MinioObserver(handle_of(server, password="wrong"))
        assert "SignatureDoesNotMatch" in caught.value.why
        made = MinioObserver(handle_of(server))
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(OSError, match=r"closed|reset|pipe|refused|no answer"):
            made.position()
        made.close()


@pytest.mark.parametrize("text", [b"", b"<a>", b"<!DOCTYPE a><a/>", b"nonsense"])
def test_answer_that_is_no_list_is_refused(text):
    with pytest.raises(ValueError, match="S3"):
        elements(text, ())
