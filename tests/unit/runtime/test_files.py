"""Files: whole or not at all, bounded, and never stale."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import shutil
import socket
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from truegreen.errors import (
    EXIT_ENGINE,
    EvidenceMissing,
    EvidenceStale,
    EvidenceUnreadable,
    FileUnusable,
    LinkedFolder,
)
from truegreen.runtime import files


@contextmanager
def no_file_above(limit_bytes):
    """A full disk: writing past the limit fails. A module imported meanwhile must not leave half its bytecode."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    quiet, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        sys.dont_write_bytecode = quiet


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("data", "content"),
    [(b"\x00\xff", b"\x00\xff"), ("é\n", b"\xc3\xa9\n"), ("\ud800", b"\\ud800"), ("", b""), ("a\r\nb", b"a\r\nb")],
)
def test_write_atomic_content_is_kept_to_the_byte(tmp_path, data, content):
    path = tmp_path / "new" / "folder" / "x.json"
    assert files.write_atomic(path, data) == path
    assert path.read_bytes() == content
    assert names(path.parent) == ["x.json"]


def test_write_atomic_replaces_a_longer_file(tmp_path):
    path = tmp_path / "x"
    files.write_atomic(path, "a" * 1000)
    files.write_atomic(path, "b")
    assert path.read_text() == "b"


@pytest.mark.parametrize(("mode", "umask"), [(0o644, 0o077), (0o600, 0o000), (0o755, 0o022)])
def test_write_atomic_mode_is_the_one_asked_for_under_any_umask(tmp_path, mode, umask):
    before = os.umask(umask)
    try:
        path = files.write_atomic(tmp_path / "x", "a", mode=mode)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == mode


def test_write_atomic_mode_without_wish_is_readable_by_all(tmp_path):
    assert files.write_atomic(tmp_path / "x", "a").stat().st_mode & 0o777 == 0o644


def test_write_atomic_disk_full_leaves_the_old_content_and_no_other_file(tmp_path):
    path = files.write_atomic(tmp_path / "x", "old")
    with no_file_above(1000), pytest.raises(FileUnusable) as caught:
        files.write_atomic(path, b"n" * 100_000)
    assert (caught.value.code, caught.value.where, "too large" in caught.value.why) == ("TG309", str(path), True)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["x"]


def test_write_atomic_target_that_is_a_folder_fails_and_leaves_no_other_file(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(FileUnusable):
        files.write_atomic(tmp_path / "x", "new")
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("dangling", [False, True])
def test_write_atomic_over_a_link_replaces_the_link_and_keeps_its_target(tmp_path, dangling):
    target, link = tmp_path / "target", tmp_path / "link"
    if not dangling:
        target.write_text("kept")
    link.symlink_to(target)
    files.write_atomic(link, "new")
    assert not link.is_symlink()
    assert link.read_text() == "new"
    assert (target.read_text() == "kept") if not dangling else not target.exists()


def test_write_atomic_reader_sees_old_or_new_never_a_part(tmp_path):
    path = files.write_atomic(tmp_path / "x", b"a" * 50_000)
    stop = threading.Event()
    seen = set()

    def read():
        while not stop.is_set():
            data = path.read_bytes()
            seen.add((len(data), len(set(data))))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(200):
        files.write_atomic(path, (b"a", b"b")[number % 2] * 50_000)
    stop.set()
    reader.join()
    assert seen == {(50_000, 1)}


def test_append_text_creates_and_appends(tmp_path):
    path = tmp_path / "new" / "log"
    files.append_text(path, "é\n")
    files.append_text(path, "\ud800")
    assert path.read_bytes() == b"\xc3\xa9\n\\ud800"


@pytest.mark.parametrize("size", [0, 1, files.CHUNK_BYTES, files.CHUNK_BYTES + 1])
def test_sha256_of_any_size_is_that_of_the_content(tmp_path, size):
    path = tmp_path / "x"
    path.write_bytes(b"ab"[size % 2 :][:1] * size)
    assert files.sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(("size", "limit"), [(0, 0), (10, 10), (9, 10)])
def test_read_limited_up_to_the_limit_is_read(tmp_path, size, limit):
    path = tmp_path / "x"
    path.write_bytes(b"a" * size)
    assert files.read_limited(path, limit) == b"a" * size


def test_read_limited_above_the_limit_is_refused_with_both_sizes(tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(b"a" * 12_345)
    with pytest.raises(EvidenceUnreadable) as caught:
        files.read_limited(path, 1_000)
    assert caught.value.where == str(path)
    assert "12,345" in caught.value.what
    assert "1,000" in caught.value.what
    assert caught.value.fix


def test_read_limited_file_larger_than_it_says_is_refused():
    with pytest.raises(EvidenceUnreadable) as caught:
        files.read_limited(Path("/proc/self/status"), 10)  # says that it has no bytes at all
    assert "the limit is 10" in caught.value.what


def test_read_limited_missing_file_is_missing_evidence(tmp_path):
    with pytest.raises(EvidenceMissing) as caught:
        files.read_limited(tmp_path / "x.json", 10)
    assert (caught.value.code, caught.value.where) == ("TG201", str(tmp_path / "x.json"))


def test_read_limited_dangling_link_is_missing_evidence(tmp_path):
    (tmp_path / "x").symlink_to(tmp_path / "nowhere")
    with pytest.raises(EvidenceMissing):
        files.read_limited(tmp_path / "x", 10)


def test_read_limited_link_to_itself_is_unreadable(tmp_path):
    (tmp_path / "x").symlink_to(tmp_path / "x")
    with pytest.raises(EvidenceUnreadable) as caught:
        files.read_limited(tmp_path / "x", 10)
    assert caught.value.why


def test_read_limited_path_through_a_file_is_unreadable(tmp_path):
    (tmp_path / "x").touch()
    with pytest.raises(EvidenceUnreadable) as caught:
        files.read_limited(tmp_path / "x" / "y", 10)
    assert caught.value.why == "Not a directory"


def test_read_limited_folder_is_unreadable(tmp_path):
    with pytest.raises(EvidenceUnreadable):
        files.read_limited(tmp_path, 10)


def test_read_limited_pipe_is_refused_instead_of_waited_for(tmp_path):
    path = tmp_path / "x"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    os.write(writer, b"evidence")
    closer = threading.Timer(0.3, os.close, (writer,))  # so that a reader would not wait for ever
    closer.start()
    with pytest.raises(EvidenceUnreadable, match="plain file"):
        files.read_limited(path, 10)
    closer.join()


def test_fresh_dir_removes_everything_in_it(tmp_path):
    out = tmp_path / "out"
    (out / "deep" / "deeper").mkdir(parents=True)
    (out / "deep" / "stale.json").write_text("{}")
    (out / "locked").mkdir(mode=0o500)
    assert files.fresh_dir(out) == out
    assert names(out) == []


@pytest.mark.parametrize("make", ["absent", "file", "socket", "dangling"])
def test_fresh_dir_is_a_folder_whatever_was_there(tmp_path, make):
    out = tmp_path / "a" / "out"
    if make != "absent":
        out.parent.mkdir()
    if make == "file":
        out.write_text("x")
    elif make == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(out))
    elif make == "dangling":
        out.symlink_to(tmp_path / "nowhere")
    files.fresh_dir(out)
    assert out.is_dir()
    assert not out.is_symlink()
    assert names(out) == []


def test_fresh_dir_through_a_link_keeps_what_the_link_names(tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    (target / "kept").touch()
    (tmp_path / "out").symlink_to(target)
    files.fresh_dir(tmp_path / "out")
    assert names(tmp_path / "out") == []
    assert names(target) == ["kept"]


def test_fresh_dir_link_inside_is_removed_and_not_followed(tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    (target / "kept").touch()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link").symlink_to(target)
    files.fresh_dir(tmp_path / "out")
    assert names(target) == ["kept"]


def test_fresh_dir_that_cannot_be_emptied_is_refused_as_stale():
    kept = Path("/proc/self/fdinfo")  # nobody can remove what is in it
    with pytest.raises(EvidenceStale) as caught:
        files.fresh_dir(kept)
    assert (caught.value.code, caught.value.where) == ("TG204", str(kept))
    assert caught.value.why
    assert caught.value.fix


def test_fresh_dir_below_a_file_is_refused(tmp_path):
    (tmp_path / "x").touch()
    with pytest.raises(FileUnusable) as caught:
        files.fresh_dir(tmp_path / "x" / "out")
    assert (caught.value.exit_code, caught.value.where) == (EXIT_ENGINE, str(tmp_path / "x" / "out"))


@pytest.mark.parametrize(
    "call",
    [
        lambda path: files.write_atomic(path, "x"),
        lambda path: files.append_text(path, "x"),
        files.fresh_dir,
        files.folder,
    ],
    ids=["write", "append", "fresh", "folder"],
)
def test_write_where_nobody_may_write_names_the_path_and_the_remedy(call):
    place = Path("/proc/nobody/x")
    with pytest.raises(FileUnusable) as caught:
        call(place)
    assert (caught.value.code, caught.value.where) == ("TG309", str(place))
    assert "TRUEGREEN_CACHE" in caught.value.fix


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "TG309"), (errno.EROFS, "TG309"), (errno.EBADF, ""), (errno.ENOENT, "")]
)
def test_refused_by_machine_tells_a_full_disk_from_a_bug(number, code):
    found = files.refused_by_machine(OSError(number, os.strerror(number), "/full/x"))
    assert (found.code if found else "") == code
    assert not found or found.where == "/full/x"


def test_refused_by_machine_copy_that_failed_names_the_first_file(tmp_path):
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "x").symlink_to("nowhere")
    with pytest.raises(shutil.Error) as caught:
        shutil.copytree(tmp_path / "from", tmp_path / "to")
    found = files.refused_by_machine(caught.value)
    assert (found.code, found.where) == ("TG309", str(tmp_path / "to" / "x"))


def test_refused_by_machine_without_any_temporary_folder_is_no_bug(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc/nobody"])
    with pytest.raises(FileNotFoundError) as caught:
        tempfile.gettempdir()
    assert files.refused_by_machine(caught.value).code == "TG309"


@pytest.mark.parametrize("linked", ["a", "a/b", "a/b/c"])
def test_inside_any_part_that_is_a_link_is_refused_and_named(tmp_path, linked):
    root = tmp_path / "project"
    place = root / linked
    place.parent.mkdir(parents=True)
    place.symlink_to(tmp_path / "victim")
    with pytest.raises(LinkedFolder) as caught:
        files.inside(root, root / "a" / "b" / "c")
    assert (caught.value.code, caught.value.where) == ("TG110", str(place))
    assert str(tmp_path / "victim") in caught.value.why


def test_inside_below_a_project_that_is_reached_by_a_link_is_the_path(tmp_path):
    (tmp_path / "real" / "a").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    assert files.inside(tmp_path / "link", tmp_path / "link" / "a" / "b") == tmp_path / "link" / "a" / "b"
