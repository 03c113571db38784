"""The wiring stage on a small real project: its tests pass, and what they cannot see turns it red."""

from __future__ import annotations

import pytest

from truegreen.app import gate
from truegreen.app import plan as planning
from truegreen.config import settings as config
from truegreen.errors import ConfigurationError

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
    (note,) = [note for note in judged.record.notes if note.startswith("optional")]
    assert "optional dependencies: 1, supplied by nobody: 0 (sources: 2); roots walked: 1" in note
    assert "wiring::factory:get_service" in judged.ids


def test_factory_that_forgot_the_repository_is_red_though_all_tests_pass(project):
    project.write("factory.py", FACTORY.format(""))
    judged = project.run(TESTS, stage="wiring")
    assert judged.case("test_service").outcome == "pass"
    assert (judged.status, judged.says("unwired")) == ("fail", "fail")
    assert [(item.path, item.line) for item in judged.verdict("unwired").items] == [("service.py", 6)] * 2


def test_root_that_fails_is_run_again_with_the_failed_tests_of_the_user(project):
    project.write("factory.py", FACTORY.format(""))
    judged = project.run(TESTS + "\n        assert 0\n", stage="wiring")
    assert [tool.name for tool in judged.record.tools] == ["pytest", "pytest rerun 1"]
    assert {name: len(judged.case(name).attempts) for name in ("factory", "test_service")} == dict.fromkeys(
        ("factory", "test_service"), 2
    )
    (walk,) = judged.evidence.wiring.walks
    assert len(walk.flawed) == 1


def test_roots_are_walked_once_each_by_the_workers_of_xdist(project):
    for number in range(4):
        project.write(f"factory{number}.py", FACTORY.format("service.Repository()"))
    judged = project.run(TESTS, stage="wiring", workers="2")
    assert judged.status == "pass", judged.log()
    assert len(judged.ids) == 5
    assert len(judged.evidence.wiring.walks) == 4


def test_root_that_is_left_out_for_a_reason_is_not_called(project):
    project.write("factory.py", FACTORY.format("") + "raise SystemExit('imported')\n")
    project.write("other.py", FACTORY.format("service.Repository()"))
    judged = project.run(TESTS, stage="wiring", leave_out={'"factory:get_service"': "a relic"})
    assert judged.status == "pass", judged.log()
    assert [root.name for root in judged.evidence.wiring.roots] == ["other:get_service"]


def test_name_in_leave_out_that_is_no_root_is_red(project):
    project.write("factory.py", FACTORY.format("service.Repository()"))
    judged = project.run(TESTS, stage="wiring", leave_out={'"factory:gone"': "a relic"})
    assert "factory:gone" in judged.verdict("unwired").reason


def test_root_whose_process_dies_is_blind_or_red_and_never_green(project):
    project.write("factory.py", FACTORY.format("__import__('os')._exit(0)"))
    judged = project.run(TESTS, stage="wiring")
    assert judged.status in ("fail", "blind")
    assert (judged.says("unwired"), judged.says("tests-ran")) == ("blind", "blind")


def test_factory_that_is_no_name_is_refused(project):
    with pytest.raises(ConfigurationError, match="factories"):
        project.run(TESTS, stage="wiring", factories=["no name"])


def test_evidence_that_was_taken_away_is_blind(project):
    project.write("factory.py", FACTORY.format("service.Repository()"))
    judged = project.run(TESTS, stage="wiring")
    (judged.out / "wiring.json").unlink()
    report = gate.judge(project.shell(), config.load(project.root), planning.plan("local", only=("wiring",)))
    assert report.status == "blind"
