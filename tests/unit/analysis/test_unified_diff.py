"""Reading git's diff: names, hunks, and source lines that look like headers."""

from __future__ import annotations

import pytest

from truegreen.analysis.unified_diff import DiffUnreadable, parse, unquoted

ZERO, ONE = "0" * 7, "1" * 7
MODIFIED = f":100644 100644 {ZERO} {ONE} M\ta.py\n\ndiff --git a/a.py b/a.py\nindex {ZERO}..{ONE} 100644\n"


def read(text):
    return parse(text.encode().splitlines(keepends=True) if "\r" not in text else _cut(text.encode()))


def _cut(data):
    return [line + b"\n" for line in data.split(b"\n")[:-1]]


def test_hunks_of_a_file_become_its_lines():
    body = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@ def f():\n-x\n+y\n@@ -5,0 +6,2 @@\n+p\n+q\n@@ -9,2 +11,0 @@\n-m\n-n\n"
    (file,) = read(MODIFIED + body)
    assert (file.path, file.lines, file.added, file.deleted) == ("a.py", {1, 6, 7}, False, False)


def test_source_lines_that_look_like_headers_are_stepped_over():
    head = "--- a/a.py\n+++ b/a.py\n@@ -0,0 +1,4 @@\n"
    body = "+++ b/other.py\n+@@ -1 +900,99 @@\n+diff --git a/b b/b\n+\\ No newline\n"
    (file,) = read(MODIFIED + head + body + "\\ No newline at end of file\n")
    assert file.lines == {1, 2, 3, 4}


def test_carriage_returns_within_a_line_do_not_end_it():
    (file,) = read(MODIFIED + "--- a/a.py\n+++ b/a.py\n@@ -0,0 +1,2 @@\n+x\r+y\r\n+z\n")
    assert file.lines == {1, 2}


def test_missing_newline_between_old_and_new_is_no_line():
    (file,) = read(MODIFIED + "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+y\n")
    assert file.lines == {1}


def test_renamed_deleted_and_empty_files_are_told_without_hunks():
    raw = (
        f":100644 100644 {ZERO} {ZERO} R100\told.py\tnew.py\n"
        f":100644 000000 {ZERO} {ZERO} D\tgone.py\n"
        f":000000 100644 {ZERO} {ONE} A\tempty.py\n\n"
        "diff --git a/gone.py b/gone.py\n--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
    )
    renamed, gone, empty = read(raw)
    assert (renamed.path, renamed.old_path, renamed.lines) == ("new.py", "old.py", frozenset())
    assert (gone.deleted, gone.lines, empty.added, empty.lines) == (True, frozenset(), True, frozenset())


@pytest.mark.parametrize("mode", ["160000", "120000"])
def test_submodule_and_link_have_no_source_lines(mode):
    raw = f":{mode} {mode} {ZERO} {ONE} M\tlib\n\ndiff --git a/lib b/lib\n--- a/lib\n+++ b/lib\n@@ -1 +1 @@\n-x\n+y\n"
    assert [(file.path, file.lines) for file in read(raw)] == [("lib", frozenset())]


@pytest.mark.parametrize(
    ("quoted", "name"),
    [
        (b'"a\\tb\\n\\"\\\\.py"', 'a\tb\n"\\.py'),
        (b'"\\303\\244.py"', "ä.py"),
        (b'"\\377.py"', "\\xff.py"),
        (b"plain name.py", "plain name.py"),
        (b'"', '"'),
    ],
)
def test_quoted_names_are_read(quoted, name):
    assert unquoted(quoted) == name


@pytest.mark.parametrize(
    "text",
    [
        MODIFIED + "--- a/a.py\n+++ b/a.py\n@@ -0,0 +1,3 @@\n+x\n",
        MODIFIED + "--- a/b.py\n+++ b/b.py\n@@ -1 +1 @@\n-x\n+y\n",
        MODIFIED + "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x\n+y\n+z\n",
        f":100644 100644 {ZERO} {ONE} X\ta.py\n",
        f":100644 100644 {ZERO} {ONE} M\ta.py\tb.py\n",
    ],
)
def test_diff_that_does_not_fit_is_refused(text):
    with pytest.raises(DiffUnreadable):
        read(text)


def test_no_change_is_no_file():
    assert parse([]) == ()
