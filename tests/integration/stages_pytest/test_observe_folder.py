"""What counts as a file that was left behind."""

import os

import pytest

from truegreen.errors import ConfigurationError
from truegreen.stages.common.watch import folder, watched
from truegreen.stages.observers.folder import FolderObserver


@pytest.fixture
def place(tmp_path):
    made = tmp_path / "out é"
    (made / "old").mkdir(parents=True)
    (made / "old" / "kept.txt").write_text("old")
    (made / "link").symlink_to(made / "old" / "kept.txt")
    return made


@pytest.fixture
def observer(place):
    return FolderObserver(folder(place.name, place.parent))


def replaced(place):
    (place / "beside").write_text("old")
    (place / "beside").replace(place / "old" / "kept.txt")


def same_size_and_date(place):
    path = place / "old" / "kept.txt"
    before = path.stat()
    path.write_text("new")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def brief(place):
    (place / "brief").write_text("x")
    (place / "brief").unlink()


def not_unicode(place):
    (place / os.fsdecode(b"gr\xf6\xdfe.txt")).write_text("x")


def new_folder(place):
    (place / "made" / "deep").mkdir(parents=True)
    (place / "made" / "deep" / "model.bin").write_bytes(b"\0" * (3 << 20))


@pytest.mark.parametrize(
    ("happens", "expected"),
    [
        (not_unicode, {(r"gr\xf6\xdfe.txt", "write")}),
        (new_folder, {("made/deep/model.bin", "write")}),
        (replaced, {("old/kept.txt", "write")}),
        (same_size_and_date, {("old/kept.txt", "write")}),
        (lambda place: (place / "old" / "kept.txt").open("a").write("!"), {("old/kept.txt", "write")}),
        (lambda place: (place / "empty").touch(), {("empty", "empty-write")}),
        (lambda place: (place / "old" / "kept.txt").unlink(), {("old/kept.txt", "removal")}),
        (
            lambda place: (place / "old" / "kept.txt").rename(place / "moved"),
            {("moved", "write"), ("old/kept.txt", "removal")},
        ),
        (lambda place: (place / "old" / "kept.txt").touch(), set()),
        (lambda place: (place / "old" / "kept.txt").write_text("old"), set()),
        (lambda place: (place / "old" / "kept.txt").read_text(), set()),
        (lambda place: (place / "other").symlink_to("/etc/passwd"), set()),
        (lambda place: (place / "folder").mkdir(), set()),
        (lambda place: os.mkfifo(place / "pipe"), set()),
        (lambda place: (place.parent / "elsewhere").write_text("x"), set()),
        (brief, set()),
    ],
)
def test_file_counts_when_it_is_there_and_is_new_or_other(observer, place, happens, expected):
    start = observer.position()
    happens(place)
    window = observer.between(start, observer.position())
    assert {(change.object, change.kind) for change in window.committed} == expected
    assert all(change.count == 1 and change.store == place.name for change in window.committed)


def test_folder_may_be_made_later(tmp_path):
    observer = FolderObserver(folder("late", tmp_path))
    start = observer.position()
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / "a").write_text("x")
    assert len(observer.between(start, observer.position()).committed) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_folder_that_cannot_be_read_is_no_silence(observer, place):
    (place / "old").chmod(0)
    try:
        with pytest.raises(PermissionError):
            observer.position()
    finally:
        (place / "old").chmod(0o755)


def test_path_that_is_a_file_is_no_silence(tmp_path):
    (tmp_path / "f").write_text("x")
    with pytest.raises(NotADirectoryError):
        FolderObserver(folder("f", tmp_path))


def test_folder_is_a_store_of_its_name_with_a_file_of_evidence(tmp_path):
    (store,) = watched([folder("var/out/", tmp_path)])
    assert (store.name, store.file, store.counts) == ("var/out/", "persistence-var-out-.json", True)
    with pytest.raises(ConfigurationError, match="two stores"):
        watched([folder("a/b", tmp_path), folder("a-b", tmp_path)])
