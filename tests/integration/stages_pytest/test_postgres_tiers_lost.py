"""What makes evidence of PostgreSQL blind instead of empty: restarts, crashes, recycled logs; and many writers."""

import signal
import threading
import time

import msgspec
import psycopg
import pytest
from tests.support.postgres_choice import best, committed, logical, made, plain

from truegreen.errors import ServiceNotReady, TruegreenError
from truegreen.stages.common.logical import LogicalReader
from truegreen.stages.common.rowscan import RowScan
from truegreen.stages.common.wal import WalReader
from truegreen.stages.observers.postgres import PostgresObserver

__all__ = ["best", "logical", "plain"]  # fixtures
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("tier", [WalReader, LogicalReader, RowScan])
@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGQUIT], ids=["restart", "crash"])
def test_server_that_restarts_in_the_window_is_blind(tier, sig, tmp_path):
    server = made(f"again-{tier.__name__}", 15, wal_level="logical")
    try:
        reader = tier(server.handle(), ("app",))
        start = reader.position()
        with server.connect() as connection:
            connection.execute("INSERT INTO audit VALUES (1)")
        server.stop(sig)
        server.start()
        with pytest.raises((psycopg.Error, TruegreenError)):
            reader.between(start, reader.position())
        reader.close()
    finally:
        server.close()


def test_log_that_is_recycled_before_it_is_read_is_blind():
    server = made("recycled", 17, wal_keep_size="0", max_wal_size="32MB", min_wal_size="32MB")
    try:
        reader = WalReader(server.handle())
        start = reader.position()
        with server.connect() as connection:
            connection.execute("INSERT INTO audit VALUES (1)")
            for _ in range(6):
                connection.execute("INSERT INTO audit VALUES (1)")
                connection.execute("SELECT pg_switch_wal()")
                connection.execute("CHECKPOINT")
        with pytest.raises(psycopg.Error, match=r"could not|removed"):
            reader.between(start, reader.position())
        reader.close()
    finally:
        server.close()


@pytest.mark.parametrize("tier", [WalReader, LogicalReader, RowScan])
def test_server_that_commits_before_its_log_is_flushed_hides_nothing(tier):
    server = made(f"late-{tier.__name__}", 18, wal_level="logical", synchronous_commit="off", wal_writer_delay="10s")
    try:
        reader = tier(server.handle(), ("app",))
        with server.connect() as connection:
            start = reader.position()
            for _ in range(5):
                connection.execute("INSERT INTO audit VALUES (1)")
                end = reader.position()
                assert [change.count for change in reader.between(start, end).committed] == [1]
                connection.execute("INSERT INTO audit VALUES (1), (2)")
                start, tell = reader.since(end)
                assert [change.count for change in tell().committed] == [2]
        reader.close()
    finally:
        server.close()


def test_slot_that_lost_its_log_is_blind():
    server = made("lost", 13, wal_level="logical", wal_keep_size="0", max_wal_size="32MB", min_wal_size="32MB",
                  max_slot_wal_keep_size="16MB")  # fmt: skip
    try:
        reader = LogicalReader(server.handle(), ("app",))
        start = reader.position()
        with server.connect() as connection:
            for _ in range(8):
                connection.execute("INSERT INTO audit VALUES (1)")
                connection.execute("SELECT pg_switch_wal()")
                connection.execute("CHECKPOINT")
        with pytest.raises(psycopg.Error):
            reader.between(start, reader.position())
        reader.close()
    finally:
        server.close()


def test_unlogged_tables_are_named(plain, best):
    with plain.connect(user="owner") as connection:
        connection.execute("CREATE UNLOGGED TABLE quick (v int)")
        observer = best(plain.handle())
        committed(observer, lambda: connection.execute("INSERT INTO quick VALUES (1)"))
        observer.close()
        connection.execute("DROP TABLE quick")
    assert "rows of UNLOGGED tables do not count" in observer.tier
    assert "public.quick" in observer.tier


def test_server_that_cannot_be_reached_says_so(plain):
    gone = msgspec.structs.replace(plain.handle(), port=1)
    with pytest.raises(ServiceNotReady, match="cannot be reached"):
        PostgresObserver(gone)


def rows(window):
    return sum(change.count for change in (*window.committed, *window.written_before))


@pytest.mark.parametrize("tier", ["A", "B", "C"])
def test_rows_of_many_writers_at_once_are_all_counted(tier, logical, plain, best):
    server, user = {"A": (plain, "postgres"), "B": (logical, "postgres"), "C": (plain, "owner")}[tier]
    observer = best(server.handle(user=user))
    assert observer.tier[0] == tier
    done = threading.Event()
    start = observer.position()
    found = 0

    def write():
        with server.connect(user="owner") as connection:
            for number in range(60):
                end = "ROLLBACK" if number % 3 == 0 else "COMMIT"
                connection.execute(f"BEGIN; INSERT INTO audit VALUES ({number}); {end}")
        done.set()

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.02)
        end = observer.position()
        found += rows(observer.between(start, end))
        start = end
    end = observer.position()
    found += rows(observer.between(start, end))
    assert found == 3 * 40
