"""Data files as coverage.py leaves them, held against its own reports."""

from __future__ import annotations

import io
import os
import sqlite3
from pathlib import Path

import coverage
import pytest

from truegreen.errors import EvidenceMissing, EvidenceUnreadable
from truegreen.ingest.coverage_data import CoverageDataReader, of_shards
from truegreen.model.coverage import lines_of

MODULE = '''"""A module."""


def sign(number):
    if number < 0:
        return -1
    return max(
        number,
        1,
    )


def never():
    return [
        1,
    ]


sign({})
'''


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("TRUEGREEN_CACHE", str(folder))
    return folder


def project(root, number=3):
    (root / "src").mkdir(parents=True, exist_ok=True)
    (root / "src" / "m.py").write_text(MODULE.format(number))
    (root / "src" / "__init__.py").touch()
    (root / "src" / "unused.py").write_text("x = 1\n")
    return root


def measure(root, data, *, branch=False, contexts=False, monkeypatch=None, relative=False):
    """Run the module under coverage, and return what coverage itself says: file → (covered, missing)."""
    monkeypatch.chdir(root)
    measured = coverage.Coverage(data_file=str(data), branch=branch, source=["src"], config_file=False)
    measured.set_option("run:relative_files", relative)
    measured.start()
    try:
        if contexts:
            measured.switch_context("one")
        exec(compile((root / "src" / "m.py").read_text(), str(root / "src" / "m.py"), "exec"), {})
        if contexts:
            measured.switch_context("two")
            exec(compile((root / "src" / "m.py").read_text(), str(root / "src" / "m.py"), "exec"), {})
    finally:
        measured.stop()
    measured.save()
    measured.report(file=io.StringIO())
    told = {}
    for name in ("m", "unused", "__init__"):
        path = f"src/{name}.py"
        _, statements, _, missing, _ = measured.analysis2(str(root / path))
        told[path] = (sorted(set(statements) - set(missing)), sorted(missing))
    return told


def plain(measured):
    return {file.path: (lines_of(file.covered), lines_of(file.missing)) for file in measured.files}


@pytest.mark.parametrize("branch", [False, True])
@pytest.mark.parametrize("contexts", [False, True])
def test_data_says_what_the_report_of_coverage_says(tmp_path, monkeypatch, branch, contexts):
    root = project(tmp_path / "p")
    told = measure(root, tmp_path / "data", branch=branch, contexts=contexts, monkeypatch=monkeypatch)
    assert told["src/m.py"][1] == [6, 14]
    found = CoverageDataReader().read(tmp_path / "data", root)
    assert plain(found) == told
    assert not found.has_branches


def test_shards_that_ran_in_other_folders_are_one(tmp_path, monkeypatch):
    roots = [project(tmp_path / name, number) for name, number in (("one", 3), ("two", -3))]
    told = [measure(root, root / "data", monkeypatch=monkeypatch)["src/m.py"] for root in roots]
    here = project(tmp_path / "here")
    found = plain(of_shards([root / "data" for root in roots], here))["src/m.py"]
    assert (found[0], found[1]) == (sorted({*told[0][0], *told[1][0]}), sorted({*told[0][1]} & {*told[1][1]}))


@pytest.mark.parametrize("relative", [False, True])
def test_only_wanted_files_are_told(tmp_path, monkeypatch, relative):
    root = project(tmp_path / "p")
    told = measure(root, tmp_path / "data", relative=relative, monkeypatch=monkeypatch)
    found = of_shards([tmp_path / "data"], root, {"src/m.py", "src/absent.py"})
    assert plain(found) == {"src/m.py": told["src/m.py"]}
    assert of_shards([tmp_path / "data"], root, set()).files == ()


def test_data_that_was_combined_from_two_folders_is_refused(tmp_path, monkeypatch):
    root = project(tmp_path / "p")
    measure(root, tmp_path / "data", monkeypatch=monkeypatch)
    change(tmp_path / "data", "UPDATE file SET path = '/other/' || 'src/unused.py' WHERE path LIKE '%unused.py'")
    for wanted in (None, {"src/m.py", "src/unused.py"}):
        with pytest.raises(EvidenceUnreadable) as caught:
            of_shards([tmp_path / "data"], root, wanted)
        assert "/other/src/unused.py" in caught.value.why
        assert "lie in two places" in caught.value.why


def change(path, *statements):
    with sqlite3.connect(path) as database:
        for statement in statements:
            database.execute(statement)
    database.close()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE coverage_schema SET version = 99", "schema"),
        ("CREATE VIEW more AS SELECT 1", "views or triggers"),
        ("DELETE FROM file", "measured no file"),
        ("UPDATE line_bits SET file_id = 99", "lines of a file that it does not name"),
        ("UPDATE file SET path = x'00ff' WHERE path LIKE '%unused.py'", "BLOB"),
        ("UPDATE file SET path = NULL WHERE path LIKE '%unused.py'", "no text"),
        ("UPDATE file SET path = '/etc/passwd' WHERE path LIKE '%unused.py'", "outside the project"),
        ("UPDATE line_bits SET numbits = zeroblob(200000)", "beyond"),
        ("UPDATE line_bits SET numbits = 3", ""),
        ("INSERT INTO arc SELECT id, 1, 1, 2 FROM file", "both"),
        ("DROP TABLE line_bits", "no such table"),
    ],
)
def test_data_that_was_tampered_with_is_refused(tmp_path, monkeypatch, statement, told):
    root = project(tmp_path / "p")
    measure(root, tmp_path / "data", monkeypatch=monkeypatch)
    change(tmp_path / "data", statement)
    with pytest.raises(EvidenceUnreadable) as caught:
        CoverageDataReader().read(tmp_path / "data", root)
    assert told in caught.value.why
    assert str(tmp_path / "data") in caught.value.where


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + b"x" * 200, b"{}"])
def test_file_that_is_no_data_is_refused(tmp_path, content):
    (tmp_path / "data").write_bytes(content)
    with pytest.raises(EvidenceUnreadable):
        CoverageDataReader().read(tmp_path / "data", tmp_path)


def test_data_that_was_cut_is_refused(tmp_path, monkeypatch):
    root = project(tmp_path / "p")
    measure(root, tmp_path / "data", monkeypatch=monkeypatch)
    content = (tmp_path / "data").read_bytes()
    (tmp_path / "data").write_bytes(content[: len(content) // 2])
    with pytest.raises(EvidenceUnreadable):
        CoverageDataReader().read(tmp_path / "data", root)


def test_missing_data_is_missing(tmp_path):
    with pytest.raises(EvidenceMissing):
        CoverageDataReader().read(tmp_path / "none", tmp_path)


def test_source_that_is_gone_is_refused_and_never_counted_as_covered(tmp_path, monkeypatch):
    root = project(tmp_path / "p")
    measure(root, tmp_path / "data", monkeypatch=monkeypatch)
    Path(root / "src" / "unused.py").unlink()
    with pytest.raises(EvidenceUnreadable, match="not there"):
        CoverageDataReader().read(tmp_path / "data", root)


def test_template_measured_by_a_plugin_is_refused(tmp_path, monkeypatch):
    root = project(tmp_path / "p")
    measure(root, tmp_path / "data", monkeypatch=monkeypatch)
    (root / "src" / "page.html").write_text("<p>\n")
    change(tmp_path / "data", "UPDATE file SET path = replace(path, 'unused.py', 'page.html')")
    with pytest.raises(EvidenceUnreadable, match="template"):
        CoverageDataReader().read(tmp_path / "data", root)


def test_measured_file_outside_the_project_is_refused_with_the_data_that_names_it(tmp_path):

    root = tmp_path / "project"
    root.mkdir()
    (root / "m.py").write_text("a = 1\n")
    data = coverage.CoverageData(str(tmp_path / ".coverage"))
    data.add_lines({str(root / "m.py"): [1], "/usr/lib/other/strange.py": [1]})
    data.write()
    with pytest.raises(EvidenceUnreadable, match=r"\.coverage cannot be read") as caught:
        of_shards([tmp_path / ".coverage"], root)
    assert "lies outside the project" in caught.value.why


def test_shards_that_ran_in_different_folders_are_one_project(tmp_path):

    for name in ("a", "b"):
        (tmp_path / "src" / name).mkdir(parents=True)
        (tmp_path / "src" / name / "m.py").write_text("a = 1\nb = 2\n")
    shards = []
    for number, home in enumerate((str(tmp_path), "/home/runner/work/x/x"), 1):
        shards.append(tmp_path / f".coverage.{number}")
        data = coverage.CoverageData(str(shards[-1]))
        data.add_lines({f"{home}/src/a/m.py": [number], f"{home}/src/b/m.py": [1]})
        data.write()
    every = of_shards(shards, tmp_path)
    assert [(file.path, lines_of(file.covered)) for file in every.files] == [
        ("src/a/m.py", [1, 2]),
        ("src/b/m.py", [1]),
    ]
    assert of_shards(shards, tmp_path, {"src/a/m.py"}).files == every.files[:1]


@pytest.mark.parametrize("before", [0, 1])
def test_two_names_of_one_shard_that_would_be_one_file_are_refused(tmp_path, before):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "m.py").write_text("a = 1\nb = 2\n")
    shards = []
    for number, homes in enumerate([("/one",)] * before + [("/one", "/two")]):
        shards.append(tmp_path / f".coverage.{number}")
        data = coverage.CoverageData(str(shards[-1]))
        data.add_lines({f"{home}/src/m.py": [1] for home in homes})
        data.write()
    with pytest.raises(EvidenceUnreadable) as caught:
        of_shards(shards, tmp_path)
    assert caught.value.where == str(shards[-1])
    assert all(name in caught.value.why for name in ("/one/src/m.py", "/two/src/m.py", "src/m.py"))


def foreign(folder, *paths):
    """Write data of line 1 of some files, whether they are there or not."""
    data = coverage.CoverageData(str(folder / ".coverage"))
    data.add_lines({str(path): [1] for path in paths})
    data.write()
    return [folder / ".coverage"]


@pytest.mark.parametrize("elsewhere", ["/tmp/pytest-of-ci/plugin", "/zzz/plugin"])
def test_data_of_a_file_in_another_folder_is_not_the_projects_file_of_that_name(tmp_path, elsewhere):
    for name in ("app.py", "lib/core.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a = 1\n")
    data = foreign(tmp_path, tmp_path / "lib" / "core.py", f"{elsewhere}/app.py")
    for wanted in (None, {"app.py", "lib/core.py"}):
        with pytest.raises(EvidenceUnreadable) as caught:
            of_shards(data, tmp_path, wanted)
        assert f"{elsewhere}/app.py" in caught.value.why
        assert "leave files of other projects out" in caught.value.why


@pytest.mark.parametrize("wanted", [None, {"app.py"}])
def test_data_of_nothing_but_the_name_of_a_file_elsewhere_is_refused(tmp_path, wanted):
    (tmp_path / "app.py").write_text("a = 1\n")
    with pytest.raises(EvidenceUnreadable, match="cannot be read") as caught:
        of_shards(foreign(tmp_path, "/srv/x/app.py"), tmp_path, wanted)
    assert "/srv/x/app.py may be another file than app.py" in caught.value.why


@pytest.mark.parametrize("wanted", [None, {"app.py"}])
def test_data_of_another_machine_is_the_projects_where_a_longer_path_bears_it_out(tmp_path, wanted):
    for name in ("app.py", "lib/core.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a = 1\n")
    data = foreign(tmp_path, "/home/ci/app/app.py", "/home/ci/app/lib/core.py")
    names = [file.path for file in of_shards(data, tmp_path, wanted).files]
    assert names == (["app.py"] if wanted else ["app.py", "lib/core.py"])


@pytest.mark.skipif(os.sep != "/", reason="a backslash is no part of a name there")
def test_source_with_a_backslash_in_its_name_is_found_as_it_is_written(tmp_path):
    (tmp_path / "src").mkdir()
    for name in ("back\\slash.py", "m.py"):
        (tmp_path / "src" / name).write_text("a = 1\n")
    data = foreign(tmp_path, tmp_path / "src" / "back\\slash.py", tmp_path / "src" / "m.py")
    assert [file.path for file in of_shards(data, tmp_path).files] == ["src/back\\slash.py", "src/m.py"]
    (file,) = of_shards(foreign(tmp_path, tmp_path / "src" / "back\\slash.py"), tmp_path, {"src/back\\slash.py"}).files
    assert lines_of(file.covered) == [1]


def test_data_of_a_line_beyond_the_end_of_its_file_is_of_another_state(tmp_path):
    (tmp_path / "m.py").write_text("a = 1\n")
    data = coverage.CoverageData(str(tmp_path / ".coverage"))
    data.add_lines({str(tmp_path / "m.py"): [1, 400]})
    data.write()
    with pytest.raises(EvidenceUnreadable, match="another state of the sources") as caught:
        of_shards([tmp_path / ".coverage"], tmp_path)
    assert caught.value.why == "m.py has 2 lines, and it tells of line 400"
