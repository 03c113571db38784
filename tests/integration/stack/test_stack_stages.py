"""The stages e2e and performance on a small project of their own, installed and started for real."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.stage_contexts import stage_context

from truegreen.config.schema import ProcessOptions
from truegreen.errors import ConfigurationError, ProcessNotReady
from truegreen.ingest.locust import LocustReader
from truegreen.runtime import environ
from truegreen.stages.e2e import EndToEnd, EndToEndOptions
from truegreen.stages.performance import Performance, PerformanceOptions

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.stages.common.context import StageContext

pytestmark = pytest.mark.slow
WEB = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/die":
            os._exit(7)
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
TESTS = """
import os, urllib.request
import pytest
@pytest.mark.e2e
def test_answers():
    assert urllib.request.urlopen(os.environ["APP_BASE_URL"] + "/").status == 200
@pytest.mark.e2e
def test_prepared():
    assert open("prepared").read() == os.environ["APP_BASE_URL"]
@pytest.mark.performance
def test_is_quick():
    assert urllib.request.urlopen(os.environ["APP_BASE_URL"] + "/").status == 200
def test_without_marker():
    raise AssertionError("this one belongs to no stage")
"""
KILLER = """
import os, urllib.error, urllib.request
import pytest
@pytest.mark.e2e
def test_kills_the_application_and_passes():
    with pytest.raises(OSError):
        urllib.request.urlopen(os.environ["APP_BASE_URL"] + "/die")
"""
LOCUST = """
from locust import HttpUser, constant, task
class Reader(HttpUser):
    wait_time = constant(0.05)
    @task
    def read(self): self.client.get("/")
"""
PROJECT = """
[project]
name = "sample"
version = "1"
requires-python = ">=3.11"
[tool.setuptools]
py-modules = ["web"]
[dependency-groups]
dev = ["pytest>=8"]
"""
PREPARE = "python -c \"import os; open('prepared', 'w').write(os.environ['APP_BASE_URL'])\""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    (folder / "tests").mkdir()
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "web.py").write_text(WEB)
    (folder / "tests" / "test_app.py").write_text(TESTS)
    (folder / "tests" / "test_killer.py").write_text(KILLER)
    (folder / "locustfile.py").write_text(LOCUST)
    return folder


def context(root: Path, stage: str, options: Any) -> StageContext:
    web = ProcessOptions(
        command=["python", "web.py", "{port}"],
        ready="http://127.0.0.1:{port}/",
        export={"APP_BASE_URL": "http://127.0.0.1:{port}"},
    )
    cache = {"TRUEGREEN_CACHE": str(environ.cache_dir(os.environ))}
    return stage_context(root, options, stage=stage, processes={"web": web}, env=cache)


def test_e2e_runs_its_tests_against_the_processes_and_says_so(root: Path) -> None:
    stage = context(root, "e2e", EndToEndOptions(tests=["tests/test_app.py"], prepare=[PREPARE]))
    outcome = EndToEnd().run(stage)
    assert {"junit", "pytest-session"} <= {kind for _, kind in outcome.files}
    assert set(outcome.expects) == {"junit", "pytest-session"}
    assert any(note.startswith("stack: processes (there is no compose file)") for note in outcome.notes)
    text = (stage.out / "junit.xml").read_text()
    assert 'tests="2"' in text
    assert 'failures="0"' in text
    assert (stage.out / "stack" / "web.log").exists()
    assert outcome.python


def test_e2e_is_broken_when_the_application_dies_although_every_test_passes(root: Path) -> None:
    stage = context(root, "e2e-dying", EndToEndOptions(tests=["tests/test_killer.py"]))
    with pytest.raises(ProcessNotReady, match="ended during") as caught:
        EndToEnd().run(stage)
    assert "process web ended with 7" in caught.value.why
    assert 'failures="0"' in (stage.out / "junit.xml").read_text()


def test_performance_runs_tests_and_load(root: Path) -> None:
    options = PerformanceOptions(users=5, spawn_rate=5.0, duration_s=2.0, warm_up_s=0.0)
    stage = context(root, "performance", options)
    outcome = Performance().run(stage)
    assert ("locust.json", "locust") in outcome.files
    assert "locust" in outcome.expects
    assert "junit" in outcome.expects
    result = LocustReader().read(stage.out / "locust.json", root)
    assert result.requests > 0
    assert result.failures == 0
    assert any("pinned by truegreen" in note for note in outcome.notes)


def test_performance_without_tests_is_load_alone(root: Path) -> None:
    options = PerformanceOptions(users=2, duration_s=1.0, warm_up_s=0.0, marker="nobody")
    outcome = Performance().run(context(root, "performance-load", options))
    assert outcome.expects == ("locust",)


def test_performance_tests_lost_on_the_way_are_not_taken_for_none(root: Path) -> None:
    (root / "conftest.py").write_text("def pytest_collection_modifyitems(items): items.clear()\n")
    options = PerformanceOptions(users=2, duration_s=1.0, warm_up_s=0.0)
    outcome = Performance().run(context(root, "performance-lost", options))
    assert outcome.expects == ("junit", "pytest-session", "locust")


def test_performance_without_script_and_tests_is_skipped(root: Path) -> None:
    stage = context(root, "performance-none", PerformanceOptions(tool="k6", marker="nobody"))
    assert "neither a load script nor a test" in Performance().run(stage).skipped


def test_performance_script_that_does_not_exist_is_a_configuration_error(root: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no load script none\.py"):
        Performance().run(context(root, "performance-missing", PerformanceOptions(script="none.py")))


@pytest.mark.parametrize(("stage", "options"), [(EndToEnd(), EndToEndOptions()), (Performance(), PerformanceOptions())])
def test_project_that_does_not_say_how_it_starts_is_skipped(tmp_path: Path, stage: Any, options: Any) -> None:
    outcome = stage.run(stage_context(tmp_path, options, stage=stage.name))
    assert "nothing says how the application starts" in outcome.skipped
