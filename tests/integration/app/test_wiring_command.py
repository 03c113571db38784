"""`truegreen wiring`: what nobody supplies, from the sources of a real project."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.support.evidence import record

from truegreen.app import stage_record
from truegreen.errors import EXIT_EVIDENCE, EXIT_GATE_FAILED, EXIT_OK
from truegreen.model.wiring import Flaw, Flawed, Place, Walk, WiringScan
from truegreen.runtime import files, git
from truegreen.runtime.process import ProcessRunner

if TYPE_CHECKING:
    from tests.support.app_desk import Desk

SERVICE = """\
class Repository: ...


class Service:
    def __init__(self, repository: Repository | None = None) -> None:
        self.repository = repository

    def save(self) -> None:
        if self.repository:
            self.repository.save()
"""
FACTORY = "from shop.service import Repository, Service\n\nservice = Service({})\n"


@pytest.fixture
def shop(desk: Desk) -> Desk:
    desk.write("shop/service.py", SERVICE)
    desk.write("shop/factory.py", FACTORY.format(""))
    desk.write("tests/test_shop.py", FACTORY.format("Repository()"))
    return desk


def test_dependency_that_only_a_test_supplies_is_named_with_call_site_and_guard(shop: Desk) -> None:
    ended = shop.run("wiring")
    assert ended.code == EXIT_GATE_FAILED
    assert ended.out.splitlines() == [
        "Service.repository: Repository  (shop/service.py:5)",
        "  supplied by nobody: built without it at shop/factory.py:3",
        "  passed over in silence when it is missing at shop/service.py:9",
    ]
    assert "fail: nobody supplies Service.repository" in ended.err
    assert "fix: hand it over at shop/factory.py:3" in ended.err


def test_dependency_that_is_supplied_is_shown_when_asked_for(shop: Desk) -> None:
    shop.write("shop/factory.py", FACTORY.format("Repository()"))
    assert (shop.run("wiring").code, shop.run("wiring").out) == (EXIT_OK, "")
    assert "  supplied at shop/factory.py:3" in shop.run("wiring", "--explain").out


def test_dependency_of_a_class_nobody_builds_is_shown_with_the_reason(shop: Desk) -> None:
    shop.write("shop/factory.py", "")
    shown = shop.run("wiring", "--explain")
    assert shown.code == EXIT_OK
    assert "  not known: nothing in the project builds the class" in shown.out


def test_variable_that_nothing_sets_and_a_route_passes_over_is_red_and_shown(shop: Desk) -> None:
    shop.write("shop/factory.py", FACTORY.format("Repository()"))
    route = '@app.post("/")\ndef post() -> None:\n    if repository:\n        repository.save()\n'
    shop.write("shop/main.py", f"app = FastAPI()\nrepository = None\n\n\n{route}")
    ended = shop.run("wiring", "--explain")
    assert ended.code == EXIT_GATE_FAILED
    assert "shop.main:repository  (shop/main.py:2)\n  nothing ever sets it; passed over" in ended.out
    assert "fail: nothing ever sets shop.main:repository" in ended.err


def test_dependency_that_goes_where_nobody_follows_is_shown(shop: Desk) -> None:
    shop.write("shop/service.py", SERVICE.replace("self.repository = repository", "self.all = [repository]"))
    ended = shop.run("wiring", "--explain")
    assert ended.code == EXIT_OK
    assert "Service.repository  (shop/service.py:5)\n  not followed: " in ended.out


def test_json_holds_verdict_and_scan(shop: Desk) -> None:
    ended = shop.run("wiring", "--json")
    assert ended.code == EXIT_GATE_FAILED
    assert (ended.json["verdict"]["status"], ended.json["wiring"]["files"]) == ("fail", 2)
    assert [one["supply"] for one in ended.json["wiring"]["dependencies"]] == ["never"]


@pytest.mark.parametrize("content", [b"def (:\n", b"\xff\xfe\x00", b"x = '\x00'\n"])
def test_source_that_cannot_be_read_is_blind(shop: Desk, content: bytes) -> None:
    (shop.root / "shop" / "broken.py").write_bytes(content)
    ended = shop.run("wiring")
    assert ended.code == EXIT_EVIDENCE
    assert "shop/broken.py" in ended.err


def test_source_that_is_no_source_can_be_left_out(shop: Desk) -> None:
    shop.write("shop/factory.py", FACTORY.format("Repository()"))
    shop.write("templates/{{ name }}.py", "{{ code }} {% if %}\n")
    assert shop.run("wiring").code == EXIT_EVIDENCE
    assert shop.run("wiring", "--set", 'wiring.exclude=["tests/*", "templates/*"]').code == EXIT_OK


def test_project_without_a_source_is_blind(desk: Desk) -> None:
    assert desk.run("wiring").code == EXIT_EVIDENCE


def seen(shop: Desk, **more: object) -> None:
    """Leave what a run of the stage would: the sources as they are, and one walk."""
    ended = shop.run("wiring", "--json")
    scan = msgspec.convert(ended.json["wiring"], WiringScan)
    walk = Walk(root=scan.roots[0].name, objects=2, walk_ms=0.25, left=("x: needs a request",), **more)
    folder = shop.root / ".truegreen" / "wiring"
    folder.mkdir(parents=True)
    files.write_atomic(folder / "wiring.json", msgspec.json.encode(msgspec.structs.replace(scan, walks=(walk,))))
    tree = git.inspect(shop.root, ProcessRunner())
    stage_record.write(folder, record("wiring", commit=tree.commit, tree=tree.tree))


def test_root_that_was_not_walked_is_counted_and_named_when_asked_for(shop: Desk) -> None:
    shop.write("shop/factory.py", FACTORY.format("Repository()"))
    ended = shop.run("wiring", "--explain")
    assert ended.code == EXIT_OK
    assert "shop.factory:service  (shop/factory.py:3)" in ended.out
    assert "1 root(s) not walked on these sources: run `truegreen run wiring`" in ended.err


def test_last_walk_is_told_and_judged(shop: Desk) -> None:
    shop.write("shop/factory.py", FACTORY.format("Repository()"))
    flaw = Flawed(
        flaw=Flaw.MISSING,
        path="Service.repository",
        name="Service.repository",
        declared="Repository | None",
        place=Place("shop/service.py", 5),
        holds="None",
        why="passed over",
    )
    seen(shop, flawed=(flaw,), held=(("Service.repository", "None", "Service.repository"),))
    ended = shop.run("wiring")
    assert ended.code == EXIT_GATE_FAILED
    assert ended.out.splitlines() == [
        "shop.factory:service  (shop/factory.py:3)",
        "  Service.repository is None; Repository | None declared at shop/service.py:5 (passed over)",
    ]


def test_last_walk_is_told_whole_when_asked_for(shop: Desk) -> None:
    shop.write("shop/factory.py", FACTORY.format("Repository()"))
    seen(shop, held=(("Service.repository", "Repository", "Service.repository"),))
    ended = shop.run("wiring", "--explain")
    assert ended.code == EXIT_OK
    assert ended.out.splitlines()[-4:] == [
        "shop.factory:service  (shop/factory.py:3)",
        "  Service.repository holds Repository",
        "  not looked at: x: needs a request",
        "  2 objects in 0.25 ms",
    ]


def test_walk_that_could_not_build_is_told(shop: Desk) -> None:
    shop.write("shop/factory.py", FACTORY.format("Repository()"))
    seen(shop, error="KeyError: 'DSN'", remedy="give it")
    ended = shop.run("wiring")
    assert ended.code == EXIT_GATE_FAILED
    assert "  could not be built: KeyError: 'DSN'" in ended.out
    assert "fix: give it" in ended.err


def test_walk_of_other_sources_is_not_taken_along(shop: Desk) -> None:
    shop.write("shop/factory.py", FACTORY.format("Repository()"))
    seen(shop, error="KeyError: 'DSN'")
    shop.write("shop/factory.py", "\n" + FACTORY.format("Repository()"))
    assert shop.run("wiring").code == EXIT_OK


@pytest.mark.parametrize("name", ["wiring.json", "stage.json"])
def test_evidence_that_cannot_be_read_is_not_taken_along(shop: Desk, name: str) -> None:
    shop.write("shop/factory.py", FACTORY.format("Repository()"))
    seen(shop, error="KeyError: 'DSN'")
    shop.write(f".truegreen/wiring/{name}", "[]")
    assert shop.run("wiring").code == EXIT_OK


FACTORIES = """
from shop.service import Repository, Service

def get_service() -> Service:
    return Service(Repository())

async def get_other_service() -> Service:
    return Service(Repository())

def create_it(*, engine) -> Service:
    return Service(engine)
"""


@pytest.fixture
def walked(shop: Desk) -> Desk:
    """A project with three factories, as the last run of the stage saw them."""
    shop.write("shop/factory.py", FACTORIES)
    shop.write("pyproject.toml", '[tool.truegreen.wiring]\nfactories = ["shop.factory:create_it"]\n')
    scan = msgspec.convert(shop.run("wiring", "--json").json["wiring"], WiringScan)
    held = (("Service.repository", "Repository", "Service.repository"), ("X.y", "Z", "app['a'].y"))
    walks = tuple(Walk(root=root.name, objects=2, held=held) for root in scan.roots)
    folder = shop.root / ".truegreen" / "wiring"
    folder.mkdir(parents=True)
    files.write_atomic(folder / "wiring.json", msgspec.json.encode(msgspec.structs.replace(scan, walks=walks)))
    tree = git.inspect(shop.root, ProcessRunner())
    stage_record.write(folder, record("wiring", commit=tree.commit, tree=tree.tree))
    return shop


def test_tests_are_written_to_be_read_and_they_pass(walked: Desk) -> None:
    ended = walked.run("wiring", "--write-tests")
    assert (ended.code, ended.out) == (EXIT_OK, "tests/wiring/test_factories_are_wired.py written: 2 test(s)\n")
    assert "no test of shop.factory:get_other_service: it is no plain function" in ended.err
    text = (walked.root / "tests/wiring/test_factories_are_wired.py").read_text()
    assert "    built = get_service()\n" in text
    assert "def test_shop_factory_create_it(engine):" in text
    assert "    assert type(built.repository).__name__ == 'Repository'  # Service.repository\n" in text
    command = [sys.executable, "-m", "pytest", "-q", "-o", "markers=wiring", "-k", "get_service", "tests"]
    done = ProcessRunner().run(command, cwd=walked.root, timeout_s=120)
    assert "1 passed, 1 deselected" in done.stdout


def test_tests_that_were_written_are_current_until_somebody_changes_them(walked: Desk) -> None:
    path = walked.root / "tests/wiring/test_factories_are_wired.py"
    evidence = walked.root / ".truegreen"
    kept = {file: file.read_bytes() for file in evidence.rglob("*") if file.is_file()}
    for edit, action in ((None, "written"), (None, "is current"), (b"# mine\n", "was changed by somebody")):
        if edit:
            path.write_bytes(path.read_bytes() + edit)
        tree = git.inspect(walked.root, ProcessRunner())
        for file, data in kept.items():
            file.write_bytes(data)
        stage_record.write(evidence / "wiring", record("wiring", commit=tree.commit, tree=tree.tree))
        assert action in walked.run("wiring", "--write-tests").out
    assert path.read_bytes().endswith(b"# mine\n")


def test_tests_of_what_was_not_walked_are_refused(shop: Desk) -> None:
    ended = shop.run("wiring", "--write-tests")
    assert ended.code == EXIT_EVIDENCE
    assert "truegreen run wiring" in ended.err
