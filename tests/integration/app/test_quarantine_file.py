"""The quarantine file of a project, through the commands."""

from __future__ import annotations

import pytest
from tests.support.app_desk import Desk

from truegreen.errors import EXIT_OK

ROW = 'test = "tests/test_a.py::test_x"\nowner = "jo"\nissue = "#7"\nreason = "waits"\n'


@pytest.mark.parametrize("command", [("gate", "lint"), ("run", "lint"), ("doctor",), ("ci", "plan")])
@pytest.mark.parametrize("dates", ["created = 2026-01-01\nexpires = 2026-03-01\n", "created = 2026-01-01\n"])
def test_quarantine_that_cannot_be_honoured_stops_before_anything_runs(desk: Desk, command, dates) -> None:
    (desk.root / "truegreen-quarantine.toml").write_text(f"\n[[quarantine]]\n{ROW}{dates}")
    ended = desk.run(*command)
    assert ended.code != EXIT_OK
    assert "truegreen-quarantine.toml:2" in ended.out + ended.err
    assert not (desk.root / ".truegreen" / "lint").exists()


def test_expired_quarantine_is_red_and_named(desk: Desk) -> None:
    (desk.root / "truegreen-quarantine.toml").write_text(
        f"[[quarantine]]\n{ROW}created = 2020-01-01\nexpires = 2020-01-02\n"
    )
    ended = desk.run("gate", "lint", "--json")
    run = next(stage for stage in ended.json["stages"] if stage["stage"] == "run")
    verdict = next(one for one in run["verdicts"] if one["gate"] == "quarantine")
    assert verdict["status"] == "fail"
    assert "expired on 2020-01-02" in verdict["reason"]
