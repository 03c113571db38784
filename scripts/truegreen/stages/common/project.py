"""The user's project: its environment, and what its programs may see.

The project is installed the way it says, into an environment in the cache that is keyed by everything that
decides its content. Our own packages never enter it, and none of our variables reach it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shlex
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from uv import find_uv_bin

from truegreen.errors import InstallFailed, ToolMissing
from truegreen.runtime import environ, files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truegreen.config.schema import ProjectOptions
    from truegreen.runtime.process import Completed
    from truegreen.stages.common.context import StageContext

_LIMIT_S = 900.0
_SECRET = re.compile(
    # Anywhere in a name, and below as a word of their own: KEYBOARD, AUTHOR and COMPASS hide nothing.
    r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PASSFILE|CREDENTIAL|PRIVATE_KEY|API_?KEY|ACCESS_KEY|WEBHOOK|ASKPASS"
    r"|CONNECTION_STRING|(?<![A-Z0-9])(PAT|PASS|PW|PWD|KEYS?|AUTH|JWT|DSN|CREDS?)[0-9]*(?![A-Z0-9])",
    re.IGNORECASE,
)
_HARMLESS = ("PWD", "OLDPWD")
_SECRET_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/@:]*:[^\s/]+@|https?://[^\s/@]+@", re.IGNORECASE)
"""An address with a password; the user of a web address is a token."""
_OURS = ("TG_", "TRUEGREEN_", "ACTIONS_", "COSIGN_", "SLACK_", "UV_", "PIP_", "VIRTUAL_ENV", "PYTHONPATH",
         "PYTHONHOME", "GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_STATE")  # fmt: skip
_REQUIREMENTS = ("requirements*.txt", "*requirements.txt", "requirements/*.txt")
_INPUTS = ("pyproject.toml", "uv.lock", "poetry.lock", "pylock.toml", "setup.py", "setup.cfg", ".python-version")
_HINTS = (
    ("No matching distribution", "a pinned version is not on the package index; check the lock file"),
    ("No solution found", "the requirements contradict each other, or need another Python"),
    ("ModuleNotFoundError", "the build imports something that is not in build-system.requires"),
    ("does not appear to be a Python project", "add a [project] table, or an `install` command"),
    ("error sending request", "the package index could not be reached"),
    ("Failed to fetch", "the package index could not be reached"),
)


class ProjectPython(msgspec.Struct, frozen=True, kw_only=True):
    """The project's environment, complete."""

    python: Path
    version: str
    env: dict[str, str]
    """What its programs get on top of `user_environment`: PATH and VIRTUAL_ENV."""
    how: str
    """How it was installed, such as `uv.lock`."""
    notes: tuple[str, ...] = ()


def user_environment(env: Mapping[str, str], additions: Mapping[str, str]) -> dict[str, str]:
    """Return what the project's own programs may see.

    Names that hold a token, secret, password, credential, key, login or webhook are taken out, and so are values
    that are addresses with a password, the runner's command files and our own variables: user code can neither read
    a secret nor speak to the runner in our name. `additions` (service URLs, options of the stage) come last and are
    kept.
    """
    kept = {key: value for key, value in env.items() if not key.startswith(_OURS) and not _secret(key, value)}
    return {**kept, **additions}


def _secret(name: str, value: str) -> bool:
    return name not in _HARMLESS and bool(_SECRET.search(name) or _SECRET_URL.search(value))


def requirement_lists(root: Path) -> list[str]:
    """Return the files of requirements that an installation recognises, relative to the project, sorted."""
    return sorted({path.relative_to(root).as_posix() for pattern in _REQUIREMENTS for path in root.glob(pattern)})


def environment(root: Path, options: ProjectOptions, python: str, services: Iterable[tuple[str, str]] = ()) -> str:
    """Return a digest of all that decides a result beside the code: the same wherever the project lies.

    Args:
        root: the user's project, for its locks and lists of requirements.
        options: how it is installed.
        python: version of the interpreter that ran; empty when none of the project's did.
        services: names and versions of the services that were up.
    """
    digest = hashlib.sha256()
    chosen = (options.install, options.extras, options.groups, sorted(services))
    for part in (repr(chosen), python, environ.platform_name().partition(" ")[0]):
        digest.update(part.encode("utf-8", "backslashreplace") + b"\0")
    _digest_inputs(digest, root)
    return digest.hexdigest()[:16]


def ensure(context: StageContext) -> ProjectPython:
    """Return the project's environment, installing it where its inputs changed.

    Raises:
        InstallFailed: with the log's tail, and the remedy where the message is known.
    """
    how, commands = _recipe(context)
    folder = _folder(context, how, commands)
    python = folder / "bin" / "python"
    marker = folder / ".complete"
    if not (marker.exists() and python.exists()):  # a cache restored elsewhere may lack the interpreter
        lock = files.folder(folder.parent) / f"{folder.name}.lock"
        with files.writing(lock):
            handle = lock.open("w")
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if not (marker.exists() and python.exists()):
                context.console.line(f"installing the project by {how}")
                with context.console.working("installing the project"):
                    _install(context, folder, commands)
                marker.touch()
    version = _version(context, python)
    path = f"{folder / 'bin'}{os.pathsep}{context.env.get('PATH', '')}"
    return ProjectPython(
        python=python,
        version=version,
        env={"PATH": path, "VIRTUAL_ENV": str(folder)},
        how=how,
        notes=(f"installed by {how}, Python {version}",),
    )


def _recipe(context: StageContext) -> tuple[str, list[list[str]]]:
    """Return how the project says it is installed, and the commands for it."""
    root, options, uv = context.root, context.project, find_uv_bin()
    pip = [uv, "pip", "install", "--quiet"]
    document = _pyproject(root)
    groups = [name for name in options.groups if name in document.get("dependency-groups", {})]
    wanted = [word for name in options.extras for word in ("--extra", name)]
    if options.install:
        return "its own install command", [shlex.split(line) for line in options.install]
    if (root / "uv.lock").is_file():
        chosen = [word for name in groups for word in ("--group", name)]
        # Without it uv would follow `.python-version`, and a matrix would run the same Python again and again.
        chosen += ["--python", options.python] if options.python else []
        return "uv.lock", [[uv, "sync", "--quiet", "--frozen", "--no-default-groups", *chosen, *wanted]]
    own = [*pip, "--no-deps", "-e", "."] if "project" in document or (root / "setup.py").is_file() else []
    after = [own] if own else []
    if (root / "pylock.toml").is_file():
        return "pylock.toml", [[*pip, "-r", "pylock.toml"], *after]
    if (root / "poetry.lock").is_file():
        chosen = [word for name in options.extras for word in ("--extras", name)]
        return "poetry.lock", [["poetry", "install", "--no-interaction", *chosen]]
    listed = requirement_lists(root)
    if listed:
        return ", ".join(listed), [[*pip, *(word for name in listed for word in ("-r", name))], *after]
    target = "." if not options.extras else f".[{','.join(options.extras)}]"
    chosen = [word for name in groups for word in ("--group", name)]
    return "pyproject.toml, without a lock", [[*pip, "-e", target, *chosen]]


def _folder(context: StageContext, how: str, commands: list[list[str]]) -> Path:
    """Return the environment's place, keyed by all that decides its content."""
    digest = hashlib.sha256()
    for part in (how, repr(commands), context.project.python, environ.platform_name(), str(context.root)):
        digest.update(part.encode() + b"\0")
    _digest_inputs(digest, context.root)
    place = hashlib.sha256(str(context.root).encode()).hexdigest()[:12]
    return context.tools.cache / "projects" / place / digest.hexdigest()[:16]


def _digest_inputs(digest: hashlib._Hash, root: Path) -> None:
    """Take in every file that decides what is installed."""
    for name in sorted({*_INPUTS, *requirement_lists(root)}):
        path = root / name
        digest.update(name.encode() + b"\0" + (path.read_bytes() if path.is_file() else b"") + b"\0")


def _install(context: StageContext, folder: Path, commands: list[list[str]]) -> None:
    env = {
        **{key: value for key, value in context.env.items() if not key.startswith(("UV_", "PIP_"))},
        "VIRTUAL_ENV": str(folder),
        "UV_PROJECT_ENVIRONMENT": str(folder),
        "PATH": f"{folder / 'bin'}{os.pathsep}{context.env.get('PATH', '')}",
    }
    if context.env.get("PYTHONDONTWRITEBYTECODE"):
        # The project's programs could never keep what they compile, and every start would compile it all again.
        env["UV_COMPILE_BYTECODE"] = "1"
    make = [find_uv_bin(), "venv", "--quiet", "--clear", "--seed"]
    make += ["--python", context.project.python] if context.project.python else []
    for argv in ([*make, str(folder)], *commands):
        try:
            done = context.processes.run(
                argv, cwd=context.root, env=env, timeout_s=_LIMIT_S, log=context.out / "install.log"
            )
        except ToolMissing as error:
            raise InstallFailed(f"the project needs {argv[0]} to be installed", why=error.why, fix=error.fix) from None
        if not done.ok:
            raise _failure(context, argv, done)


def _failure(context: StageContext, argv: list[str], done: Completed) -> InstallFailed:
    tail = done.tail(8)
    hint = next((fix for text, fix in _HINTS if text in done.stdout + done.stderr), "")
    return InstallFailed(
        "the project could not be installed",
        where=f"{shlex.join([Path(argv[0]).name, *argv[1:]])} in {context.root}",
        why="it took too long" if done.timed_out else tail,
        fix=hint or "run the command above in the project; or set `install` in [tool.truegreen]",
    )


def _version(context: StageContext, python: Path) -> str:
    code = "import platform; print(platform.python_version())"
    return context.processes.run([str(python), "-I", "-c", code], timeout_s=30).stdout.strip()


def _pyproject(root: Path) -> dict[str, Any]:
    path = root / "pyproject.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
