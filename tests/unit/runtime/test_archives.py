"""Archives that somebody else made: one file is read within limits, and nothing lands on a disk."""

from __future__ import annotations

import contextlib
import io
import stat
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest

from truegreen.errors import EvidenceUnreadable
from truegreen.runtime.archives import Limits, member, optional_member

if TYPE_CHECKING:
    from pathlib import Path

LIMITS = Limits(member_bytes=1 << 20)
WANTED = "verdict.json"


def packed(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive of these entries."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return target.getvalue()


def made(name: str, *, mode: int = 0, flags: int = 0) -> zipfile.ZipInfo:
    """Return an entry as a Unix program would make it."""
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr, info.flag_bits = 3, mode << 16, flags
    return info


def read(folder: Path, data: bytes, limits: Limits = LIMITS) -> bytes:
    path = folder / "a.zip"
    path.write_bytes(data)
    return member(path, WANTED, limits)


def refused(folder: Path, data: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(EvidenceUnreadable) as caught:
        read(folder, data, limits)
    assert sorted(path.name for path in folder.iterdir()) == ["a.zip"]
    return caught.value.why


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_member_of_an_honest_archive_is_its_content(tmp_path: Path, method: int) -> None:
    data = packed((WANTED, b"{}"), ("attachments/trace é.zip", b"x"), ("attachments/", b""), method=method)
    assert read(tmp_path, data) == b"{}"


def test_file_that_an_archive_may_lack_is_none_and_all_else_about_it_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(packed(("run.jsonl", b"{}")))
    assert optional_member(path, "run.jsonl", LIMITS) == b"{}"
    assert optional_member(path, WANTED, LIMITS) is None
    path.write_bytes(packed(("../x", b"")))
    with pytest.raises(EvidenceUnreadable, match="archive"):
        optional_member(path, WANTED, LIMITS)


def test_member_of_exactly_the_limit_is_taken_and_one_more_is_not(tmp_path: Path) -> None:
    assert len(read(tmp_path, packed((WANTED, b"x" * (1 << 20))))) == 1 << 20
    assert "declares 1,048,577 bytes" in refused(tmp_path, packed((WANTED, b"x" * ((1 << 20) + 1))))


def test_member_that_declares_less_than_it_holds_is_refused(tmp_path: Path) -> None:
    data = packed((WANTED, b"0" * (8 << 20)))
    size = struct.pack("<I", 8 << 20)
    assert data.count(size) == 2
    assert refused(tmp_path, data.replace(size, struct.pack("<I", 100)))


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "/etc/passwd", "C:/x", "..\\x", "a\\b", "a\nb", "a\x1b[2Jb", "\u202ecod.exe", "n" * 1025],
)
def test_name_that_leads_elsewhere_or_hides_refuses_the_archive(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path, packed((WANTED, b"{}"), (name, b"x")))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
@pytest.mark.parametrize("name", [WANTED, "other"])
def test_link_or_device_refuses_the_archive(tmp_path: Path, kind: int, name: str) -> None:
    rows = [(made(name, mode=kind | 0o777), b"/etc/passwd")]
    rows += [] if name == WANTED else [(made(WANTED), b"{}")]
    assert "a link or a device" in refused(tmp_path, packed(*rows))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_name_that_is_there_twice_refuses_the_archive(tmp_path: Path) -> None:
    assert "there twice" in refused(tmp_path, packed((WANTED, b"{}"), (WANTED, b"[]")))


def test_name_cut_at_a_zero_refuses_the_archive(tmp_path: Path) -> None:
    data = packed(("verdict.jsonXabc", b"[]")).replace(b"verdict.jsonXabc", b"verdict.json\0abc")
    assert refused(tmp_path, data)


def test_file_that_is_missing_or_deeper_is_refused(tmp_path: Path) -> None:
    assert "holds no verdict.json" in refused(tmp_path, packed(("report/verdict.json", b"{}")))
    assert "holds no verdict.json" in refused(tmp_path, packed(("VERDICT.JSON", b"{}")))


def test_encrypted_or_oddly_compressed_refuses_the_archive(tmp_path: Path) -> None:
    data = bytearray(packed((WANTED, b"{}")))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in refused(tmp_path, bytes(data))
    assert "compressed by method 14" in refused(tmp_path, packed((WANTED, b"{}"), method=zipfile.ZIP_LZMA))


def test_too_many_files_refuse_the_archive(tmp_path: Path) -> None:
    data = packed((WANTED, b"{}"), *((f"f{n}", b"") for n in range(50)))
    assert "it holds 51 files, the limit is 50" in refused(tmp_path, data, Limits(member_bytes=10, members=50))


def test_table_of_contents_of_any_size_is_not_read_into_memory(tmp_path: Path) -> None:
    data = packed((WANTED, b"{}"), *((f"{n:04}" + "n" * 200, b"") for n in range(100)))
    limits = Limits(member_bytes=10, directory_bytes=20_000)
    assert "table of contents has more than 20,000 bytes" in refused(tmp_path, data, limits)


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06", b"x" * 100_000, b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    assert refused(tmp_path, data)


def test_archive_cut_or_damaged_anywhere_is_refused_or_whole(tmp_path: Path) -> None:
    whole = packed((WANTED, b'{"status": "pass"}' * 20), ("other", b"x" * 50))
    for at in range(0, len(whole), 7):
        for data in (whole[:at], whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]):
            with contextlib.suppress(EvidenceUnreadable):
                assert read(tmp_path, data) == b'{"status": "pass"}' * 20
