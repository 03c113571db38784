"""The typed shape of `[tool.truegreen]`.

Tables for stages, gates and notifiers belong to their classes (`Options`), found through the registry;
this module holds what is shared. Keys are kebab-case in TOML.
"""

from __future__ import annotations

from typing import Annotated

import msgspec


class Component(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A named set of source paths with thresholds of its own."""

    paths: list[str]
    """Glob patterns relative to the repository, `**` allowed."""
    line: float = 80.0
    """Least line coverage in percent."""
    branch: float = 0.0
    """Least branch coverage in percent; 0 does not judge branches."""


class ServiceOptions(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.truegreen.services.<name>]`: one real service the stages can use."""

    kind: str = ""
    """Name in the catalogue; empty means the table's own name."""
    provider: str = "auto"
    """`auto`, `containers`, `embedded` or `attach`."""
    image: str = ""
    """Image for `containers`; empty takes the catalogue's."""
    url: str = ""
    """URL for `attach`; `$NAME` reads the environment."""
    port: int = 0
    """Host port; 0 takes a free one."""
    database: str = ""
    user: str = ""
    password: str = ""
    env: dict[str, str] = {}
    """Environment of the container."""
    command: list[str] = []
    """Arguments of the container, after the image."""
    export: dict[str, str] = {}
    """Variable name → `url`, `host`, `port`, `user`, `password` or `database`; replaces the catalogue's names."""
    timeout_s: float = msgspec.field(default=60.0, name="timeout-s")
    """Time within which it must answer its probe."""


class ProcessOptions(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.truegreen.processes.<name>]`: one process of the application, where compose is not used."""

    command: list[str]
    """Program and arguments; runs in the project's environment. `{port}` is replaced by `port`."""
    ready: str = ""
    """`http://…` to answer below 400, or `log:TEXT` to appear in its output; empty means alive after 1 s."""
    port: int = 0
    """Port it listens on; 0 picks a free one for `{port}`."""
    env: dict[str, str] = {}
    """Extra variables; `{port}` is replaced."""
    export: dict[str, str] = {}
    """Variables for the tests, such as `LEDGER_BASE_URL = "http://127.0.0.1:{port}"`."""
    once: bool = False
    """True for a migration: it must end with 0 before the next process starts."""
    timeout_s: float = msgspec.field(default=30.0, name="timeout-s")


class HistoryOptions(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.truegreen.history]`: results of earlier runs, and where they are carried to between runs of a CI."""

    path: str = ""
    """File that holds the history, relative to the project; empty takes `.truegreen/history.sqlite`."""
    url: str = ""
    """Server that holds it instead of a file: `postgresql://user@host/database`, or `clickhouse://…`; `$TRUEGREEN_…`
    names a variable."""
    password_env: Annotated[str, msgspec.Meta(pattern=r"^(TRUEGREEN_[A-Z0-9_]{1,80})?$")] = ""
    """Variable `TRUEGREEN_…` that holds the password for that server; empty leaves it to `url`."""
    repository: str = ""
    """Name under which the server keeps this project; empty takes the CI's `owner/name`, and the project's folder."""
    branch: str = ""
    """Branch that keeps the history between runs and holds nothing else: reports read it, `history.yml` writes it."""
    remote: str = "origin"
    """Name of the remote that has that branch."""
    pull_requests: bool = False
    """Whether `history.yml` also keeps runs of pull requests; those from forks are never kept."""
    folder: str = ""
    """Folder that push and pull use instead of a branch, such as one that a cache restores."""
    keep_runs: Annotated[int, msgspec.Meta(ge=1)] = 5000
    """Newest runs to keep; older ones are forgotten as new ones come."""
    keep_days: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Days a run is kept; 0 sets no limit."""


class ProjectOptions(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """The keys directly below `[tool.truegreen]`."""

    python: str = ""
    """Version of the user's interpreter, such as `3.12`; empty takes what the project asks for."""
    install: list[str] = []
    """Commands that install the project; empty means detect (uv.lock, poetry.lock, pylock.toml, requirements)."""
    extras: list[str] = []
    """Extras of the project to install with it."""
    groups: list[str] = msgspec.field(default_factory=lambda: ["dev", "test", "tests"])
    """Dependency groups to install where the project has them."""
    source: list[str] = []
    """Packages or folders measured for coverage; empty means `src` if it exists, else `.`."""
    components: dict[str, Component] = {}
    services: dict[str, ServiceOptions] = {}
    processes: dict[str, ProcessOptions] = {}
    requirements: str = ""
    """Requirement registry, relative to the project; empty means `requirements.toml` where there is one."""
    waivers: str = ""
    """File of waivers, relative to the project; empty means `truegreen-waivers.toml` where there is one."""
    quarantine: str = ""
    """File of tests in quarantine, relative to the project; empty means `truegreen-quarantine.toml` if there is one."""
    preset: str = ""
    """`standard`, `strict`, or a TOML file of the organisation, relative to the project, which may build on one of the
    two by a `preset` of its own; its keys are as below `[tool.truegreen]`, and weaker."""
