"""Services in containers of a real engine, and what the engine says of them."""

from __future__ import annotations

import json
import subprocess

import pytest
from tests.harness.engine import docker_client
from tests.harness.images import ensure_image, image_tag
from tests.support.managers import manager

from truegreen.config.schema import ServiceOptions
from truegreen.services.providers.containers import LABEL

NAMES = ("postgres", "redis", "nats")


@pytest.fixture(scope="module", autouse=True)
def engine():
    for name in NAMES:
        ensure_image(name)
    return docker_client()


def contained(name, **options):
    return ServiceOptions(provider="containers", image=image_tag(name), **options)


@pytest.fixture
def services(tmp_path):
    """A way to make managers that are all stopped at the end."""
    made = []

    def make(**options):
        made.append(manager(tmp_path / "project", tmp_path, **options))
        return made[-1]

    yield make
    for one in made:
        one.down()


def docker(engine, *words):
    return subprocess.run([engine, *words], capture_output=True, text=True, check=True).stdout


def labelled(engine, session):
    return docker(engine, "ps", "--all", "--quiet", "--filter", f"label={LABEL}={session}").split()


def sessions(folder):
    return [json.loads(path.read_text()) for path in (folder / "sessions").glob("*.json")]
