"""`truegreen wiring`: what nobody supplies, from the sources of a real project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from truegreen.errors import EXIT_EVIDENCE, EXIT_GATE_FAILED, EXIT_OK

if TYPE_CHECKING:
    from tests.support.app_desk import Desk

SERVICE = """\
class Repository: ...


class Service:
    def __init__(self, repository: Repository | None = None) -> None:
        self.repository = repository

    def save(self) -> None:
        if self.repository:
            self.repository.save()
"""
FACTORY = "from shop.service import Repository, Service\n\nservice = Service({})\n"


@pytest.fixture
def shop(desk: Desk) -> Desk:
    desk.write("shop/service.py", SERVICE)
    desk.write("shop/factory.py", FACTORY.format(""))
    desk.write("tests/test_shop.py", FACTORY.format("Repository()"))
    return desk


def test_dependency_that_only_a_test_supplies_is_named_with_call_site_and_guard(shop: Desk) -> None:
    ended = shop.run("wiring")
    assert ended.code == EXIT_GATE_FAILED
    assert ended.out.splitlines() == [
        "Service.repository: Repository  (shop/service.py:5)",
        "  supplied by nobody: built without it at shop/factory.py:3",
        "  passed over in silence when it is missing at shop/service.py:9",
    ]
    assert "fail: nobody supplies Service.repository" in ended.err
    assert "fix: hand it over at shop/factory.py:3" in ended.err


def test_dependency_that_is_supplied_is_shown_when_asked_for(shop: Desk) -> None:
    shop.write("shop/factory.py", FACTORY.format("Repository()"))
    assert (shop.run("wiring").code, shop.run("wiring").out) == (EXIT_OK, "")
    assert "  supplied at shop/factory.py:3" in shop.run("wiring", "--explain").out


def test_dependency_of_a_class_nobody_builds_is_shown_with_the_reason(shop: Desk) -> None:
    shop.write("shop/factory.py", "")
    shown = shop.run("wiring", "--explain")
    assert shown.code == EXIT_OK
    assert "  not known: nothing in the project builds the class" in shown.out


def test_json_holds_verdict_and_scan(shop: Desk) -> None:
    ended = shop.run("wiring", "--json")
    assert ended.code == EXIT_GATE_FAILED
    assert (ended.json["verdict"]["status"], ended.json["wiring"]["files"]) == ("fail", 2)
    assert [one["supply"] for one in ended.json["wiring"]["dependencies"]] == ["never"]


@pytest.mark.parametrize("content", [b"def (:\n", b"\xff\xfe\x00", b"x = '\x00'\n"])
def test_source_that_cannot_be_read_is_blind(shop: Desk, content: bytes) -> None:
    (shop.root / "shop" / "broken.py").write_bytes(content)
    ended = shop.run("wiring")
    assert ended.code == EXIT_EVIDENCE
    assert "shop/broken.py" in ended.err


def test_source_that_is_no_source_can_be_left_out(shop: Desk) -> None:
    shop.write("shop/factory.py", FACTORY.format("Repository()"))
    shop.write("templates/{{ name }}.py", "{{ code }} {% if %}\n")
    assert shop.run("wiring").code == EXIT_EVIDENCE
    assert shop.run("wiring", "--set", 'wiring.exclude=["tests/*", "templates/*"]').code == EXIT_OK


def test_project_without_a_source_is_blind(desk: Desk) -> None:
    assert desk.run("wiring").code == EXIT_EVIDENCE
