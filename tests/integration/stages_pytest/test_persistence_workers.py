"""The persistence stage on several workers: each has a database, and no test lives on what another one commits."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow
CONFTEST = """
    import os
    import pathlib
    import time
    import psycopg
    import pytest

    AT_IMPORT = os.environ["POSTGRES_DSN"]

    @pytest.fixture
    def connection():
        with psycopg.connect(AT_IMPORT, autocommit=True) as connection:
            yield connection

    @pytest.fixture
    def connect(connection):
        info = connection.info
        return lambda name: psycopg.connect(info.dsn, password=info.password, dbname=name, autocommit=True)

    @pytest.fixture
    def together():
        # Both tests run at once, or neither ends.
        def meet(name):
            place = pathlib.Path(__file__).parent / "met"
            place.mkdir(exist_ok=True)
            (place / name).touch()
            deadline = time.monotonic() + 60
            while len(list(place.iterdir())) < 2:
                assert time.monotonic() < deadline, "alone"
                time.sleep(0.01)
        return meet
"""
MIGRATE = """
import os, psycopg
with psycopg.connect(os.environ["POSTGRES_DSN"], autocommit=True) as connection:
    connection.execute("CREATE TABLE ops (id int); INSERT INTO ops VALUES (100)")
    connection.execute("ALTER DATABASE app SET work_mem = '7MB'")
"""
HEAD = "import os, pytest\npytestmark = pytest.mark.persistence\n"


@pytest.fixture
def project(home):
    home.clear()
    home.write("conftest.py", CONFTEST)
    home.write("migrate.py", MIGRATE)
    return home


def judge(project, *tests, **options):
    project.write("test_it.py", HEAD + "\n".join(tests))
    given = {"workers": 2, "prepare": ["python migrate.py"], **options}
    return project.run(stage="persistence", **given)


WRITES = """
def test_writes_{name}(connection, together):
    together("{name}")
    connection.execute("INSERT INTO ops VALUES (1)")
"""
ALONE = """
def test_writes(connection):
    connection.execute("INSERT INTO ops VALUES (1)")
"""
OWN = """
def test_own_{name}(connection, probe, service_url, together, clean_postgres):
    together("{name}")
    name = "tg_" + os.environ["PYTEST_XDIST_WORKER"] + "_app"
    assert os.environ["DB_NAME"] == os.environ["DATABASE_URL"].rpartition("/")[2] == name
    assert service_url("postgres") == os.environ["POSTGRES_DSN"]
    assert connection.execute("SELECT current_database()").fetchone() == (name,)
    assert connection.execute("SHOW work_mem").fetchone() == ("7MB",)
    assert probe.value("SELECT current_database()") == name
    assert probe.count("ops") == 0
    connection.execute("INSERT INTO ops VALUES (1)")
    assert probe.count("ops") == 1
"""


def test_tests_that_run_at_once_are_green_each_for_its_own_row_in_its_own_database(project):
    judged = judge(project, OWN.format(name="a"), OWN.format(name="b"))
    assert judged.status == "pass", judged.log()
    parts = {part.databases[0]: part for part in judged.evidence.persistence}
    assert set(parts) == {"app", "tg_gw0_app", "tg_gw1_app"}
    assert all(part.complete for part in parts.values())
    for name in ("tg_gw0_app", "tg_gw1_app"):
        calls = [phase.committed for phase in parts[name].phases if phase.phase == "call"]
        assert [[(c.database, c.object, c.count) for c in call] for call in calls] == [[(name, "public.ops", 1)]]
    assert any("a database for each worker" in note for note in judged.record.notes)


# While one worker's test writes all the time, the other worker's tests commit nothing to their own database.
FAULTS = """
@pytest.mark.xdist_group("writer")
def test_writes(connection, together):
    together("writer")
    deadline = time.monotonic() + 60
    while not os.path.exists("enough") and time.monotonic() < deadline:
        time.sleep(0.02)
        connection.execute("INSERT INTO ops VALUES (1)")
        connection.execute("TRUNCATE ops")

@pytest.mark.xdist_group("other")
def test_writes_nothing(together):
    together("other")
    time.sleep(0.2)

@pytest.mark.xdist_group("other")
@pytest.mark.persists(kind="truncate")
def test_truncates_what_nobody_can_tell(connection):
    connection.execute("TRUNCATE ops")

@pytest.mark.xdist_group("other")
def test_writes_to_the_common_database(connect):
    with connect("app") as other:
        other.execute("INSERT INTO ops VALUES (1)")

@pytest.mark.xdist_group("other")
def test_writes_to_the_others(connect, connection):
    own = connection.info.dbname
    with connect({"tg_gw0_app": "tg_gw1_app", "tg_gw1_app": "tg_gw0_app"}[own]) as other:
        other.execute("CREATE TABLE strange (id int); INSERT INTO strange VALUES (1)")

@pytest.mark.xdist_group("other")
def test_is_the_last(connection):
    connection.execute("INSERT INTO ops VALUES (1)")
    open("enough", "w").close()
"""


def test_tests_that_commit_nothing_while_another_worker_writes_are_red(project):
    judged = judge(project, "import time\n", FAULTS, args=["--dist", "loadgroup"])
    assert judged.says("no-failures") == "pass", judged.log()
    assert judged.status == "fail"
    messages = {
        item.title.split("::")[1].split("@")[0]: item.message for item in judged.verdict("persistence-evidence").items
    }
    assert set(messages) == {
        "test_writes_nothing",
        "test_truncates_what_nobody_can_tell",
        "test_writes_to_the_common_database",
        "test_writes_to_the_others",
    }
    assert messages["test_writes_nothing"].startswith("0 committed rows in postgres")
    assert "another database (app)" in messages["test_writes_to_the_common_database"]


def test_worker_that_crashes_is_never_green(project):
    judged = judge(project, WRITES.format(name="a"), "def test_dies(together):\n    together('b')\n    os._exit(1)\n")
    assert judged.status in ("blind", "fail")
    assert judged.says("persistence-evidence") != "pass"


def test_worker_whose_line_is_lost_is_blind(project):
    lost = "def test_breaks(together):\n    together('b')\n    os.closerange(3, 64)\n"
    judged = judge(project, WRITES.format(name="a"), lost)
    assert judged.says("persistence-evidence") == "blind"


def test_stage_whose_tests_cannot_be_told_apart_runs_in_one_process_and_says_why(project):
    judged = judge(project, ALONE, databases=["app"])
    assert judged.status == "pass", judged.log()
    assert any("ran in one process: `databases` names databases" in note for note in judged.record.notes)


def test_stage_whose_tests_the_caller_runs_in_one_process_is_judged_as_ever(project):
    judged = judge(project, ALONE, after=("-n", "0"))
    assert judged.status == "pass", judged.log()


STAYS = """
import os, subprocess, sys, time
code = "import os, psycopg, time; c = psycopg.connect(os.environ['POSTGRES_DSN']); open('up', 'w'); time.sleep(60)"
subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=-3, stderr=-3)
while not os.path.exists("up"): time.sleep(0.05)
"""


def test_stage_whose_database_is_in_use_after_its_preparation_says_so(project):
    project.write("stay.py", STAYS)
    judged = judge(project, ALONE, prepare=["python migrate.py", "python stay.py"])
    assert judged.status == "blind"
    assert "cannot be copied for the workers" in judged.shown
