"""`truegreen prove` on the bundled ledger: everything is noticed; a test that was weakened is named, and no other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.pytest_projects import shared_cache

from truegreen.errors import EXIT_GATE_FAILED, EXIT_OK

pytestmark = pytest.mark.slow
LEDGER = Path(__file__).resolve().parents[3] / "examples" / "ledger"
TESTS = "tests/persistence/test_operations.py"
STRONG = """\
    applied = await service.apply_event(to_event(operation(account)))
    assert applied.state == "applied"
    assert await stored.find(applied.id) == applied
"""
WEAK = """\
    assert (await service.apply_event(to_event(operation(account)))).state == "applied"
"""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ledger")
    ignored = shutil.ignore_patterns(".venv", ".truegreen", "__pycache__", ".pytest_cache", ".hypothesis")
    shutil.copytree(LEDGER, folder / "ledger", ignore=ignored)
    shared_cache(folder / "cache")
    return folder / "ledger"


def prove(ledger, *words):
    """Run the command as a user does; services run embedded, so that no engine is needed."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("COV_", "PYTEST_", "GITHUB_"))}
    providers = [
        word for name in ("postgres", "redis", "nats") for word in ("--set", f"services.{name}.provider=embedded")
    ]
    done = subprocess.run(
        [sys.executable, "-m", "truegreen", "prove", *words, "--json", *providers],
        cwd=ledger,
        env={**kept, "TRUEGREEN_CACHE": str(ledger.parent / "cache")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    told = json.loads(done.stdout)
    stage = next(one for one in told["report"]["stages"] if one["stage"] == "prove")
    assert told["proof"]["asked"] == list(words)
    return done.returncode, next(one for one in stage["verdicts"] if one["gate"] == "proof-survivors")


def test_every_mutant_of_the_ledger_is_noticed(ledger):
    code, verdict = prove(ledger)
    assert (code, verdict["status"]) == (EXIT_OK, "pass"), verdict["reason"]
    assert verdict["reason"] == "5 mutants, all noticed; 8 tests had to notice each fault"
    assert verdict["facts"][0] == {"label": "kill rate", "value": "100 %, 5 of 5", "wanted": ""}


def test_test_that_was_weakened_is_named_alone(ledger):
    path = ledger / TESTS
    text = path.read_text(encoding="utf-8")
    assert STRONG in text
    path.write_text(text.replace(STRONG, WEAK), encoding="utf-8")
    code, verdict = prove(ledger, "forgetful-database")
    assert (code, verdict["status"]) == (EXIT_GATE_FAILED, "fail")
    assert [item["title"] for item in verdict["items"]] == [f"{TESTS}::test_event_is_applied"]
    assert "what it asserts does not come from the database" in verdict["reason"]
