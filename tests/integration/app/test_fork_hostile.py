"""Archives and reports of a fork that are made to do harm: told, published as blind, or shown as words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from markdown_it import MarkdownIt
from tests.support import foreign_runs
from tests.support.app_desk import read_outputs
from tests.support.github_api import GithubApi
from tests.support.hostile import CORPUS
from tests.support.reports import report
from tests.support.runner_commands import COMMANDING, obeyed

from truegreen.app import forks
from truegreen.errors import EXIT_EVIDENCE, EXIT_OK
from truegreen.model.verdict import Status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.app_desk import Desk

SHA = foreign_runs.SHA
OWN_HTML = re.compile(r"</?details>|<summary>[^<>]*</summary>|<br>|</?sub>|<!-- truegreen:(report|run 77\.1) -->")
MARKS = "<!-- truegreen:report -->\n<!-- truegreen:run 77.1 -->\n"


def forged(**changes: Any) -> Any:
    return msgspec.structs.replace(foreign_runs.left(Status.FAIL), **changes)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        foreign_runs.zipped(("summary.md", b"# pass")),
        foreign_runs.zipped(("verdict.json", b"{")),
        foreign_runs.zipped(("verdict.json", b"[" * 100_000)),
        foreign_runs.zipped(("verdict.json", b'{"schema_version":2,"status":"pass","headline":""}')),
        foreign_runs.archive(None, ("../../home/runner/.bashrc", b"curl evil")),
        foreign_runs.zipped(("verdict.json", b" " * (20 << 20))),
    ],
)
def test_hostile_archive_is_blind_and_leaves_no_file(desk: Desk, api: GithubApi, page: Path, data: bytes) -> None:
    before = sorted(desk.root.parent.rglob("*"))
    api.add_artifact(77, data)
    assert foreign_runs.published(desk).code == EXIT_EVIDENCE
    assert [row["state"] for row in api.statuses] == ["error"]
    assert "truegreen: blind" in api.comments[7][0]["body"]
    assert set(map(str, desk.root.parent.rglob("*"))) - set(map(str, before)) <= {
        str(page), str(desk.root.parent / "event.json"),
    }  # fmt: skip


def test_report_made_to_last_is_blind_in_time(
    desk: Desk, api: GithubApi, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forks, "SHOWING_LIMIT_S", 0.5)
    stages = foreign_runs.left(Status.FAIL).stages
    slow = (msgspec.structs.replace(stages[0], notes=("",) * 3_000_000),)
    api.add_artifact(77, foreign_runs.archive(foreign_runs.left(told=forged(stages=slow))))
    ended = foreign_runs.published(desk, conclusion="failure")
    assert ended.code == EXIT_EVIDENCE
    assert "showing it took longer than 0.5 s" in ended.err
    assert [row["state"] for row in api.statuses] == ["error"]


@pytest.mark.parametrize("number", [1e308, -1e308, -1.0, 1e-320])
def test_odd_numbers_are_shown_or_blind(desk: Desk, api: GithubApi, page: Path, number: float) -> None:
    stages = tuple(msgspec.structs.replace(s, duration_s=number) for s in foreign_runs.left(Status.FAIL).stages)
    told = forged(duration_s=number, stages=stages)
    api.add_artifact(77, foreign_runs.archive(told))
    assert foreign_runs.published(desk, conclusion="failure").code in (EXIT_OK, EXIT_EVIDENCE)
    assert len(api.comments[7]) == len(api.statuses) == 1
    assert api.statuses[0]["state"] != "success"


def shown_markup(markdown: str) -> list[str]:
    """Return the HTML, images and links of a document, as GitHub would read it, that are not ours."""
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": True}).parse(markdown)
    flat = [inner for token in tokens for inner in (token, *(token.children or ()))]
    html = [OWN_HTML.sub("", token.content).strip() for token in flat if token.type.startswith("html_")]
    links = [str(token.attrs["href"]) for token in flat if token.type == "link_open"]
    images = [token.content for token in flat if token.type == "image"]
    return [*filter(None, html), *images, *(link for link in links if not link.startswith("https://github.com/o/r/"))]


@pytest.mark.parametrize("text", [*CORPUS, *COMMANDING], ids=lambda text: ascii(text[:20]))
def test_hostile_words_in_every_field_stay_words(desk: Desk, api: GithubApi, page: Path, text: str) -> None:
    said = text.encode("utf-8", "replace").decode()
    stages = tuple(
        msgspec.structs.replace(
            stage,
            headline=said,
            command=said,
            notes=(said,),
            verdicts=tuple(msgspec.structs.replace(v, reason=said, remedy=said, gate=said) for v in stage.verdicts),
        )
        for stage in report(Status.FAIL).stages
    )
    made = msgspec.structs.replace(report(Status.FAIL), headline=said, history=said, stages=stages)
    lies = {"pack_version": said, "pack_commit": said, "created": said, "ref": said, "run_url": said, "event": said}
    api.add_artifact(77, foreign_runs.archive(foreign_runs.left(told=made, **lies)))
    outputs = desk.outputs()
    ended = foreign_runs.published(desk, conclusion="failure")
    assert ended.code == EXIT_OK, ended.err
    assert obeyed(read_outputs(outputs)["headline"]) == []
    (comment,) = api.comments[7]
    assert comment["body"].startswith(MARKS)
    assert shown_markup(comment["body"]) + shown_markup(page.read_text()) == []
    assert not re.search(r"^\s*::", ended.err, re.MULTILINE)
