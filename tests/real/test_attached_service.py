"""A job of the caller's own with native `services:`, as the documentation shows it: the stage only attaches."""

from __future__ import annotations

import textwrap

import pytest
from tests.harness import images
from tests.real import pipeline

from truegreen.runtime.net import free_port

pytestmark = [pytest.mark.real, pytest.mark.docker, pytest.mark.slow]
PAGE = pipeline.ROOT / "docs" / "services.md"
# The other two run as programs inside the job.
SETTINGS = ("services.postgres.provider=attach", "services.postgres.url=$CI_POSTGRES_DSN")
OTHERS = ("services.redis.provider=embedded", "services.nats.provider=embedded")


def documented(port: int) -> str:
    """Return the workflow of the page, with what this machine has."""
    block = PAGE.read_text(encoding="utf-8").split("name: persistence with native services", 1)[1].split("```", 1)[0]
    text = "name: persistence with native services" + block
    changes = {
        "postgres:18-alpine": images.ensure_image("postgres").tag,
        "truegreen/truegreen/actions/run@main": f"{pipeline.SLUG}/actions/run@{pipeline.REF}",
        # act does not say on which port a service is (`job.services` is empty): the test chooses one.
        "- 5432/tcp": f"- {port}:5432",
        "127.0.0.1:$PORT": f"127.0.0.1:{port}",
    }
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    lines = "\n".join((*SETTINGS, *OTHERS))
    return f"{text.rstrip()}\n" + textwrap.indent(f"set: |\n{textwrap.indent(lines, '  ')}\n", " " * 10)


def test_stage_attaches_to_the_services_of_the_callers_job_and_sees_what_is_committed(run_caller, tmp_path):
    caller = pipeline.make_caller(tmp_path / "caller")
    (caller / ".github/workflows/ci.yml").write_text(documented(free_port()), encoding="utf-8")
    head = pipeline.commit(caller)
    done = run_caller(caller, pipeline.pull_request(head))
    assert done.jobs == {"persistence": "success"}, done.log[-4000:]
    assert any(outputs.get("verdict") == "pass" for outputs in done.outputs.values())
    services = pipeline.record(done, "truegreen-persistence")["services"]
    assert {one["name"]: one["provider"] for one in services} == {
        "postgres": "attach",
        "redis": "embedded",
        "nats": "embedded",
    }
    seen = pipeline.read(done, "truegreen-persistence", "persistence-postgres.json")
    called = [phase for phase in seen["phases"] if phase["phase"] == "call"]
    assert seen["complete"]
    assert seen["tier"].startswith("A:")
    assert sum(change["count"] for phase in called for change in phase["committed"]) >= len(called) > 0
