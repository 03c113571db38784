"""Building an image and writing it to one archive file.

Everything after the build (list of files, SBOM, push) reads that archive, so that docker and buildah
give the same road, and no engine has to reach our registry.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import ToolFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truegreen.runtime.process import Completed, ProcessRunner
    from truegreen.stages.common.image_engine import Builder

_SHORT_S = 300.0


class BuildPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What to build."""

    root: Path
    dockerfile: str = "Dockerfile"
    """Relative to `root`."""
    context: str = "."
    """Build context, relative to `root`."""
    tag: str
    """Local name of the image, such as `ledger:9a8b7c6`."""
    args: dict[str, str] = {}
    labels: dict[str, str] = {}
    target: str = ""
    network: str = ""


class BuiltImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image in an archive."""

    tag: str
    archive: Path
    """Docker archive (`docker save`)."""
    builder: str
    user: str
    """As the image configures it; empty is root."""
    size_bytes: int
    image_id: str


class _Config(msgspec.Struct, rename="pascal"):
    user: str = ""


class _Docker(msgspec.Struct, rename="pascal"):
    id: str
    size: int = 0
    config: _Config | None = None


class _Oci(msgspec.Struct):
    config: _Config | None = None


class _Buildah(msgspec.Struct):
    image_id: str = msgspec.field(default="", name="FromImageID")
    oci: _Oci = msgspec.field(default_factory=_Oci, name="OCIv1")


def build(
    plan: BuildPlan,
    builder: Builder,
    *,
    processes: ProcessRunner,
    env: Mapping[str, str],
    archive: Path,
    log: Path,
    timeout_s: float = 900.0,
) -> BuiltImage:
    """Build the image and save it.

    Raises:
        ToolFailed: the build, the inspection or the save failed; the log's tail is in `why`.
    """
    run_env = dict(env)
    if builder.name == "docker" and not builder.buildkit:
        run_env["DOCKER_BUILDKIT"] = "0"
    if builder.name == "buildah":
        # What works without privileges and inside a container; the caller's own choice goes first.
        run_env = {"BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs", **run_env}
    done = processes.run(_argv(plan, builder), cwd=plan.root, env=run_env, timeout_s=timeout_s, log=log)
    if not done.ok:
        raise ToolFailed(
            f"the image could not be built from {plan.dockerfile}",
            where=str(log),
            why="it took too long" if done.timed_out else done.tail(),
            fix="build it by hand; a base image that cannot be pulled can be replaced by `build-args`",
        )
    user, size_bytes, image_id = _inspect(plan, builder, processes, run_env)
    save = (
        [builder.path, "save", "-o", str(archive), plan.tag]
        if builder.name == "docker"
        else [builder.path, "push", "--quiet", plan.tag, f"docker-archive:{archive}:{plan.tag}"]
    )
    _need(processes.run(save, env=run_env, timeout_s=_SHORT_S), "the image could not be saved")
    return BuiltImage(
        tag=plan.tag,
        archive=archive,
        builder=builder.title,
        user=user,
        size_bytes=size_bytes or archive.stat().st_size,
        image_id=image_id,
    )


def _argv(plan: BuildPlan, builder: Builder) -> list[str]:
    argv = [builder.path, "build" if builder.name == "docker" else "bud"]
    argv += ["--file", plan.dockerfile, "--tag", plan.tag]
    if builder.name == "docker" and not builder.buildkit:
        argv.append("--force-rm")
    for name, value in plan.args.items():
        argv += ["--build-arg", f"{name}={value}"]
    for name, value in plan.labels.items():
        argv += ["--label", f"{name}={value}"]
    if plan.target:
        argv += ["--target", plan.target]
    if plan.network:
        argv += ["--network", plan.network]
    return [*argv, plan.context]


def _inspect(
    plan: BuildPlan, builder: Builder, processes: ProcessRunner, env: Mapping[str, str]
) -> tuple[str, int, str]:
    """Return user, size in bytes and image id."""
    kind = ["image", "inspect"] if builder.name == "docker" else ["inspect", "--type", "image"]
    done = processes.run([builder.path, *kind, plan.tag], env=env, timeout_s=_SHORT_S)
    _need(done, "the built image could not be inspected")
    try:
        if builder.name == "docker":
            image = msgspec.json.decode(done.stdout, type=list[_Docker])[0]
            return (image.config.user if image.config else ""), image.size, image.id
        found = msgspec.json.decode(done.stdout, type=_Buildah)
    except (msgspec.DecodeError, IndexError) as error:
        raise ToolFailed("the builder described the image in an unknown way", why=str(error)) from None
    return (found.oci.config.user if found.oci.config else ""), 0, found.image_id


def _need(done: Completed, what: str) -> None:
    if not done.ok:
        raise ToolFailed(what, where=" ".join(done.argv), why=done.tail())
