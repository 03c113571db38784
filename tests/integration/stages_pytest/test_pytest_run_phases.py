"""On a real PostgreSQL: what counts as written by the test itself, where pytest draws the line elsewhere."""

from __future__ import annotations

import pytest
from tests.support.pytest_projects import REQUIREMENTS

pytestmark = pytest.mark.slow
CONFTEST = """
    import os
    import psycopg
    import pytest

    def insert(number):
        with psycopg.connect(os.environ["POSTGRES_DSN"], autocommit=True) as connection:
            connection.execute("INSERT INTO ops VALUES (%s)", (number,))

    @pytest.fixture(scope="session", autouse=True)
    def table():
        with psycopg.connect(os.environ["POSTGRES_DSN"], autocommit=True) as connection:
            connection.execute("CREATE TABLE ops (id int)")
"""
HEAD = "import unittest, pytest\nfrom conftest import insert\npytestmark = pytest.mark.persistence\n"


@pytest.fixture
def project(home):
    home.clear()
    home.write("requirements.txt", REQUIREMENTS + "pytest-rerunfailures>=16\n")
    home.write("conftest.py", CONFTEST)
    return home


def judge(project, tests, **options):
    return project.run(HEAD + tests, stage="persistence", **options)


@pytest.mark.parametrize(("base", "prefix"), [("TestCase", "def "), ("IsolatedAsyncioTestCase", "async def async")])
def test_rows_of_a_test_case_count_only_where_the_test_wrote_them(project, base, prefix):
    begin, end = (
        f"{prefix}{word}" for word in (("setUp", "tearDown") if "async" not in prefix else ("SetUp", "TearDown"))
    )
    judged = judge(
        project,
        f"class TestIt(unittest.{base}):\n"
        "    @classmethod\n    def setUpClass(cls): insert(1)\n"
        f"    {begin}(self): insert(2)\n"
        f"    {end}(self): insert(3)\n"
        "    def test_writes_nothing(self): pass\n"
        "    def test_writes(self):\n"
        "        self.addCleanup(insert, 4)\n"
        "        insert(5)\n        insert(6)\n",
    )
    verdict = judged.verdict("persistence-evidence")
    assert verdict.status == "fail"
    assert [item.title for item in verdict.items] == ["test_it.py::TestIt::test_writes_nothing"]
    (evidence,) = judged.evidence.persistence
    calls = {p.test.rpartition("::")[2]: p.committed for p in evidence.phases if p.phase == "call"}
    assert calls["test_writes_nothing"] == ()
    assert [change.count for change in calls["test_writes"]] == [2]


def test_rows_of_an_attempt_that_failed_do_not_count_for_the_one_that_passed(project):
    judged = judge(
        project,
        "attempts = []\n"
        "def test_repeated():\n"
        "    attempts.append(1)\n"
        "    if len(attempts) == 1:\n"
        "        insert(1)\n"
        "        raise AssertionError('the first time')\n"
        "def test_steady(): insert(2)\n",
        args=["--reruns=1"],
    )
    assert judged.case("test_repeated").outcome == "pass"
    verdict = judged.verdict("persistence-evidence")
    assert verdict.status == "fail"
    assert [item.title for item in verdict.items] == ["test_it.py::test_repeated"]
