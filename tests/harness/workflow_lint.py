"""Lint the pack's own workflows and actions: `python -m tests.harness.workflow_lint`.

actionlint 1.7.12 does not know `uses: $/…`, so it reads a copy in which `$/` is `./`: there both mean the same
file, and the inputs and outputs of our own actions are checked too. zizmor reads the tree as it is. A file that a
linter passed over is a finding: silence about an unread file is not a clean bill.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from truegreen.app import shell as shells
from truegreen.app.render import rewrite
from truegreen.errors import TruegreenError

if TYPE_CHECKING:
    from truegreen.app.shell import Shell

ROOT = Path(__file__).resolve().parents[2]
_LOCAL = re.compile(r"self/pack/(?P<path>\S+?)@here\b")
_READ = re.compile(r"completed (?P<path>\S+\.yml)$", re.MULTILINE)
_LIMIT_S = 300.0


def sources(root: Path) -> list[Path]:
    """Return every workflow and action of the pack, relative to its root."""
    found = [*root.glob(".github/workflows/*.yml"), *root.glob("actions/*/action.yml")]
    return sorted(path.relative_to(root) for path in found)


def local_copy(root: Path, folder: Path) -> list[str]:
    """Write the sources with `$/` as `./`, a repository to actionlint; return the names of the workflows."""
    (folder / ".git").mkdir(parents=True)
    extra = [path.relative_to(root) for path in root.glob(".github/actionlint.yaml")]
    for source in [*sources(root), *extra]:
        target = folder / source
        target.parent.mkdir(parents=True, exist_ok=True)
        text, _ = rewrite((root / source).read_text(encoding="utf-8"), "self/pack", "here")
        target.write_text(_LOCAL.sub(r"./\g<path>", text), encoding="utf-8")
    return [str(source) for source in sources(root) if source.parts[0] == ".github"]


def actionlint(shell: Shell, root: Path) -> list[str]:
    """Return actionlint's findings, one a line; shellcheck is left out because not every machine has it."""
    program = str(shell.tools.path("actionlint"))
    with tempfile.TemporaryDirectory(prefix="truegreen-lint-") as scratch:
        folder = Path(scratch)
        workflows = local_copy(root, folder)
        if not workflows:
            return ["actionlint: there is no workflow to read"]
        arguments = ["-no-color", "-oneline", "-shellcheck=", "-pyflakes=", *workflows]
        done = shell.processes.run([program, *arguments], cwd=folder, timeout_s=_LIMIT_S)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return lines or ([] if done.ok else [f"actionlint ended with {done.exit_code} and said nothing"])


def zizmor(shell: Shell, root: Path) -> list[str]:
    """Return zizmor's findings of the strictest persona, and every file it passed over."""
    program = str(shell.tools.path("zizmor"))
    config = root / ".github" / "zizmor.yml"
    rules = ["--config", str(config)] if config.is_file() else ["--no-config"]
    arguments = ["--offline", "--persona", "auditor", "--color", "never", *rules, ".github/workflows", "actions"]
    done = shell.processes.run([program, *arguments], cwd=root, timeout_s=_LIMIT_S)
    read = {match["path"] for match in _READ.finditer(done.stderr)}
    unread = [f"{path}: zizmor did not read this file" for path in map(str, sources(root)) if path not in read]
    text = done.stdout.strip() or done.tail(20)
    return [*([] if done.ok else text.splitlines()), *unread]


def main() -> int:
    """Print what both linters found; return 1 if it is anything, else 0."""
    shell = shells.make(cwd=ROOT)
    try:
        found = [*actionlint(shell, ROOT), *zizmor(shell, ROOT)]
    except TruegreenError as error:
        shell.console.error(error.lines())
        return error.exit_code
    for line in found:
        shell.console.result(line)
    shell.console.line(f"workflow lint: {len(sources(ROOT))} files read, {'findings above' if found else 'no finding'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
