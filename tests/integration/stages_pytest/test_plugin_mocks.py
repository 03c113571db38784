"""What the plugin notes of replacements: in real sessions, serial and in workers, with fixtures of every width."""

from __future__ import annotations

import pytest
from tests.support.replaced import rows

pytest_plugins = ["pytester"]


def test_session_without_replacements_notes_none_and_counts_the_tests(seen):
    found = seen("def test_a(): pass\n@pytest.mark.skip\ndef test_b(): pass\n@pytest.mark.parametrize('n', [1, 2])\n"
                 "def test_c(n): pass\n")  # fmt: skip
    assert (found["watched"], found["watch_problem"]) == (4, "")
    assert (found["replaced"], found["allowances"]) == ([], [])


WAYS = {
    "with mock.patch('shop.Repo.save'): shop.Repo().save(1)": ("patch", "shop.Repo.save", "project"),
    "with mock.patch.object(shop.Repo, 'count', autospec=True): shop.Repo.count()": (
        *("patch", "shop.Repo.count", "project"),
    ),
    "p = mock.patch('shop.make'); p.start(); p.stop()": ("patch", "shop.make", "project"),
    "with mock.patch.multiple(shop, make=mock.DEFAULT): shop.make()": ("patch", "shop.make", "project"),
    "mock.patch('shop.make')(lambda m: shop.make())()": ("patch", "shop.make", "project"),
    "monkeypatch.setattr(shop.Repo, 'save', print)": ("monkeypatch", "shop.Repo.save", "project"),
    "monkeypatch.setattr('shop.Repo.save', print)": ("monkeypatch", "shop.Repo.save", "project"),
    "monkeypatch.setattr(target=shop, name='make', value=print, raising=True)": ("monkeypatch", "shop.make", "project"),
    "monkeypatch.setattr(shop.Repo(), 'save', print)": ("monkeypatch", "shop.Repo.save", "project"),
    "monkeypatch.delattr(shop, 'make')": ("monkeypatch", "shop.make", "project"),
    "monkeypatch.setattr(shop, 'time', mock.Mock()); shop.time.time()": ("monkeypatch", "shop.time", "stdlib"),
    "with mock.patch('shop.time.time'): shop.time.time()": ("patch", "time.time", "stdlib"),
    "monkeypatch.setattr(os, 'getcwd', print)": ("monkeypatch", "os.getcwd", "stdlib"),
    "monkeypatch.setattr(pytest, 'skip', print)": ("monkeypatch", "pytest.skip", "installed"),
    "monkeypatch.setenv('A', 'b')": ("environment", "os.environ[A]", "stdlib"),
    "with mock.patch.dict(os.environ, {'A': 'b'}): pass": ("environment", "os.environ[A]", "stdlib"),
    "with mock.patch.dict('sys.modules', {'shop.db': mock.Mock()}): pass": ("patch", "sys.modules[shop.db]", "project"),
    "monkeypatch.setitem(sys.modules, 'time', None)": ("monkeypatch", "sys.modules[time]", "stdlib"),
    "with mock.patch.dict('shop.__dict__', {'make': print}): pass": ("patch", "shop.__dict__[make]", "project"),
    "monkeypatch.setitem({}, shop.make, print)": ("monkeypatch", "a dictionary[shop.make]", "project"),
    "monkeypatch.setattr(shop, 'TIMEOUT', 0)": ("setting", "shop.TIMEOUT", "project"),
    "monkeypatch.setattr(shop, 'TIMEOUT', None)": ("setting", "shop.TIMEOUT", "project"),
    "monkeypatch.setattr(shop, 'TIMEOUT', print)": ("monkeypatch", "shop.TIMEOUT", "project"),
    "monkeypatch.setattr(shop, 'URL', os.environ.get('HOME'))": ("setting", "shop.URL", "project"),
    "with mock.patch('shop.URL', 'postgresql://h/d'): pass": ("setting", "shop.URL", "project"),
    "monkeypatch.setattr(shop, 'URL', 'sqlite' + '://')": ("monkeypatch", "shop.URL", "project"),
    "monkeypatch.setattr(shop, 'URL', {})": ("setting", "shop.URL", "project"),
    "monkeypatch.setattr(shop, 'HOSTS', [b'b', ('c', 1), {'d': None}])": ("setting", "shop.HOSTS", "project"),
    "monkeypatch.setattr(shop, 'HOSTS', [print])": ("monkeypatch", "shop.HOSTS", "project"),
    "monkeypatch.setattr(shop, 'HOSTS', {'ENGINE': 'x.sqlite3'})": ("monkeypatch", "shop.HOSTS", "project"),
    "own = []; own += [own] * 199; monkeypatch.setattr(shop, 'HOSTS', own)": ("monkeypatch", "shop.HOSTS", "project"),
    "monkeypatch.setattr(shop, 'HOSTS', [*range(1000)])": ("monkeypatch", "shop.HOSTS", "project"),
    "import pathlib; monkeypatch.setattr(shop, 'FOLDER', pathlib.Path('/tmp'))": ("setting", "shop.FOLDER", "project"),
    "import datetime as dt; monkeypatch.setattr(shop, 'FOLDER', dt.timedelta(1))": (
        *("setting", "shop.FOLDER", "project"),
    ),
    "import enum; monkeypatch.setattr(shop, 'URL', enum.Enum('C', 'A B').A)": ("setting", "shop.URL", "project"),
    "monkeypatch.setitem({'a': 1}, 'a', {'ENGINE': 'x.sqlite3'})": ("monkeypatch", "a dictionary[a]", "project"),
    "monkeypatch.setattr(shop.Slots, 'now', print)": ("monkeypatch", "shop._Slots.now", "project"),
    "monkeypatch.delattr(shop, 'URL')": ("monkeypatch", "shop.URL", "project"),
    "with mock.patch.object(shop, 'make', wraps=shop.make): shop.make()": ("spy", "shop.make", "project"),
    "with mock.patch.object(shop.Repo, 'count', wraps=shop.Repo.count): shop.Repo.count()": (
        *("spy", "shop.Repo.count", "project"),
    ),
    "r = shop.Repo()\n    with mock.patch.object(r, 'save', wraps=r.save): r.save(1)": (
        *("spy", "shop.Repo.save", "project"),
    ),
    "with mock.patch.object(shop, 'Repo', wraps=shop.Repo): str(shop.Repo), shop.make()": (
        *("spy", "shop.Repo", "project"),
    ),
    "with mock.patch.object(shop.Repo, 'save', wraps=lambda *a: None): pass": ("patch", "shop.Repo.save", "project"),
    "with mock.patch.object(shop, 'make', wraps=shop.make, return_value=7): pass": ("patch", "shop.make", "project"),
    "with mock.patch.object(shop, 'make', wraps=shop.make, return_value=None): pass": (
        *("patch", "shop.make", "project"),
    ),
    "with mock.patch.object(shop, 'make', wraps=shop.make, side_effect=print): pass": ("patch", "shop.make", "project"),
    "m = mock.Mock(wraps=shop.Repo(), name='m')\n    m.save.return_value = 7; shop.Service(m).run()": (
        *("mock", "m.save", "project"),
    ),
    "m = mock.Mock(); shop.Service(m).run()": ("mock", "mock.save", "project"),
    "m = mock.MagicMock(spec=shop.Repo); shop.Service(m).run()": ("mock", "shop.Repo.save", "project"),
    "m = mock.create_autospec(shop.Repo, instance=True); shop.Service(m).run()": ("mock", "shop.Repo.save", "project"),
    "import asyncio; asyncio.run(mock.AsyncMock(name='bus')())": ("mock", "bus", "project"),
}


@pytest.mark.parametrize("code", WAYS)
def test_each_way_to_replace_is_noted_once_with_its_place(seen, code):
    found = seen(f"def test_a(monkeypatch):\n    {code}\n", passed=1)
    assert found["watch_problem"] == ""
    (row,) = found["replaced"]
    assert (row["kind"], row["target"], row["origin"]) == WAYS[code]
    assert (row["path"], row["line"]) == ("test_it.py", 5 + code.count("\n"))
    assert row["uses"] == [["test_it.py::test_a", "call", 1]]


TOLD_LATER = {
    "with mock.patch.object(shop, 'make', wraps=shop.make) as spy:": "spy.side_effect = print",
    "with mock.patch.object(shop, 'make', wraps=shop.make) as  spy:": "spy.return_value = None",
    "with mock.patch.object(shop, 'Repo', wraps=shop.Repo) as spy:": "spy.count.return_value = 7",
    "with mock.patch.object(shop, 'Repo', wraps=shop.Repo) as  spy:": "spy.count = mock.Mock()",
    "with pytest_mock.spy(shop, 'make') as spy:": "spy.side_effect = print",
    "with pytest_mock.spy(shop, 'make') as  spy:": "spy.side_effect = None; spy.return_value = 3",
}


@pytest.mark.parametrize("spy", TOLD_LATER)
def test_spy_that_is_told_later_what_to_answer_is_none_from_then_on(seen, pytester, spy):
    # As pytest-mock's own: its function `spy` patches with a side effect that calls the real thing.
    folder = pytester.mkdir("site-packages")
    folder.joinpath("pytest_mock.py").write_text(
        "from unittest import mock\ndef spy(holder, name):\n    real = getattr(holder, name)\n"
        "    def call(*given): return real(*given)\n    return started(mock.patch.object(holder, name, autospec=True, "
        "side_effect=call))\nclass started:\n    def __init__(self, put): self.patch, self.new = put, put.start()\n"
        "    def __enter__(self): return self.new\n    def __exit__(self, *_): self.patch.stop()\n"
    )
    call = "shop.Repo.count()" if "Repo" in spy else "shop.make()"
    text = (
        "sys.path.insert(0, 'site-packages')\nimport pytest_mock\n"
        f"def test_a():\n    {spy}\n        {call}; {TOLD_LATER[spy]}; {call}; {call}\n"
        f"def test_b():\n    {spy}\n        {call}\n"
    )
    found = rows(seen(text, apart=True, passed=2))
    target = "shop.Repo" if "Repo" in spy else "shop.make"
    assert found.pop(("patch", target)) == [("test_a", "call", 2)]
    assert {kind for kind, _ in found} == {"spy"}


@pytest.mark.parametrize(
    "code",
    ["mock.Mock()", "assert 1 == mock.ANY", "monkeypatch.setitem({}, 'a', 1)", "mock.Mock(wraps=shop.Repo()).save(1)",
     "str(mock.MagicMock(wraps=shop.Repo()))",
     "monkeypatch.delattr(shop, 'nothing', raising=False)", "monkeypatch.chdir('/')",
     "with mock.patch.object(mock.NonCallableMock, 'assert_called'): pass"],
)  # fmt: skip
def test_what_replaces_nothing_is_not_noted(seen, code):
    assert seen(f"def test_a(monkeypatch):\n    {code}\n", passed=1)["replaced"] == []


def test_patch_counts_for_every_test_that_runs_while_it_is_in_place(seen):
    conftest = """
        import pytest, shop
        @pytest.fixture(scope="module")
        def wide():
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(shop, "make", print)
                yield
        @pytest.fixture
        def early(monkeypatch): monkeypatch.setattr(shop.Repo, "save", print)
        @pytest.fixture
        def brief():
            with pytest.MonkeyPatch.context() as patch: patch.setattr(shop.Repo, "count", print)
        @pytest.fixture
        def late():
            yield
            with pytest.MonkeyPatch.context() as patch: patch.setattr(shop.Repo, "count", print)
    """
    tests = ("test_0()", "test_a(brief, late)", "test_b(wide, early)", "test_c()")
    found = seen("".join(f"def {test}: pass\n" for test in tests), conftest=conftest)
    assert rows(found) == {
        ("monkeypatch", "shop.make"): [("test_b", "setup", 1), ("test_c", "setup", 1)],
        ("monkeypatch", "shop.Repo.save"): [("test_b", "setup", 1)],
    }
    assert {(row["path"], row["line"]) for row in found["replaced"]} == {("conftest.py", 5), ("conftest.py", 8)}


@pytest.mark.parametrize("args", [(), ("-n", "2")])
def test_patch_of_a_conftest_at_its_import_counts_for_all(seen, args):
    conftest = "from unittest import mock\nimport shop\nmock.patch('shop.make').start()\n"
    found = seen("def test_a(): pass\ndef test_b(): pass\n", *args, conftest=conftest, apart=True, passed=2)
    assert (found["watched"], found["watch_problem"]) == (2, "")
    (row,) = found["replaced"]
    assert (row["kind"], row["target"], row["path"], row["line"]) == ("patch", "shop.make", "conftest.py", 3)
    assert sorted(use[0] for use in row["uses"]) == ["test_it.py::test_a", "test_it.py::test_b"]


def test_harmless_replacement_of_very_many_tests_names_some(seen):
    conftest = """
        import pytest
        @pytest.fixture(scope="session", autouse=True)
        def wide():
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("A", "b")
                yield
    """
    text = "@pytest.mark.parametrize('n', range(150))\ndef test_a(n): pass\n"
    found = seen(text, conftest=conftest, passed=150)
    (row,) = found["replaced"]
    assert (row["kind"], len(row["uses"]), found["watch_problem"]) == ("environment", 100, "")


def test_decorator_names_the_test_it_decorates_and_times_are_counted(seen):
    text = (
        "@mock.patch('shop.Repo.save')\ndef test_a(m): pass\n"
        "def test_b():\n    for _ in range(3):\n        with mock.patch('shop.make'): pass\n"
        "def test_c():\n    m = mock.Mock()\n    m.save(1); m.save(2)\n"
    )
    found = seen(text)
    assert rows(found) == {
        ("patch", "shop.Repo.save"): [("test_a", "call", 1)],
        ("patch", "shop.make"): [("test_b", "call", 3)],
        ("mock", "mock.save"): [("test_c", "call", 2)],
    }
    assert found["replaced"][0]["line"] == 4


def test_test_case_that_patches_in_its_set_up_runs_under_the_patch(seen):
    text = (
        "import unittest\nclass TestIt(unittest.TestCase):\n    def setUp(self):\n        p = mock.patch('shop.make')\n"
        "        p.start()\n        self.addCleanup(p.stop)\n    def test_a(self): pass\n"
    )
    assert rows(seen(text)) == {("patch", "shop.make"): [("TestIt::test_a", "setup", 1)]}


def test_workers_of_xdist_note_their_part_each(seen):
    text = (
        "@pytest.mark.parametrize('n', range(8))\n@pytest.mark.allow_mocks('shop.*', 'why', until='2030-01-01')\n"
        "def test_a(n):\n    with mock.patch('shop.make'): pass\n"
    )
    found = seen(text, "-n", "2", apart=True, passed=8)
    assert (found["watched"], found["watch_problem"]) == (8, "")
    (row,) = found["replaced"]
    assert {use[0] for use in row["uses"]} == {f"test_it.py::test_a[{n}]" for n in range(8)}
    (allowance,) = found["allowances"]
    assert (allowance["target"], allowance["reason"], allowance["until"]) == ("shop.*", "why", "2030-01-01")
    assert len(allowance["tests"]) == 8


def test_marker_is_noted_as_it_is_written_whatever_that_is(seen):
    marks = ("", "'a.*'", "'a.*', 'why', '2030-01-01'", "target='a.*', until=__import__('datetime').date(2030, 1, 1)",
             "'x' * 500, other=1")  # fmt: skip
    text = "".join(f"@pytest.mark.allow_mocks({mark})\ndef test_{n}(): pass\n" for n, mark in enumerate(marks))
    found = [(one["target"], one["reason"], one["until"]) for one in seen(text, passed=5)["allowances"]]
    assert found == [("", "", ""), ("a.*", "", ""), ("a.*", "why", "2030-01-01"), ("a.*", "", "2030-01-01"),
                     ("x" * 200, "", "")]  # fmt: skip
