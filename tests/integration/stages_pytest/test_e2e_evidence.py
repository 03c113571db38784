"""The e2e stage where stores are named: what each test made the application leave in a real PostgreSQL."""

from __future__ import annotations

import socket
import threading

import msgspec
import pytest
from tests.support.stage_contexts import stage_context

from truegreen.errors import ConfigurationError
from truegreen.model.service import ServiceHandle
from truegreen.stages.common import stack_tests
from truegreen.stages.e2e import EndToEndOptions

pytestmark = pytest.mark.slow
CONFIGURATION = """
    [tool.truegreen.processes.web]
    command = ["python", "web.py", "{port}"]
    ready = "http://127.0.0.1:{port}/"
    export = { APP_BASE_URL = "http://127.0.0.1:{port}" }
"""
WEB = """
    import http.server, os, sys
    import psycopg

    connection = psycopg.connect(os.environ["POSTGRES_DSN"], autocommit=True)
    connection.execute("CREATE TABLE IF NOT EXISTS ops (id int)")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/save":
                connection.execute("INSERT INTO ops VALUES (1)")
            self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()

        def log_message(self, *_): pass

    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
HEAD = """import os, urllib.request, pytest
pytestmark = pytest.mark.e2e
def get(path):
    return urllib.request.urlopen(os.environ["APP_BASE_URL"] + path).status
"""
SAVES = "def test_saves():\n    assert get('/save') == 200\n"
FORGETS = "def test_forgets():\n    assert get('/forget') == 200\n"
READS = "@pytest.mark.persists(reads=True)\ndef test_reads():\n    assert get('/') == 200\n"
ASKS = "def test_asks(probe):\n    get('/save')\n    assert probe.count('ops') >= 1\n"


@pytest.fixture
def project(home):
    home.clear()
    home.write("pyproject.toml", CONFIGURATION)
    home.write("web.py", WEB)
    return home


def judge(project, *tests, **options):
    project.write("test_it.py", HEAD + "".join(tests))
    return project.run(stage="e2e", services=["postgres"], **options)


def test_e2e_test_whose_request_reaches_only_the_application_is_red(project):
    judged = judge(project, SAVES, FORGETS, READS, stores=["postgres"])
    assert judged.says("no-failures") == "pass"
    verdict = judged.verdict("persistence-evidence")
    assert (verdict.status.value, "test_forgets passed with 0 committed rows" in verdict.reason) == ("fail", True)
    assert [item.title.rpartition("::")[2] for item in verdict.items] == ["test_forgets"]


def test_e2e_tests_that_leave_rows_are_green_and_may_ask_the_probe(project):
    judged = judge(project, SAVES, READS, ASKS, stores=["postgres"])
    verdict = judged.verdict("persistence-evidence")
    assert verdict.status.value == "pass", judged.report
    assert verdict.reason.startswith("each of 2 tests committed what it had to")
    assert any("tier A" in note for note in judged.record.notes)


def test_e2e_stage_that_names_no_store_is_not_asked(project):
    judged = judge(project, FORGETS)
    assert "persistence-evidence" not in {verdict.gate for verdict in judged.report.verdicts}
    assert "persistence" not in judged.record.expects


class _Stack:
    def __init__(self, kind):
        self.kind = kind


def _hang_up(published):
    connection, _ = published.accept()
    connection.close()


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        ("processes", {"stores": ["postgres"]}, "none of the stage's services"),
        ("compose", {"stores": ["postgres"]}, "not in observe"),
        ("compose", {"stores": ["mail"], "observe": {"mail": "smtp://127.0.0.1"}}, ""),
    ],
)
def test_store_that_is_not_there_is_refused_with_the_key_to_mend(tmp_path, kind, options, told):
    context = stage_context(tmp_path, EndToEndOptions(**options))
    with pytest.raises(ConfigurationError) as caught:
        stack_tests.recorder(context, _Stack(kind))
    assert told in caught.value.why
    assert "e2e" in caught.value.where


def test_store_of_a_compose_stack_is_observed_where_it_is_published(tmp_path):
    own = ServiceHandle(name="redis", kind="redis", provider="embedded", host="127.0.0.1", port=1, url="redis://x:1")
    with socket.create_server(("127.0.0.1", 0)) as published:
        options = EndToEndOptions(
            stores=["redis"], observe={"redis": f"redis://127.0.0.1:{published.getsockname()[1]}"}
        )
        context = msgspec.structs.replace(stage_context(tmp_path, options), services=(own,))
        recorder = stack_tests.recorder(context, _Stack("compose"))
        threading.Thread(target=_hang_up, args=(published,)).start()
        with recorder.listening():
            pass
    assert "could not be recorded" in recorder.notes[0]  # what was there hung up at once
    assert "refused" not in recorder.notes[0]
