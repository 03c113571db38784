"""The wiring stage on a small real project: its tests pass, and what they cannot see turns it red."""

from __future__ import annotations

import pytest

from truegreen.app import gate
from truegreen.app import plan as planning
from truegreen.config import settings as config

pytestmark = pytest.mark.slow
SERVICE = """
    class Repository:
        def save(self, row): ...

    class Service:
        def __init__(self, repository: Repository | None = None):
            self._repository = repository

        def save(self, row):
            if self._repository:
                self._repository.save(row)
"""
FACTORY = "import service\n\ndef get_service():\n    return service.Service({})\n"
TESTS = """
    import pytest, service
    @pytest.mark.wiring
    def test_service_takes_a_repository():
        assert service.Service(service.Repository())._repository is not None
"""


@pytest.fixture
def project(home):
    home.clear()
    home.write("pytest.ini", "[pytest]\nmarkers = wiring\n")
    home.write("service.py", SERVICE)
    return home


def test_factory_that_wires_is_green_and_its_evidence_is_kept(project):
    project.write("factory.py", FACTORY.format("service.Repository()"))
    judged = project.run(TESTS, stage="wiring")
    assert (judged.status, judged.says("unwired")) == ("pass", "pass")
    assert judged.evidence.wiring.files == 2
    assert "optional dependencies: 1, supplied by nobody: 0 (sources: 2)" in judged.record.notes


def test_factory_that_forgot_the_repository_is_red_though_all_tests_pass(project):
    project.write("factory.py", FACTORY.format(""))
    judged = project.run(TESTS, stage="wiring")
    assert judged.says("no-failures") == "pass"
    assert (judged.status, judged.says("unwired")) == ("fail", "fail")
    (item,) = judged.verdict("unwired").items
    assert (item.path, item.line) == ("service.py", 6)


def test_evidence_that_was_taken_away_is_blind(project):
    project.write("factory.py", FACTORY.format("service.Repository()"))
    judged = project.run(TESTS, stage="wiring")
    (judged.out / "wiring.json").unlink()
    report = gate.judge(project.shell(), config.load(project.root), planning.plan("local", only=("wiring",)))
    assert report.status == "blind"
