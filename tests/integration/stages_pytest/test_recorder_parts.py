"""Several processes tell one recorder of their tests: each of its own, and nobody of another one's."""

from __future__ import annotations

import json
import socket
from types import SimpleNamespace

import msgspec
import psycopg
import pytest
from tests.support.managers import embedded, manager

from truegreen.model.persistence import PersistenceEvidence
from truegreen.stages.common import recorder as recorders
from truegreen.stages.common.probe import Probe as Answers
from truegreen.stages.common.recorder import Recorder
from truegreen.stages.common.watch import of_service
from truegreen.stages.common.workers import Workers
from truegreen_pytest import workers as plugin
from truegreen_pytest.probe import Probe
from truegreen_pytest.recorder import Line

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    services = manager(folder / "project", folder, postgres=embedded())
    (handle,) = services.up(("postgres",))
    with psycopg.connect(handle.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE ops (id int)")
    yield handle
    services.down()


@pytest.fixture
def recorder(server, tmp_path, monkeypatch):
    monkeypatch.setattr(recorders, "_BUSY_S", 0.2)
    workers = Workers(server, (server,), {"DSN": server.url})
    workers.prepare()
    return Recorder((of_service(server),), tmp_path, probe=Answers((server,)), workers=workers)


def parts(folder):
    found = [msgspec.json.decode(path.read_bytes(), type=PersistenceEvidence) for path in folder.glob("*.json")]
    return {part.databases[0]: part for part in found}


def mark(line, test, phase):
    line.tell(event="mark", test=test, phase=phase, demands=[])


def test_every_worker_has_a_part_of_its_own_tests(recorder, server, tmp_path):
    with recorder.listening() as address:
        controller = Line(str(address))
        controller.tell(event="start")
        given = {name: controller.tell(event="worker", worker=name)["answer"]["DSN"] for name in ("gw1", "gw10")}
        lines = {name: Line(str(address)) for name in given}
        for name, line in lines.items():
            line.tell(event="start", worker=name)
            mark(line, f"test_{name}", "setup")
        with psycopg.connect(given["gw1"], autocommit=True) as connection:
            connection.execute("INSERT INTO ops VALUES (1)")
        for name, line in lines.items():
            assert Probe(line).value("SELECT current_database()") == f"tg_{name}_app"
            mark(line, f"test_{name}", "call")
        lines["gw1"].tell(event="finish")
        controller.tell(event="finish")
    found = parts(tmp_path)
    assert [name for name, _ in recorder.files] == [
        "persistence-postgres.json",
        "persistence-postgres-gw1.json",
        "persistence-postgres-gw10.json",
    ]
    assert {name: part.complete for name, part in found.items()} == {
        "app": True,
        "tg_gw1_app": True,
        "tg_gw10_app": False,
    }
    calls = {p.test: len(p.committed) for part in found.values() for p in part.phases if p.phase == "call"}
    assert calls == {"test_gw1": 1, "test_gw10": 0}
    assert all("a database for each worker" in note for note in recorder.notes)


@pytest.mark.parametrize("say", [Line.ask, Line.tell_twice])
def test_table_that_a_teardown_drops_is_known_by_its_name(recorder, server, tmp_path, say):
    with recorder.listening() as address, psycopg.connect(server.url, autocommit=True) as connection:
        line = Line(str(address))
        line.tell(event="start")
        mark(line, "t", "setup")
        connection.execute("CREATE TABLE fresh AS SELECT 1 AS id")
        say(line, event="mark", test="t", phase="call", demands=[])
        line.settle()
        connection.execute("DROP TABLE fresh")
        line.note(event="mark", test="t", phase="teardown", demands=[])
        line.tell(event="finish")
    (part,) = parts(tmp_path).values()
    (call,) = [phase for phase in part.phases if phase.phase == "call"]
    assert [(change.object, change.count) for change in call.committed] == [("public.fresh", 1)]


def test_second_process_that_tells_of_the_same_tests_is_not_heard(recorder, tmp_path):
    with recorder.listening() as address:
        first, second = Line(str(address)), Line(str(address))
        first.tell(event="start")
        second.tell(event="start")
        assert second.problem == "the recorder was lost: it closed the line"
        mark(first, "t", "setup")
        first.tell(event="finish")
    (part,) = parts(tmp_path).values()
    assert part.complete
    assert [phase.test for phase in part.phases] == ["t"]


def test_worker_without_a_database_makes_the_evidence_blind(recorder, tmp_path):
    with recorder.listening() as address:
        controller, stranger = Line(str(address)), Line(str(address))
        controller.tell(event="start")
        stranger.tell(event="start", worker="gw7")
        assert "closed the line" in stranger.problem
        controller.tell(event="finish")
    (part,) = parts(tmp_path).values()
    assert not part.complete
    assert "gw7 was given no database" in part.problem


def test_worker_that_asks_twice_makes_the_evidence_blind(recorder, tmp_path):
    with recorder.listening() as address:
        controller = Line(str(address))
        controller.tell(event="start")
        assert "answer" in controller.tell(event="worker", worker="gw0")
        assert "answer" not in controller.tell(event="worker", worker="gw0")
        controller.tell(event="finish")
    assert "has a database already" in parts(tmp_path)["app"].problem


def test_worker_where_one_process_is_recorded_makes_the_evidence_blind(server, tmp_path):
    with Recorder((of_service(server),), tmp_path).listening() as address:
        Line(str(address)).tell(event="start", worker="gw0")
    (part,) = parts(tmp_path).values()
    assert "to run in one process" in part.problem


@pytest.mark.parametrize("row", [b"", b"\n", b'["start"]\n', b'"start"\n', b"{\n", b"\xff\n"])
def test_first_row_that_cannot_be_read_makes_the_evidence_blind_or_says_nothing(server, tmp_path, row):
    with Recorder((of_service(server),), tmp_path).listening() as address, socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(address))
        sock.sendall(row)
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1000)
    (part,) = parts(tmp_path).values()
    assert not part.complete


# --- the plugin's side -----------------------------------------------------------------------------------------------


def test_plugin_puts_the_variables_into_what_a_worker_is_started_with():
    told = []

    def tell(**event):
        told.append(event)
        return {"answer": {"DSN": "x"}} if event["worker"] == "gw0" else {"ok": True}

    specs = [SimpleNamespace(id="gw0", env={}), SimpleNamespace(id="gw1", env={})]
    plugin.Workers(tell).pytest_xdist_setupnodes(specs)
    assert [spec.env for spec in specs] == [{"DSN": "x", "TRUEGREEN_WORKER": "gw0"}, {}]
    assert told == [{"event": "worker", "worker": "gw0"}, {"event": "worker", "worker": "gw1"}]


def test_worker_that_takes_the_place_of_a_crashed_one_has_no_database(monkeypatch):
    monkeypatch.setenv("TRUEGREEN_WORKER", "gw0")
    assert plugin.own(SimpleNamespace(workerinput={"workerid": "gw0"})) == "gw0"
    assert plugin.own(SimpleNamespace(workerinput={"workerid": "gw2"})) == ""
    assert plugin.own(SimpleNamespace()) == ""


def test_session_on_workers_tells_of_every_test_on_the_line_of_its_worker(session, recorder, tmp_path):
    with recorder.listening() as address:
        text = "def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass\n"
        result, _ = session(text, "-n", "2", TRUEGREEN_RECORDER=str(address), TRUEGREEN_WORKERS="1")
    result.assert_outcomes(passed=3)
    found = parts(tmp_path)
    assert all(part.complete for part in found.values()), json.dumps(msgspec.to_builtins(found))
    tests = [phase.test for name in ("tg_gw0_app", "tg_gw1_app") for phase in found[name].phases]
    assert sorted(set(tests)) == ["test_it.py::test_a", "test_it.py::test_b", "test_it.py::test_c"]
    assert found["app"].phases == ()


# --- the marker of streams -------------------------------------------------------------------------------------------


STREAMS = """
    import pytest
    def test_all(clean_nats): pass
    @pytest.mark.clean(streams="test_")
    def test_some(clean_nats): pass
    @pytest.mark.clean(stream="test_")
    def test_misspelt(clean_nats): pass
    @pytest.mark.clean("test_")
    def test_bare(clean_nats): pass
    def test_others(clean_postgres, clean_redis): pass
"""


def test_streams_are_cleaned_as_the_marker_says_and_a_misspelt_one_purges_nothing(session, listener):
    result, _ = session(STREAMS, "--strict-markers", TRUEGREEN_RECORDER=listener.address)
    result.assert_outcomes(errors=5)  # nobody answers here
    result.stdout.fnmatch_lines(["*the recorder does not know the question*", "*clean() knows streams=*"])
    asked = [(event["kind"], event.get("prefix")) for event in listener.events if event["event"] == "clean"]
    assert asked == [("nats", ""), ("nats", "test_"), ("postgres", None)]
