"""`truegreen prove`: the stage by another name; unknown mutants are refused before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from truegreen.errors import EXIT_CONFIGURATION, EXIT_EVIDENCE

if TYPE_CHECKING:
    from tests.support.app_desk import Desk

SHOP = """\
class Repository: ...


class Service:
    def __init__(self, repository: Repository | None = None) -> None:
        self.repository = repository


service = Service(Repository())
"""


@pytest.fixture
def shop(desk: Desk) -> Desk:
    desk.write("shop/service.py", SHOP)
    return desk


def test_unknown_mutant_is_refused_with_the_known_ones(shop: Desk) -> None:
    ended = shop.run("prove", "unwired:Service.cache")
    assert ended.code == EXIT_CONFIGURATION
    assert "there is no mutant 'unwired:Service.cache'" in ended.err
    assert "forgetful-database, commit-fails, unwired:Service.repository" in ended.err
    assert not (shop.root / ".truegreen").exists()


def test_stage_that_breaks_is_blind_with_its_reason(shop: Desk) -> None:
    options = ["--set", "persistence.enabled=false", "--set", "install=['false']"]
    ended = shop.run("prove", "unwired:Service.repository", *options)
    assert ended.code == EXIT_EVIDENCE
    assert "could not be installed" in ended.err
    assert (shop.root / ".truegreen" / "prove" / "stage.json").is_file()
