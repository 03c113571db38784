"""What becomes of containers: unhealthy, ended, restarted, out of memory, one-shots, and those of the job itself."""

from __future__ import annotations

import subprocess
import time

import msgspec
import pytest
from tests.harness.images import image_tag
from tests.support.containers import contained, docker, engine, labelled, services

from truegreen.config.schema import ServiceOptions
from truegreen.errors import EngineMissing, ServiceNotReady
from truegreen.services.providers.containers import State

__all__ = ["engine", "services"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.docker]


def unhealthy_image(engine):
    """Return an image whose own health check always fails, made from the one of the tests."""
    name = "truegreen-test/unhealthy:1"
    recipe = f"FROM {image_tag('redis')}\nHEALTHCHECK --interval=1s --retries=1 CMD exit 1\nCMD sleep 60\n"
    subprocess.run([engine, "build", "-q", "-t", name, "-"], input=recipe, text=True, check=True, capture_output=True)
    return name


def test_container_that_calls_itself_unhealthy_fails_at_once(services, engine):
    running = services(
        redis=ServiceOptions(provider="containers", image=unhealthy_image(engine), command=["sleep", "60"])
    )
    begun = time.monotonic()
    with pytest.raises(ServiceNotReady, match="redis") as caught:
        running.up(("redis",))
    assert "unhealthy" in caught.value.why
    assert time.monotonic() - begun < 30
    assert labelled(engine, running._session.id) == []


def test_container_that_ends_makes_the_others_end_their_waiting(services, engine):
    running = services(
        redis=contained("redis", command=["sh", "-c", "echo the reason; exit 7"], timeout_s=60),
        other=contained("redis", kind="redis", command=["sleep", "60"], timeout_s=60),
    )
    begun = time.monotonic()
    with pytest.raises(ServiceNotReady) as caught:
        running.up(("redis", "other"))
    assert "it ended by itself with 7" in caught.value.why
    assert "the reason" in caught.value.why
    assert time.monotonic() - begun < 20
    assert labelled(engine, running._session.id) == []


def test_record_of_a_container_that_serves_tells_its_image_only(services):
    running = services(redis=contained("redis"))
    (record,) = running.records(running.up(("redis",)))
    assert (record.image, record.pinned, record.incidents()) == (image_tag("redis"), False, ())
    assert record.image_age_days >= 0
    assert "not pinned" in record.origin()


def test_record_tells_a_restart(services, engine):
    running = services(redis=contained("redis"))
    handles = running.up(("redis",))
    docker(engine, "restart", "-t", "0", *labelled(engine, running._session.id))
    (record,) = running.records(handles)
    assert record.incidents() == ("restarted 1 time",)


def test_record_tells_that_a_container_ended_or_was_removed(services, engine):
    running = services(redis=contained("redis"))
    handles = running.up(("redis",))
    (container,) = labelled(engine, running._session.id)
    docker(engine, "kill", container)
    assert running.records(handles)[0].ended == "it ended by itself with 137"
    docker(engine, "rm", container)
    assert running.records(handles)[0].ended == "it is gone"


def test_record_tells_that_memory_ran_out(services, engine):
    running = services(redis=contained("redis"))
    handles = running.up(("redis",))
    (container,) = labelled(engine, running._session.id)
    docker(engine, "update", "--memory", "16m", "--memory-swap", "16m", container)
    eat = [engine, "exec", container, "tail", "/dev/zero"]
    assert subprocess.run(eat, capture_output=True, check=False, timeout=60).returncode == 137
    deadline = time.monotonic() + 10  # the engine hears of it a moment later
    while not running.records(handles)[0].out_of_memory and time.monotonic() < deadline:
        time.sleep(0.1)
    assert running.records(handles)[0].incidents() == ("ran out of memory",)


def test_state_of_a_container_that_ended_for_lack_of_memory_says_so():
    """What engine 20.10 answers for `docker run -m 16m --memory-swap 16m IMAGE sh -c 'tail /dev/zero'`, shortened."""
    text = b'{"State": {"Status": "exited", "Running": false, "OOMKilled": true, "ExitCode": 137}, "RestartCount": 0}'
    assert msgspec.json.decode(text, type=State).trouble() == "it ended by itself with 137, for lack of memory"


def test_one_shot_container_reaches_what_it_needs_and_leaves_its_log(services, engine):
    running = services(
        redis=contained("redis"),
        fill=ServiceOptions(
            one_shot=True,
            image=image_tag("redis"),
            needs=["redis"],
            command=["sh", "-c", 'redis-cli -u "$REDIS_URL" set a 1'],
        ),
    )
    handles = {handle.name: handle for handle in running.up(("fill",))}
    assert list(handles) == ["redis", "fill"]
    assert "OK" in running.logs("fill")
    assert len(labelled(engine, running._session.id)) == 1
    assert [row["answers"] for row in running.status()] == [True, True]


def test_one_shot_container_that_fails_names_its_log_and_leaves_nothing(services, engine):
    fill = ServiceOptions(one_shot=True, image=image_tag("redis"), command=["sh", "-c", "echo no such table; exit 4"])
    running = services(fill=fill)
    with pytest.raises(ServiceNotReady, match="one-shot service fill failed") as caught:
        running.up(("fill",))
    assert "it ended with 4" in caught.value.why
    assert "no such table" in caught.value.why
    assert labelled(engine, running._session.id) == []


def test_one_shot_container_without_its_image_is_named(services):
    fill = ServiceOptions(one_shot=True, image="127.0.0.1:1/no/such:1", command=["x"])
    with pytest.raises(EngineMissing, match="fill"):
        services(fill=fill).up(("fill",))


def test_container_with_a_digest_that_nobody_has_is_refused(services):
    options = contained("redis", digest=f"sha256:{'0' * 64}")
    with pytest.raises(EngineMissing) as caught:
        services(redis=options).up(("redis",))
    assert f"@sha256:{'0' * 64}" in caught.value.why


# --- attach to a container that somebody else started ------------------------------------------------------------


def test_attach_to_a_container_of_the_job_uses_it_and_leaves_it(services, engine, monkeypatch):
    """What native `services:` of a workflow are to a stage: a container, and its address in a variable."""
    container = docker(engine, "run", "--detach", "--publish", "127.0.0.1::6379", image_tag("redis")).strip()
    try:
        port = docker(engine, "port", container, "6379/tcp").strip().rpartition(":")[2]
        monkeypatch.setenv("CI_REDIS_URL", f"redis://127.0.0.1:{port}/0")
        running = services(redis=ServiceOptions(provider="attach", url="$CI_REDIS_URL"))
        (handle,) = running.up(("redis",))
        assert handle.exports == {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}
        (record,) = running.records((handle,))
        assert (record.provider, record.pinned, record.incidents()) == ("attach", True, ())
        running.down()
        assert docker(engine, "inspect", "--format", "{{.State.Running}}", container).strip() == "true"
    finally:
        docker(engine, "rm", "--force", container)
