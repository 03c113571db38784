"""The persistence stage with several stores, end to end on real ones: what reaches which store decides."""

import pytest

pytestmark = pytest.mark.slow
CONFTEST = """
    import os, socket
    from urllib.parse import urlsplit
    import psycopg
    import pytest

    class Client:
        def __init__(self, url):
            parts = urlsplit(url)
            self.socket = socket.create_connection((parts.hostname, parts.port))
            self.stream = self.socket.makefile("rb")

    class Redis(Client):
        def __call__(self, *words):
            self.socket.sendall(f"{' '.join(words)}\\r\\n".encode())
            return self.stream.readline()

    class Nats(Client):
        def __init__(self, url):
            super().__init__(url)
            self.stream.readline()
            self.socket.sendall(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\\r\\nSUB reply 1\\r\\n')

        def __call__(self, subject, text):
            self.socket.sendall(f"PUB {subject} reply {len(text)}\\r\\n{text}\\r\\n".encode())
            while b"MSG " not in self.stream.readline():
                pass
            return self.stream.readline()

    @pytest.fixture
    def redis():
        return Redis(os.environ["REDIS_URL"])

    @pytest.fixture
    def nats():
        return Nats(os.environ["NATS_URL"])

    @pytest.fixture(scope="session", autouse=True)
    def stream():
        if "NATS_URL" in os.environ:
            text = '{"name":"OPS","subjects":["ops.>"]}'
            assert b"did_create" in Nats(os.environ["NATS_URL"])("$JS.API.STREAM.CREATE.OPS", text)

    @pytest.fixture
    def database():
        with psycopg.connect(os.environ["POSTGRES_DSN"], autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS ops (id int)")
            yield connection
"""
HEAD = "import os, pytest\npytestmark = pytest.mark.persistence\n"
ROW = "database.execute('INSERT INTO ops VALUES (1)')"
KEY = "redis('SET', 'op:1', 'x')"
MESSAGE = "nats('ops.made', '{}')"


def case(name, fixtures, *lines, marks=()):
    body = "\n    ".join(lines or ["pass"])
    return "".join(f"@pytest.mark.persists({mark})\n" for mark in marks) + f"def test_{name}({fixtures}):\n    {body}\n"


@pytest.fixture
def project(home):
    home.clear()
    home.write("conftest.py", CONFTEST)
    return home


def judge(project, services, *tests, **options):
    project.write("test_it.py", HEAD + "\n".join(tests))
    return project.run(stage="persistence", services=services, **options)


def red(judged):
    return {item.title.partition("::test_")[2]: item.message for item in judged.verdict("persistence-evidence").items}


def test_row_counts_and_a_key_in_the_cache_alone_does_not(project):
    judged = judge(
        project,
        ["postgres", "redis"],
        case("row", "database", ROW),
        case("both", "database, redis", ROW, KEY),
        case("cache_only", "redis", KEY),
        case("demands_the_key", "redis", KEY, marks=["'op:*', store='redis', kind='set'"]),
        case("demands_another_key", "redis", KEY, marks=["'other:*', store='redis'"]),
        case("demands_both", "database, redis", KEY, marks=["'ops'", "store='redis'"]),
    )
    assert judged.status == "fail"
    assert red(judged) == {
        "cache_only": "0 committed rows in postgres; only redis saw a change, which does not count: 1 set in op:1",
        "demands_another_key": "0 committed changes in other:* of redis; committed instead: 1 set in op:1",
        "demands_both": "0 committed rows in ops; only redis saw a change, which does not count: 1 set in op:1",
    }
    assert {part.store: part.counts for part in judged.evidence.persistence} == {"postgres": True, "redis": False}


def test_stage_with_redis_alone_judges_by_its_keys(project):
    judged = judge(
        project,
        ["redis"],
        case("key", "redis", KEY),
        case("reads", "redis", "redis('GET', 'op:1')"),
        case("fails", "redis", "redis('SETNX', 'op:1', 'y')"),
        case("another_database", "redis", "redis('SELECT', '5')", KEY),
    )
    assert set(red(judged)) == {"reads", "fails", "another_database"}
    assert "committed to another database (5)" in red(judged)["another_database"]
    assert "0 committed changes in redis" in judged.verdict("persistence-evidence").reason


def test_database_of_a_service_that_the_stage_lacks_is_refused(project):
    judged = judge(project, ["redis"], case("key", "redis", KEY), databases=["cache:1"])
    assert (judged.status, judged.record.error.code) == ("blind", "TG104")
    assert judged.record.error.what == "'cache:1' is a database of 'cache', which is none of the stage's services"
    assert judged.record.error.where == "persistence.databases"


def test_stage_counts_the_stores_that_it_names_and_the_databases_of_each(project):
    judged = judge(
        project,
        ["postgres", "redis"],
        case("another_database", "redis", "redis('SELECT', '5')", KEY),
        case("row", "database", ROW),
        stores=["redis"],
        databases=["redis:5"],
    )
    assert red(judged) == {
        "row": "0 committed changes in redis; only postgres saw a change, which does not count: 1 insert in public.ops"
    }


def test_one_test_proves_a_row_a_key_and_a_message(project):
    marks = ["'ops', kind='insert'", "'op:1', store='redis'", "'OPS', store='nats', at_least=2"]
    judged = judge(
        project,
        ["postgres", "redis", "nats"],
        case("all", "database, redis, nats", ROW, KEY, MESSAGE, MESSAGE, marks=marks),
        case("one_message", "database, redis, nats", ROW, KEY, MESSAGE, marks=marks),
        case("unheard", "database, redis, nats", ROW, KEY, *["nats('nowhere', '{}')"] * 2, marks=marks),
    )
    assert red(judged) == {
        "one_message": "1 committed change in OPS of nats, 2 are demanded; committed instead: 1 message in OPS; "
        "postgres, redis saw a change, which does not count: 1 set in op:1, 1 insert in public.ops",
        "unheard": "0 committed changes in OPS of nats, 2 are demanded; "
        "only postgres, redis saw a change, which does not count: 1 set in op:1, 1 insert in public.ops",
    }
    assert sum(note.startswith("persistence evidence of") for note in judged.record.notes) == 3


KILLS = "redis('CLIENT', 'KILL', 'TYPE', 'pubsub')"


def test_store_that_is_lost_in_the_middle_is_blind_for_those_that_need_it(project):
    tests = (case("key", "database, redis", ROW, KEY), case("kills", "database, redis", ROW, KILLS))
    judged = judge(project, ["postgres", "redis"], *tests)
    assert judged.says("persistence-evidence") == "pass"
    assert any("redis could not be recorded" in note for note in judged.record.notes)
    judged = judge(project, ["postgres", "redis"], *tests, stores=["postgres", "redis"])
    assert judged.says("persistence-evidence") == "blind"
    reason = judged.verdict("persistence-evidence").reason
    assert "redis could not be observed" in reason
    assert "; noticed at the end of the " in reason
    assert "::test_kills" in reason


def test_marker_that_no_store_can_meet_is_blind_and_says_what_there_is_before_any_test_runs(project):
    tests = [case("key", "redis", KEY, marks=["store='redsi'"]), case("row", "database", ROW, marks=["kind='INSERT'"])]
    judged = judge(project, ["postgres", "redis"], *tests)
    assert judged.says("persistence-evidence") == "blind"
    errors = [line for line in (judged.out / "pytest.log").read_text().splitlines() if line.startswith("ERROR: test_")]
    assert [error.partition(" names ")[2] for error in errors] == [
        "store 'redsi'; observed: postgres, redis; write 'redis'",
        "kind 'INSERT', which postgres never has; known: insert, update, delete, truncate; write 'insert'",
    ]


def test_one_test_proves_a_row_and_a_file(project):
    writes = "os.makedirs('out', exist_ok=True); open('out/model.bin', 'w').write('x')"
    marks = ["'ops'", "'*.bin', store='out', kind='write'"]
    judged = judge(
        project,
        ["postgres"],
        case("both", "database", ROW, writes, marks=marks),
        case("no_new_file", "database", ROW, marks=marks),
        case("file_alone", "", writes.replace("model", "other")),
        case("same_file_again", "", writes),
        folders=["out"],
    )
    assert red(judged) == {
        "no_new_file": "0 committed changes in *.bin of out (write); "
        "only postgres saw a change, which does not count: 1 insert in public.ops",
        "file_alone": "0 committed rows in postgres; only out saw a change, which does not count: 1 write in other.bin",
        "same_file_again": "0 committed rows in postgres",
    }
