"""The mutation stage on a small real repository: weak tests are found out, strong ones are not, nothing is touched."""

from __future__ import annotations

import io
import subprocess
from textwrap import dedent

import pytest
from tests.support.pytest_projects import Project, shared_cache

from truegreen.app import gate, run
from truegreen.app import plan as planning
from truegreen.config import settings as config
from truegreen.model.mutation import Fate
from truegreen.model.verdict import Status

BASE = """
    def keep(total):
        return total + 1
"""
TESTS = """
    import shop

    def test_keep():
        assert shop.keep(1) == 2
"""


class Repository:
    """A project under git, with a base and a change on top of it."""

    def __init__(self, project: Project) -> None:
        project.clear()
        self.project = project
        self.root = project.root
        self.write("shop.py", BASE)
        self.write("test_shop.py", TESTS)
        self.write(".gitignore", ".truegreen/\n__pycache__/\n")
        self.git("init", "-q", "-b", "main")
        self.commit()
        self.git("checkout", "-q", "-b", "work")

    def write(self, name: str, text: str) -> None:
        self.project.write(name, text)

    def add(self, name: str, text: str) -> None:
        path = self.root / name
        path.write_text(path.read_text() + "\n\n" + dedent(text).strip() + "\n")

    def git(self, *words: str) -> str:
        identity = ("-c", "user.name=n", "-c", "user.email=a@example.org")
        argv = ["git", *identity, *words]
        return subprocess.run(argv, cwd=self.root, check=True, capture_output=True, text=True).stdout

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")

    def mutate(self, *assignments: str):
        """Run the stage and judge it; returns its report, its result and what was shown."""
        shown = io.StringIO()
        shell = self.project.shell(shown=shown)
        settings = config.load(self.root, assignments=[f"mutation.{text}" for text in ("base=main", *assignments)])
        (record,) = run.run_stages(shell, settings, run.Request(stages=("mutation",)))
        report = gate.judge(shell, settings, planning.plan("local", only=("mutation",)))
        return record, next(one for one in report.stages if one.stage == "mutation"), self.result(), shown.getvalue()

    def result(self):
        from truegreen.ingest.mutation import MutationReader

        path = self.root / ".truegreen" / "mutation" / "mutation.json"
        return MutationReader().read(path, self.root) if path.exists() else None


@pytest.fixture
def repository(home):
    return Repository(home)


def verdict(report):
    return next(one for one in report.verdicts if one.gate == "mutation-survivors")


def fates(result, path="shop.py"):
    return {mutant.line: mutant.fate for mutant in result.mutants if mutant.path == path}


@pytest.mark.slow
def test_weak_test_is_found_out_strong_one_kills_and_endless_loop_times_out(repository):
    repository.add(
        "shop.py",
        """
        def discount(total):
            return total - 10


        def shipping(total):
            return total * 2


        def countdown(number):
            while number > 0:
                number = number - 1
            return number


        def leaning(total):
            return total + 5
        """,
    )
    repository.add(
        "test_shop.py",
        """
        def test_strong():
            assert shop.discount(50) == 40

        def test_weak():
            assert shop.shipping(3) is not None

        def test_countdown():
            assert shop.countdown(3) == 0

        def test_first():
            shop.known = 1

        def test_that_leans_on_the_one_before():
            assert shop.known
            assert shop.leaning(3) is not None
        """,
    )
    repository.commit()
    before = {path: path.read_bytes() for path in repository.root.glob("*.py")}
    record, report, result, _ = repository.mutate("per-line=1")
    assert record.error is None, (record.error, (repository.root / ".truegreen/mutation/pytest.log").read_text())
    assert fates(result) == {
        7: Fate.KILLED,
        11: Fate.SURVIVED,
        15: Fate.KILLED,
        16: Fate.TIMEOUT,
        21: Fate.SURVIVED,  # its test fails alone, with the fault and without: that is no sign of the fault
    }
    said = verdict(report)
    assert (said.status, said.advisory, report.status) == (Status.FAIL, True, Status.PASS)
    assert [(item.path, item.line) for item in said.items] == [("shop.py", 11), ("shop.py", 21)]
    assert said.items[0].detail == "-     return total * 2\n+     return total + 2"
    assert {path: path.read_bytes() for path in repository.root.glob("*.py")} == before
    assert repository.git("status", "--porcelain") == ""


@pytest.mark.slow
def test_unfinished_work_is_part_of_the_change_and_time_that_is_over_leaves_the_gate_blind(repository):
    repository.add("shop.py", "def fee(total):\n    return total + 7")
    repository.write("extra.py", "VALUE = 3\n")
    repository.add("test_shop.py", "import extra\n\ndef test_fee():\n    assert shop.fee(extra.VALUE) == 10")
    _, report, result, _ = repository.mutate("max-minutes=0.000001")
    assert (result.mutants, result.candidates > 0, result.untried) == ((), True, result.candidates)
    assert verdict(report).status is Status.BLIND
    assert any("not tried" in note for note in report.notes)
    assert result.changed_lines >= 5
    assert result.covered_lines >= 3


@pytest.mark.slow
def test_mutant_of_a_line_that_an_import_runs_is_tried_with_all_tests(repository):
    repository.write("limits.py", "MOST = 3\n")
    repository.add("test_shop.py", "from limits import MOST\n\ndef test_most():\n    assert MOST == 3")
    _, report, result, _ = repository.mutate("per-line=2")
    assert {mutant.fate for mutant in result.mutants} == {Fate.KILLED}
    assert (verdict(report).status, report.headline) == (Status.PASS, "2 mutants tried, none survived")


@pytest.mark.slow
def test_tests_that_fail_without_a_mutant_break_the_stage_and_make_it_blind(repository):
    repository.add("shop.py", "def fee(total):\n    return total + 7")
    repository.add("test_shop.py", "def test_fee():\n    assert shop.fee(1) == 9")
    record, report, result, _ = repository.mutate()
    assert (record.error.code, result, report.status) == ("TG305", None, Status.BLIND)
    assert "without any mutant" in record.error.what
    assert "test_fee" in record.error.why


@pytest.mark.slow
def test_changed_lines_that_no_test_runs_are_said_and_give_no_verdict(repository):
    repository.add("shop.py", "def fee(total):\n    return total + 7")
    repository.commit()
    _, report, result, _ = repository.mutate("exclude=['test_*.py']")
    assert (result.changed_lines, result.covered_lines) == (4, 1)  # the line with `def` is run by the import
    assert result.candidates == 0
    assert verdict(report).status is Status.SKIPPED
    assert "no mutant can be made" in verdict(report).reason


def test_change_of_tests_alone_leaves_nothing_to_do(repository):
    repository.add("test_shop.py", "def test_more():\n    assert shop.keep(2) == 3")
    record, report, result, _ = repository.mutate()
    assert (record.state.value, result, report.status) == ("skipped", None, Status.SKIPPED)
    assert record.reason.startswith("no Python file but tests is changed since ")


def test_base_that_is_not_there_is_an_error_with_the_remedy(repository):
    repository.add("shop.py", "def fee(total):\n    return total + 7")
    record, report, _, _ = repository.mutate("base='origin/none'")
    assert (record.error.code, report.status) == ("TG201", Status.BLIND)
    assert "fetch-depth: 0" in record.error.fix


@pytest.mark.slow
def test_project_installed_as_editable_is_mutated_in_the_copy_and_not_where_it_is_installed(tmp_path):
    repository = Repository(Project(tmp_path / "project", shared_cache(tmp_path / "cache")))
    repository.write(
        "pyproject.toml",
        """
        [project]
        name = "till"
        version = "0"
        [build-system]
        requires = ["setuptools"]
        build-backend = "setuptools.build_meta"
        [tool.truegreen]
        """,
    )
    repository.write("lib/till/__init__.py", "def cents(value):\n    return value * 100\n")
    repository.add("pyproject.toml", '[tool.setuptools.packages.find]\nwhere = ["lib"]')
    repository.write("test_till.py", "from till import cents\n\ndef test_cents():\n    assert cents(2) == 200\n")
    record, report, result, _ = repository.mutate("per-line=1")
    assert record.error is None, record.error
    assert fates(result, "lib/till/__init__.py") == {2: Fate.KILLED}
    assert verdict(report).status is Status.PASS


@pytest.mark.slow
def test_thresholds_of_coverage_are_no_failed_tests_and_long_statements_are_covered_as_a_whole(repository):
    repository.write(
        "pyproject.toml", '[tool.truegreen]\n[tool.pytest]\naddopts = ["--cov=shop", "--cov-fail-under=99"]\n'
    )
    repository.write(".coveragerc", "[report]\nfail_under = 99\n")
    repository.add("shop.py", "def fee(total):\n    return max(\n        0,\n        total * 3,\n    )")
    repository.add("test_shop.py", "def test_fee():\n    assert shop.fee(1) is not None")
    record, _, result, _ = repository.mutate("per-line=1")
    assert record.error is None, record.error
    assert fates(result) == {8: Fate.SURVIVED, 9: Fate.SURVIVED}


@pytest.mark.slow
def test_tests_that_a_mutant_spoils_for_good_prove_nothing(repository):
    repository.add("shop.py", "def fee(total):\n    return total * 3")
    repository.add(
        "test_shop.py",
        """
        from pathlib import Path

        def test_fee():
            spoilt = Path("spoilt")
            if shop.fee(1) != 3:
                spoilt.touch()
            assert not spoilt.exists()
        """,
    )
    record, report, result, _ = repository.mutate("per-line=1")
    assert (record.error.code, result, report.status) == ("TG305", None, Status.BLIND)
    assert "after the mutants" in record.error.what


@pytest.mark.slow
def test_pipes_links_and_environments_of_a_project_are_no_hindrance_and_no_way_out(repository, tmp_path):
    import os

    outside = tmp_path / "outside.py"
    outside.write_text("def away():\n    return 1 + 1\n")
    (repository.root / "linked.py").symlink_to(outside)
    os.mkfifo(repository.root / "pipe")
    repository.write("env/pyvenv.cfg", "home = /nowhere\n")
    repository.add("shop.py", "def fee(total):\n    return total * 3")
    linked = "import linked\n\ndef test_linked():\n    assert linked.away() == 2 and shop.fee(2) == 6"
    repository.add("test_shop.py", linked)
    _, report, result, _ = repository.mutate("per-line=1")
    assert result.candidates > 0
    assert {mutant.path for mutant in result.mutants} == {"shop.py"}
    assert verdict(report).status is Status.PASS
    assert outside.read_text() == "def away():\n    return 1 + 1\n"


def test_tests_that_do_not_end_without_a_mutant_break_the_stage(repository):
    repository.add("shop.py", "def fee(total):\n    return total * 3")
    repository.add("test_shop.py", "import time\n\ndef test_slow():\n    time.sleep(60)")
    record, report, result, _ = repository.mutate("timeout-s=3")
    assert (record.error.code, result, report.status) == ("TG306", None, Status.BLIND)


def test_environment_without_coverage_is_told_what_to_add(tmp_path):
    repository = Repository(Project(tmp_path / "project", shared_cache(tmp_path / "cache")))
    repository.write("requirements.txt", "pytest>=9\n")
    repository.add("shop.py", "def fee(total):\n    return total * 3")
    record, report, _, _ = repository.mutate()
    assert (record.error.code, report.status) == ("TG109", Status.BLIND)
    assert "pytest or pytest-cov" in record.error.what
