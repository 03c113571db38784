"""Lines of sources: looked at once, remembered by content, and never wrong for it."""

from __future__ import annotations

import msgspec
import pytest

from truegreen.analysis.executable import source_lines
from truegreen.errors import EvidenceUnreadable
from truegreen.ingest import _sources
from truegreen.ingest._sources import sources
from truegreen.model.coverage import bits_of

TEXT = """\
def f(a, b):
    return [
        a,
        b,
    ]
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TRUEGREEN_CACHE", str(tmp_path / "cache"))
    _sources._memory.cache_clear()
    yield tmp_path / "cache"
    _sources._memory.cache_clear()


def write(root, number, text=TEXT):
    (root / f"m{number}.py").write_text(f"{text}x = {number}\n")
    return f"m{number}.py"


def anew(root, names):
    """Return the sources as a new process sees them."""
    _sources._memory.cache_clear()
    return sources(root, names)


def kept(cache):
    (file,) = cache.iterdir()
    return file


def test_lines_of_a_statement_are_judged_as_its_first(tmp_path):
    (found,) = sources(tmp_path, [write(tmp_path, 1)])
    assert found.judged(bits_of([1, 3, 4])) == (bits_of([1, 2]), bits_of([6]))
    assert found.judged(0) == (0, bits_of([1, 2, 6]))


def test_source_seen_before_is_not_looked_at_again(tmp_path, monkeypatch):
    first = sources(tmp_path, [write(tmp_path, 1)])
    monkeypatch.setattr(_sources.executable, "source_lines", None)
    assert anew(tmp_path, ["m1.py"]) == first


def test_source_with_new_content_under_its_old_name_is_looked_at(tmp_path):
    sources(tmp_path, [write(tmp_path, 1)])
    (tmp_path / "m1.py").write_text("a = 1\nb = 2\n")
    (found,) = anew(tmp_path, ["m1.py"])
    assert found.judged(bits_of([1])) == (bits_of([1]), bits_of([2]))


@pytest.mark.parametrize("place", [0, 31, 32, -1])
def test_flipped_bit_in_what_is_remembered_is_noticed_and_looked_at_again(tmp_path, cache, place):
    first = sources(tmp_path, [write(tmp_path, 1)])
    data = bytearray(kept(cache).read_bytes())
    data[place] ^= 4
    kept(cache).write_bytes(data)
    assert anew(tmp_path, ["m1.py"]) == first
    assert kept(cache).read_bytes() != data


@pytest.mark.parametrize("content", [b"", b"x" * 10, b"\0" * 64])
def test_file_of_another_kind_in_its_place_is_written_over(tmp_path, cache, content):
    first = sources(tmp_path, [write(tmp_path, 1)])
    kept(cache).write_bytes(content)
    assert anew(tmp_path, ["m1.py"]) == first
    assert kept(cache).read_bytes() != content


def test_what_another_version_remembered_does_not_count(tmp_path, cache, monkeypatch):
    sources(tmp_path, [write(tmp_path, 1)])
    before = kept(cache).read_bytes()
    monkeypatch.setattr(_sources, "__version__", "99.0")
    anew(tmp_path, ["m1.py"])
    assert kept(cache).read_bytes() != before


def test_only_so_many_sources_are_remembered_and_all_are_judged(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(_sources, "_REMEMBERED", 3)
    names = [write(tmp_path, number) for number in range(10)]
    assert len(sources(tmp_path, names)) == 10
    assert len(msgspec.msgpack.decode(kept(cache).read_bytes()[32:])) == 3
    assert len(anew(tmp_path, names)) == 10


def test_cache_that_cannot_be_written_costs_time_and_nothing_else(tmp_path, cache):
    cache.write_text("a file where the folder should be")
    (found,) = sources(tmp_path, [write(tmp_path, 1)])
    assert found.judged(0)[1] == bits_of([1, 2, 6])


def test_very_many_sources_are_shared_among_processes_with_the_same_result(tmp_path, monkeypatch):
    monkeypatch.setattr(_sources, "_WORTH_A_PROCESS", 5)
    names = [write(tmp_path, number, TEXT * (number % 4)) for number in range(40)]
    found = sources(tmp_path, names)
    lines = [source_lines((tmp_path / name).read_text(), name).code for name in names]
    assert [one.judged(0)[1] for one in found] == [bits_of(code) for code in lines]


def test_source_that_changes_while_it_is_counted_is_refused(tmp_path, monkeypatch):
    name = write(tmp_path, 1)

    def swap(work, items, processes):
        (tmp_path / name).write_text("other = 1\n")
        return work(items)

    monkeypatch.setattr(_sources.workers, "in_shares", swap)
    with pytest.raises(EvidenceUnreadable, match="changed while its lines were counted"):
        sources(tmp_path, [name])


def test_source_that_vanishes_while_it_is_counted_is_refused(tmp_path, monkeypatch):
    name = write(tmp_path, 1)

    def remove(work, items, processes):
        (tmp_path / name).unlink()
        return work(items)

    monkeypatch.setattr(_sources.workers, "in_shares", remove)
    with pytest.raises(EvidenceUnreadable, match="changed while its lines were counted"):
        sources(tmp_path, [name])
