"""The team's templates of the summary and the comment: files of the project, read before anything is rendered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from truegreen import registry
from truegreen.errors import TemplateUnusable, TruegreenError
from truegreen.runtime import files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truegreen.config.settings import Settings
    from truegreen.reporters.base import Layout, Reporter

_LIMIT_BYTES = 1 << 20
"""Of reading; what a template may have is less, and refused with its own words."""


def load(settings: Settings) -> dict[str, Layout]:
    """Return reporter → its layout, for each that the project has a template for.

    Raises:
        TemplateUnusable: a file is not there, lies outside the project, or cannot be understood; names file and line.
    """
    return {name: _read(settings, name, label) for name, label in settings.report.templates.items()}


def usable(settings: Settings) -> dict[str, Layout]:
    """Return the same for a report that must be written whatever happens: a faulty template says so in the document."""
    layouts: dict[str, Layout] = {}
    for name, label in settings.report.templates.items():
        try:
            layouts[name] = _read(settings, name, label)
        except TruegreenError as error:
            from truegreen.reporters.template.layout import Refused  # noqa: PLC0415 - see `_read`

            layouts[name] = Refused(label=label, reason=f"{error.what} ({error.where}); {error.fix}")
    return layouts


def reporter(name: str, layouts: Mapping[str, Layout]) -> Reporter:
    """Return a reporter, with its layout where it has one."""
    chosen = registry.load("reporter", name)
    made: Reporter = chosen(layouts[name]) if name in layouts else chosen()
    return made


def _read(settings: Settings, name: str, label: str) -> Layout:
    from truegreen.reporters.template import layout  # noqa: PLC0415 - most projects have none

    source = settings.sources.get(f"report.templates.{name}")
    where = source.place if source else f"report.templates.{name}"
    try:
        text = files.read_limited(_inside(settings.root, label, where), _LIMIT_BYTES).decode()
    except UnicodeDecodeError as error:
        raise TemplateUnusable(
            "a template is not UTF-8", where=f"{label}:{_line(error)}", fix="save it as UTF-8"
        ) from None
    except TemplateUnusable:
        raise
    except (TruegreenError, OSError, ValueError) as error:  # such as a name that no system takes
        fix = "name a file relative to the project, or take the line out"
        raise TemplateUnusable(f"the template of the {name}: {error}", where=where, fix=fix) from None
    return layout.read(text, label)


def _line(error: UnicodeDecodeError) -> int:
    return bytes(error.object[: error.start]).count(b"\n") + 1


def _inside(root: Path, label: str, where: str) -> Path:
    """Return the path of a template.

    A report is published: a template that is a link, or any file that is no Markdown, could show a secret of the
    machine that renders it.
    """
    path = root / label
    refused = ""
    if path.suffix != ".md":
        refused = f"the template {label or 'without a name'} is no Markdown"
    elif not path.is_relative_to(root) or {"..", ".git"} & set(Path(label).parts):
        refused = f"the template {label} lies outside the project"
    else:
        part = path
        while part != root and not refused:
            refused = f"the template {label} is reached by a symbolic link" if part.is_symlink() else ""
            part = part.parent
    if refused:
        raise TemplateUnusable(refused, where=where, fix="name a file ….md of the project itself")
    return path
