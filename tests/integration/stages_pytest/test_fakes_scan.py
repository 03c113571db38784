"""Scanning the tests of a session: paths of the project, and files that are not there, too long or no text."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.stage_contexts import stage_context

from truegreen.model.mocks import FakeScan, FakeUse, Rule
from truegreen.model.service import ServiceHandle
from truegreen.stages.common import fakes_scan
from truegreen.stages.common.pytest_process import Session, Sqlite

FAKE = "import fakeredis\ndef test_a(): fakeredis.FakeRedis()\n"


def test_paths_are_the_projects_wherever_pytest_has_its_root(tmp_path):
    (tmp_path / "service" / "tests").mkdir(parents=True)
    (tmp_path / "service" / "tests" / "test_a.py").write_text("\ufeff" + FAKE, encoding="utf-8")
    for root, test in ((tmp_path, "service/tests/test_a.py"), (tmp_path / "service", "tests/test_a.py")):
        (use,) = fakes_scan.scan(tmp_path, root, [f"{test}::test_a"]).uses
        assert (use.path, use.line, use.tests) == ("service/tests/test_a.py", 2, (f"{test}::test_a",))


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"#" * (5 << 20), None])
def test_file_that_is_no_text_too_long_or_gone_is_unread(tmp_path, data):
    if data is not None:
        (tmp_path / "test_a.py").write_bytes(data)
    found = fakes_scan.scan(tmp_path, tmp_path, ["test_a.py::test_a"])
    assert [name.partition(":")[0] for name in found.unread] == ["test_a.py"]


def chosen(root, sqlite, *, kind="postgres", ids=("test_a.py::test_a",), inifile=""):
    """Return what is left about a session of the persistence stage that found SQLite chosen."""
    (root / "test_a.py").write_text("def test_a(): pass\n", encoding="utf-8")
    server = ServiceHandle(
        name="db", kind=kind, provider="attach", host="h", port=1, url="", exports={"SHOP": "postgresql://h/app"}
    )
    context = msgspec.structs.replace(stage_context(root, None, stage="persistence"), services=(server,))
    fakes_scan.leave(context, Session(ids=list(ids), rootdir=str(root), inifile=inifile, sqlite=sqlite))
    return msgspec.json.decode((context.out / fakes_scan.FILE).read_bytes(), type=FakeScan).uses


def use(what, path, line):
    return FakeUse(rule=Rule.SQLITE, what=what, path=path, line=line, tests=("test_a.py::test_a",))


def test_settings_that_choose_sqlite_are_named_with_the_file_and_line_that_say_so(tmp_path):
    engine = "django.db.backends.sqlite3"
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings" / "ci.py").write_text("from .base import *\n", encoding="utf-8")
    base = tmp_path / "settings" / "base.py"
    base.write_text(f"DEBUG = True\nDATABASES = {{'default': {{'ENGINE': '{engine}'}}}}\n", encoding="utf-8")
    files = [str(tmp_path / "settings" / "ci.py"), str(tmp_path / "gone.py"), str(base)]
    assert chosen(tmp_path, Sqlite(engine=engine, files=files)) == (use(engine, "settings/base.py", 2),)
    assert chosen(tmp_path, Sqlite(engine=engine, files=files[:2])) == (use(engine, "settings/ci.py", 1),)
    assert chosen(tmp_path, Sqlite(engine=engine)) == (use(engine, "pyproject.toml", 1),)


def test_variables_that_lead_to_sqlite_in_place_of_the_database_are_named(tmp_path):
    config = tmp_path / "pytest.ini"
    config.write_text("[pytest]\nenv =\n  DATABASE_URL=sqlite:///x.db\n", encoding="utf-8")
    (tmp_path / ".env").write_text("SHOP=sqlite:///y.db\n", encoding="utf-8")
    variables = {"DATABASE_URL": "sqlite:///x.db", "SHOP": "sqlite:///y.db", "SQLALCHEMY_DATABASE_URI": "sqlite://"}
    assert chosen(tmp_path, Sqlite(variables=variables), inifile=str(config)) == (
        use("DATABASE_URL=sqlite:///x.db", "pytest.ini", 3),
        use("SHOP=sqlite:///y.db", ".env", 1),
        use("SQLALCHEMY_DATABASE_URI=sqlite://", "pytest.ini", 1),
    )


@pytest.mark.parametrize(
    ("sqlite", "more"),
    [
        (Sqlite(variables={"MLFLOW_TRACKING_URI": "sqlite:///mlflow.db", "CACHE": "sqlite://"}), {}),
        (Sqlite(variables={"DATABASE_URL": "sqlite://"}, engine="x.sqlite3"), {"kind": "redis"}),
        (Sqlite(variables={"DATABASE_URL": "sqlite://"}, engine="x.sqlite3"), {"ids": ()}),
        (Sqlite(), {}),
    ],
)
def test_sqlite_in_the_place_of_no_database_is_not_named(tmp_path, sqlite, more):
    assert chosen(tmp_path, sqlite, **more) == ()
