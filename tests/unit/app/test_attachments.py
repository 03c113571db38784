"""Files that tests leave: which are kept, under which names, and which lie beside the report."""

from __future__ import annotations

import hashlib
import os

import pytest

from truegreen.analysis.attachments import by_test
from truegreen.app import attachments
from truegreen.errors import WrongValue
from truegreen.model.verdict import KeptFile, Report, StageReport, Status

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
LATER, EARLIER = 2_000_000_000.0, 1_000_000_000.0


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    (root / "shots").mkdir(parents=True)
    return root


def write(root, name, data=PNG, at=LATER):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (at, at))
    return path


def kept(root, *patterns, since=LATER):
    out = root / ".truegreen" / "e2e"
    notes = attachments.collect(root, patterns or ("shots/**/*",), out, since)
    folder = out / "attachments"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else [], notes


def test_new_files_that_match_are_kept_under_plain_names(project):
    write(project, "shots/a b/é;$(x).png")
    write(project, "shots/trace.zip", b"PK\x03\x04...")
    write(project, "shots/old.png", at=EARLIER)
    write(project, "other.png")
    names, notes = kept(project)
    assert names == ["shots_a_b_x_.png", "shots_trace.zip"]
    assert notes == ()


def test_same_plain_name_is_numbered_and_a_file_matched_twice_is_kept_once(project):
    write(project, "shots/a b.png")
    write(project, "shots/a;b.png")
    assert kept(project, "shots/*.png", "shots/*")[0] == ["2-shots_a_b.png", "shots_a_b.png"]


def test_other_types_and_false_names_are_left_out_and_counted(project):
    write(project, "shots/page.html", b"<script>")
    write(project, "shots/drawing.svg", b"<svg onload=x>")
    write(project, "shots/page.png", b"<script>")
    write(project, "shots/none", b"")
    write(project, "shots/UPPER.PNG")
    names, notes = kept(project)
    assert names == ["shots_UPPER.PNG"]
    assert notes[0].startswith("4 attachments are not kept")


def test_links_and_what_lies_outside_are_never_followed(project, tmp_path):
    secret = write(tmp_path, "secret.png")
    (project / "shots" / "link.png").symlink_to(secret)
    (tmp_path / "away").mkdir()
    write(tmp_path, "away/b.png")
    (project / "shots" / "folder").symlink_to(tmp_path / "away")
    write(project, ".git/shots/c.png")
    os.mkfifo(project / "shots" / "pipe.png")
    assert kept(project, "shots/*", "shots/folder/*", ".git/**/*") == ([], ())


@pytest.mark.parametrize("pattern", ["../*.png", "/etc/*.png", "", "a/../../b"])
def test_pattern_that_leads_out_is_refused(project, pattern):
    with pytest.raises(WrongValue, match="leads out of the project"):
        kept(project, pattern)


def test_pattern_that_is_none_takes_nothing_or_is_refused(project):
    write(project, "shots/a.png")
    try:
        assert kept(project, "shots/**a") == ([], ())
    except WrongValue as error:  # Python 3.11 and 3.12
        assert "no pattern" in error.what  # noqa: PT017 - either is right


def test_large_and_many_files_are_left_out_and_counted(project, monkeypatch):
    monkeypatch.setattr(attachments, "FILE_BYTES", 100)
    monkeypatch.setattr(attachments, "ALL_BYTES", 150)
    write(project, "shots/0.txt", b"x" * 101)
    for number in range(1, 4):
        write(project, f"shots/{number}.txt", b"x" * 70)
    names, notes = kept(project)
    assert names == ["shots_1.txt", "shots_2.txt"]
    assert notes[0].startswith("2 attachments are not kept")
    monkeypatch.setattr(attachments, "FILES_MAX", 1)
    assert len(attachments.collect(project, ("shots/*",), project / "out", LATER)) == 1
    assert len(list((project / "out" / "attachments").iterdir())) == 1


# --- named by a test -------------------------------------------------------------------------------------------------


def telling(root, *paths, test="t"):
    marks = "".join(f"<system-out>[[ATTACHMENT|{path}]]</system-out>" for path in paths)
    results = root / "junit.xml"
    results.write_text(f'<testsuite><testcase classname="a.Login" name="{test}">{marks}</testcase></testsuite>')
    out = root / ".truegreen" / "e2e"
    notes = attachments.collect(root, ("shots/*",), out, LATER, [results])
    folder = out / "attachments"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else [], notes


def test_file_that_a_test_names_is_kept_under_the_name_of_the_test_and_once(project):
    write(project, "shots/a.png")
    write(project, "deep/b.png")
    write(project, "shots/other.png")
    names, notes = telling(project, "shots/a.png", project / "deep" / "b.png", "shots/a.png")
    assert names == ["a.Login_t_a.png", "a.Login_t_b.png", "shots_other.png"]
    assert notes == ()
    assert by_test(["a.Login::t"], names) == {"a.Login::t": names[:2]}


def test_very_long_name_of_a_test_leaves_the_name_of_the_file(project):
    write(project, "shots/a.png")
    ((name,), _) = telling(project, "shots/a.png", test="x" * 500)
    assert name == f"{'x' * 80}_a.png"


def test_file_that_a_test_names_beyond_the_project_is_refused_with_a_remark(project, tmp_path):
    secret = write(tmp_path, "secret.png")
    (project / "link.png").symlink_to(secret)
    (project / "folder").symlink_to(tmp_path)
    write(project, "old.png", at=EARLIER)
    write(project, ".git/a.png")
    names, notes = telling(project, secret, "../secret.png", "link.png", "folder/secret.png", "old.png")
    assert names == []
    assert notes[0].startswith(
        f"5 files that tests name are not kept: {secret} (outside of the project), ../secret.png"
    )
    for why in ("link.png (behind a link)", "folder/secret.png (behind a link)", "old.png (older than the run)"):
        assert why in notes[0]
    names, notes = telling(project, ".git/a.png", "shots", "no.png", "a\\..\\..\\secret.png", "/", "x" * 999, ".")
    assert names == []
    assert notes[0].startswith("7 files that tests name are not kept: .git/a.png (none of what tests leave)")
    assert notes[0].endswith("and 2 more")


def test_file_that_a_test_names_is_what_its_name_says_or_left_out(project):
    write(project, "a.png", b"<script>")
    write(project, "a.html", b"<script>")
    names, notes = telling(project, "a.png", "a.html")
    assert names == []
    assert notes[0].startswith("2 attachments are not kept")


# --- beside the report -----------------------------------------------------------------------------------------------


def report(*files):
    stage = StageReport(stage="e2e", status=Status.FAIL, notes=("n",), files=files)
    return Report(status=Status.FAIL, headline="", stages=(stage,))


def file(path, data=PNG, digest=""):
    return KeptFile(path=path, kind="log", sha256=digest or hashlib.sha256(data).hexdigest(), size_bytes=len(data))


def laid(tmp_path, *files):
    found = attachments.beside(report(*files), tmp_path / "evidence", tmp_path / "report").stages[0]
    folder = tmp_path / "report" / "attachments"
    return found, sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_attachment_is_copied_linked_and_named(tmp_path):
    write(tmp_path, "evidence/e2e/attachments/a.png")
    write(tmp_path, "evidence/e2e/junit.xml", b"<x/>")
    stage, names = laid(tmp_path, file("e2e/attachments/a.png"), file("e2e/junit.xml", b"<x/>"))
    digest = hashlib.sha256(PNG).hexdigest()
    assert names == [f"{digest[:12]}-a.png"]
    assert [one.attachment for one in stage.files] == [f"attachments/{digest[:12]}-a.png", ""]
    assert stage.notes == ("n", "attachments beside report.html: a.png")


def test_more_attachments_than_one_reads_are_counted(tmp_path):
    for number in range(7):
        write(tmp_path, f"evidence/e2e/attachments/{number}.png", PNG + bytes([number]))
    stage, names = laid(tmp_path, *(file(f"e2e/attachments/{n}.png", PNG + bytes([n])) for n in range(7)))
    assert len(names) == 7
    assert stage.notes[-1].endswith("0.png, 1.png, 2.png, 3.png, 4.png and 2 more")


@pytest.mark.parametrize(
    "hostile",
    [
        file("../attachments/a.png"),
        file("/etc/attachments/a.png"),
        file("e2e/attachments/../../../attachments/a.png"),
        file("e2e/attachments/linked.png"),
        file("e2e/attachments/absent.png"),
        file("e2e/attachments/a.png", digest="0" * 64),
        file("e2e/attachments/a.html", b"<script>"),
        file("e2e/attachments/false.png", b"<script>"),
        file("e2e/attachments/a\0.png"),
        file("e2e/attachments"),
        file("e2e/attachments/folder.png"),
        file(""),
    ],
    ids=lambda one: one.path[-25:] + one.sha256[:2],
)
def test_what_is_not_what_its_stage_left_stays_where_it_is(tmp_path, hostile):
    write(tmp_path, "attachments/a.png")
    write(tmp_path, "evidence/e2e/attachments/a.png")
    write(tmp_path, "evidence/e2e/attachments/a.html", b"<script>")
    write(tmp_path, "evidence/e2e/attachments/false.png", b"<script>")
    (tmp_path / "evidence/e2e/attachments/folder.png").mkdir()
    (tmp_path / "evidence/e2e/attachments/linked.png").symlink_to(tmp_path / "attachments/a.png")
    stage, names = laid(tmp_path, hostile)
    assert (stage.files[0].attachment, names) == ("", [])
    assert stage.notes == ("n",)


def test_attachments_of_an_earlier_report_are_gone(tmp_path):
    write(tmp_path, "report/attachments/old.png")
    assert laid(tmp_path)[1] == []
    assert not (tmp_path / "report" / "attachments").exists()


def test_folder_that_cannot_be_emptied_leaves_the_report_without_attachments(tmp_path):
    write(tmp_path, "evidence/e2e/attachments/a.png")
    write(tmp_path, "report", b"a file")
    known = report(file("e2e/attachments/a.png"))
    assert attachments.beside(known, tmp_path / "evidence", tmp_path / "report") == known


def test_room_is_shared_by_all_stages(tmp_path, monkeypatch):
    monkeypatch.setattr(attachments, "FILES_MAX", 1)
    for number in range(3):
        write(tmp_path, f"evidence/e2e/attachments/{number}.png", PNG + bytes([number]))
    stage, names = laid(tmp_path, *(file(f"e2e/attachments/{n}.png", PNG + bytes([n])) for n in range(3)))
    assert len(names) == 1
    assert [bool(one.attachment) for one in stage.files] == [True, False, False]
