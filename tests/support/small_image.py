"""A project whose image builds in a second: no base image, one Python distribution, a user other than root."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DOCKERFILE = "FROM scratch\nARG MARK=none\nADD root.tar /\nLABEL mark=$MARK\nUSER 10001\n"


def make_project(root: Path) -> Path:
    """Write Dockerfile, `.dockerignore` and content into a new folder."""
    root.mkdir()
    (root / "Dockerfile").write_text(DOCKERFILE)
    (root / ".dockerignore").write_text(".git\n.env*\n*.pem\nid_*\n.truegreen\n")
    pack(root, {"app/main.py": b"print('hello')\n"})
    return root


def pack(root: Path, content: dict[str, bytes]) -> None:
    """Write `root.tar`, the image's only layer."""
    metadata = b"Metadata-Version: 2.1\nName: sample\nVersion: 1.2.3\n"
    everything = {"usr/lib/python3/dist-packages/sample-1.2.3.dist-info/METADATA": metadata, **content}
    with tarfile.open(root / "root.tar", "w") as tar:
        for name, data in everything.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
