"""A team's template through every command that shows the summary or the comment, and how it is refused."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from tests.support.app_evidence import FINDING, leave, linted

from truegreen.errors import EXIT_CONFIGURATION, EXIT_GATE_FAILED, EXIT_OK
from truegreen.reporters.comment import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.app_desk import Desk

CONFIGURATION = '[tool.truegreen.report.templates]\nsummary = "ci/summary.md"\ncomment = "ci/comment.md"\n'
TEMPLATE = (
    "### How we mend it\n\nAsk in [the room](https://chat.example/{{commit}}), about `{{red-stages}}`.\n\n{{reasons}}\n"
)


@pytest.fixture
def team(desk: Desk) -> Desk:
    """Return a desk with templates and a red run."""
    desk.configure(CONFIGURATION)
    desk.write("ci/summary.md", TEMPLATE)
    desk.write("ci/comment.md", "{{stages}}\n")
    leave(desk.root / ".truegreen", "lint", linted([FINDING]), commit=desk.commit())
    return desk


def report(desk: Desk, name: str) -> Path:
    return desk.root / ".truegreen" / "report" / name


def test_gate_and_summary_show_the_report_by_the_templates(team: Desk) -> None:
    assert team.run("gate", "lint").code == EXIT_GATE_FAILED
    printed = team.run("summary").out
    assert printed.strip() == report(team, "summary.md").read_text().strip()
    assert printed.startswith("## ❌ truegreen: fail")
    assert "### How we mend it\n\nAsk in [the room](https://chat.example/" in printed
    assert "about `lint`." in printed
    assert "_The template `ci/summary.md` leaves out `stages`" in printed
    comment = team.run("summary", "--format", "comment").out
    assert comment.startswith(f"{MARKER}\n\n## ❌ truegreen: fail")
    assert comment.strip() == report(team, "comment.md").read_text().strip()
    assert "| | Stage |" in comment
    assert "unused import" in team.run("summary", "--format", "terminal").out


def test_template_may_be_named_for_one_of_the_two_alone(team: Desk) -> None:
    team.configure('[tool.truegreen.report]\ntemplates = { comment = "ci/comment.md" }\n')
    team.run("gate", "lint")
    assert "How we mend it" not in team.run("summary").out
    assert "leaves out" in team.run("summary", "--format", "comment").out
    by_hand = team.run("summary", "--set", "report.templates.summary=ci/summary.md")
    assert "How we mend it" in by_hand.out


def test_preview_draws_what_the_templates_make(team: Desk) -> None:
    team.run("gate", "lint")
    team.env(CI="true")
    ended = team.run("summary", "--preview")
    assert ended.out.strip() == str(report(team, "preview.html"))
    page = report(team, "preview.html").read_text()
    assert 'content="default-src &#x27;none&#x27;; style-src' in page
    assert page.index("comment.md") < page.index("summary.md</p>") < page.index("<h3>How we mend it</h3>")
    assert '<a href="https://chat.example/' in page
    assert report(team, "report.html").is_file()


def test_preview_without_the_extra_writes_the_markdown_and_opens_the_page(team: Desk) -> None:
    team.run("gate", "lint")
    report(team, "summary.md").unlink()
    team.env(CI="true")
    team.monkeypatch.setitem(sys.modules, "markdown_it", None)
    ended = team.run("summary", "--preview")
    assert (ended.code, ended.out.strip()) == (EXIT_OK, str(report(team, "report.html")))
    assert "install truegreen[preview]" in ended.err
    assert "How we mend it" in report(team, "summary.md").read_text()


@pytest.mark.parametrize("command", [("gate", "lint"), ("summary",), ("run", "lint"), ("ci", "plan")])
def test_faulty_template_ends_a_command_before_its_work_and_names_the_line(
    team: Desk, command: tuple[str, ...]
) -> None:
    team.run("gate", "lint")
    team.write("ci/summary.md", "{{stages}}\n\n{{reasns}}\n")
    ended = team.run(*command)
    assert ended.code == EXIT_CONFIGURATION
    assert "error TG111: unknown name 'reasns' in a template" in ended.err
    assert "where: ci/summary.md:3" in ended.err
    assert "fix: perhaps you meant reasons" in ended.err


def test_doctor_names_a_faulty_template(team: Desk) -> None:
    team.write("ci/comment.md", "# Ours\n")
    ended = team.run("doctor")
    assert "a heading is as large as the verdict's (ci/comment.md:1)" in ended.out + ended.err


def in_ci(desk: Desk) -> Path:
    """Make this the report job of a run whose lint is red; return the summary page."""
    commit = desk.commit()
    artifacts = desk.root.parent / "artifacts"
    leave(artifacts, "lint", linted([FINDING]), commit=commit, name="truegreen-lint")
    desk.event("push", {"after": commit, "ref": "refs/heads/x"}, GITHUB_ACTIONS="true", GITHUB_RUN_ID="77")
    page = desk.root.parent / "page.md"
    desk.env(TG_EVIDENCE=str(artifacts), TG_STAGES_JSON='["lint"]', GITHUB_STEP_SUMMARY=str(page))
    desk.outputs()
    return page


def test_report_job_writes_the_summary_by_the_template(team: Desk) -> None:
    page = in_ci(team)
    assert team.run("ci", "report").code == EXIT_OK
    assert "### How we mend it" in page.read_text()


def test_report_job_with_a_faulty_template_uses_the_built_in_form_and_says_why(team: Desk) -> None:
    team.write("ci/summary.md", "{{reasns}} @octocat <b>")
    page = in_ci(team)
    assert team.run("ci", "report").code == EXIT_OK
    text = page.read_text()
    assert "| | Stage |" in text
    assert "unused import" in text
    assert "because the template `ci/summary.md` cannot be used: unknown name 'reasns' in a template" in text
    assert "(ci/summary.md:1)" in text
    assert "perhaps you meant reasons" in text
    assert report(team, "comment.md").read_text().startswith(MARKER)


def secret(desk: Desk) -> Path:
    path = desk.root.parent / "secret.md"
    path.write_text("token ghs_secret\n")
    return path


def linked(desk: Desk) -> str:
    (desk.root / "ci" / "linked.md").symlink_to(secret(desk))
    return "ci/linked.md"


def in_linked_folder(desk: Desk) -> str:
    secret(desk)
    (desk.root / "away").symlink_to(desk.root.parent)
    return "away/secret.md"


def above(desk: Desk) -> str:
    secret(desk)
    return "../secret.md"


def of_git(desk: Desk) -> str:
    (desk.root / ".git" / "config.md").write_text("extraheader = AUTHORIZATION: ghs_secret\n")
    return ".git/config.md"


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (linked, "is reached by a symbolic link"),
        (in_linked_folder, "is reached by a symbolic link"),
        (above, "lies outside the project"),
        (lambda desk: str(secret(desk)), "lies outside the project"),
        (of_git, "lies outside the project"),
        ("/proc/self/environ", "is no Markdown"),
        ("pyproject.toml", "is no Markdown"),
        ("", "is no Markdown"),
        ("ci/absent.md", "absent.md is missing"),
        ("ci/a\\u0000.md", "embedded null byte"),
        (f"ci/{'x' * 300}.md", "File name too long"),
    ],
)
def test_template_that_is_no_file_of_the_project_is_never_read(
    team: Desk, place: str | Callable[[Desk], str], why: str
) -> None:
    name = place if isinstance(place, str) else place(team)
    page = in_ci(team)
    team.configure(f'[tool.truegreen.report]\ntemplates = {{ summary = "{name}" }}\n')
    ended = team.run("summary")
    assert ended.code == EXIT_CONFIGURATION
    assert why in ended.err
    assert "pyproject.toml:5" in ended.err
    assert team.run("ci", "report").code == EXIT_OK
    assert "ghs_secret" not in page.read_text() + ended.err
    assert why in page.read_text()


def test_template_that_is_a_folder_or_no_text_is_refused_with_the_place(team: Desk) -> None:
    team.run("gate", "lint")
    (team.root / "ci" / "summary.md").write_bytes(b"one\ntwo \xff\n")
    ended = team.run("summary")
    assert (ended.code, "where: ci/summary.md:2" in ended.err) == (EXIT_CONFIGURATION, True)
    (team.root / "ci" / "summary.md").unlink()
    (team.root / "ci" / "summary.md").mkdir()
    ended = team.run("summary")
    assert (ended.code, "summary.md is not a plain file" in ended.err) == (EXIT_CONFIGURATION, True)


def test_reporter_that_takes_no_template_is_refused_with_those_that_do(team: Desk) -> None:
    team.configure('[tool.truegreen.report.templates]\nsumary = "ci/summary.md"\n')
    ended = team.run("summary")
    assert ended.code == EXIT_CONFIGURATION
    assert "perhaps you meant summary; known values: " in ended.err
    assert "pyproject.toml:5" in ended.err
