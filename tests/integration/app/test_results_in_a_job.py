"""What commands print in a job: the runner obeys none of it, and who parses it reads what was meant."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.support.hostile import CORPUS
from tests.support.reports import report
from tests.support.runner_commands import COMMANDING, obeyed

from truegreen import registry
from truegreen.model.verdict import LogTail, Report

if TYPE_CHECKING:
    from tests.support.app_desk import Desk

EVIL = "\n".join((*CORPUS, *COMMANDING)).encode("utf-8", "replace").decode()


def hostile() -> Report:
    """Return a red report in which each text of the corpus stands."""
    told = report(failing=1)
    lint, unit = told.stages
    (verdict,) = unit.verdicts
    item = msgspec.structs.replace(verdict.items[0], title=EVIL, message=EVIL, detail=EVIL)
    said = msgspec.structs.replace(verdict, items=(item,), reason=EVIL, waiver=EVIL, remedy=EVIL)
    log = LogTail(service="pg", text=EVIL, path="pg.log")
    red = msgspec.structs.replace(unit, verdicts=(said,), logs=(log,), notes=(EVIL, *CORPUS[:3], *COMMANDING))
    return msgspec.structs.replace(told, stages=(lint, red), headline=EVIL)


@pytest.fixture
def job(desk: Desk) -> Desk:
    desk.env(CI="true", GITHUB_ACTIONS="true")
    desk.write("hostile.json", msgspec.json.encode(hostile()).decode())
    return desk


@pytest.mark.parametrize("form", sorted({*registry.names("reporter")} - {"annotations"}))
def test_summary_of_hostile_text_holds_no_command(job: Desk, form: str) -> None:
    ended = job.run("summary", "--report", "hostile.json", "--format", form)
    assert (ended.code, obeyed(ended.out + ended.err)) == (0, [])
    assert ended.out.strip()


def test_summary_as_json_is_read_as_the_report_that_it_was(job: Desk) -> None:
    ended = job.run("summary", "--report", "hostile.json", "--format", "json")
    assert msgspec.json.decode(ended.out, type=Report) == hostile()


def test_services_logs_hold_no_command(job: Desk) -> None:
    job.write(".truegreen/services/redis.log", EVIL)
    ended = job.run("services", "logs", "redis")
    assert (ended.code, obeyed(ended.out + ended.err)) == (0, [])
    assert "::stop-commands::zz" in ended.out
    assert not set(ended.out) & set("\x1b\x00\r\u202e")


def test_json_of_settings_holds_no_command(job: Desk) -> None:
    job.configure('[tool.truegreen.unit]\nargs = ["##[error]owned"]\n')
    ended = job.run("config", "explain", "unit.args", "--json")
    assert (ended.code, obeyed(ended.out)) == (0, [])
    assert json.loads(ended.out)[0]["value"] == ["##[error]owned"]
