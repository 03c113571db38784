"""The persistence stage end to end on a real PostgreSQL: what is committed is green, and nothing else."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.stage_contexts import stage_context

from truegreen.errors import ConfigurationError
from truegreen.stages.persistence import Persistence, PersistenceOptions

pytestmark = pytest.mark.slow
CONFTEST = """
    import os
    import psycopg
    import pytest

    @pytest.fixture
    def connection():
        with psycopg.connect(os.environ["POSTGRES_DSN"]) as connection:
            yield connection

    @pytest.fixture(scope="session", autouse=True)
    def table():
        with psycopg.connect(os.environ["POSTGRES_DSN"], autocommit=True) as connection:
            connection.execute("CREATE TABLE ops (id int)")

    @pytest.fixture
    def seeded(connection):
        connection.execute("INSERT INTO ops VALUES (99)")
        connection.commit()
        yield
        connection.execute("INSERT INTO ops VALUES (100)")
        connection.commit()
"""
HEAD = "import os, pytest\npytestmark = pytest.mark.persistence\n"
COMMITS = """
def test_commits(connection):
    connection.execute("INSERT INTO ops VALUES (1)")
    connection.commit()
"""


@pytest.fixture
def project(home):
    home.clear()
    home.write("conftest.py", CONFTEST)
    return home


def judge(project, *tests, **options):
    project.write("test_it.py", HEAD + "\n".join(tests))
    return project.run(stage="persistence", **options)


def recorded(judged):
    (evidence,) = judged.evidence.persistence
    return evidence


def test_stage_whose_tests_commit_is_green_and_names_what_they_committed(project):
    judged = judge(project, COMMITS)
    assert judged.status == "pass", judged.report
    evidence = recorded(judged)
    assert evidence.complete
    (call,) = [phase for phase in evidence.phases if phase.phase == "call"]
    assert [(change.object, change.kind, change.count) for change in call.committed] == [("public.ops", "insert", 1)]
    assert any("tier A" in note for note in judged.record.notes)
    assert judged.record.services[0].name == "postgres"


def test_stage_whose_test_rolls_back_fails_with_0_committed_rows(project):
    judged = judge(
        project,
        COMMITS,
        "def test_rolls_back(connection):\n"
        "    connection.execute('INSERT INTO ops VALUES (1)')\n    connection.rollback()\n",
    )
    assert judged.status == "fail"
    reason = judged.verdict("persistence-evidence").reason
    assert "test_rolls_back" in reason
    assert "0 committed rows" in reason
    assert "rolled back" in reason


def test_stage_whose_writes_happen_outside_the_call_fails(project):
    judged = judge(project, "def test_reads_what_its_fixture_wrote(seeded): pass\n")
    assert judged.status == "fail"
    assert "0 committed rows" in judged.verdict("persistence-evidence").reason
    phases = {phase.phase: len(phase.committed) for phase in recorded(judged).phases}
    assert phases == {"setup": 1, "call": 0, "teardown": 1}


LATE = """
import threading, time

CALLED = threading.Event()

def insert():
    import psycopg
    with psycopg.connect(os.environ["POSTGRES_DSN"]) as connection:
        connection.execute("INSERT INTO ops VALUES (7)")

def late():
    while not CALLED.wait(0.05):
        pass
    insert()

def test_starts(connection):
    threading.Thread(target=late, name="late").start()
    connection.execute("INSERT INTO ops VALUES (6)")
    connection.commit()

@pytest.mark.persists("ops", kind="insert")
def test_writes_nothing(connection):
    before = connection.execute("SELECT count(*) FROM ops").fetchone()
    CALLED.set()
    while connection.execute("SELECT count(*) FROM ops").fetchone() == before:
        time.sleep(0.01)
"""


def test_stage_whose_test_is_given_rows_by_a_thread_of_an_earlier_one_is_blind_and_names_the_thread(project):
    judged = judge(project, LATE, COMMITS)
    assert judged.status == "blind", judged.report
    verdict = judged.verdict("persistence-evidence")
    assert [item.title for item in verdict.items] == ["test_it.py::test_writes_nothing"]
    assert "thread late (test_it.py:" in verdict.reason
    assert "which test_it.py::test_starts left running" in verdict.reason
    assert any(note.startswith("went on after its test: thread late") for note in judged.record.notes)


def test_stage_whose_writes_come_late_gives_them_to_no_test(project):
    judged = judge(
        project,
        LATE.replace("while not CALLED.wait(0.05):\n        pass", "time.sleep(0.2)").split("@pytest.mark.persists")[0],
        "def test_waits(): time.sleep(0.6)\n",
    )
    assert judged.status == "fail"
    assert judged.verdict("persistence-evidence").reason.startswith("test_it.py::test_waits passed with 0 committed")


def test_stage_whose_test_replaces_the_writer_fails_and_names_the_mock(project):
    project.write("writer.py", "class Writer:\n    def save(self): raise OSError\n")
    judged = judge(
        project,
        "from unittest import mock\nfrom writer import Writer\n"
        "def test_patched():\n    with mock.patch.object(Writer, 'save'):\n        Writer().save()\n"
        "def test_monkeypatched(monkeypatch):\n"
        "    monkeypatch.setattr(Writer, 'save', lambda self: None)\n    Writer().save()\n"
        "def test_by_name(monkeypatch):\n"
        "    monkeypatch.setattr('writer.Writer.save', lambda self: None)\n    Writer().save()\n",
    )
    assert judged.status == "fail"
    patched = {demand.test.split("::")[1]: demand.patched for demand in recorded(judged).demands}
    assert patched["test_patched"] == ("writer.Writer.save",)
    assert "writer.Writer.save" in patched["test_monkeypatched"]
    assert "writer.Writer.save" in patched["test_by_name"]
    assert "replaced by mocks" in judged.verdict("persistence-evidence").reason


DEMANDS = {
    "'ops'": True,
    "object='ops', kind='insert', at_least=1": True,
    "'ops', kind='delete'": False,
    "'ops', at_least=2": False,
    "'audit'": False,
}


def test_stage_judges_the_demand_of_each_marker(project):
    tests = [
        f"@pytest.mark.persists({demand})\n{COMMITS.strip().replace('commits', f'demand_{number}')}\n"
        for number, demand in enumerate(DEMANDS)
    ]
    judged = judge(project, *tests)
    assert judged.status == "fail"
    short = {item.title.rpartition("_")[2] for item in judged.verdict("persistence-evidence").items}
    assert short == {str(number) for number, enough in enumerate(DEMANDS.values()) if not enough}


@pytest.mark.parametrize(
    ("marker", "word"),
    [("'ops', 'delete'", "delete"), ("'ops', at_last=5", "at_last"), ("'ops', at_least='many'", "at_least")],
)
def test_stage_with_a_demand_it_does_not_know_is_blind_and_says_the_word(project, marker, word):
    judged = judge(project, f"@pytest.mark.persists({marker})", COMMITS.lstrip())
    assert judged.status == "blind"
    assert judged.record.error.code == "TG305"
    assert word in judged.record.error.why
    assert "test_commits" in judged.record.error.why


def test_stage_with_a_test_that_only_reads_does_not_count_it(project):
    judged = judge(project, COMMITS, "@pytest.mark.persists(reads=True)\ndef test_reads(): pass\n")
    assert judged.status == "pass"


def test_stage_with_a_test_that_errs_in_its_setup_fails(project):
    judged = judge(project, COMMITS, "@pytest.fixture\ndef bad(): 1 / 0\ndef test_never(bad): pass\n")
    assert judged.status == "fail"
    assert judged.says("no-failures") == "fail"


def test_stage_whose_tests_are_all_skipped_is_blind(project):
    assert judge(project, "def test_skips(): pytest.skip()\n").status == "blind"


def test_stage_does_not_try_a_failing_test_again(project):
    judged = judge(project, COMMITS + "    assert False\n")
    assert judged.status == "fail"
    assert not list(judged.out.glob("*rerun*"))


# --- evidence that is broken -------------------------------------------------------------------------------------


SHUTDOWN = """import gc, socket
    for one in gc.get_objects():
        if type(one) is socket.socket and one.family == socket.AF_UNIX:
            one.shutdown(socket.SHUT_RDWR)"""


@pytest.mark.parametrize("break_line", ["os.closerange(3, 64)", SHUTDOWN], ids=["descriptors", "shutdown"])
def test_stage_whose_marks_are_lost_is_blind(project, break_line):
    judged = judge(project, COMMITS, f"def test_breaks():\n    {break_line}\n")
    assert judged.status in ("blind", "fail")
    assert judged.says("persistence-evidence") == "blind"
    assert not recorded(judged).complete


def test_stage_that_a_test_kills_is_blind(project):
    judged = judge(project, COMMITS, "def test_kills(): os._exit(0)\n")
    assert judged.status == "blind"
    assert not recorded(judged).complete


def test_stage_does_not_wait_for_a_process_that_a_test_left_behind(project):
    forks = "def test_forks():\n    if not os.fork():\n        import time; time.sleep(900); os._exit(0)\n"
    judged = judge(project, COMMITS, "@pytest.mark.persists(reads=True)", forks)
    assert judged.status == "pass"
    assert recorded(judged).complete
    assert judged.record.duration_s < 600


def test_stage_whose_recorder_cannot_be_reached_is_blind_and_the_session_says_so(project):
    project.write("away.py", "import os\nos.remove(os.environ['TRUEGREEN_RECORDER'])\n")
    judged = judge(project, COMMITS, args=["-p", "away"])
    assert judged.status == "blind"
    assert not recorded(judged).complete
    assert "could not be reached" in judged.evidence.sessions[0].recorder_problem


def test_stage_whose_server_a_test_stops_is_blind(project):
    judged = judge(
        project,
        COMMITS,
        """
def test_stops_the_recorder(connection):
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'truegreen recorder'"
    )
""",
    )
    assert judged.says("persistence-evidence") == "blind"
    assert recorded(judged).problem


def test_stage_on_several_workers_is_blind(project):
    judged = judge(project, COMMITS, after=("-n", "2"))
    assert judged.says("persistence-evidence") == "blind"
    assert judged.status == "blind"


def test_stage_runs_in_one_process_whatever_the_project_says(project):
    project.write("pytest.ini", "[pytest]\naddopts = -n 2\n")
    assert judge(project, COMMITS).status == "pass"


def test_stage_without_postgres_says_how_to_add_it(tmp_path):
    context = stage_context(tmp_path, PersistenceOptions(services=[]), stage="persistence")
    with pytest.raises(ConfigurationError, match="no store to read evidence") as caught:
        Persistence().run(context)
    assert "postgres" in caught.value.fix


def test_stage_with_a_server_that_cannot_show_its_log_is_blind(project):
    drop = (
        "python -c \"import os, psycopg; psycopg.connect(os.environ['POSTGRES_DSN'], autocommit=True)"
        ".execute('DROP DATABASE truegreen_recorder WITH (FORCE)')\""
    )
    judged = judge(
        project,
        COMMITS,
        services=["postgres"],
        marker="persistence",
        prepare=[drop],
    )
    assert judged.says("persistence-evidence") == "blind"
    assert msgspec.json.decode((judged.out / "persistence-postgres.json").read_bytes())["complete"] is False
