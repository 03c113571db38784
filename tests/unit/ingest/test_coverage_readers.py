"""Cobertura, LCOV, JaCoCo and Clover: real files, paths of other machines, and files that are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from truegreen.errors import EvidenceMissing, EvidenceUnreadable
from truegreen.ingest._coverage import LAST_LINE
from truegreen.ingest.clover import CloverReader
from truegreen.ingest.cobertura import CoberturaReader
from truegreen.ingest.jacoco import JacocoReader
from truegreen.ingest.lcov import LcovReader
from truegreen.model.coverage import lines_of

SAMPLES = Path(__file__).parents[2] / "samples" / "coverage"
READERS = [CoberturaReader, LcovReader, JacocoReader, CloverReader]
# Sample: reader, file, covered and missing lines, branches covered and in all; from tests/samples/coverage/README.md.
TABLE = {
    "coverage-py.cobertura.xml": (CoberturaReader, "src/m.py", [4, 5, 7, 8, 12], [6, 9, 13], (2, 4)),
    "coverage-py.lcov": (LcovReader, "src/m.py", [4, 5, 7, 8, 12], [6, 9, 13], (2, 4)),
    "nyc.cobertura.xml": (CoberturaReader, "lib/sign.js", [2, 5, 12], [3, 9], (2, 4)),
    "nyc.clover.xml": (CloverReader, "lib/sign.js", [2, 5, 12], [3, 9], (2, 4)),
    "nyc.lcov": (LcovReader, "lib/sign.js", [2, 5, 12], [3, 9], (2, 4)),
    "c8.lcov": (LcovReader, "lib/sign.js", [1, 2, 5, 6, 7, 11, 12], [3, 4, 8, 9, 10], (2, 4)),
    "jacoco.xml": (JacocoReader, "core/src/main/java/org/example/Sign.java", [5, 6, 8, 11], [3, 9], (4, 6)),
    "openclover.xml": (CloverReader, "src/main/java/org/example/Sign.java", [4, 5, 6, 8, 11], [9], (3, 4)),
}


@pytest.fixture
def project(tmp_path):
    """Give the project the samples were made of, checked out elsewhere."""
    for _, path, *_ in TABLE.values():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x\n" * 99)
    (tmp_path / "src" / "unused.py").write_text("x\n" * 99)
    for module in ("", "core/"):
        (tmp_path / f"{module}src/main/java/org/example/Unused.java").write_text("x\n" * 99)
    return tmp_path


@pytest.mark.parametrize("name", TABLE)
def test_sample_is_read_as_its_producer_says(project, name):
    reader, path, covered, missing, (taken, branches) = TABLE[name]
    measured = reader().read(SAMPLES / name, project)
    file = next(file for file in measured.files if file.path == path)
    assert (lines_of(file.covered), lines_of(file.missing)) == (covered, missing)
    assert (file.covered_branches, file.branches, measured.has_branches) == (taken, branches, True)


def test_file_of_which_nothing_ran_is_in_the_report(project):
    measured = CoberturaReader().read(SAMPLES / "coverage-py.cobertura.xml", project)
    assert [file.path for file in measured.files if file.missing and not file.covered] == ["src/unused.py"]


def test_tests_of_openclover_are_no_source(project):
    measured = CloverReader().read(SAMPLES / "openclover.xml", project)
    assert [file.path.rpartition("/")[2] for file in measured.files] == ["Sign.java", "Unused.java"]


def read(reader, tmp_path, text, root=None):
    path = tmp_path / "report"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return reader().read(path, root or tmp_path)


def cobertura(lines, filename="src/m.py", sources=""):
    body = f'<class filename="{filename}"><lines>{lines}</lines></class>'
    return f"<coverage><sources>{sources}</sources><packages>{body}</packages></coverage>"


ONE = '<line number="1" hits="1"/>'


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.9])
def test_sample_that_was_cut_is_refused(project, tmp_path, name, part):
    content = (SAMPLES / name).read_bytes().rstrip()
    with pytest.raises(EvidenceUnreadable) as caught:
        read(TABLE[name][0], tmp_path, content[: int(len(content) * part)], project)
    assert str(tmp_path / "report") in caught.value.where


@pytest.mark.parametrize("reader", READERS)
def test_missing_file_is_missing(reader, tmp_path):
    with pytest.raises(EvidenceMissing):
        reader().read(tmp_path / "none", tmp_path)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("text", [b"", b"{}", b"\xff\xfe\x00", b"<other/>", b"SF:a\n", b"end_of_record\n", b"DA:1,1\n"])
def test_file_of_another_kind_is_refused(reader, tmp_path, text):
    with pytest.raises(EvidenceUnreadable):
        read(reader, tmp_path, text)


@pytest.mark.parametrize("reader", [CoberturaReader, JacocoReader, CloverReader])
def test_doctype_that_declares_an_entity_is_refused(reader, tmp_path):
    bomb = '<!DOCTYPE coverage [<!ENTITY a "b">]><coverage>&a;</coverage>'
    with pytest.raises(EvidenceUnreadable, match="XML") as caught:
        read(reader, tmp_path, bomb)
    assert "DOCTYPE" in caught.value.why


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (CoberturaReader, cobertura('<line number="0" hits="1"/>')),
        (CoberturaReader, cobertura(f'<line number="{LAST_LINE + 1}" hits="1"/>')),
        (CoberturaReader, cobertura('<line number="1"/>')),
        (CoberturaReader, cobertura('<line number="1" hits="-1"/>')),
        (CoberturaReader, cobertura('<line number="1" hits="1" branch="true" condition-coverage="9% (3/2)"/>')),
        (CoberturaReader, cobertura("")),
        (CoberturaReader, cobertura(ONE, "../../etc/passwd")),
        (CoberturaReader, cobertura(ONE, "/etc/passwd")),
        (LcovReader, "SF:a.py\nDA:1\nend_of_record\n"),
        (LcovReader, "SF:a.py\nDA:1,x\nend_of_record\n"),
        (LcovReader, "SF:a.py\nDA:1,1\n"),
        (LcovReader, "SF:a.py\nSF:b.py\nend_of_record\n"),
        (LcovReader, "SF:a.py\nBRDA:1,0,0\nend_of_record\n"),
        (LcovReader, "SF:a.py\nWAT:1\nend_of_record\n"),
        (LcovReader, "SF:a.py\n#" + "x" * 70_000),
        (JacocoReader, '<report><sourcefile name="a"><line nr="1" ci="many"/></sourcefile></report>'),
        (CloverReader, '<coverage><file name="a.py"><line num="1"/></file></coverage>'),
    ],
)
def test_impossible_figures_are_refused_with_the_place(reader, tmp_path, text):
    with pytest.raises(EvidenceUnreadable) as caught:
        read(reader, tmp_path, text)
    assert caught.value.why


def test_line_number_of_a_bad_tracefile_is_told(tmp_path):
    with pytest.raises(EvidenceUnreadable) as caught:
        read(LcovReader, tmp_path, "SF:a.py\nDA:1,1\nDA:2,x\nend_of_record\n")
    assert caught.value.where.endswith(":3")


def test_class_in_two_parts_is_one_file(tmp_path):
    (tmp_path / "a.cs").write_text("x\n" * 3)
    lines = '<class filename="a.cs"><lines><line number="{}" hits="{}"/><line number="3" hits="0"/></lines></class>'
    found = read(CoberturaReader, tmp_path, f"<coverage>{lines.format(1, 1)}{lines.format(3, 2)}</coverage>")
    assert [(file.path, lines_of(file.covered)) for file in found.files] == [("a.cs", [1, 3])]


def test_class_with_lines_in_its_methods_alone_is_measured(tmp_path):
    (tmp_path / "a.cs").write_text("x\n" * 7)
    method = '<methods><method><lines><line number="7" hits="1"/></lines></method></methods>'
    found = read(CoberturaReader, tmp_path, f'<coverage><class filename="a.cs">{method}<lines/></class></coverage>')
    assert lines_of(found.files[0].covered) == [7]


@pytest.mark.parametrize(
    ("name", "sources"),
    [
        ("m.py", "<source>/home/ci/app/src</source>"),
        ("/home/ci/app/src/m.py", ""),
        ("C:\\agent\\app\\src\\m.py", ""),
        ("./src/m.py", ""),
        ("m.py", "<source>nowhere</source><source>src</source>"),
        ("pkg/m.py", ""),
    ],
)
def test_path_of_another_machine_is_found_in_the_project(tmp_path, name, sources):
    wanted = "src/pkg/m.py" if name.startswith("pkg") else "src/m.py"
    (tmp_path / wanted).parent.mkdir(parents=True)
    (tmp_path / wanted).write_text("x\n" * 99)
    assert read(CoberturaReader, tmp_path, cobertura(ONE, name, sources)).files[0].path == wanted


def test_name_that_fits_two_files_is_not_guessed(tmp_path):
    for module in ("one", "two"):
        (tmp_path / module / "org").mkdir(parents=True)
        (tmp_path / module / "org" / "A.java").write_text("x\n" * 99)
    report = (
        '<report><package name="org"><sourcefile name="A.java"><line nr="1" ci="1"/></sourcefile></package></report>'
    )
    (tmp_path / "org").mkdir()
    (tmp_path / "org" / "B.java").write_text("x\n")
    both = report.replace("</package>", '<sourcefile name="B.java"><line nr="1" ci="1"/></sourcefile></package>')
    assert [file.path for file in read(JacocoReader, tmp_path, both).files] == ["org/A.java", "org/B.java"]


def tracefile(*names):
    return "".join(f"SF:{name}\nDA:{line},1\nend_of_record\n" for line, name in enumerate(names, 1))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("src/a.py", "/usr/lib/tool/src/a.py"),
        ("/home/ci/app/src/a.py", "/home/ci/vendored/app/src/a.py"),
        ("a.py", "/opt/other/src/a.py"),
        ("C:\\ci\\src\\a.py", "D:\\other\\src\\a.py"),
    ],
)
def test_two_names_that_would_be_one_file_of_the_project_are_refused(tmp_path, one, other):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("x\n" * 99)
    for names in ((one, other), (other, one)):
        with pytest.raises(EvidenceUnreadable) as caught:
            read(LcovReader, tmp_path, tracefile(*names))
        assert caught.value.where.endswith(":6")
        assert "would both be src/a.py of the project" in caught.value.why
        assert names[1] in caught.value.why


def test_file_of_two_modules_that_would_be_one_file_of_the_project_is_refused(tmp_path):
    place = tmp_path / "apps" / "one" / "org" / "U.java"
    place.parent.mkdir(parents=True)
    place.write_text("x\n" * 99)
    source = '<sourcefile name="U.java"><line nr="{}" mi="0" ci="1" mb="0" cb="0"/></sourcefile>'
    group = '<group name="{}"><package name="org">{}</package></group>'
    groups = [group.format(name, source.format(line)) for line, name in enumerate(("First", "Second"), 1)]
    assert read(JacocoReader, tmp_path, f'<report name="r">{groups[0]}</report>').files[0].path == "apps/one/org/U.java"
    with pytest.raises(EvidenceUnreadable) as caught:
        read(JacocoReader, tmp_path, f'<report name="r">{"".join(groups)}</report>')
    assert "would both be apps/one/org/U.java" in caught.value.why


def test_two_spellings_of_one_name_are_one_file(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("x\n" * 99)
    same = [("src/a.py", "./src/a.py", f"{tmp_path}/src/a.py"), ("/ci/src/a.py", "/ci/./src/a.py"), ("a.py", "./a.py")]
    for names in same:
        (file,) = read(LcovReader, tmp_path, tracefile(*names)).files
        assert (file.path, lines_of(file.covered)) == ("src/a.py", list(range(1, len(names) + 1)))


def test_file_that_lies_in_two_sources_is_refused_unless_it_is_empty(tmp_path):
    for package in ("one", "two"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("x\n" * 99)
    sources = f"<source>{tmp_path}/one</source><source>{tmp_path}/two</source>"
    text = cobertura(ONE, "__init__.py", sources)
    with pytest.raises(EvidenceUnreadable) as caught:
        read(CoberturaReader, tmp_path, text)
    assert "__init__.py could be one/__init__.py or two/__init__.py" in caught.value.why
    (tmp_path / "one" / "m.py").write_text("x\n" * 99)
    empty = text.replace(ONE, "").replace(
        "</packages>", f"{cobertura(ONE, 'm.py').split('packages>')[1][:-2]}</packages>"
    )
    assert [file.path for file in read(CoberturaReader, tmp_path, empty).files if file.covered] == ["one/m.py"]


def test_lcov_of_two_tests_is_a_union(tmp_path):
    (tmp_path / "a.py").write_text("x\n" * 2)
    record = "TN:{}\nSF:a.py\nDA:1,{}\nDA:2,{}\nBRDA:1,0,0,{}\nBRDA:1,0,1,-\nend_of_record\n"
    found = read(LcovReader, tmp_path, record.format("x", 1, 0, 1) + record.format("y", 0, 3, "-")).files[0]
    assert (lines_of(found.covered), found.missing, found.covered_branches, found.branches) == ([1, 2], 0, 1, 2)


@pytest.mark.parametrize("reader", [CoberturaReader, LcovReader, CloverReader])
@pytest.mark.parametrize("own", ["lib/core.py", "{root}/lib/core.py"])
def test_file_in_another_folder_is_not_the_projects_file_of_that_name(tmp_path, reader, own):
    for name in ("app.py", "lib/core.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x\n" * 99)
    names = (own.format(root=tmp_path), "/tmp/pytest-of-ci/plugin/app.py")
    for pair in (names, names[::-1]):
        with pytest.raises(EvidenceUnreadable) as caught:
            read(reader, tmp_path, report_of(reader, *pair))
        assert "lie in two places, and one is outside the project" in caught.value.why


def report_of(reader, *names):
    if reader is LcovReader:
        return tracefile(*names)
    if reader is CloverReader:
        files = "".join(f'<file name="{name}"><line num="1" type="stmt" count="1"/></file>' for name in names)
        return f'<coverage generated="1"><project>{files}</project></coverage>'
    classes = "".join(f'<class filename="{name}"><lines>{ONE}</lines></class>' for name in names)
    return f"<coverage><packages>{classes}</packages></coverage>"


@pytest.mark.parametrize("reader", [CoberturaReader, LcovReader, CloverReader])
def test_name_of_a_file_alone_does_not_make_it_the_projects(tmp_path, reader):
    for name in ("app.py", "lib/core.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x\n" * 99)
    with pytest.raises(EvidenceUnreadable) as caught:
        read(reader, tmp_path, report_of(reader, "/srv/x/app.py"))
    assert "/srv/x/app.py may be another file than app.py" in caught.value.why
    found = read(reader, tmp_path, report_of(reader, "/srv/x/app.py", "/srv/x/lib/core.py"))
    assert [file.path for file in found.files] == ["app.py", "lib/core.py"]


@pytest.mark.parametrize("folder", ["/srv/x", "/srv/x/", "C:\\ci\\x"])
def test_name_in_a_folder_of_another_machine_is_the_projects_only_with_a_path_beside_it(tmp_path, folder):
    for name in ("app.py", "lib/core.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x\n" * 99)
    source = f"<source>{folder}</source>"
    with pytest.raises(EvidenceUnreadable) as caught:
        read(CoberturaReader, tmp_path, cobertura(ONE, "app.py", source))
    assert "app.py may be another file than app.py of the project" in caught.value.why
    both = "".join(f'<class filename="{name}"><lines>{ONE}</lines></class>' for name in ("app.py", "lib/core.py"))
    found = read(CoberturaReader, tmp_path, f"<coverage><sources>{source}</sources>{both}</coverage>")
    assert [file.path for file in found.files] == ["app.py", "lib/core.py"]
    own = f"<source>{tmp_path}</source>"
    assert read(CoberturaReader, tmp_path, cobertura(ONE, "app.py", own)).files[0].path == "app.py"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_beyond_the_end_of_its_file_is_of_another_state(tmp_path, end):
    (tmp_path / "app.py").write_bytes(f"a = 1{end}b = 2".encode())
    assert read(LcovReader, tmp_path, "SF:app.py\nDA:2,1\nend_of_record\n").files
    with pytest.raises(EvidenceUnreadable, match="another state of the sources") as caught:
        read(LcovReader, tmp_path, "SF:app.py\nDA:1,1\nDA:3,1\nend_of_record\n")
    assert caught.value.why == "app.py has 2 lines, and it tells of line 3"


@pytest.mark.parametrize("reader", [CoberturaReader, LcovReader, CloverReader])
def test_report_of_no_file_of_the_project_is_refused(tmp_path, reader):
    (tmp_path / "app.py").write_text("a = 1\n")
    with pytest.raises(EvidenceUnreadable, match="carries no verdict") as caught:
        read(reader, tmp_path, report_of(reader, "other/zzz.py"))
    assert caught.value.why == "none of its files is in the project: other/zzz.py"
    found = read(reader, tmp_path, report_of(reader, "other/zzz.py", "app.py"))
    assert [file.path for file in found.files] == ["app.py", "other/zzz.py"]


@pytest.mark.parametrize("start", ["/ci", "C:\\ci"])
def test_names_that_begin_in_two_folders_of_another_machine_are_refused(tmp_path, start):
    for name in ("src/a.py", "src/b.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x\n" * 99)
    with pytest.raises(EvidenceUnreadable, match="cannot be read") as caught:
        read(LcovReader, tmp_path, tracefile(f"{start}/one/src/a.py", f"{start}/two/src/b.py"))
    assert "lie in two places" in caught.value.why


def test_branches_of_a_file_in_two_classes_add_up(tmp_path):
    line = '<line number="{}" hits="1" branch="true" condition-coverage="0% ({})"/>'
    (tmp_path / "app.py").write_text("x\n" * 9)
    for second, told in ((2, ((1, 8, 8), (2, 0, 6))), (1, ((1, 8, 14),))):
        classes = "".join(
            f'<class filename="app.py"><lines>{line.format(*one)}</lines></class>'
            for one in ((1, "8/8"), (second, "0/6"))
        )
        (file,) = read(CoberturaReader, tmp_path, f"<coverage>{classes}</coverage>").files
        assert (file.covered_branches, file.branches, file.counted) == (8, 14, told)


def test_branches_of_two_tests_are_those_that_either_took(tmp_path):
    (tmp_path / "app.py").write_text("x\n" * 9)
    tests = ("BRDA:1,0,0,1\nBRDA:1,0,1,-\nDA:1,1", "BRDA:1,0,0,-\nBRDA:1,0,1,1\nBRDA:2,0,0,0\nBRDA:2,0,1,0\nDA:2,1")
    text = "".join(f"TN:{n}\nSF:app.py\n{lines}\nend_of_record\n" for n, lines in enumerate(tests))
    (file,) = read(LcovReader, tmp_path, text).files
    assert (file.covered_branches, file.branches) == (2, 4)
