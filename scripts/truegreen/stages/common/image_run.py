"""The run of the signed-image stage."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.model.evidence import ToolRun
from truegreen.runtime import environ, files
from truegreen.stages.common import image_contents, image_flow
from truegreen.stages.common.context import StageContext, StageOutcome
from truegreen.stages.common.image_engine import Builder, find_builder
from truegreen.stages.common.image_registry import rehearsal_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.model.image import ImageRecord
    from truegreen.stages.common.options import ImageOptions

_TOOLS = ("syft", "crane", "cosign")


def run(context: StageContext) -> StageOutcome:
    """Build, push, sign, verify; leave `image.json`, the SBOM, the build's log and the public key.

    Raises:
        ToolMissing: syft, crane or cosign cannot be had; nothing was built then.
        ConfigurationError: nothing to sign with, or a file of the configuration is missing.
        ToolFailed: build, SBOM or push failed.
    """
    options: ImageOptions = context.options
    if not (context.root / options.dockerfile).is_file():
        return StageOutcome(skipped=f"there is no {options.dockerfile}")
    builder = find_builder(context.processes, context.env)
    if isinstance(builder, str):
        return StageOutcome(skipped=builder)
    for name in _TOOLS:
        context.tools.path(name)
    with tempfile.TemporaryDirectory(prefix="truegreen-image-") as folder:
        return _run(context, builder, Path(folder))


def _run(context: StageContext, builder: Builder, work: Path) -> StageOutcome:
    bench = workbench(context, work)
    rehearsal = not bench.options.registry
    # Planned first: nothing is built or pushed that could not be signed.
    plans = image_flow.signers(bench, bench.cosign(), rehearsal=rehearsal)
    record, archive = image_flow.build_image(bench, builder)
    _write(context.out, record)
    with _registry(context, bench) as registry:
        record, pinned = image_flow.push_image(bench, record, archive, registry)
        _write(context.out, record)
        signatures = image_flow.sign_and_verify(bench, pinned, plans)
    record = msgspec.structs.replace(record, signatures=signatures)
    _write(context.out, record)
    return StageOutcome(
        files=((image_flow.IMAGE_FILE, "image"),),
        expects=("image",),
        tools=tuple(_tool(context, name) for name in _TOOLS),
        notes=tuple(_notes(context, bench.options, builder, pinned, [signer.title for signer, _ in plans])),
    )


def workbench(context: StageContext, work: Path) -> image_flow.Workbench:
    """Return what the road of an image needs, from a stage's context."""
    return image_flow.Workbench(
        root=context.root,
        out=context.out,
        work=work,
        options=context.options,
        env=context.env,
        secrets=environ.current(),
        processes=context.processes,
        tools=context.tools,
        console=context.console,
    )


@contextlib.contextmanager
def _registry(context: StageContext, bench: image_flow.Workbench) -> Iterator[str]:
    """Yield the configured registry, or one of our own for as long as it is needed."""
    if bench.options.registry:
        yield bench.options.registry
        return
    with rehearsal_registry(
        context.tools.path("crane"),
        bench.work / "registry",
        processes=context.processes,
        env=context.env,
        clock=context.clock,
        log=context.out / "registry.log",
    ) as address:
        yield address


def _write(out: Path, record: ImageRecord) -> None:
    files.write_atomic(out / image_flow.IMAGE_FILE, msgspec.json.format(msgspec.json.encode(record), indent=2))


def _tool(context: StageContext, name: str) -> ToolRun:
    return ToolRun(name=name, version=context.tools.version(name), exit_code=0)


def _notes(
    context: StageContext, options: ImageOptions, builder: Builder, pinned: str, signers: list[str]
) -> Iterator[str]:
    yield f"built with {builder.title}"
    yield f"digest, as the registry says: {pinned}"
    if not options.registry:
        yield "rehearsal: local registry, nothing was published"
    yield from (f"signed with {plan}" for plan in signers)
    yield from image_contents.dockerignore_gaps(context.root, options.context, options.dockerfile)
