"""Coverage of components and changed files against a run of the base branch."""

from __future__ import annotations

from tests.support import evidence as good

from truegreen.analysis import coverage_change
from truegreen.analysis.coverage_change import Asked
from truegreen.model.changes import Changes, FileChange
from truegreen.model.coverage import Coverage, FileCoverage, bits_of
from truegreen.model.detail import Covered
from truegreen.model.history import PastCoverage

NEWEST = PastCoverage(commit="f" * 40, coverage=good.coverage(80, 20))
BASE = PastCoverage(commit=good.BASE, coverage=good.coverage(70, 30))


def file(path, covered=(), missing=()):
    return FileCoverage(path=path, covered=bits_of(covered), missing=bits_of(missing))


def of(*files, past=(BASE,), changes=None, patch=(), **asked):
    return coverage_change.of(Coverage(files=files), past, changes, patch, Asked(**asked))


def test_base_commit_is_compared_with_where_it_is_known_and_the_newest_run_else():
    now = good.coverage(90, 10).files
    exact = of(*now, past=(NEWEST, BASE), changes=good.changes())
    assert (exact.base, exact.exact, exact.total.base_covered) == (good.BASE, True, 70)
    near = of(*now, past=(NEWEST, BASE))
    assert (near.base, near.exact, near.total.base_covered) == ("f" * 40, False, 80)
    nothing = of(*now, past=())
    assert (nothing.base, nothing.exact, nothing.total) == ("", False, Covered(name="", lines=100, covered=90))


def test_component_counts_its_files_here_and_there_without_tests():
    now = (file("src/a/x.py", (1, 2), (3,)), file("src/b.py", (1,)), file("src/a/test_x.py", (1, 2, 3)))
    past = Coverage(files=(file("src/a/old.py", (1,), (2,)), file("src/a/test_x.py", (1,)), file("src/b.py", (), (1,))))
    found = of(
        *now,
        past=(PastCoverage(commit=good.BASE, coverage=past),),
        exclude=("**/test_*.py",),
        components={"a": ("src/a/**",), "gone": ("src/gone/**",)},
    )
    assert found.total == Covered(name="", lines=4, covered=3, base_lines=3, base_covered=1)
    assert found.components == (
        Covered(name="a", lines=3, covered=2, base_lines=2, base_covered=1),
        Covered(name="gone"),
    )


def test_base_of_which_nothing_counts_is_no_base():
    past = (PastCoverage(commit=good.BASE, coverage=good.coverage(9, 1, "tests/test_a.py")),)
    found = of(*good.coverage().files, past=past, changes=good.changes(), exclude=("tests/**",))
    assert (found.base, found.exact, found.total.base_lines) == ("", False, 0)


def test_changed_files_come_with_most_uncovered_changed_lines_first_and_a_renamed_one_has_its_old_base():
    now = (
        file("src/a.py", range(1, 91), range(91, 101)),
        file("src/new.py", (1, 2), (3,)),
        file("src/c.py", (1,)),
        file("src/same.py", (1,)),
    )
    past = (*good.coverage(70, 30, "src/old.py").files, file("src/c.py", (1,), (2,)), file("src/same.py", (1,)))
    changes = Changes(
        base=good.BASE,
        files=(
            FileChange(path="src/new.py", lines=frozenset({3}), added=True),
            FileChange(path="src/a.py", old_path="src/old.py", lines=frozenset(range(85, 100))),
            FileChange(path="src/c.py"),
            FileChange(path="src/same.py"),
            FileChange(path="src/gone.py", deleted=True),
        ),
    )
    patch = (file("src/new.py", (), (3,)), file("src/a.py", range(85, 91), range(91, 100)))
    found = of(
        *now, past=(PastCoverage(commit=good.BASE, coverage=Coverage(files=past)),), changes=changes, patch=patch
    )
    assert [one.whole.name for one in found.files] == ["src/a.py", "src/new.py", "src/c.py"]
    first, second, third = found.files
    assert (first.whole.base_lines, first.whole.base_covered) == (100, 70)
    assert (first.lines, first.covered, first.uncovered) == (15, 6, ((91, 99),))
    assert (second.whole.base_lines, second.uncovered) == (0, ((3, 3),))
    assert (third.lines, third.whole.base_lines) == (0, 2)
    assert (found.changed_files, found.changed_lines, found.covered_lines) == (3, 16, 6)


def test_files_beyond_the_limit_are_counted(monkeypatch):
    monkeypatch.setattr(coverage_change, "FILES_MAX", 2)
    changes = Changes(base=good.BASE, files=tuple(FileChange(path=f"{n}.py", lines=frozenset({1})) for n in range(5)))
    patch = tuple(file(f"{n}.py", (), (1,)) for n in range(5))
    found = of(*patch, changes=changes, patch=patch)
    assert (len(found.files), found.changed_files, found.changed_lines) == (2, 5, 5)


def test_places_beyond_those_listed_are_counted(monkeypatch):
    monkeypatch.setattr(coverage_change, "PLACES_MAX", 2)
    measured = file("a.py", (2, 4, 6), (1, 3, 5, 7))
    changes = Changes(base=good.BASE, files=(FileChange(path="a.py", lines=frozenset({1, 3, 5, 7})),))
    (one,) = of(measured, changes=changes, patch=(file("a.py", (), (1, 3, 5, 7)),)).files
    assert (one.uncovered, one.places) == (((1, 1), (3, 3)), 4)
