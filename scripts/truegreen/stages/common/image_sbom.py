"""The bill of materials of an image, by syft, as CycloneDX 1.6."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import ToolFailed
from truegreen.runtime import files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truegreen.runtime.process import ProcessRunner

FORMAT = "cyclonedx-json@1.6"
"""Pinned: syft's default moves, and scanners refuse versions they do not know."""
_TIMEOUT_S = 300.0
_LIMIT_BYTES = 256 << 20


class Sbom(msgspec.Struct, frozen=True, kw_only=True):
    """A bill of materials that was read back."""

    path: Path
    format: str
    libraries: int
    """Components of type `library`: packages of the distribution and of languages; files are not counted."""


class _Component(msgspec.Struct):
    type: str


class _Document(msgspec.Struct):
    bom_format: str = msgspec.field(name="bomFormat")
    spec_version: str = msgspec.field(name="specVersion")
    components: list[_Component] = []


def make_sbom(
    syft: Path,
    archive: Path,
    out: Path,
    *,
    name: str,
    version: str,
    processes: ProcessRunner,
    env: Mapping[str, str],
) -> Sbom:
    """Write the bill of materials of a docker archive.

    Raises:
        ToolFailed: syft failed, or wrote something else than was asked for.
    """
    argv = [str(syft), "scan", f"docker-archive:{archive}", "--output", f"{FORMAT}={out}", "--quiet"]
    argv += ["--source-name", name, "--source-version", version]
    quiet = {**env, "SYFT_CHECK_FOR_APP_UPDATE": "false"}
    done = processes.run(argv, env=quiet, timeout_s=_TIMEOUT_S)
    if not done.ok or not out.is_file():
        raise ToolFailed("the SBOM could not be made", where="syft", why=done.tail(4))
    return read_sbom(out)


def read_sbom(path: Path) -> Sbom:
    """Return format and number of libraries of a CycloneDX file.

    Raises:
        ToolFailed: it is not CycloneDX 1.6.
    """
    try:
        document = msgspec.json.decode(files.read_limited(path, _LIMIT_BYTES), type=_Document)
    except msgspec.DecodeError as error:
        raise ToolFailed("the SBOM is not CycloneDX", where=str(path), why=str(error)) from None
    if (document.bom_format, document.spec_version) != ("CycloneDX", "1.6"):
        raise ToolFailed(f"the SBOM is {document.bom_format} {document.spec_version}, not 1.6", where=str(path))
    libraries = sum(1 for component in document.components if component.type == "library")
    return Sbom(path=path, format="CycloneDX 1.6", libraries=libraries)
