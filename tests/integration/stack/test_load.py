"""Locust and k6 against a real server, and what their readers make of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support import evidence as good
from tests.support.stage_contexts import stage_context
from tests.support.trust_domain_tools import server

from truegreen.config.schema import ProcessOptions
from truegreen.errors import EvidenceUnreadable, ToolFailed, ToolMissing
from truegreen.gates.load import Load, LoadOptions
from truegreen.ingest.k6 import K6Reader
from truegreen.ingest.locust import LocustReader
from truegreen.model.verdict import Status
from truegreen.stages.common import stack
from truegreen.stages.common.options import StackOptions
from truegreen.stages.common.stack_load import LoadPlan, default_host, run_k6, run_locust

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.model.load import LoadResult
    from truegreen.model.verdict import Verdict
    from truegreen.stages.common.context import StageContext

pytestmark = pytest.mark.slow
WEB = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(500 if self.path == "/bad" else 200)
        self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
LOCUST = """
from locust import HttpUser, constant, task
class Reader(HttpUser):
    wait_time = constant(0.02)
    @task
    def read(self): self.client.get("{path}")
"""
K6 = 'import http from "k6/http"; export default function () { http.get(`${__ENV.BASE_URL}{path}`); }'


@pytest.fixture
def context(tmp_path: Path) -> Iterator[StageContext]:
    (tmp_path / "web.py").write_text(WEB)
    web = ProcessOptions(
        command=[sys.executable, "web.py", "{port}"],
        ready="http://127.0.0.1:{port}/",
        export={"APP_BASE_URL": "http://127.0.0.1:{port}"},
    )
    stage = stage_context(
        tmp_path,
        StackOptions(mode="processes"),
        stage="performance",
        processes={"web": web},
        env={"TRUEGREEN_CACHE": os.environ.get("TRUEGREEN_CACHE", str(Path.home() / ".cache" / "truegreen"))},
    )
    with stack.running(stage, stage.env) as running:
        (tmp_path / "host").write_text(default_host(running.exports))
        yield stage


def plan(context: StageContext, script: str, **changes: object) -> LoadPlan:
    values: dict[str, object] = {
        "script": script,
        "host": (context.root / "host").read_text(),
        "users": 4,
        "spawn_rate": 4.0,
        "duration_s": 2.0,
        "warm_up_s": 0.0,
        "env": dict(context.env),
    }
    return LoadPlan(**{**values, **changes})  # type: ignore[arg-type]


def loaded(result: LoadResult) -> Verdict:
    """Return the gate's verdict where no threshold but that of errors can fail."""
    run = good.run(good.stage("performance", load=result))
    options = LoadOptions(min_rps=0, p95_ms=0, min_requests=1)
    return Load().evaluate(run, "performance", options, good.NO_HISTORY)


def test_locust_run_leaves_figures_the_reader_understands(context: StageContext) -> None:
    (context.root / "locustfile.py").write_text(LOCUST.replace("{path}", "/good"))
    outcome = run_locust(context, plan(context, "locustfile.py", warm_up_s=1.0), None)
    result = LocustReader().read(context.out / outcome.file, context.root)
    assert outcome.kind == "locust"
    assert "pinned by truegreen" in outcome.note
    assert result.requests > 0
    assert result.failures == 0
    assert result.rps == pytest.approx(result.requests / result.duration_s, rel=0.01)
    assert result.p95_ms > 0
    assert result.version
    assert [endpoint.name for endpoint in result.endpoints] == ["GET /good"]
    assert "users" in (context.out / "warm-up.log").read_text()


def test_locust_failed_requests_are_figures_not_an_error_of_the_tool(context: StageContext) -> None:
    (context.root / "locustfile.py").write_text(LOCUST.replace("{path}", "/bad"))
    outcome = run_locust(context, plan(context, "locustfile.py"), None)
    result = LocustReader().read(context.out / outcome.file, context.root)
    assert result.failures == result.requests > 0
    assert result.exceptions == 0
    assert result.errors[0].startswith(f"{result.failures} x GET /bad: HTTPError('500")


def test_locust_task_that_raises_every_time_is_counted_with_its_text(context: StageContext) -> None:
    script = LOCUST.replace("{path}", "/good") + "        assert False, 'balance is <2>'\n"
    (context.root / "locustfile.py").write_text(script.replace("self): self", "self):\n        self"))
    outcome = run_locust(context, plan(context, "locustfile.py", warm_up_s=1.0), None)
    result = LocustReader().read(context.out / outcome.file, context.root)
    assert result.failures == 0
    assert result.requests >= result.exceptions > 0
    assert result.errors[0].endswith("x exception in the load script (locustfile.py:8, in read): balance is <2>")
    assert loaded(result).status is Status.FAIL


def test_locust_errors_that_no_report_names_are_unreadable_evidence(context: StageContext) -> None:
    hide = f"import atexit, os\natexit.register(os.remove, {str(context.out / 'locust.html')!r})\n"
    (context.root / "locustfile.py").write_text(hide + LOCUST.replace("{path}", "/bad"))
    with pytest.raises(EvidenceUnreadable, match="does not name"):
        run_locust(context, plan(context, "locustfile.py"), None)


def test_locust_script_that_cannot_be_imported_is_a_failed_tool(context: StageContext) -> None:
    (context.root / "locustfile.py").write_text("import no_such_module\n")
    with pytest.raises(ToolFailed, match="Locust ended") as caught:
        run_locust(context, plan(context, "locustfile.py"), None)
    assert "no_such_module" in caught.value.why


def test_locust_host_that_refuses_gives_failures(context: StageContext) -> None:
    (context.root / "locustfile.py").write_text(LOCUST.replace("{path}", "/good"))
    outcome = run_locust(context, plan(context, "locustfile.py", host="http://127.0.0.1:9"), None)
    result = LocustReader().read(context.out / outcome.file, context.root)
    assert result.failures == result.requests > 0


def test_k6_run_leaves_figures_the_reader_understands(context: StageContext) -> None:
    (context.root / "load.js").write_text(K6.replace("{path}", "/bad"))
    path = f"{server('k6').parent}{os.pathsep}{os.environ['PATH']}"
    outcome = run_k6(context, plan(context, "load.js", env={**context.env, "PATH": path}))
    result = K6Reader().read(context.out / outcome.file, context.root)
    assert outcome.tool.version == "1.8.1"
    assert result.failures == result.requests > 10
    assert result.duration_s == pytest.approx(2.0, abs=1.0)


def test_k6_iterations_that_raise_and_crossed_thresholds_are_kept(context: StageContext) -> None:
    thresholds = 'export const options = { thresholds: { http_req_duration: ["p(95)<0.0001"] } };\n'
    raising = K6.replace("{path}", "/good").replace("); }", '); throw new Error("balance \\"2\\"\\nwrong"); }')
    (context.root / "load.js").write_text(thresholds + raising)
    path = f"{server('k6').parent}{os.pathsep}{os.environ['PATH']}"
    env = {**context.env, "PATH": path, "K6_LOG_OUTPUT": "none", "K6_NO_THRESHOLDS": "true"}
    outcome = run_k6(context, plan(context, "load.js", env=env, duration_s=1.0))
    result = K6Reader().read(context.out / outcome.file, context.root)
    assert result.failures == 0
    assert result.requests >= result.exceptions > 0
    assert "balance" in result.errors[0]
    assert result.crossed == ("http_req_duration: p(95)<0.0001",)
    assert loaded(result).status is Status.FAIL


def test_k6_that_cannot_be_had_is_missing(tmp_path: Path) -> None:
    bare = {"PATH": str(tmp_path), "TRUEGREEN_CACHE": str(tmp_path / "cache")}
    stage = stage_context(tmp_path, StackOptions(), env=bare)
    (tmp_path / "host").write_text("http://127.0.0.1:9")
    with pytest.raises(ToolMissing, match="k6"):
        run_k6(stage, plan(stage, "load.js", env=bare))


def test_default_host_prefers_base_urls() -> None:
    exports = {"A_URL": "http://a", "POSTGRES_DSN": "postgresql://x", "APP_BASE_URL": "http://b"}
    assert default_host(exports) == "http://b"
    assert default_host({"POSTGRES_DSN": "postgresql://x"}) == ""
