"""The prove stage where a project names its read replica and its workers."""

from __future__ import annotations

import pytest
from tests.support.proving import Proving

from truegreen.model.evidence import RunState
from truegreen.model.proof import Answer

pytestmark = pytest.mark.slow
REPORTS = """
    import os
    import psycopg


    def count(number):
        url = os.environ.get("REPORTS_URL") or os.environ["POSTGRES_DSN"]
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT count(*) FROM ops WHERE number = %s", (number,)).fetchone()[0]
"""
READERS = """
    import psycopg
    import pytest
    from reports import count
    from shop import connect, make_service

    pytestmark = pytest.mark.persistence


    @pytest.fixture
    def seeded():
        make_service().save(40)


    def test_report_counts_it():
        make_service().save(41)
        assert count(41) == 1


    def test_report_is_only_called():
        make_service().save(42)
        count(42)


    def test_primary_counts_it():
        make_service().save(43)
        with connect() as connection:
            query = "SELECT count(*) FROM ops WHERE number = 43"
            assert connection.execute(query).fetchone()[0] == 1


    def test_report_counts_what_the_set_up_wrote(seeded):
        make_service().save(44)
        assert count(40) >= 1


    def test_report_counts_a_table_of_its_own():
        with connect() as connection:
            connection.execute("CREATE TABLE lines AS SELECT 1 AS line")
            connection.execute("DROP TABLE lines")
"""
WORKER = """
    import queue
    import threading

    from shop import make_service

    JOBS = queue.Queue()


    def main():
        while (job := JOBS.get()) is not None:
            make_service().save(job)


    def nightly():
        make_service().save(0)


    class Sweeper(threading.Thread):
        def run(self):
            make_service().save(53)


    def single():
        make_service().save(52)


    if __name__ == "__main__":
        single()
"""
WORKING = """
    import subprocess
    import sys
    import threading

    import psycopg
    import pytest
    import worker
    from shop import connect

    pytestmark = pytest.mark.persistence


    def stored(number):
        with connect() as connection:
            return connection.execute("SELECT count(*) FROM ops WHERE number = %s", (number,)).fetchone()[0]


    def test_worker_stores_a_job():
        thread = threading.Thread(target=worker.main)
        thread.start()
        worker.JOBS.put(51)
        worker.JOBS.put(None)
        thread.join(10)
        assert stored(51) == 1


    def test_process_stores_a_job():
        subprocess.run([sys.executable, "-m", "worker"], check=True)
        assert stored(52) == 1


    @pytest.mark.persists(reads=True)
    def test_sweeper_is_only_started():
        worker.Sweeper().start()
"""


def shop(home, **texts):
    proving = Proving(home).shop()
    (home.root / "test_wiring.py").unlink()
    for name in ("reports", "worker"):
        home.write(f"{name}.py", {"reports": REPORTS, "worker": WORKER}[name])
    home.write("test_it.py", texts["tests"])
    return proving


@pytest.fixture(scope="module")
def lagging(home):
    proving = shop(home, tests=READERS)
    return proving.run("replica-lag", **{"prove.replica-url-env": "'REPORTS_URL'"})


def test_test_that_reads_over_the_replica_notices_that_it_lags(lagging):
    assert lagging.result is not None, lagging.shown.getvalue()
    assert lagging.answers("replica-lag")["report_counts_it"].answer is Answer.NOTICED
    assert lagging.mutant("replica-lag").answer is Answer.NOTICED


def test_test_that_asserts_nothing_of_the_replica_is_named_with_the_reason(lagging):
    found = lagging.answers("replica-lag")["report_is_only_called"]
    assert found.answer is Answer.MISSED
    assert found.why.startswith("passes while rows that it asks the replica for have not arrived there")
    assert lagging.verdict.status.value == "fail"
    assert [item.title for item in lagging.verdict.items] == ["test_it.py::test_report_is_only_called"]


def test_test_from_which_nothing_is_hidden_is_not_asked(lagging):
    assert set(lagging.answers("replica-lag")) == {"report_counts_it", "report_is_only_called"}


def test_replica_that_no_test_reads_is_missed(home):
    proving = shop(home, tests=READERS)
    proving.run("replica-lag", **{"prove.replica-url-env": "'OTHER_URL'"})
    found = proving.mutant("replica-lag")
    assert (found.answer, found.why) == (
        Answer.MISSED,
        "no test reads from $OTHER_URL what is written while it runs",
    )
    assert "read over the replica" in proving.verdict.remedy


def test_project_that_writes_over_its_replica_gives_no_answer(home):
    proving = shop(home, tests=READERS)
    proving.run("replica-lag", **{"prove.replica-url-env": "'POSTGRES_DSN'"})
    found = proving.mutant("replica-lag")
    assert found.answer is Answer.UNKNOWN
    assert "fails also when $POSTGRES_DSN is a role that reads, and nothing lags" in found.why
    assert proving.verdict.status.value == "blind"


WORKERS = ["worker:main", "worker:single", "worker:nightly", "worker:gone", "worker:Sweeper.run", "worker:JOBS"]


@pytest.fixture(scope="module")
def idle(home):
    proving = shop(home, tests=WORKING)
    return proving.run(*(f"worker:{name}" for name in WORKERS), **{"prove.workers": WORKERS})


def test_worker_whose_work_is_asserted_is_noticed(idle):
    assert idle.result is not None, idle.shown.getvalue()
    for worker, test in (("main", "test_worker_stores_a_job"), ("single", "test_process_stores_a_job")):
        found = idle.mutant(f"worker:worker:{worker}")
        assert (found.answer, [one.test for one in found.tests]) == (Answer.NOTICED, [f"test_it.py::{test}"])


@pytest.mark.parametrize(
    ("worker", "answer", "why"),
    [
        ("worker:nightly", Answer.MISSED, "no test of persistence or wiring starts worker:nightly"),
        ("worker:Sweeper.run", Answer.MISSED, "all tests pass while worker:Sweeper.run never starts: nothing they"),
        ("worker:gone", Answer.UNKNOWN, "worker has no function or method gone"),
        ("worker:JOBS", Answer.UNKNOWN, "worker has no function or method JOBS"),
    ],
)
def test_worker_that_nobody_misses_says_why(idle, worker, answer, why):
    found = idle.mutant(f"worker:{worker}")
    assert found.answer is answer
    assert found.why.startswith(why)


def test_verdict_names_workers_that_nobody_misses(idle):
    assert idle.verdict.status.value == "fail"
    assert "worker:worker:nightly" in [item.title for item in idle.verdict.items]
    assert "assert what only the worker does" in idle.verdict.remedy


def test_worker_that_is_no_place_in_the_code_is_a_clear_error(home):
    from truegreen.errors import TruegreenError

    with pytest.raises(TruegreenError) as caught:
        shop(home, tests=WORKING).run(**{"prove.workers": ["nonsense"]})
    assert "prove.workers" in f"{caught.value.where} {caught.value.what} {caught.value.why}"


def test_unknown_worker_is_an_error_with_the_known_ones(home):
    proving = shop(home, tests=WORKING).run("worker:worker:maine", **{"prove.workers": ["worker:main"]})
    assert proving.record.state is RunState.BROKEN
    assert "worker:worker:main" in proving.record.error.fix
