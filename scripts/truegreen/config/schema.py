"""The typed shape of `[tool.truegreen]`.

Tables for stages, gates and notifiers belong to their classes (`Options`), found through the registry;
this module holds what is shared. Keys are kebab-case in TOML.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=1_000_000)]
"""A time limit: no number at all would be none, and a negative one is over before anything begins."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Output = Literal[
    "junit", "sarif", "ctrf", "sonar-tests", "sonar-coverage", "badge-verdict", "badge-coverage", "badge-flakiness"
]
"""Reporters whose documents are files for other programs."""


class Component(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A named set of source paths with thresholds of its own."""

    paths: list[str]
    """Glob patterns relative to the repository, `**` allowed."""
    line: Annotated[float, msgspec.Meta(ge=0, le=100)] = 80.0
    """Least line coverage in percent."""
    branch: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0
    """Least branch coverage in percent; 0 does not judge branches."""


class ServiceOptions(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.truegreen.services.<name>]`: one real service the stages can use."""

    kind: str = ""
    """Name in the catalogue, such as `postgres` or `postgres@13`; empty means the table's own name."""
    version: str = ""
    """Version, such as `18`; empty takes the catalogue's. Where a service is named, `postgres@18` is stronger."""
    provider: str = "auto"
    """`auto`, `containers`, `embedded` or `attach`."""
    image: str = ""
    """Image for `containers`; empty takes the catalogue's. `{version}` in it is replaced."""
    digest: str = ""
    """Digest that the image must have, `sha256:…`: a tag can be moved, a digest cannot."""
    url: str = ""
    """URL for `attach`; `$NAME` reads the environment."""
    port: Port = 0
    """Host port; 0 takes a free one."""
    database: str = ""
    user: str = ""
    password: str = ""
    env: dict[str, str] = {}
    """Environment of the container; a server that runs embedded has none, and a note says so."""
    command: list[str] = []
    """Arguments of the container, after the image; of a one-shot service without an image the program itself.

    Options of PostgreSQL, Redis, Valkey and NATS are the embedded server's too.
    """
    needs: list[str] = []
    """Services that must be ready before this one starts; they are started with it."""
    one_shot: bool = msgspec.field(default=False, name="one-shot")
    """True for one that must end with 0, such as a migration: it is no kind of the catalogue, and gets the variables
    of what it `needs`. With an `image` it is a container on the host's network, else a program on PATH."""
    export: dict[str, str] = {}
    """Variable name → `url`, `host`, `port`, `address` (`host:port`), `endpoint` (`http://host:port`), `api-url`,
    `user`, `password` or `database`; replaces the catalogue's names."""
    timeout_s: Seconds = msgspec.field(default=60.0, name="timeout-s")
    """Time within which it must answer its probe."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        refuse_unnamed("export", self.export)
        if self.provider == "embedded" and self.env and not self.one_shot:
            raise ValueError('env: is the container\'s, and provider = "embedded" starts none; take one of the two out')


class ProcessOptions(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.truegreen.processes.<name>]`: one process of the application, where compose is not used."""

    command: list[str]
    """Program and arguments; runs in the project's environment. `{port}` is replaced by `port`."""
    ready: str = ""
    """`http://…` to answer below 400, or `log:TEXT` to appear in its output; empty means alive after 1 s."""
    port: Port = 0
    """Port it listens on; 0 picks a free one for `{port}`."""
    env: dict[str, str] = {}
    """Extra variables; `{port}` is replaced."""
    export: dict[str, str] = {}
    """Variables for the tests, such as `LEDGER_BASE_URL = "http://127.0.0.1:{port}"`."""
    once: bool = False
    """True for a migration: it must end with 0 before the next process starts."""
    timeout_s: Seconds = msgspec.field(default=30.0, name="timeout-s")

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        refuse_unnamed("export", self.export)


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
    artifacts: bool = False
    """Keep it in artifacts of runs instead of a branch or a server: `history-artifacts.yml` collects them for a run."""
    pull_requests: bool = False
    """Whether runs of pull requests are kept for later ones too; those from forks are never kept."""
    folder: str = ""
    """Folder that push and pull use instead of a branch, such as one that a cache restores."""
    keep_runs: Annotated[int, msgspec.Meta(ge=1)] = 5000
    """Newest runs to keep; older ones are forgotten as new ones come."""
    keep_days: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Days a run is kept; 0 sets no limit."""

    def __post_init__(self) -> None:
        """Refuse two places at once: nobody could say which of them a run is compared with."""
        also = [name for name in ("branch", "url", "folder") if getattr(self, name)]
        if self.artifacts and also:
            raise ValueError(f"artifacts and {' and '.join(also)} are two places for one history; name one")


class ReportOptions(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.truegreen.report]`: files beside `report.html`, the summary's looks, and what the forge shows."""

    check_run: bool = False
    """Also write a check run with annotations; GitHub shows it under whichever workflow of the commit came first."""
    outputs: list[Output] = []
    """Reporters that write a file each: `junit` → `junit.xml`, `sarif` → `truegreen.sarif`, `ctrf` → `ctrf.json`,
    `sonar-tests` → `sonar-tests.xml`, `sonar-coverage` → `sonar-coverage.xml`,
    `badge-verdict`, `badge-coverage` and `badge-flakiness` → `badge-….svg`."""
    templates: dict[Literal["summary", "comment"], str] = {}
    """`summary` or `comment` → its template, a file `….md` of the project; one of the two may be named alone."""


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


def refuse_unnamed(option: str, names: Iterable[str]) -> None:
    """Refuse names that no shell takes for a variable.

    Raises:
        ValueError: with the option, the name and the way out, as `settings` reads it.
    """
    wrong = next((name for name in names if not _VARIABLE.fullmatch(name)), None)
    if wrong is not None:
        raise ValueError(f"{option}: {wrong!r} is no name of a variable; letters, digits and _ make one, like DB_URL")
