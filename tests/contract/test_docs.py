"""The documentation says what the code does: pages are current, links lead somewhere, every requirement has its row."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from truegreen import __version__, errors, registry
from truegreen.cli.table import COMMANDS

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
# Rows of each source: S0 suite expectations, S1 quality sprint, S2 milestones, S3 API suite, S4 strategy.
ROWS = {"S0": 18, "S1": 57, "S2": 52, "S3": 56, "S4": 50}
STATUSES = ("works", "partly", "planned")
THEMES = {
    "adoption",
    "chaos and delivery",
    "contract tests",
    "gates with history",
    "notify and metrics",
    "proof of persistence",
    "services and end to end",
    "supply chain",
    "the report",
}
PROSE = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_WORDS = r"(?P<names>`[\w-]+`(?:(?: and | or | to )`[\w-]+`)*)"
NAMED = re.compile(rf"\b(?P<kind>stages?|gates?|workflow|provider|service|action) {_WORDS}")


def script(name: str) -> ModuleType:
    """Load a script of docs/, which is no package."""
    spec = importlib.util.spec_from_file_location(f"truegreen_docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


generate = script("generate")
release_notes = script("release_notes")
REQUIREMENTS = generate.requirements()


@pytest.mark.parametrize("name", generate.PAGES)
def test_generated_page_is_current(name: str) -> None:
    assert (DOCS / f"{name}.md").read_text(encoding="utf-8") == generate.page(name), "run `make docs`"


def test_check_of_an_outdated_page_ends_with_one_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "DOCS", tmp_path)
    (tmp_path / "errors.md").write_text("old")
    assert generate.main(["--check", "errors"]) == 1
    assert "errors.md is out of date" in capsys.readouterr().out
    assert (tmp_path / "errors.md").read_text() == "old"
    assert generate.main(["errors"]) == 0
    assert generate.main(["--check", "errors"]) == 0


def test_every_error_gate_stage_and_command_has_its_heading() -> None:
    headings = {
        page: (DOCS / f"{page}.md").read_text(encoding="utf-8") for page in ("errors", "gates", "stages", "cli")
    }
    assert all(f"\n## {code} " in headings["errors"] for code in errors.all_errors())
    assert all(f"\n## {name}\n" in headings["gates"] for name in registry.names("gate"))
    assert all(f"\n## {name}\n" in headings["stages"] for name in registry.names("stage"))
    assert all(f"\n## truegreen {command.name}\n" in headings["cli"] for command in COMMANDS)


def test_each_observer_says_how_it_observes_and_which_real_server_showed_it() -> None:
    for name in registry.names("observer"):
        entries = generate.listed(registry.load("observer", name))
        assert list(entries) == ["store", "technique", "counts", "does not count", "verified against"], name


def test_each_public_workflow_is_described_with_a_call_that_grants_what_it_needs() -> None:
    text = (DOCS / "workflows.md").read_text(encoding="utf-8")
    for path in (ROOT / ".github" / "workflows").glob("[!_]*.yml"):
        section = text.split(f"\n## {path.stem}\n")[1].split("\n## ")[0]
        call = yaml.safe_load(section.split("```yaml")[1].split("```")[0])["jobs"][path.stem]
        assert call["uses"].endswith(f"/{path.name}@v{__version__}")
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            for scope, right in (job["permissions"] or {}).items():
                assert call["permissions"][scope] in (right, "write"), f"{path.name}: {scope}"


def test_requirement_table_has_every_row_once_and_in_order() -> None:
    expected = [f"{source}.{number:02}" for source, count in ROWS.items() for number in range(1, count + 1)]
    assert [row["id"] for row in REQUIREMENTS] == expected


@pytest.mark.parametrize("row", REQUIREMENTS, ids=lambda row: str(row["id"]))
def test_requirement_row_says_what_answers_it_or_what_is_to_come(row: dict[str, str]) -> None:
    assert row["status"] in STATUSES
    assert row["text"].strip()
    assert bool(row.get("where")) is (row["status"] != "planned"), "what works names its place"
    assert bool(row.get("theme")) is (row["status"] != "works"), "what is not whole names the coming work"
    assert row.get("theme", "adoption") in THEMES


def known(kind: str, name: str) -> bool:
    """Return whether a thing of the product has that name."""
    if kind == "workflow":
        return (ROOT / ".github" / "workflows" / f"{name}.yml").is_file()
    if kind == "action":
        return (ROOT / "actions" / name / "action.yml").is_file()
    return name in registry.names(kind.removesuffix("s"))


@pytest.mark.parametrize("row", [row for row in REQUIREMENTS if row.get("where")], ids=lambda row: str(row["id"]))
def test_place_of_a_requirement_names_things_that_exist(row: dict[str, str]) -> None:
    where = row["where"]
    for match in NAMED.finditer(where):
        for name in re.findall(r"`([\w-]+)`", match["names"]):
            assert known(match["kind"], name), f"{match['kind']} {name}"
    for name in re.findall(r"`truegreen ([a-z]+)", where):
        assert name in {command.name for command in COMMANDS}
    for code in re.findall(r"TG\d{3}", where):
        assert code in errors.all_errors()
    for fault in re.findall(r"fault `([\w-]+)`", where):
        assert (ROOT / "examples" / "faults" / fault / "fault.toml").is_file()


@pytest.mark.parametrize("path", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_link_leads_to_a_file(path: Path) -> None:
    for match in LINK.finditer(path.read_text(encoding="utf-8")):
        target = match["target"].partition("#")[0]
        if target and "://" not in target and not target.startswith("mailto:"):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_decision_has_context_decision_and_consequences_and_is_listed() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    decisions = sorted((DOCS / "adr").glob("*.md"))
    assert [path.name[:4] for path in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    for path in decisions:
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], path.name
        assert f"(adr/{path.name})" in index


def test_page_is_in_the_navigation_of_the_site() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    assert set(nav) == {path.name for path in DOCS.glob("*.md")}


def test_changelog_begins_with_unreleased_and_dates_every_version() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading) for heading in headings[1:])


def test_release_notes_are_the_section_of_the_tag() -> None:
    changelog = "## [Unreleased]\n\n- a\n\n## [1.2.3] - 2026-11-21\n\n- b\n\n## [1.2.2] - 2026-11-01\n\n- c\n"
    assert release_notes.notes("v1.2.3", "1.2.3", changelog) == "- b\n"


@pytest.mark.parametrize(
    ("tag", "changelog"),
    [
        ("v1.2.4", "## [1.2.3] - 2026-11-21\n\n- b\n"),
        ("v1.2.3", "## [Unreleased]\n\n- b\n"),
        ("v1.2.3", "## [1.2.3]\n\n- no date\n"),
        ("v1.2.3", "## [1.2.3] - 2026-11-21\n\n## [1.2.2] - 2026-11-01\n\n- c\n"),
    ],
    ids=["another version", "no section", "no date", "empty"],
)
def test_release_without_agreeing_tag_version_and_changelog_is_refused(tag: str, changelog: str) -> None:
    with pytest.raises(ValueError, match=r"tag|CHANGELOG"):
        release_notes.notes(tag, "1.2.3", changelog)
