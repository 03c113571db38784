"""Build the images that the tests run in, from Debian packages, without a pull.

The base comes from `debootstrap`; every other image is a folder below
`recipes/` whose Dockerfile starts from it. An image's tag carries the SHA-256
of all that went into it, so that it is built once per recipe and then found in
the engine's own store; a plain alias such as `truegreen-test/postgres:15`
always points at the current one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.harness.engine import docker_client
from tests.harness.shell import HarnessError, apt_install, file_lock, probe, run, say

_RECIPES = Path(__file__).parent / "recipes"
_REPOSITORY = "truegreen-test"
_SUITE = "bookworm"
_MIRROR = os.environ.get("TRUEGREEN_DEBIAN_MIRROR", "http://deb.debian.org")
_BUILD_TIMEOUT_S = 1200.0
# As in the official images: keep no package files, and do not wait for the disk.
_APT_SETTINGS = (
    'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };\n'
    'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\nAcquire::Languages "none";\n'
)
_DPKG_SETTINGS = "force-unsafe-io\npath-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\n"
_REMEDY = "check that the Debian and Python package mirrors are reachable, then run `python3 -m tests.harness setup`"
_CA_FILES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")

# What each image is called: name -> tag. `base` is the parent of all others.
VERSIONS = {
    "base": _SUITE,
    "runner": "ubuntu",
    "python": "3.11",
    "postgres": "15",
    "redis": "7",
    "nats": "2",
    "registry": "2",
}


@dataclass(frozen=True)
class Image:
    """An image that is in the engine's store."""

    name: str
    tag: str  # the readable alias, such as truegreen-test/postgres:15
    size_bytes: int
    built: bool  # False: it was there already
    duration_s: float


def image_tag(name: str) -> str:
    """Return the readable tag of an image, whether or not it is built yet."""
    return f"{_REPOSITORY}/{name}:{VERSIONS[name]}"


def ensure_image(name: str) -> Image:
    """Return the image, building it and its base first if the store lacks them.

    Raises:
        HarnessError: a package mirror is out of reach, or a recipe failed.
    """
    started = time.monotonic()
    exact = f"{image_tag(name)}-{_recipe_key(name)[:12]}"
    built = False
    if not _exists(exact):
        with file_lock(f"image-{name}"):
            if not _exists(exact):
                _build(name, exact)
                built = True
    run([docker_client(), "tag", exact, image_tag(name)], fix=_REMEDY)
    duration_s = time.monotonic() - started
    size_bytes = int(run([docker_client(), "image", "inspect", "--format", "{{.Size}}", exact], fix=_REMEDY))
    if built:
        say(f"image {image_tag(name)}: {size_bytes / 1e6:.0f} MB in {duration_s:.0f} s")
    return Image(name, image_tag(name), size_bytes, built, duration_s)


def ensure_images(*names: str) -> dict[str, Image]:
    """Return the named images (all of them without a name), keyed by name."""
    return {name: ensure_image(name) for name in names or VERSIONS}


def missing_images() -> list[str]:
    """Return the names of the images that the store lacks in their current form."""
    return [name for name in VERSIONS if not _exists(f"{image_tag(name)}-{_recipe_key(name)[:12]}")]


def remove_images() -> int:
    """Remove every image that this module ever tagged; return how many tags."""
    listing = [docker_client(), "images", "--format", "{{.Repository}}:{{.Tag}}", "--filter"]
    tags = run([*listing, f"reference={_REPOSITORY}/*"], fix=_REMEDY).split()
    if tags:
        run([docker_client(), "rmi", "--force", *tags], fix="remove the containers that use these images")
    return len(tags)


def _exists(tag: str) -> bool:
    return probe([docker_client(), "image", "inspect", tag]).returncode == 0


def _recipe_key(name: str) -> str:
    """Return the SHA-256 of everything that an image is made of."""
    digest = hashlib.sha256()
    if name == "base":
        digest.update(f"{_SUITE} {_MIRROR}\n{_sources()}{_APT_SETTINGS}{_DPKG_SETTINGS}".encode())
        return digest.hexdigest()
    digest.update(_recipe_key("base").encode())
    for path in sorted((_RECIPES / name).iterdir()):
        digest.update(f"{path.name}\0{path.stat().st_mode & 0o111}\0".encode() + path.read_bytes())
    if _wants_certificates(name):
        digest.update(_ca_bundle().read_bytes())
    return digest.hexdigest()


def _build(name: str, exact: str) -> None:
    say(f"building image {image_tag(name)} (once)")
    if name == "base":
        _build_base(exact)
        return
    base = ensure_image("base").tag
    client = docker_client()
    has_buildx = probe([client, "buildx", "version"]).returncode == 0
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        shutil.copytree(_RECIPES / name, context, dirs_exist_ok=True)
        if _wants_certificates(name):
            shutil.copyfile(_ca_bundle(), context / "ca-bundle.crt")
        run(
            [client, "build", "--network=host", "--force-rm", f"--build-arg=BASE={base}", f"--tag={exact}", "."],
            fix=_REMEDY,
            cwd=context,
            env={"DOCKER_BUILDKIT": "1" if has_buildx else "0"},
            timeout_s=_BUILD_TIMEOUT_S,
        )


def _build_base(exact: str) -> None:
    """Make a minimal Debian: bootstrapped here, or pulled where that cannot be done."""
    if os.geteuid() != 0 or not Path("/usr/bin/apt-get").exists():
        _pull_base(exact)
        return
    if not shutil.which("debootstrap"):
        apt_install(["debootstrap"])
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        bootstrap = ["debootstrap", "--variant=minbase", _SUITE, str(root), f"{_MIRROR}/debian"]
        run(bootstrap, fix=_REMEDY, timeout_s=_BUILD_TIMEOUT_S)
        (root / "etc/apt/sources.list").write_text(_sources())
        (root / "etc/apt/apt.conf.d/truegreen").write_text(_APT_SETTINGS)
        (root / "etc/dpkg/dpkg.cfg.d/truegreen").write_text(_DPKG_SETTINGS)
        _import_root(root, exact)


def _import_root(root: Path, exact: str) -> None:
    """Turn a directory into an image, leaving out what no test reads."""
    unused = ("./var/cache/apt/*", "./var/lib/apt/lists/*", "./usr/share/doc/*", "./usr/share/man/*", "./dev/*")
    pack = ["tar", "--numeric-owner", "-C", str(root), *(f"--exclude={path}" for path in unused), "-c", "."]
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as tar:
        done = subprocess.run(
            [docker_client(), "import", "--change", 'CMD ["bash"]', "-", exact],
            stdin=tar.stdout,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0 or tar.returncode != 0:
        raise HarnessError("The base image could not be imported.", fix=_REMEDY, detail=done.stderr)


def _pull_base(exact: str) -> None:
    public = f"debian:{_SUITE}-slim"
    run([docker_client(), "pull", public], fix="run as root on Debian or Ubuntu, or make the image registry reachable")
    run([docker_client(), "tag", public, exact], fix=_REMEDY)


def _sources() -> str:
    return (
        f"deb {_MIRROR}/debian {_SUITE} main\n"
        f"deb {_MIRROR}/debian {_SUITE}-updates main\n"
        f"deb {_MIRROR}/debian-security {_SUITE}-security main\n"
    )


def _wants_certificates(name: str) -> bool:
    return "ca-bundle.crt" in (_RECIPES / name / "Dockerfile").read_text()


def _ca_bundle() -> Path:
    """Return this machine's certificate bundle: what it trusts, the images trust."""
    for name in (os.environ.get("SSL_CERT_FILE", ""), *_CA_FILES):
        if name and Path(name).is_file():
            return Path(name)
    raise HarnessError("This machine has no certificate bundle.", fix="install the ca-certificates package")
