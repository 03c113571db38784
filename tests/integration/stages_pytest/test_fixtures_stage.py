"""The fixtures inside the persistence stage: they help a test, and are never taken for what it did."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from truegreen.model.service import ServiceHandle
from truegreen.stages.common import pytest_process

pytestmark = pytest.mark.slow
CONFTEST = """
    import os
    import psycopg
    import pytest

    @pytest.fixture
    def connection():
        with psycopg.connect(os.environ["POSTGRES_DSN"], autocommit=True) as connection:
            yield connection

    @pytest.fixture(scope="session", autouse=True)
    def table():
        with psycopg.connect(os.environ["POSTGRES_DSN"], autocommit=True) as connection:
            connection.execute("CREATE TABLE ops (id int); INSERT INTO ops VALUES (100)")
"""
HEAD = "import os, threading, pytest\npytestmark = pytest.mark.persistence\n"
COMMITS = """
def test_commits(connection, probe):
    connection.execute("INSERT INTO ops VALUES (1)")
    assert probe.count("ops", id=1) >= 1
"""


@pytest.fixture
def project(home):
    home.clear()
    home.write("conftest.py", CONFTEST)
    return home


def judge(project, *tests, **options):
    project.write("test_it.py", HEAD + "\n".join(tests))
    return project.run(stage="persistence", **options)


def test_probe_and_waiting_work_in_a_stage_that_is_green(project):
    judged = judge(
        project,
        COMMITS,
        """
def test_writes_later(connection, probe, eventually, wait_for_event):
    threading.Timer(0.05, connection.execute, ["INSERT INTO ops VALUES (7)"]).start()
    assert eventually(lambda: probe.count("ops", id=7), timeout_s=20) == 1
    row = wait_for_event(lambda: probe.rows("SELECT id FROM ops ORDER BY id"), lambda row: row["id"] == 7)
    assert row == {"id": 7}

def test_url(service_url, connection):
    connection.execute("INSERT INTO ops VALUES (8)")
    assert service_url("postgres") == os.environ["POSTGRES_DSN"]
""",
    )
    assert judged.status == "pass", judged.log()


def test_probe_that_reads_in_a_test_is_no_write_of_it(project):
    judged = judge(
        project,
        COMMITS,
        "def test_only_asks(probe):\n    assert probe.rows('SELECT * FROM ops')\n    assert probe.count('ops')\n",
    )
    assert judged.status == "fail"
    assert "test_only_asks" in judged.verdict("persistence-evidence").reason
    assert "0 committed rows" in judged.verdict("persistence-evidence").reason


def test_table_is_empty_after_clean_and_emptying_it_is_no_write_of_the_test(project):
    judged = judge(
        project,
        "def test_commits(clean_postgres, connection, probe):\n"
        "    assert probe.count('ops') == 0\n    connection.execute('INSERT INTO ops VALUES (1)')\n",
        "def test_finds_it_empty_again(clean_postgres, connection, probe):\n"
        "    assert probe.count('ops') == 0\n    connection.execute('INSERT INTO ops VALUES (2)')\n",
        "@pytest.mark.persists(kind='truncate')\ndef test_only_cleans(clean_postgres): pass\n",
    )
    assert judged.status == "fail"
    assert judged.says("no-failures") == "pass"
    assert [item.title.split("::")[1] for item in judged.verdict("persistence-evidence").items] == ["test_only_cleans"]


def test_clean_that_is_asked_for_while_a_test_runs_fails_the_test(project):
    judged = judge(project, COMMITS, "def test_late(request):\n    request.getfixturevalue('clean_postgres')\n")
    assert judged.says("no-failures") == "fail"
    assert "before a test, not while it runs" in judged.log()


def test_tables_that_the_stage_keeps_are_kept(project):
    judged = judge(
        project,
        "def test_kept(clean_postgres, connection, probe):\n"
        "    assert probe.count('ops') == 1\n    connection.execute('INSERT INTO ops VALUES (1)')\n",
        clean_keep=["op*"],
    )
    assert judged.status == "pass", judged.log()


def test_probe_that_fails_tells_the_line_of_the_test_and_the_servers_words(project):
    judged = judge(project, COMMITS, "def test_wrong(probe):\n    probe.rows('SELECT nothing')\n")
    assert 'column "nothing" does not exist' in judged.log()
    assert "truegreen_pytest/probe.py" not in judged.log()


WORKER = """
    import os, signal, sys, time
    import psycopg

    def end(number, frame):
        with psycopg.connect(os.environ["POSTGRES_DSN"], autocommit=True) as connection:
            connection.execute("INSERT INTO ops VALUES (%s)", [number])
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    print("waiting for work", flush=True)
    time.sleep(60)
"""
START = "process('python', 'worker.py', ready='waiting for work', timeout_s=30)"


def test_what_a_program_stores_when_it_is_ended_or_cancelled_counts_for_the_test(project):
    project.write("worker.py", WORKER)
    judged = judge(
        project,
        f"""
@pytest.mark.parametrize("end", ["terminate", "interrupt"])
@pytest.mark.persists("ops", kind="insert")
def test_checkpoint(process, end):
    worker = {START}
    getattr(worker, end)()
    assert worker.wait(timeout_s=30) == 0
""",
    )
    assert judged.status == "pass", judged.log()
    assert judged.says("persistence-evidence") == "pass"


def test_what_a_program_stores_behind_its_test_proves_nothing_and_its_output_is_shown(project):
    project.write("worker.py", WORKER)
    judged = judge(
        project,
        COMMITS,
        f"def test_nothing_yet(process):\n    {START}\n",
        f"def test_wrong(process):\n    {START}\n    assert 1 == 2\n",
    )
    unproven = {item.title.split("::")[1] for item in judged.verdict("persistence-evidence").items}
    assert unproven == {"test_nothing_yet", "test_wrong"}
    assert "waiting for work" in judged.log()


# --- without a recorder ----------------------------------------------------------------------------------------------


pytest_plugins = ["pytester"]


def test_fixtures_without_a_recorder_fail_and_say_how_to_run_the_test(session, monkeypatch):
    monkeypatch.delenv("TRUEGREEN_SERVICES", raising=False)
    monkeypatch.delenv("TRUEGREEN_STAGE", raising=False)
    result, _ = session(
        """
        import pytest
        def test_probe(probe): probe.count("ops")
        def test_eventually(probe, eventually): eventually(lambda: probe.count("ops"), timeout_s=60)
        def test_clean(clean_redis): pass
        NAMES = set()
        def test_all_else(eventually, eventually_async, wait_for_event, wait_for_event_async):
            assert eventually(lambda: 1) == wait_for_event([1])
        @pytest.mark.parametrize("number", [0, 1])
        def test_name(unique_name, number):
            assert unique_name("a") == unique_name("a") and unique_name("b").startswith("b")
            NAMES.add(unique_name("a"))
            assert len(NAMES) == number + 1
        """
    )
    result.assert_outcomes(passed=3, failed=2, errors=1)
    result.stdout.fnmatch_lines(["*Unavailable: nothing records this session*truegreen run persistence*"])
    result.stdout.no_fnmatch_line("*truegreen_pytest/probe.py*")
    result, _ = session("def test_probe(probe): probe.count('ops')\n", TRUEGREEN_STAGE="e2e")
    result.stdout.fnmatch_lines(["*Unavailable: the stage e2e has no recorder*"])


def test_fixture_of_the_project_takes_the_place_of_ours(session, pytester):
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef probe(): return 'own'\n")
    result, _ = session("def test_a(probe): assert probe == 'own'\n")
    result.assert_outcomes(passed=1)


URLS = """
    import pytest
    def test_stage(service_url): assert service_url("db") == "postgresql://stage"
    def test_variable(service_url): assert service_url("redis") == "redis://variable"
    def test_neither(service_url):
        with pytest.raises(Exception, match="run the tests by .truegreen run STAGE.*NATS_URL.*testcontainers"):
            service_url("nats")
    def test_unknown(service_url):
        with pytest.raises(Exception, match="no service 'oracle'"):
            service_url("oracle")
"""


def test_url_is_of_the_stage_or_of_a_variable_or_says_what_is_missing(session, monkeypatch):
    monkeypatch.delenv("NATS_URL", raising=False)
    result, _ = session(URLS, TRUEGREEN_SERVICES='{"db": "postgresql://stage"}', REDIS_URL="redis://variable")
    result.assert_outcomes(passed=4)


def test_services_whose_variables_a_stack_took_away_are_not_told():
    def service(name, value):
        return ServiceHandle(
            name=name,
            kind=name,
            provider="embedded",
            host="h",
            port=1,
            url=f"{name}://h",
            exports={f"{name}_url": value},
        )

    services = (service("kept", "kept://h"), service("dropped", "dropped://h"), service("moved", "moved://h"))
    context = SimpleNamespace(services=services, env={"kept_url": "kept://h", "moved_url": "moved://stack"})
    assert pytest_process._addresses(context) == {"kept": "kept://h"}


def test_url_where_the_stage_says_nothing_that_can_be_read_is_that_of_the_variable(session):
    text = "def test_it(service_url): assert service_url('postgres') == 'postgresql://variable'\n"
    for broken in ("{", "[]"):
        result, _ = session(text, TRUEGREEN_SERVICES=broken, DATABASE_URL="postgresql://variable", POSTGRES_DSN="")
        result.assert_outcomes(passed=1)


CONTAINERS = '''
"""The surface of testcontainers 4.15 that is used; no engine is started."""
def note(word):
    with open("containers.log", "a") as stream: stream.write(word + " ")
class PostgresContainer:
    def __init__(self, image="postgres:latest", port=5432, username=None, password=None, driver="psycopg2"):
        self.driver = driver
    def start(self):
        note("start"); return self
    def stop(self): note("stop")
    def get_connection_url(self, host=None):
        return ("postgresql" + (f"+{self.driver}" if self.driver else "")) + "://test:test@localhost:32768/test"
class RedisContainer(PostgresContainer):
    def __init__(self, image="redis:latest", port=6379, password=None): pass
    def get_container_host_ip(self): return "localhost"
    def get_exposed_port(self, port): return port + 1
'''


@pytest.mark.parametrize("folder", ["testcontainers", "testcontainers/community"])
def test_url_without_a_stage_is_of_a_container_that_is_started_once_and_stopped(session, pytester, monkeypatch, folder):
    for name in ("POSTGRES_DSN", "DATABASE_URL", "REDIS_URL", "TRUEGREEN_SERVICES"):
        monkeypatch.delenv(name, raising=False)
    package = pytester.path / folder
    package.mkdir(parents=True)
    for name in ("postgres", "redis"):
        (package / f"{name}.py").write_text(CONTAINERS)
    monkeypatch.syspath_prepend(pytester.path)
    text = """
        def test_a(service_url):
            assert service_url("postgres") == service_url("postgres") == "postgresql://test:test@localhost:32768/test"
            assert service_url("redis") == "redis://localhost:6380"
    """
    result, _ = session(text)
    result.assert_outcomes(passed=1)
    assert (pytester.path / "containers.log").read_text().split() == ["start", "start", "stop", "stop"]
