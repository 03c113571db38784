"""The options that stages share, apart from what runs them: every command types them, few run a stage."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from truegreen.config.schema import Seconds

Workers = Annotated[int, msgspec.Meta(ge=0)] | Annotated[str, msgspec.Meta(pattern=r"^(auto|logical|[0-9]+)$")]
_GITHUB_ISSUER = "https://token.actions.githubusercontent.com"


class StageOptions(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Keys every stage has; a stage extends this with its own."""

    enabled: bool = True
    """False leaves the stage out of every plan."""
    why: str = ""
    """Why it is not enabled; the report says it."""
    timeout_s: Seconds = msgspec.field(default=900.0, name="timeout-s")
    """Time limit of the whole stage."""
    services: list[str] = []
    """Names of services the stage needs."""
    env: dict[str, str] = {}
    """Extra variables for the project's own programs."""


class PytestOptions(StageOptions, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Keys of every stage that runs pytest."""

    tests: list[str] = msgspec.field(default_factory=list)
    """Paths handed to pytest; empty means the project's own `testpaths`."""
    marker: str = ""
    """Marker expression; empty means the stage's name."""
    args: list[str] = msgspec.field(default_factory=list)
    """More arguments for pytest."""
    workers: Workers = "auto"
    """Processes of pytest-xdist where it is installed: `auto` or a number; `0` runs serially."""
    reruns: Annotated[int, msgspec.Meta(ge=0)] = 1
    """How often failed tests run again, in a fresh process; a disagreement is flaky, never a pass in silence."""
    order: Literal["as-written", "random"] = "as-written"
    """`as-written`, or `random`: shuffled by a seed that is kept, and that `truegreen run STAGE --seed N` replays.

    Directories, modules and classes stay together. A project with pytest-randomly or pytest-random-order has its order
    from there, and its seed is kept.
    """
    new_tests_s: Annotated[float, msgspec.Meta(ge=0)] = msgspec.field(default=0.0, name="new-tests-s")
    """Seconds in which tests that a change brings run again, up to 29 runs each; 0 runs none. Never in persistence.

    Each run is a fresh process with another order and another seed of hashes. One disagreement is flaky.
    """
    prepare: list[str] = msgspec.field(default_factory=list)
    """Commands that run in the project's environment before the tests, such as a migration."""
    attachments: list[str] = msgspec.field(default_factory=list)
    """Files that tests leave, as patterns such as `test-results/**/*.png`: kept, and laid beside the report."""


class StackOptions(PytestOptions, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Keys of a stage that needs the whole application."""

    mode: Literal["auto", "compose", "processes"] = "auto"
    """`compose`, `processes`, or `auto`: compose where it can work, else processes; the report says which."""
    compose_file: str = ""
    """Compose file relative to the project; empty takes `compose.yaml` or `docker-compose.yml`."""
    compose_ready: list[str] = msgspec.field(default_factory=list, name="compose-ready")
    """URLs that must answer below 400, such as `http://{api:8000}/health`; empty takes the processes' `ready`."""
    compose_export: dict[str, str] = msgspec.field(default_factory=dict, name="compose-export")
    """Variables for the tests, such as `BASE_URL = "http://{api:8000}"`: `{service:port}` is where it is published.

    Empty takes `export` of the processes that are called like a service with one published port.
    """
    one_shot: list[str] = msgspec.field(default_factory=list, name="one-shot")
    """Compose services that may end with 0, such as `["migrate"]`, and are waited for.

    One that another service awaits with `condition: service_completed_successfully` needs no mention; any
    other service that ends was not meant to, even with 0.
    """
    workers: Workers = 0
    """As for every stage with pytest, but serial unless told otherwise: the tests share one application."""
    ready_timeout_s: Seconds = msgspec.field(default=120.0, name="ready-timeout-s")
    """Time within which the stack must be ready, building and pulling images not counted."""


class ImageOptions(StageOptions, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Keys of `[tool.truegreen.signed-image]`."""

    dockerfile: str = "Dockerfile"
    """Relative to the project."""
    context: str = "."
    """Build context relative to the project."""
    build_args: dict[str, str] = msgspec.field(default_factory=dict, name="build-args")
    """Build arguments; a value `$NAME` reads the environment, and is left out when that is not set."""
    target: str = ""
    """Build target of a multi-stage Dockerfile."""
    network: str = ""
    """Network of the build, such as `host`."""
    registry: str = ""
    """Where to push, such as `ghcr.io/acme`; empty is a rehearsal: a registry on loopback that ends with the stage."""
    name: str = ""
    """Repository in the registry; empty takes the project folder's name."""
    tag: str = ""
    """Empty takes the first 12 digits of the commit."""
    keep_archive: bool = False
    """Keep the image itself with the evidence, for `truegreen image publish`."""
    sign: Literal["auto", "key", "identity", "both"] = "auto"
    """`auto`: by identity where the job may ask for a token, by key where there is one; a rehearsal makes a key."""
    key: str = ""
    """Private key file or KMS address; empty takes `$COSIGN_PRIVATE_KEY`."""
    identity_token_file: str = ""
    """File with an identity token, where the runner does not issue one."""
    identity: str = ""
    """Exact identity the verifier demands of the certificate; empty takes `$TRUEGREEN_SIGNER_IDENTITY`."""
    issuer: str = _GITHUB_ISSUER
    """Exact issuer the verifier demands."""
    signing_config: str = ""
    """Signing configuration of a private sigstore; empty is the public one."""
    trusted_root: str = ""
    """Trusted root of a private sigstore; empty is the public one."""
