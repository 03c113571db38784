"""The pure parts of the image's road."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from truegreen.errors import EvidenceUnreadable, ToolFailed
from truegreen.ingest.image import ImageReader
from truegreen.stages.common.image_contents import dockerignore_gaps, files_in, secrets_in
from truegreen.stages.common.image_flow import build_args, slug
from truegreen.stages.common.image_registry import digest_of, repository
from truegreen.stages.common.image_sbom import read_sbom
from truegreen.stages.common.image_user import resolve

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    "path",
    [
        "app/.env",
        "app/.env.production",
        "root/.ssh/id_rsa",
        "root/.netrc",
        "srv/tls.key",
        "srv/server.PEM",
        "root/.npmrc",
        "home/u/.git-credentials",
        "app/credentials.json",
    ],
)
def test_file_that_looks_like_a_secret_is_found(path: str) -> None:
    assert secrets_in((path,)) == (path,)


@pytest.mark.parametrize(
    "path",
    [
        "app/main.py",
        "app/.env.example",
        "etc/ssl/certs/ca-certificates.pem",
        "usr/share/ca-certificates/mozilla/x.pem",
        "opt/venv/lib/python3.12/site-packages/certifi/cacert.pem",
        "root/.ssh/id_rsa.pub",
        "app/keys.py",
        "app/environment",
    ],
)
def test_innocent_file_is_not_reported(path: str) -> None:
    assert secrets_in((path,)) == ()


def test_archive_lists_files_of_all_layers(tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    with tarfile.open(archive, "w") as outer:
        for number, names in enumerate((["./app/.env"], ["app/.wh..env", "app/main.py"])):
            add(outer, f"{number}/layer.tar", layer(names))
        add(outer, "manifest.json", b"[]")
        add(outer, "blobs/sha256/config", b'{"not": "a layer"}')
    assert files_in(archive) == ("app/.env", "app/.wh..env", "app/main.py")


def test_archive_that_is_not_a_tar_is_a_failed_tool(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(b"no tar at all")
    with pytest.raises(ToolFailed, match="cannot be read"):
        files_in(path)


@pytest.mark.parametrize(
    ("rules", "missing"),
    [
        (".git\n.env\n*.pem\n", 0),
        ("**/.git\n.env*\n**/*.pem\n", 0),
        ("*\n!src\n", 0),
        ("# nothing\n", 3),
        (".git/\n*.pem\n.env*\n!.env\n", 1),
    ],
)
def test_dockerignore_gaps_are_named(tmp_path: Path, rules: str, missing: int) -> None:
    (tmp_path / ".dockerignore").write_text(rules)
    assert len(dockerignore_gaps(tmp_path, ".", "Dockerfile")) == missing


def test_dockerignore_of_the_dockerfile_goes_first(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("*\n")
    (tmp_path / "Dockerfile.dockerignore").write_text(".git\n")
    assert len(dockerignore_gaps(tmp_path, ".", "Dockerfile")) == 2


def test_missing_dockerignore_is_one_gap(tmp_path: Path) -> None:
    assert "no .dockerignore" in dockerignore_gaps(tmp_path, ".", "Dockerfile")[0]


def test_build_args_read_the_environment_and_leave_out_what_is_not_set() -> None:
    configured = {"A": "fixed", "B": "$BASE", "C": "${BASE}", "D": "$NONE"}
    assert build_args(configured, {"BASE": "x:1"}) == {"A": "fixed", "B": "x:1", "C": "x:1"}


@pytest.mark.parametrize(
    ("text", "name"), [("My App", "my-app"), ("ledger", "ledger"), ("--", "app"), ("A_b.C", "a-b-c")]
)
def test_slug_is_a_repository_name(text: str, name: str) -> None:
    assert slug(text) == name


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("127.0.0.1:5000/app:1", "127.0.0.1:5000/app"),
        (f"127.0.0.1:5000/a/b@{DIGEST}", "127.0.0.1:5000/a/b"),
        ("ghcr.io/acme/app", "ghcr.io/acme/app"),
    ],
)
def test_repository_keeps_the_port(reference: str, name: str) -> None:
    assert repository(reference) == name


@pytest.mark.parametrize("reference", ["app:1", "app@sha256:12", f"app @{DIGEST}", f"app@{DIGEST}0", ""])
def test_reference_without_a_whole_digest_has_none(reference: str) -> None:
    assert digest_of(reference) == ""
    assert digest_of(f"app@{DIGEST}") == DIGEST


def test_sbom_counts_libraries_only(tmp_path: Path) -> None:
    path = tmp_path / "sbom.json"
    path.write_text('{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library"},{"type":"file"}]}')
    assert read_sbom(path).libraries == 1


@pytest.mark.parametrize(
    "text", ["{}", '{"bomFormat":"CycloneDX","specVersion":"1.7"}', "[", '{"spdxVersion":"SPDX-2.3"}']
)
def test_sbom_of_another_format_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sbom.json"
    path.write_text(text)
    with pytest.raises(ToolFailed):
        read_sbom(path)


def record(**changes: Any) -> dict[str, Any]:
    signature = {"method": "key", "verified": True, "command": f"cosign verify --key k app@{DIGEST}"}
    return {"reference": "app:1", "digest": DIGEST, "signatures": [signature], **changes}


def test_image_record_is_read(tmp_path: Path) -> None:
    path = tmp_path / "image.json"
    path.write_bytes(msgspec.json.encode(record()))
    assert ImageReader().read(path, tmp_path).signatures[0].verified


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": ""},
        {"digest": "sha256:12"},
        {"digest": f"sha256:{'b' * 64}"},
        {"schema_version": 2},
        {"size_bytes": -1},
        {"signatures": [{"method": "magic"}]},
        {"signatures": [{"method": "key", "verified": "yes"}]},
        {"reference": None},
    ],
)
def test_image_record_that_contradicts_itself_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = tmp_path / "image.json"
    path.write_bytes(msgspec.json.encode(record(**changes)))
    with pytest.raises(EvidenceUnreadable):
        ImageReader().read(path, tmp_path)


USERS = "root:x:0:0::/root:/bin/sh\n"


def image_of(folder: Path, *layers: dict[str, str]) -> Path:
    """Write a docker archive whose layers stand in another order than the manifest says."""
    archive = folder / "image.tar"
    names = [f"blobs/sha256/{number}" for number in range(len(layers))]
    with tarfile.open(archive, "w") as outer:
        for name, files in reversed(list(zip(names, layers, strict=True))):
            add(outer, name, layer(list(files), files))
        add(outer, "manifest.json", msgspec.json.encode([{"Config": "c", "Layers": names}]))
    return archive


@pytest.mark.parametrize(
    ("user", "layers", "uid"),
    [
        ("", [], 0),
        ("0:0", [], 0),
        ("10001", [], 10001),
        ("10001", [{"etc/passwd": "10001:x:0:0::/:/bin/sh\n"}], 10001),
        ("app", [{"etc/passwd": USERS + "app:x:1000:1000::/:/bin/sh\n"}], 1000),
        ("app:app", [{"etc/passwd": USERS + "app:x:0:0::/:/bin/sh\n"}], 0),
        ("app", [{"etc/passwd": "app:x:0:0::/:\n"}, {"./etc/passwd": "app:x:7:7::/:\n"}, {"srv/x": ""}], 7),
        ("app", [{"etc/passwd": "app:x:0:0::/:\napp:x:7:7::/:\n"}], 0),
        ("app", [{"etc/passwd": "app\n"}], 0),
        ("app", [{"etc/passwd": "app:x:zero:7::/:\n"}], 0),
    ],
)
def test_user_is_looked_up_in_the_last_passwd(
    user: str, layers: list[dict[str, str]], uid: int, tmp_path: Path
) -> None:
    found = resolve(image_of(tmp_path, *layers), user)
    assert (found.uid, found.problem) == (uid, "")


@pytest.mark.parametrize(
    "layers",
    [
        [],
        [{"srv/x": ""}],
        [{"etc/passwd": USERS}],
        [{"etc/passwd": "app:x:7:7::/:\n"}, {"etc/.wh.passwd": ""}],
        [{"etc/passwd": "app:x:7:7::/:\n"}, {"etc/passwd": USERS, "etc/.wh..wh..opq": ""}],
    ],
)
def test_user_that_no_passwd_names_has_no_number_and_a_reason(layers: list[dict[str, str]], tmp_path: Path) -> None:
    found = resolve(image_of(tmp_path, *layers), "app")
    assert found.uid is None
    assert "/etc/passwd" in found.problem


def test_user_of_an_archive_that_cannot_be_read_is_a_failed_tool(tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_bytes(b"no tar at all")
    with pytest.raises(ToolFailed, match="cannot be read"):
        resolve(tmp_path / "image.tar", "app")


def layer(names: list[str], texts: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in names:
            add(tar, name, (texts or {}).get(name, "x").encode())
    return buffer.getvalue()


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
