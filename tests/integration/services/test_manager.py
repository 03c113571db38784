"""Real PostgreSQL, Redis and NATS, started, asked, stopped, and swept."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from tests.support.managers import embedded, manager

from truegreen.config.schema import ServiceOptions
from truegreen.errors import EngineMissing, PortInUse, ServiceNotReady, UnknownName, WrongValue
from truegreen.runtime import net
from truegreen.runtime.lifetime import process_start

ALL = {name: embedded() for name in ("postgres", "redis", "nats")}


@pytest.fixture
def root(tmp_path):
    return tmp_path / "project"


def processes_below(folder):
    """Return the command lines of processes that mention a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def test_services_are_ready_exported_logged_and_gone_afterwards(root, tmp_path):
    services = manager(root, tmp_path, **ALL)
    try:
        handles = {handle.name: handle for handle in services.up(tuple(ALL))}
        assert handles["postgres"].exports["POSTGRES_DSN"] == handles["postgres"].url
        assert handles["postgres"].exports["DB_PORT"] == str(handles["postgres"].port)
        assert handles["redis"].exports == {"REDIS_URL": handles["redis"].url}
        assert handles["nats"].exports == {"NATS_URL": handles["nats"].url}
        assert {row["name"]: row["answers"] for row in services.status()} == dict.fromkeys(ALL, True)
        data = [started.data for started in services._session.started]
    finally:
        services.down()
    assert "ready" in services.logs("redis").lower()
    assert [folder for folder in data if Path(folder).exists()] == []
    assert [line for folder in data for line in processes_below(folder)] == []
    assert services.status() == []


def test_exports_follow_the_names_of_the_repository(root, tmp_path):
    services = manager(root, tmp_path, redis=embedded(export={"CACHE": "url", "CACHE_PORT": "port"}))
    try:
        (handle,) = services.up(("redis",))
        assert handle.exports == {"CACHE": handle.url, "CACHE_PORT": str(handle.port)}
    finally:
        services.down()


def test_export_of_an_unknown_field_is_refused_and_nothing_is_left(root, tmp_path):
    services = manager(root, tmp_path, redis=embedded(export={"CACHE": "adress"}))
    with pytest.raises(UnknownName, match="adress"):
        services.up(("redis",))
    assert list((tmp_path / "sessions").glob("*.json")) == []


@pytest.mark.parametrize("words", [[], ["redis-server"]])
def test_command_of_an_embedded_server_adds_to_its_options(root, tmp_path, words):
    services = manager(root, tmp_path, redis=embedded(command=[*words, "--maxmemory", "7654321"]))
    try:
        (handle,) = services.up(("redis",))
        with socket.create_connection((handle.host, handle.port), timeout=5) as sock:
            sock.sendall(b"CONFIG GET maxmemory\r\n")
            assert b"7654321" in sock.recv(200)
    finally:
        services.down()


def test_command_that_an_embedded_server_cannot_take_is_refused(root, tmp_path):
    services = manager(root, tmp_path, redis=embedded(command=["sh", "-c", "redis-server"]))
    with pytest.raises(EngineMissing) as caught:
        services.up(("redis",))
    assert "`sh` of its command" in caught.value.why


def test_option_that_the_embedded_server_refuses_is_told_in_its_words(root, tmp_path):
    services = manager(root, tmp_path, postgres=embedded(command=["-c", "wal_level=bogus"]))
    with pytest.raises(ServiceNotReady) as caught:
        services.up(("postgres",))
    assert 'invalid value for parameter "wal_level"' in caught.value.why


def test_server_that_runs_embedded_for_want_of_an_engine_says_that_it_lacks_its_env(root, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # no docker
    services = manager(root, tmp_path, redis=ServiceOptions(env={"REDIS_ARGS": "--maxmemory 1gb"}))
    try:
        (handle,) = services.up(("redis",))
        assert "without its env (REDIS_ARGS)" in handle.note
    finally:
        services.down()


def test_two_sessions_run_at_once(root, tmp_path):
    first, second = manager(root, tmp_path, **ALL), manager(tmp_path / "other", tmp_path, **ALL)
    try:
        ports = {handle.port for handle in (*first.up(("redis",)), *second.up(("redis",)))}
        assert len(ports) == 2
    finally:
        first.down()
        second.down()


def test_taken_port_is_named(root, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        services = manager(root, tmp_path, redis=embedded(port=taken.getsockname()[1]))
        with pytest.raises(PortInUse, match=str(taken.getsockname()[1])):
            services.up(("redis",))


def test_attached_service_that_does_not_answer_is_not_ready(root, tmp_path):
    services = manager(root, tmp_path, redis=ServiceOptions(url="redis://127.0.0.1:1/0", timeout_s=0.3))
    with pytest.raises(ServiceNotReady, match="redis"):
        services.up(("redis",))


def test_attach_without_a_value_names_the_variable(root, tmp_path):
    services = manager(root, tmp_path, redis=ServiceOptions(provider="attach", url="$NOT_SET_ANYWHERE"))
    with pytest.raises(WrongValue) as caught:
        services.up(("redis",))
    assert "NOT_SET_ANYWHERE" in caught.value.where


def test_attached_service_is_used_and_left_alone(root, tmp_path):
    owner = manager(root, tmp_path, redis=embedded())
    (handle,) = owner.up(("redis",))
    try:
        guest = manager(root, tmp_path / "guest", redis=ServiceOptions(url=handle.url))
        (attached,) = guest.up(("redis",))
        guest.down()
        assert attached.provider == "attach"
        assert owner.status()[0]["answers"]
    finally:
        owner.down()


OWNER = """
    import sys, time
    from pathlib import Path
    from tests.support.managers import embedded, manager
    services = manager(Path(sys.argv[1]), Path(sys.argv[2]), redis=embedded(), nats=embedded())
    try:
        services.up(("redis", "nats"))
        print(*(started.pid for started in services._session.started), flush=True)
        time.sleep(60)
    finally:
        services.down()
"""


@pytest.fixture
def owner(root, tmp_path):
    """A process that owns two services."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", textwrap.dedent(OWNER), str(root), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env, cwd=Path.cwd()) as process:
        process.pids = [int(word) for word in process.stdout.readline().split()]
        yield process
        process.kill()


def eventually_gone(pids):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(process_start(pid) for pid in pids):
        time.sleep(0.05)
    return [pid for pid in pids if process_start(pid)]


def test_interrupt_leaves_nothing(owner):
    assert len(owner.pids) == 2
    owner.send_signal(signal.SIGINT)
    owner.wait(20)
    assert eventually_gone(owner.pids) == []


def test_kill_of_the_owner_is_swept_by_the_next_start(owner, root, tmp_path):
    owner.kill()
    owner.wait(10)
    assert any(process_start(pid) for pid in owner.pids), "a killed owner cannot have stopped its services"
    assert manager(root, tmp_path).sweep() == 1
    assert eventually_gone(owner.pids) == []
    assert list((tmp_path / "sessions").glob("*.json")) == []


def test_sweep_leaves_a_live_owner_alone(owner, root, tmp_path):
    assert manager(root, tmp_path).sweep() == 0
    assert all(process_start(pid) for pid in owner.pids)


def in_another_container(folder, **changes):
    """Let the session of a live owner look as if a container that shares the cache had written it."""
    (path,) = (folder / "sessions").glob("*.json")
    session = json.loads(path.read_text())
    path.write_text(json.dumps({**session, "scope": "another boot pid:[1]", "owner_pid": 2**22 + 1, **changes}))
    return path


def test_sweep_leaves_the_session_of_another_container_alone(owner, root, tmp_path):
    path = in_another_container(tmp_path)
    assert manager(root, tmp_path).sweep() == 0
    assert path.exists()
    assert all(process_start(pid) for pid in owner.pids)


@pytest.mark.parametrize("scope", ["another boot pid:[1]", ""])
def test_sweep_takes_what_another_container_left_a_day_ago(owner, root, tmp_path, scope):
    path = in_another_container(tmp_path, scope=scope)
    yesterday = time.time() - 25 * 3600
    os.utime(path, (yesterday, yesterday))
    assert manager(root, tmp_path).sweep() == 1
    assert not path.exists()
    assert eventually_gone(owner.pids) == []


# --- again, and after an earlier session ------------------------------------------------------------


@pytest.fixture
def made(root, tmp_path):
    """Managers of one project; whatever they started is stopped."""

    def make(**options):
        return manager(root, tmp_path, redis=embedded(**options))

    yield make
    make().down_detached()


def test_services_that_are_up_are_given_again_and_not_started_twice(made):
    (first,) = made().up(("redis",), detached=True)
    (second,) = made(export={"CACHE": "url"}).up(("redis",), detached=True)
    assert (second.port, second.log) == (first.port, first.log)
    assert second.exports == {"CACHE": first.url}
    assert len(made().status()) == 1
    assert made().down_detached() == ["redis"]


def test_service_that_is_up_but_no_longer_answers_is_replaced(made, tmp_path):
    services = made()
    (first,) = services.up(("redis",), detached=True)
    (started,) = services._session.started
    os.killpg(started.pid, signal.SIGKILL)
    services._shop.children[started.pid].wait()
    (second,) = made().up(("redis",), detached=True)
    assert [row["answers"] for row in made().status()] == [True]
    assert second.port != first.port
    assert not Path(started.data).exists()


def test_service_that_is_up_on_another_port_than_asked_for_is_replaced(made, root, tmp_path):
    (first,) = made().up(("redis",), detached=True)
    wanted = net.free_port()
    (second,) = made(port=wanted).up(("redis",), detached=True)
    assert (second.port, first.port != wanted) == (wanted, True)
    assert [row["port"] for row in made().status()] == [wanted]


def test_service_that_is_up_is_not_shared_with_a_run(made):
    (first,) = made().up(("redis",), detached=True)
    services = made()
    try:
        (second,) = services.up(("redis",))
        assert second.port != first.port
    finally:
        services.down()


def test_failure_of_a_service_quotes_no_log_of_an_earlier_session(root, tmp_path):
    log = root / ".truegreen" / "services" / "redis.log"
    log.parent.mkdir(parents=True)
    log.write_text("of an earlier session\n")
    services = manager(root, tmp_path, redis=embedded(timeout_s=0.0))
    with pytest.raises(ServiceNotReady) as caught:
        services.up(("redis",))
    assert "of an earlier session" not in caught.value.why
    assert "of an earlier session" not in log.read_text()


def test_log_of_a_service_that_was_not_ready_is_kept_as_evidence(root, tmp_path):
    services = manager(root, tmp_path, redis=embedded(timeout_s=0.0))
    with pytest.raises(ServiceNotReady):
        services.up(("redis",))
    services.keep_logs(["redis", "nats"], tmp_path / "out")
    assert [path.name for path in (tmp_path / "out" / "services").iterdir()] == ["redis.log"]


def test_log_of_a_service_that_was_never_started_here_is_no_evidence(root, tmp_path):
    log = root / ".truegreen" / "services" / "redis.log"
    log.parent.mkdir(parents=True)
    log.write_text("of an earlier session\n")
    manager(root, tmp_path, redis=embedded()).keep_logs(["redis"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
