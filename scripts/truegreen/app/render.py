"""`truegreen render`: the pack's tree for runners that do not know `uses: $/…` (act, GHES, Gitea).

`$/P` becomes `OWNER/REPO/P@REF`; nothing else changes. The rewriting is a pure function, so that what is
tested under act is, line for line, what runs on github.com.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from truegreen.errors import ConfigurationError, InternalError, WrongValue
from truegreen.runtime import files

_SELF = re.compile(r"^(?P<head>\s*(?:-\s+)?uses:\s*)(?P<quote>['\"]?)\$/(?P<path>[^\s'\"#@]+)(?P=quote)", re.MULTILINE)
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/(?!\.{1,2}$)[A-Za-z0-9._-]+")
_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
PARTS = (".github/workflows", "actions", "scripts", "requirements")
SINGLE = ("pyproject.toml", "README.md", "LICENSE")
_SKIP = shutil.ignore_patterns("__pycache__", "*.pyc", "__*.yml")


def rewrite(text: str, repository: str, ref: str) -> tuple[str, int]:
    """Return the text with every self-reference fully qualified, and how many there were."""
    return _SELF.subn(lambda m: f"{m['head']}{m['quote']}{repository}/{m['path']}@{ref}{m['quote']}", text)


def pack_root() -> Path:
    """Return the folder of the pack this code belongs to.

    Raises:
        InternalError: the package was installed without its workflows.
    """
    root = Path(__file__).resolve().parents[3]
    if not (root / "actions" / "setup" / "action.yml").is_file():
        raise InternalError("the pack's workflows are not beside this code", where=str(root), fix="run from a checkout")
    return root


def render(*, source: Path, folder: Path, target: str, repository: str, ref: str) -> int:
    """Write the rendered tree to an empty folder and return the number of files.

    Raises:
        WrongValue: repository or ref could not stand in a `uses:` line.
        ConfigurationError: the folder is not empty.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise WrongValue(f"{repository!r} is not OWNER/REPO", where="--repository")
    if not _REF.fullmatch(ref) or ".." in ref:
        raise WrongValue(f"{ref!r} is not a tag or commit", where="--ref")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError("the folder is not empty", where=str(folder), fix="name one that does not exist yet")
    scratch = folder.with_name(f".{folder.name}.part")
    files.fresh_dir(scratch)
    try:
        _copy(source, scratch)
        _rewrite_tree(scratch, repository, ref)
        files.write_atomic(scratch / "RENDERED", f"target={target}\nrepository={repository}\nref={ref}\n")
        shutil.rmtree(folder, ignore_errors=True)
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return sum(1 for path in folder.rglob("*") if path.is_file())


def _copy(source: Path, scratch: Path) -> None:
    for part in PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, scratch / part, ignore=_SKIP)
    for name in SINGLE:
        if (source / name).is_file():
            shutil.copy2(source / name, scratch / name)


def _rewrite_tree(scratch: Path, repository: str, ref: str) -> None:
    for folder in (".github/workflows", "actions"):
        for path in sorted((scratch / folder).rglob("*.yml")):
            text, count = rewrite(path.read_text(encoding="utf-8"), repository, ref)
            if count:
                files.write_atomic(path, text)
