"""The server that keeps the history, as the configuration and the environment name it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from truegreen.errors import StoreError, WrongValue
from truegreen.stores.address import Address, holds_password

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truegreen.config.settings import Settings

_STORES = {"postgresql": "postgres", "postgres": "postgres", "clickhouse": "clickhouse"}
"""Scheme of an address → store."""
_NAME = re.compile(r"TRUEGREEN_[A-Z0-9_]{1,80}")
"""Variables that may be sent to a server: whoever may change the configuration names both, and must not get a token.

The project's own programs never see variables of such names.
"""
_FIX = "write it as postgresql://user@host/database or clickhouse://user@host/database, or $TRUEGREEN_… for a variable"


def address(settings: Settings, env: Mapping[str, str]) -> tuple[str, Address]:
    """Return the store and the address of the server that keeps the history.

    Raises:
        WrongValue: there is no store for such an address, or the configuration holds a password.
        StoreError: a variable is not set, as in a run that gets no secrets, or the repository has no name.
    """
    options = settings.history
    url = options.url
    if url.startswith("$"):
        if not _NAME.fullmatch(url[1:]):
            why = "any other could hold what is not meant for that server"
            raise WrongValue(f"the variable {url[1:]} may not be read", where="history.url", why=why, fix=_FIX)
        url = _variable(url[1:], "address", env)
    elif holds_password(url):
        fix = 'keep the password in a variable and name that: password-env, or url = "$TRUEGREEN_…" for all of it'
        raise WrongValue("the configuration holds a password", where="history.url", why="everybody reads it", fix=fix)
    kind = _STORES.get(_scheme(url), "")
    if not kind:
        raise WrongValue("the address of the history is of no server truegreen knows", where="history.url", fix=_FIX)
    password = _variable(options.password_env, "password", env) if options.password_env else ""
    return kind, Address(url=url.strip(), password=password, repository=_repository(settings, env))


def _scheme(url: str) -> str:
    try:
        return urlsplit(url.strip()).scheme
    except ValueError:
        return ""


def _variable(name: str, what: str, env: Mapping[str, str]) -> str:
    if not env.get(name):
        why = "a run for a fork gets no secrets; elsewhere somebody forgot to pass it"
        fix = f"set {name}, or take url out of [tool.truegreen.history]"
        raise StoreError(f"the history's {what} is not known: {name} is not set", where="history", why=why, fix=fix)
    return env[name]


def _repository(settings: Settings, env: Mapping[str, str]) -> str:
    """Return the name of this project on the server: each project of a repository has its own."""
    if settings.history.repository:
        return settings.history.repository
    repository, workspace = env.get("GITHUB_REPOSITORY", ""), env.get("GITHUB_WORKSPACE", "")
    if not repository:
        why = "a server keeps many, and nothing here says which this is"
        fix = 'write repository = "owner/name" in [tool.truegreen.history]'
        raise StoreError("the history's repository is not known", where="history", why=why, fix=fix)
    root = settings.root.resolve()
    if workspace and root != (top := Path(workspace).resolve()) and root.is_relative_to(top):
        return f"{repository}/{root.relative_to(top).as_posix()}"
    return repository
