"""The containers provider against a real engine: up, logs, down, and nothing left behind."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from tests.harness.images import image_tag
from tests.support.containers import NAMES, contained, docker, engine, labelled, services, sessions

from truegreen import registry
from truegreen.config.schema import ServiceOptions
from truegreen.errors import EngineMissing, PortInUse, ServiceNotReady
from truegreen.runtime import environ
from truegreen.runtime.console import Console
from truegreen.runtime.process import ProcessRunner
from truegreen.runtime.toolchain import Toolchain
from truegreen.services import wire
from truegreen.services.asked import resolve
from truegreen.services.base import Access, NotReady
from truegreen.services.providers.containers import LABEL, ContainersProvider
from truegreen.services.workshop import Workshop

__all__ = ["engine", "services"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.docker]


def test_containers_are_ready_exported_logged_and_gone_afterwards(services, engine, tmp_path):
    running = services(**{name: contained(name) for name in NAMES})
    handles = {handle.name: handle for handle in running.up(NAMES)}
    session = running._session.id
    assert {handle.provider for handle in handles.values()} == {"containers"}
    assert handles["postgres"].version.startswith("15")
    assert handles["redis"].version.startswith("7")
    assert handles["nats"].version.startswith("2")
    assert handles["postgres"].exports["DATABASE_URL"] == handles["postgres"].url
    assert handles["nats"].exports == {"NATS_URL": f"nats://127.0.0.1:{handles['nats'].port}"}
    assert {row["answers"] for row in running.status()} == {True}
    assert len(labelled(engine, session)) == 3
    assert "ready to accept connections" in running.logs("postgres").lower()
    assert sorted(running.down()) == sorted(NAMES)
    assert labelled(engine, session) == []
    assert sessions(tmp_path) == []
    assert "ready to accept connections" in Path(handles["redis"].log).read_text().lower()
    assert running.status() == []


@pytest.mark.parametrize("method", ["scram-sha-256", "md5", "password"])
def test_container_of_postgres_is_not_ready_for_a_wrong_password(services, method):
    account = {"user": "me", "password": "p\u00e4'ss", "database": "my-db"}
    running = services(postgres=contained("postgres", env={"POSTGRES_HOST_AUTH_METHOD": method}, **account))
    (handle,) = running.up(("postgres",))
    assert handle.exports["DB_NAME"] == "my-db"
    access = Access(port=handle.port, **account)
    if method == "md5":  # the server keeps SCRAM secrets unless it is told otherwise, and then asks for SCRAM
        with wire.connection(access) as sock:
            client = wire.Postgres(sock, access)
            client.query("SET password_encryption = 'md5'")
            client.query("ALTER USER me PASSWORD 'p\u00e4''ss'")
    probe = registry.load("service", "postgres")().probe
    assert probe(access) == handle.version
    with pytest.raises(NotReady, match="password authentication failed"):
        probe(Access(port=handle.port, **{**account, "password": "wrong"}))


def test_container_takes_command_and_environment_from_the_options(services, engine):
    running = services(
        redis=contained("redis", command=["redis-server", "--requirepass", "pw"], password="pw", env={"MARK": "here"})
    )
    (handle,) = running.up(("redis",))
    assert handle.url == f"redis://:pw@127.0.0.1:{handle.port}/0"
    (container,) = labelled(engine, running._session.id)
    assert "MARK=here" in docker(engine, "inspect", "--format", "{{.Config.Env}}", container)
    with pytest.raises(NotReady, match="NOAUTH"):
        registry.load("service", "redis")().probe(Access(port=handle.port))


def test_container_listens_on_the_port_that_is_asked_for_and_on_loopback_only(services, engine):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = services(redis=contained("redis", port=port))
    (handle,) = running.up(("redis",))
    assert handle.port == port
    (container,) = labelled(engine, running._session.id)
    assert docker(engine, "port", container).strip().endswith(f"127.0.0.1:{port}")


def test_container_whose_port_is_taken_is_named(services, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        running = services(redis=contained("redis", port=taken.getsockname()[1]))
        with pytest.raises(PortInUse, match=str(taken.getsockname()[1])):
            running.up(("redis",))
    assert sessions(tmp_path) == []


# --- the provider alone ------------------------------------------------------------------------------------------


class LateWorkshop(Workshop):
    """A workshop in a busy machine: somebody takes the port between the check and the start."""

    def free_port(self, name, wanted):
        port = super().free_port(name, wanted)
        self.thief = socket.socket()
        self.thief.bind(("127.0.0.1", port))
        self.thief.listen()
        return port


def workshop(folder, cls=Workshop, **env):
    merged = {**environ.current(), **env}
    processes = ProcessRunner()
    tools = Toolchain(merged, processes, Console(quiet=True))
    session = f"test-{folder.name}-{os.getpid()}"
    return cls(session=session, root=folder, env=merged, processes=processes, tools=tools, cache=folder / "cache")


def asked(name, options):
    return resolve([name], {name: options})[name]


def test_container_whose_port_is_taken_meanwhile_is_named_and_removed(tmp_path, engine):
    shop = workshop(tmp_path, LateWorkshop)
    with pytest.raises(PortInUse):
        ContainersProvider().start(shop, asked("redis", contained("redis")))
    shop.thief.close()
    assert labelled(engine, shop.session) == []


def test_container_that_cannot_start_says_why_and_is_removed(tmp_path, engine):
    shop = workshop(tmp_path)
    with pytest.raises(ServiceNotReady) as caught:
        ContainersProvider().start(shop, asked("redis", contained("redis", env={"bad=": "x", "": "y"})))
    assert caught.value.why
    assert labelled(engine, shop.session) == []


def test_container_that_ends_by_itself_is_not_ready_and_its_log_says_why(services, engine, tmp_path):
    running = services(redis=contained("redis", command=["redis-server", "--no-such-option", "1"], timeout_s=20))
    with pytest.raises(ServiceNotReady) as caught:
        running.up(("redis",))
    assert "ended by itself" in caught.value.why
    assert "no-such-option" in caught.value.why
    assert "no-such-option" in (tmp_path / "project/.truegreen/services/redis.log").read_text()
    assert labelled(engine, running._session.id) == []


def test_container_that_runs_but_does_not_answer_is_not_ready_and_its_own_log_is_quoted(services, tmp_path):
    log = tmp_path / "project/.truegreen/services/redis.log"
    log.parent.mkdir(parents=True)
    log.write_text("of an earlier session\n")
    talks = ["sh", "-c", "echo of this session; exec sleep 60"]
    running = services(redis=contained("redis", command=talks, timeout_s=2))
    with pytest.raises(ServiceNotReady) as caught:
        running.up(("redis",))
    assert "of this session" in caught.value.why
    assert "of an earlier session" not in caught.value.why


def test_log_of_a_container_that_somebody_removed_is_kept(tmp_path, engine):
    shop, provider = workshop(tmp_path), ContainersProvider()
    started = provider.start(shop, asked("redis", contained("redis")))
    deadline = time.monotonic() + 20
    while "Ready to accept" not in docker(engine, "logs", started.container) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert provider.trouble(shop, started) == ""
    docker(engine, "kill", started.container)
    assert provider.trouble(shop, started)
    docker(engine, "rm", "--force", started.container)
    assert provider.trouble(shop, started)
    provider.stop(shop, started)
    assert "Ready to accept" in Path(started.log).read_text()


def test_container_is_stopped_with_the_volumes_it_made(services, engine):
    before = set(docker(engine, "volume", "ls", "--quiet").split())
    running = services(postgres=contained("postgres"))
    running.up(("postgres",))
    running.down()
    assert set(docker(engine, "volume", "ls", "--quiet").split()) <= before


# --- no engine, no image -----------------------------------------------------------------------------------------


def test_image_that_is_missing_is_named_and_its_remedy(tmp_path):
    options = ServiceOptions(image="127.0.0.1:1/no/such:1")
    with pytest.raises(EngineMissing) as caught:
        ContainersProvider().start(workshop(tmp_path), asked("redis", options))
    assert "127.0.0.1:1/no/such:1" in caught.value.why
    assert "embedded" in caught.value.fix


def test_image_that_is_missing_makes_auto_fall_back_to_embedded_and_say_so(services):
    running = services(redis=ServiceOptions(image="127.0.0.1:1/no/such:1"))
    (handle,) = running.up(("redis",))
    assert handle.provider == "embedded"
    assert "127.0.0.1:1/no/such:1" in handle.note


def test_image_that_is_there_makes_auto_take_a_container(services):
    (handle,) = services(redis=ServiceOptions(image=image_tag("redis"))).up(("redis",))
    assert handle.provider == "containers"
    assert handle.note == ""


def test_engine_that_does_not_answer_is_unusable(tmp_path):
    shop = workshop(tmp_path, DOCKER_HOST=f"unix://{tmp_path}/nobody.sock")
    assert ContainersProvider().usable(shop, "x") == "no container engine answers"


def test_machine_without_a_docker_command_is_unusable_and_has_nothing_to_sweep(tmp_path):
    shop = workshop(tmp_path, PATH=str(tmp_path))
    assert ContainersProvider().usable(shop, "x") == "there is no docker command"
    assert ContainersProvider().sweep(shop, "any") == 0


# --- a killed owner ----------------------------------------------------------------------------------------------

OWNER = """
    import sys, time
    from pathlib import Path
    from tests.harness.images import image_tag
    from tests.support.managers import manager
    from truegreen.config.schema import ServiceOptions
    redis = ServiceOptions(provider="containers", image=image_tag("redis"))
    services = manager(Path(sys.argv[1]), Path(sys.argv[2]), redis=redis)
    services.up(("redis",))
    print(services._session.id, flush=True)
    time.sleep(120)
"""


@pytest.fixture
def killed(tmp_path):
    """The session of an owner that was killed while its container ran."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", textwrap.dedent(OWNER), str(tmp_path / "project"), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env, cwd=Path.cwd()) as process:
        session = process.stdout.readline().strip()
        process.kill()
    return session


def test_containers_of_a_killed_owner_are_swept_by_the_next_start(killed, engine, services, tmp_path):
    assert len(labelled(engine, killed)) == 1
    assert services().sweep() == 1
    assert labelled(engine, killed) == []
    assert sessions(tmp_path) == []


def test_container_that_its_killed_owner_never_recorded_is_swept_too(killed, engine, services, tmp_path):
    (path,) = (tmp_path / "sessions").glob("*.json")
    session = json.loads(path.read_text())
    path.write_text(json.dumps({**session, "started": [], "handles": []}))
    assert len(labelled(engine, killed)) == 1
    assert services().sweep() == 1
    assert labelled(engine, killed) == []


def test_sweep_finds_containers_by_label_and_counts_them(tmp_path, engine):
    shop = workshop(tmp_path)
    for _ in range(2):
        docker(engine, "create", "--label", f"{LABEL}={shop.session}", image_tag("redis"))
    docker(engine, "create", "--label", f"{LABEL}={shop.session}-other", image_tag("redis"))
    assert ContainersProvider().sweep(shop, shop.session) == 2
    assert ContainersProvider().sweep(shop, shop.session) == 0
    assert ContainersProvider().sweep(shop, f"{shop.session}-other") == 1


# --- what happens to a container ---------------------------------------------------------------------------------
