"""Stand-ins on a small real project: green in unit, red where the policy forbids them, serial and in workers."""

from __future__ import annotations

import pytest

from truegreen.app import gate
from truegreen.app import plan as planning
from truegreen.config import settings as config

pytestmark = pytest.mark.slow
SHOP = "class Repo:\n    def save(self, row): raise OSError\n"
CONFTEST = """
    import pytest, shop
    @pytest.fixture
    def quiet(monkeypatch):
        monkeypatch.setattr(shop.Repo, "save", lambda self, row: None)
"""
TESTS = """
    import time, pytest, shop
    from unittest import mock

    @pytest.mark.wiring
    def test_saves(quiet): shop.Repo().save(1)

    @pytest.mark.wiring
    def test_clock():
        with mock.patch("time.time", return_value=1): assert time.time() == 1

    @pytest.mark.wiring
    @pytest.mark.skip
    def test_nothing(): pass
"""
FORBIDDEN = '[tool.truegreen.gates.no-mocks]\nstages = { wiring = "forbidden" }\n'


@pytest.fixture
def project(home):
    home.clear()
    home.write("shop.py", SHOP)
    home.write("tests/conftest.py", CONFTEST)
    return home


def judge(project, *, policy=FORBIDDEN, tests=TESTS, **options):
    project.write("pyproject.toml", f"[tool.truegreen]\n{policy}")
    project.write("tests/test_shop.py", tests)
    return project.run(stage="wiring", **options)


def test_stand_ins_are_free_where_nothing_forbids_them(project):
    judged = judge(project, policy="")
    assert judged.status == "pass"
    assert [verdict.gate for verdict in judged.report.verdicts if verdict.gate == "no-mocks"] == []
    assert judged.evidence.fakes.tests == 3
    assert sum(session.watched for session in judged.evidence.sessions) == 3


@pytest.mark.parametrize("workers", ["0", "2"])
def test_replaced_method_turns_the_stage_red_and_is_named_with_its_fixture(project, workers):
    judged = judge(project, workers=workers)
    assert judged.says("no-failures") == "pass"
    verdict = judged.verdict("no-mocks")
    assert (judged.status, verdict.status.value) == ("fail", "fail"), verdict.reason
    (item,) = verdict.items
    assert (item.title, item.path, item.line) == ("NM1 shop.Repo.save", "tests/conftest.py", 5)
    assert "tests/test_shop.py::test_saves" in verdict.reason


def test_marker_in_force_turns_it_green_and_is_shown(project):
    marked = TESTS.replace(
        "def test_saves",
        "@pytest.mark.allow_mocks('shop.*', reason='slow disk', until='2099-01-31')\n    def test_saves",
    )
    judged = judge(project, tests=marked)
    verdict = judged.verdict("no-mocks")
    assert (judged.status, verdict.reason) == ("pass", "nothing real was replaced in 3 tests; 1 exception")
    assert "until 2099-01-31: slow disk" in verdict.items[0].message


def test_store_of_the_test_is_found_in_the_sources(project):
    project.write("fakeredis.py", "class FakeRedis: pass\n")
    project.write(
        "tests/conftest.py", "import fakeredis, pytest\n@pytest.fixture\ndef quiet(): fakeredis.FakeRedis()\n"
    )
    judged = judge(project, tests=TESTS.replace("shop.Repo().save(1)", "pass"))
    assert judged.verdict("no-mocks").items[0].title == "NM4 fakeredis.FakeRedis"


def test_unit_test_that_leaves_the_machine_fails_where_the_network_is_blocked(project):
    text = "import socket\ndef test_out(): socket.socket().connect_ex(('192.0.2.1', 9))\ndef test_in(): pass\n"
    blocked = project.run(text, network="blocked", network_allow=["198.51.100.0/24"])
    assert blocked.says("no-failures") == "fail"
    assert "tried to reach 192.0.2.1 port 9" in blocked.case("test_out").message
    allowed = project.run(text, network="blocked", network_allow=["192.0.2.0/24"], timeout_s=60.0)
    assert "tried to reach" not in allowed.case("test_out").message


def test_evidence_without_a_record_of_replacements_is_blind(project):
    judged = judge(project)
    path = judged.out / "fakes.json"
    path.unlink()
    report = gate.judge(project.shell(), config.load(project.root), planning.plan("local", only=("wiring",)))
    stage = next(one for one in report.stages if one.stage == "wiring")
    verdict = next(one for one in stage.verdicts if one.gate == "no-mocks")
    assert verdict.status.value == "blind"
