"""One test for each root of a project, in this process: how it is made, what it says, and what it leaves."""

from __future__ import annotations

from textwrap import dedent

import pytest
from tests.support.wiring_roots import PARTS, build, wrong

pytest_plugins = ["pytester"]


def test_root_is_a_test_of_the_session_with_a_name_and_the_mark_of_the_stage(walk):
    result, seen, walks = walk("-m", "wiring", tests="def test_other(): pass", di=build("return Service(Repository())"))
    result.assert_outcomes(passed=1, deselected=1)
    assert seen["ids"] == ["wiring::shop.di:get_service"]
    assert (seen["collected"], seen["selected"], seen["deselected"], seen["unknown_marks"]) == (2, 1, 1, {})
    assert walks["shop.di:get_service"]["held"] == [["Service.repository", "Repository", "Service._repository"]]


def test_root_is_walked_whatever_the_command_line_leaves_out(walk):
    _, seen, _ = walk(
        "-k", "nothing_of_this_name", tests="def test_a(): pass", di=build("return Service(Repository())")
    )
    assert seen["ids"] == ["wiring::shop.di:get_service"]
    assert seen["left_out"] == 1


def test_missing_dependency_is_told_with_path_declaration_and_guard(walk):
    result, _, walks = walk(di=build("return Service()"))
    result.assert_outcomes(failed=1)
    (flaw,) = walks["shop.di:get_service"]["flawed"]
    assert (flaw["path"], flaw["declared"], flaw["place"]["line"]) == ("Service._repository", "Repository | None", 9)
    assert "passed over in silence" in flaw["why"]
    result.stdout.fnmatch_lines(["*Service._repository is None; Repository | None declared at *parts.py:9 (*"])


def test_missing_dependency_that_is_optional_for_a_reason_is_seen_and_passes(walk):
    result, _, walks = walk(di=build("return Service()"), optional=["Service.repository"])
    result.assert_outcomes(passed=1)
    assert wrong(walks["shop.di:get_service"]) == ["Service._repository"]


@pytest.mark.parametrize(
    ("head", "body", "more"),
    [
        ("async def get_service():", "return Service({})", ""),
        ("def get_service():", "yield Service({})", ""),
        ("async def get_service():", "yield Service({})", ""),
        ("@contextmanager\ndef get_service():", "yield Service({})", "from contextlib import *"),
        ("@asynccontextmanager\nasync def get_service():", "yield Service({})", "from contextlib import *"),
        ("@lru_cache\ndef get_service():", "return Service({})", "from functools import *"),
        ("def get_service() -> Service:", "return locals().get('x') or Service({})", ""),
        ("def get_service():", "service = Service({})\n    return service", ""),
    ],
)
@pytest.mark.parametrize(("given", "red"), [("SqlRepository()", []), ("", ["Service._repository"])])
def test_factory_of_every_kind_is_built_and_walked(walk, head, body, more, given, red):
    result, _, walks = walk(di=build(body.format(given), head=head, more=more))
    assert wrong(walks["shop.di:get_service"]) == red
    result.assert_outcomes(**({"failed": 1} if red else {"passed": 1}))


@pytest.mark.parametrize("head", ["def get_service():", "async def get_service():"])
def test_what_a_generator_holds_is_closed_after_the_walk_and_may_fail_then(walk, pytester, head):
    body = "try:\n        yield Service(Repository())\n    finally:\n        open('closed', 'w').close(); raise OSError"
    result, _, walks = walk(di=build(body, head=head))
    result.assert_outcomes(passed=1)
    assert "error" not in walks["shop.di:get_service"]
    assert (pytester.path / "closed").exists()


def test_factory_that_raises_is_red_with_the_reason(walk):
    result, _, walks = walk(di=build("import os\n    os.environ['NO_DSN']\n    return Service()"))
    result.assert_outcomes(failed=1)
    assert walks["shop.di:get_service"]["error"] == "KeyError: 'NO_DSN'"
    assert "`env`" in walks["shop.di:get_service"]["remedy"]


def test_module_that_cannot_be_imported_is_red_with_the_reason(walk):
    _, _, walks = walk(di=build("return Service()", more="import no_such_module_anywhere"))
    assert "no_such_module_anywhere" in walks["shop.di:get_service"]["error"]
    assert "install" in walks["shop.di:get_service"]["remedy"]


@pytest.mark.parametrize("name", ["shop.di:nothing", "shop.nowhere:get_service", "nowhere:get_service"])
def test_declared_factory_that_is_not_there_is_red_and_told(walk, name):
    result, _, walks = walk(declared=[name], di="")
    result.assert_outcomes(failed=1)
    assert walks[name]["error"]
    assert walks[name]["remedy"]


def test_factory_that_hangs_is_ended(walk):
    result, _, walks = walk(di=build("import time\n    time.sleep(60)\n    return Service()"), limit_s=0.3)
    result.assert_outcomes(failed=1)
    assert "not built within 0.3 s" in walks["shop.di:get_service"]["error"]


def test_factory_that_hangs_in_a_coroutine_is_ended_though_it_catches_everything(walk):
    body = "import asyncio\n    try:\n        await asyncio.sleep(60)\n    except Exception: pass\n    return Service()"
    _, _, walks = walk(di=build(body, head="async def get_service():"), limit_s=0.3)
    assert "not built within 0.3 s" in walks["shop.di:get_service"]["error"]


def test_import_that_takes_long_is_not_interrupted(walk):
    result, _, _ = walk(di=build("return Service(Repository())", more="import time; time.sleep(0.5)"), limit_s=0.3)
    result.assert_outcomes(passed=1)


def test_required_arguments_come_from_fixtures_and_are_not_judged(walk, pytester):
    text = """
        import pytest
        @pytest.fixture
        def engine():
            class FakeEngine: ...
            return FakeEngine()
    """
    pytester.makeconftest(dedent(text))
    parts = (
        PARTS + "\n    class Db(Repository):\n        def __init__(self, engine: Repository): self.engine = engine\n"
    )
    result, _, walks = walk(
        declared=["shop.di:get_service"],
        parts=parts,
        di=build("return Service(Db(engine))", head="def get_service(engine):"),
    )
    result.assert_outcomes(passed=1)
    assert ["Db.engine", "FakeEngine", "Service._repository.engine"] in walks["shop.di:get_service"]["held"]


def test_required_argument_without_a_fixture_is_red_and_says_which(walk):
    _, _, walks = walk(declared=["shop.di:get_service"], di=build("return 1", head="def get_service(engine):"))
    assert "needs `engine`" in walks["shop.di:get_service"]["error"]
    assert "fixture `engine`" in walks["shop.di:get_service"]["remedy"]


def test_fixtures_that_are_always_there_are_there_for_the_roots(walk, pytester):
    text = """
        import pytest
        @pytest.fixture(autouse=True)
        def dsn(monkeypatch):
            monkeypatch.setenv("DSN_OF_TEST", "x")
    """
    folder = pytester.mkdir("tests")
    (folder / "conftest.py").write_text(dedent(text))
    (folder / "test_a.py").write_text("import pytest\n@pytest.mark.wiring\ndef test_a(): pass\n")
    body = "import os\n    os.environ['DSN_OF_TEST']\n    return Service(Repository())"
    result, _, _ = walk("tests", di=build(body))
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("made", "red"),
    [
        ("Service(FakeRepository())", ["Service._repository"]),
        ("[Service(), Service(Repository())]", ["get_service()[0]._repository"]),
        ("{'a': Service()}", ["get_service()['a']._repository"]),
        ("functools.partial(print, Service())", ["get_service()[0]._repository"]),
        ("Service().save", ["get_service()", "get_service()._repository"]),
        ("lambda service=Service(): service", ["get_service()"]),  # no service, and what it keeps is not asked
        ("Outer(Service())", ["Outer.service._repository"]),
        ("Slotted(Service())", ["Slotted.inner._repository"]),
        ("Looped()", []),
        ("Property(Repository())", []),
        ("None", ["get_service()"]),
    ],
)
def test_walk_goes_through_what_objects_hold_and_runs_nothing(walk, made, red):
    parts = (
        PARTS
        + """
    class Outer:
        def __init__(self, service: Service):
            self.service = service

    class Slotted:
        __slots__ = ("inner", "unset")
        def __init__(self, inner: Service):
            self.inner = inner

    class Looped:
        def __init__(self):
            self.me = self
            self.deep = [[[self]]]

    class Property(Service):
        @property
        def danger(self): raise SystemExit("a property was run")
        def __getattribute__(self, name): raise SystemExit("an attribute was asked for")
        def __getattr__(self, name): raise SystemExit("an attribute was asked for")
    """
    )
    text = build(f"return {made}", head="def get_service() -> Service:", more="import functools")
    _, _, walks = walk(parts=parts, di=text)
    assert wrong(walks["shop.di:get_service"]) == red


def test_deep_and_wide_objects_end_and_say_so(walk):
    parts = (
        PARTS
        + """
    class Node:
        def __init__(self, next=None):
            self.next = next
            self.service = Service(Repository())
    def chain():
        node = None
        for _ in range(100):
            node = Node(node)
        return node
    """
    )
    result, _, walks = walk(
        parts=parts, di=build("service = Service(Repository())\n    service.x = chain()\n    return service")
    )
    result.assert_outcomes(passed=1)
    assert "deep" in walks["shop.di:get_service"]["left"][0]


@pytest.mark.parametrize(
    ("given", "kept", "red"),
    [
        ("Service()", "self.__repository = repository", ["Service._Service__repository"]),
        ("Service(Repository())", "self.__repository = repository", []),
        ("Service()", "self._repository, self.x = repository, 1", ["Service._repository"]),
        ("Service()", "self._repository = repository or InMemoryRepository()", ["Service._repository"]),
        (
            "Service()",
            "self._repository = InMemoryRepository() if repository is None else repository",
            ["Service._repository"],
        ),
        ("Service(Repository())", "self._repository = repository or InMemoryRepository()", []),
        ("Service()", "self._repository = repository or Repository()", []),
    ],
)
def test_dependency_is_found_however_it_is_kept(walk, given, kept, red):
    parts = PARTS.replace("self._repository = repository", kept).replace("FakeRepository", "InMemoryRepository")
    parts = parts.replace("self._repository", "self.__repository") if "__" in kept else parts
    _, _, walks = walk(parts=parts, di=build(f"return {given}"))
    assert wrong(walks["shop.di:get_service"]) == red


def test_names_that_are_no_text_are_told_all_the_same(walk):
    result, _, walks = walk(di=build("raise KeyError('\\udc80' * 3)\n    return Service()"))
    result.assert_outcomes(failed=1)
    assert walks["shop.di:get_service"]["error"].startswith("KeyError")


def test_module_that_builds_its_service_itself_is_a_root_and_a_constant_is_none(walk):
    _, _, walks = walk(di="from shop.parts import *\n\nservice = Service()\nEMPTY = Service()\n")
    assert list(walks) == ["shop.di:service"]
    assert wrong(walks["shop.di:service"]) == ["Service._repository"]


BEHIND = """
    class Repository:
        def save(self, row): ...

    class Base:
        def __init__(self, repository: Repository | None = None):
            self._repository = repository

        @property
        def repository(self):
            return self._repository

    class Service(Base):
        def save(self, row):
            {}
"""


@pytest.mark.parametrize(
    ("body", "red"),
    [
        ("if self._repository: self._repository.save(row)", True),
        ("kept = self._repository\n            if kept is not None: kept.save(row)", True),
        ("if self.repository: self.repository.save(row)", True),
        ("self._repository.save(row)", True),
        ("return row", False),
    ],
)
def test_guard_of_an_heir_or_by_another_name_is_seen_by_the_walk(walk, body, red):
    parts = BEHIND.format(body)
    result, _, walks = walk(parts=parts, di="from shop.parts import *\n\ndef get_service():\n    return Service()\n")
    (row,) = walks.values()
    assert wrong(row) == (["Service._repository"] if red else [])
    assert [one["name"] for one in row["flawed"]] == ["Base.repository"]
    result.assert_outcomes(failed=red, passed=not red)


STUBS = """
    from shop.ledger_pb2_grpc import LedgerStub
    class Port:
        def apply(self): ...
    class OwnStub(Port): ...
    class StubPort(Port): ...
    from queue import Queue as ServiceStub
    ServiceStub = type("ServiceStub", (ServiceStub,), {{"__module__": "betterproto"}})
    class PlainStub(ServiceStub): ...
    class Service:
        def __init__(self, port{}):
            self._stub = OwnStub()
            self._port = port
        def save(self):
            self._port.apply()
"""


@pytest.mark.parametrize(
    ("declared", "given", "red"),
    [
        (": Port", "LedgerStub()", False),
        (": Port", "PlainStub()", False),
        (": Port", "OwnStub()", True),
        (": OwnStub", "OwnStub()", False),
        ("", "OwnStub()", False),
        ("", "StubPort()", True),
    ],
)
def test_generated_client_of_a_remote_service_is_no_stand_in(walk, declared, given, red):
    grpc = "class LedgerStub:\n    def apply(self): ...\n"
    di = f"from shop.parts import *\n\ndef get_service() -> Service:\n    return Service({given})\n"
    _, _, walks = walk(parts=STUBS.format(declared), ledger_pb2_grpc=grpc, di=di)
    (row,) = walks.values()
    assert wrong(row) == (["Service._port"] if red else [])
