"""Owners of files by the rules and examples of GitHub's documentation, "About code owners"."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truegreen.analysis import ownership

# The example file of the documentation, without its comments.
EXAMPLE = """\
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/* docs@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @octocat
/apps/ @octocat
/apps/github
"""


def owners(text: str, path: str) -> tuple[str, ...]:
    return ownership.of(path, ownership.parse(text))


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("README.md", ("@global-owner1", "@global-owner2")),
        ("src/a/b.js", ("@js-owner",)),
        ("main.go", ("docs@example.com",)),
        ("src/notes.txt", ("@octo-org/octocats",)),
        ("build/logs/today.txt", ("@octocat",)),
        ("docs/getting-started.md", ("@doctocat",)),
        ("src/apps/main.c", ("@octocat",)),
        ("scripts/run.sh", ("@doctocat", "@octocat")),
        ("deeply/nested/logs/a.txt", ("@octocat",)),
        ("apps/other/x", ("@octocat",)),
        ("apps/github/x", ()),
    ],
)
def test_owner_in_the_example_of_the_documentation_is_the_one_it_names(path, wanted):
    assert owners(EXAMPLE, path) == wanted


@pytest.mark.parametrize(
    ("pattern", "path", "match"),
    [
        ("docs/*", "docs/a.md", True),
        ("docs/*", "docs/a/b.md", False),
        ("docs/*", "src/docs/a.md", False),
        ("apps/", "apps", False),
        ("apps/", "a/apps/b", True),
        ("/apps", "apps", True),
        ("/apps", "apps/a/b", True),
        ("/apps", "b/apps", False),
        ("a/**/b.py", "a/b.py", True),
        ("a/**/b.py", "a/x/y/b.py", True),
        ("a/**", "a", False),
        ("a/**", "a/x/y", True),
        ("**/logs", "logs", True),
        ("*", "any/where.py", True),
        ("test_?.py", "tests/test_a.py", True),
        ("test_?.py", "tests/test_ab.py", False),
        ("*.PY", "a.py", False),
        ("my\\ docs/", "my docs/a", True),
        ("a.c", "abc", False),
    ],
)
def test_pattern_matches_as_in_gitignore(pattern, path, match):
    assert owners(f"{pattern} @me", path) == (("@me",) if match else ())


@pytest.mark.parametrize(
    "line", ["!*.py @b", "[ab].py @b", "\\#a.py @b", "*.py b", "*.py @b @", "# *.py @b", "/ @b", "*.py @b/c/d", ""]
)
def test_line_that_github_cannot_read_is_passed_over(line):
    assert owners(f"* @a\n{line}\n", "a.py") == ("@a",)


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../a.py", "a/../b.py", "a" * 2000])
def test_path_that_is_none_of_the_repository_has_no_owner(path):
    assert owners("* @a", path) == ()


def test_file_with_too_many_rules_names_nobody():
    assert ownership.parse("* @a\n" * 20_001) == ()


def test_hostile_pattern_takes_no_time_to_speak_of():
    rules = ownership.parse(f"{'*a' * 240}b @a\n{'**/a*/' * 80}b @a\n")
    began = time.process_time()
    ownership.of("a/" * 400 + "a" * 190, rules)
    ownership.of("a" * 999, rules)
    assert time.process_time() - began < 2


@given(st.text(), st.text(st.sampled_from("ab/*.?\\ #!@[]"), max_size=40))
def test_any_text_is_read_and_any_path_answered(text, path):
    assert isinstance(owners(f"{text}\n{path} @a", path), tuple)


def test_rules_that_mean_harm_end_soon_and_name_nobody():
    rules = ownership.parse("\n".join(f"/t/*{'a' * 120}b*.py @x" for _ in range(11_000)))
    patience = ownership.Patience()
    assert {ownership.of(f"t/{'a' * 240}{n}.py", rules, patience) for n in range(300)} == {()}
    with pytest.raises(TimeoutError):  # a file alone would take half a minute, and all of them hours
        patience.take(1)


def test_usual_rules_are_far_from_the_end_of_patience():
    rules = ownership.parse("\n".join(f"/src/part{n}/ @team{n}" for n in range(3_000)))
    patience = ownership.Patience()
    found = [ownership.of(f"src/part{n}/a/b/c.py", rules, patience) for n in range(300)]
    assert found == [(f"@team{n}",) for n in range(300)]
