"""OpenSearch and Elasticsearch as one node each, from jars of Maven Central.

Neither is offered as a whole there; a library for tests starts a node out of the parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.harness import server_files
from tests.harness.server_plan import HOST, Plan, answers, free_port

if TYPE_CHECKING:
    from pathlib import Path

_NODE = """import {package}.{runner};
public class Node {{
    public static void main(String[] arguments) throws Exception {{
        {runner} node = new {runner}();
        node.onBuild((number, settings) -> {{
            settings.put("http.port", arguments[1]);
            settings.put("transport.port", arguments[2]);
        }});
        node.build({runner}.newConfigs().basePath(arguments[0]).numOfNode(1));
        Thread.currentThread().join();
    }}
}}
"""
_SMALL = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def opensearch(folder: Path, port: int, log: Path) -> Plan:
    """OpenSearch without its security plugin."""
    del log
    return _plan(folder, port, server_files.opensearch(), "org.codelibs.opensearch.runner", "OpenSearchRunner")


def elasticsearch(folder: Path, port: int, log: Path) -> Plan:
    """Elasticsearch, its free part alone."""
    del log
    package = "org.codelibs.elasticsearch.runner"
    return _plan(folder, port, server_files.elasticsearch(), package, "ElasticsearchClusterRunner")


def _plan(folder: Path, port: int, jars: Path, package: str, runner: str) -> Plan:
    source = folder / "Node.java"
    source.write_text(_NODE.format(package=package, runner=runner))
    java = ["java", *_SMALL, "-cp", f"{jars}/*", str(source)]
    return Plan(
        argv=[*java, str(folder / "node"), str(port), str(free_port())],
        ready=lambda: answers(f"http://{HOST}:{port}/_cluster/health"),
        version=jars.name.rpartition("-")[2],
        url=f"http://{HOST}:{port}",
    )
