"""`truegreen init`: two files, readable by their readers, and nothing of anybody's overwritten."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from tests.support.app_desk import PROJECT

from truegreen import __version__
from truegreen.errors import EXIT_CONFIGURATION, EXIT_OK

if TYPE_CHECKING:
    from tests.support.app_desk import Desk

WORKFLOW = ".github/workflows/truegreen.yml"
PUBLISHER = ".github/workflows/truegreen-publish.yml"
DOCUMENTATION = Path(__file__).resolve().parents[3] / "docs" / "publishing.md"


def test_init_writes_a_workflow_and_a_table_that_doctor_accepts(desk: Desk) -> None:
    ended = desk.run("init", "--ref", "a" * 40)
    assert ended.code == EXIT_OK
    document = yaml.safe_load((desk.root / WORKFLOW).read_text())
    assert document["jobs"]["truegreen"]["uses"] == (f"truegreen/truegreen/.github/workflows/pipeline.yml@{'a' * 40}")
    assert (desk.root / "pyproject.toml").read_text().startswith(PROJECT)
    assert "truegreen" in tomllib.loads((desk.root / "pyproject.toml").read_text())["tool"]
    assert f"ok    truegreen.yml: truegreen: calls pipeline.yml" in desk.run("doctor").out  # noqa: F541
    assert desk.run("config", "explain", "-q").code == EXIT_OK


def test_init_without_an_answer_names_its_own_version_and_says_so(desk: Desk, tmp_path: Path) -> None:
    desk.env(GITHUB_SERVER_URL=f"file://{tmp_path}/nobody")
    ended = desk.run("init", "--repository", "acme/pack")
    assert "could not be looked up" in ended.err
    assert f"acme/pack/.github/workflows/pipeline.yml@v{__version__}" in (desk.root / WORKFLOW).read_text()


@pytest.mark.parametrize("annotated", [[], ["-a", "-m", "release"]])
def test_init_pins_the_commit_of_its_tag_where_the_server_answers(
    desk: Desk, tmp_path: Path, annotated: list[str]
) -> None:
    pack = tmp_path / "server" / "acme" / "pack"
    pack.mkdir(parents=True)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "tag.gpgsign=false"]
    for words in (["init", "-q"], [*identity, "commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run(["git", *words], cwd=pack, check=True)
    subprocess.run(["git", *identity, "tag", *annotated, f"v{__version__}"], cwd=pack, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=pack, check=True, capture_output=True, text=True)
    commit = head.stdout.strip()
    desk.env(GITHUB_SERVER_URL=f"file://{tmp_path}/server")
    ended = desk.run("init", "--repository", "acme/pack")
    assert f"pipeline.yml@{commit} # v{__version__}\n" in (desk.root / WORKFLOW).read_text()
    assert "could not be looked up" not in ended.err


def test_init_twice_changes_nothing(desk: Desk) -> None:
    desk.run("init")
    before = {name: (desk.root / name).read_bytes() for name in (WORKFLOW, "pyproject.toml")}
    ended = desk.run("init", "--ref", "b" * 40)
    assert ended.code == EXIT_OK
    assert ended.err.count("left alone") == 2
    assert {name: (desk.root / name).read_bytes() for name in before} == before


def test_init_tells_what_pull_requests_from_forks_lack_until_it_is_there(desk: Desk) -> None:
    ended = desk.run("init", "--ref", "a" * 40)
    assert "`truegreen init --forks` adds the workflow" in ended.err
    assert not (desk.root / PUBLISHER).exists()
    ended = desk.run("init", "--ref", "a" * 40, "--forks")
    assert f"{PUBLISHER}: written" in ended.err
    assert "--forks`" not in ended.err
    assert "--forks`" not in desk.run("init", "--ref", "a" * 40).err


def test_init_for_forks_writes_the_workflow_of_the_documentation(desk: Desk) -> None:
    assert desk.run("init", "--ref", "v0.1.0 # pin the full commit", "--forks").code == EXIT_OK
    assert f"```yaml\n# {PUBLISHER}\n{(desk.root / PUBLISHER).read_text()}```" in DOCUMENTATION.read_text()
    assert "ok    truegreen-publish.yml" in desk.run("doctor").out


def test_init_never_overwrites_what_others_wrote(desk: Desk) -> None:
    desk.write(WORKFLOW, "name: mine\n")
    desk.configure("[tool.truegreen]\nsource = ['lib']\n")
    before = (desk.root / "pyproject.toml").read_text()
    desk.run("init")
    assert (desk.root / WORKFLOW).read_text() == "name: mine\n"
    assert (desk.root / "pyproject.toml").read_text() == before


def test_init_dry_run_prints_and_writes_nothing(desk: Desk) -> None:
    ended = desk.run("init", "--dry-run")
    assert f"# {WORKFLOW}: written" in ended.out
    assert "# pyproject.toml: [tool.truegreen] added" in ended.out
    assert not (desk.root / ".github").exists()
    assert (desk.root / "pyproject.toml").read_text() == PROJECT


@pytest.mark.parametrize(
    ("libraries", "services"),
    [
        ('["psycopg[binary]>=3"]', ["postgres"]),
        ('["asyncpg", "redis", "nats-py"]', ["nats", "postgres", "redis"]),
        ('["requests"]', []),
    ],
)
def test_init_finds_the_services_a_project_needs(desk: Desk, libraries: str, services: list[str]) -> None:
    desk.write("pyproject.toml", f"{PROJECT}dependencies = {libraries}\n")
    desk.run("init")
    table = tomllib.loads((desk.root / "pyproject.toml").read_text())["tool"]["truegreen"]
    assert sorted(table.get("services", {})) == services
    assert table.get("persistence", {}).get("services", []) == services


def test_init_keeps_the_line_ends_of_the_file(desk: Desk) -> None:
    desk.write("pyproject.toml", "").write_bytes(b'[project]\r\nname = "x"\r\n')
    assert desk.run("init").code == EXIT_OK
    data = (desk.root / "pyproject.toml").read_bytes()
    assert data.startswith(b'[project]\r\nname = "x"\r\n')
    assert "truegreen" in tomllib.loads(data.decode())["tool"]


@pytest.mark.parametrize("content", [b"[project\n", b'[project]\nname = "caf\xe9"\n'])
def test_init_file_that_is_no_toml_is_left_as_it_is(desk: Desk, content: bytes) -> None:
    path = desk.write("pyproject.toml", "")
    path.write_bytes(content)
    ended = desk.run("init")
    assert (ended.code, "TG102" in ended.err) == (EXIT_CONFIGURATION, True)
    assert path.read_bytes() == content
    assert not (desk.root / ".github").exists()


def test_init_outside_a_project_says_how_to_make_one(desk: Desk) -> None:
    (desk.root / "sub").mkdir()
    ended = desk.run("init", "-C", "sub")
    assert (ended.code, "uv init" in ended.err) == (EXIT_CONFIGURATION, True)
