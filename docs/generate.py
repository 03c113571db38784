"""Write the generated pages of the documentation: `python docs/generate.py [--check] [PAGE …]`.

Each page comes from what the program itself uses (docstrings, option tables, YAML), so it cannot say anything
else than the code does. `--check` writes nothing and ends with 1 when a page is not what it would be.
"""
# ruff: noqa: INP001

from __future__ import annotations

import argparse
import importlib
import inspect
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from truegreen import __version__, errors, registry
from truegreen.cli.table import COMMANDS
from truegreen.config import layers, schema, settings
from truegreen.config.explain import field_docs
from truegreen.errors import TruegreenError
from truegreen.runtime.toolchain import TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from truegreen.cli.options import Command, Option

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
_NOTICE = "<!-- Written by docs/generate.py; change its source, then run `make docs`. -->"
_SOURCES = {"pypi": "PyPI", "go": "Go module proxy"}
_STATES = ("works", "partly", "planned")
_LISTED = re.compile(r"^- \*\*(?P<key>[^*]+)\*\*: (?P<text>.+(?:\n  .+)*)", re.MULTILINE)
_EXITS = {1: "a gate failed", 2: "configuration", 3: "evidence", 4: "engine, forge, network", 70: "a bug of ours"}


def main(arguments: list[str] | None = None) -> int:
    """Write or check the pages; return 1 when `--check` found one that is out of date."""
    parser = argparse.ArgumentParser(description="Write the generated pages of the documentation.")
    parser.add_argument("--check", action="store_true", help="write nothing, end with 1 when a page is out of date")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help=f"one of: {', '.join(PAGES)}; none means all")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.pages) - PAGES.keys():
        parser.error(f"there is no page {', '.join(sorted(unknown))}")
    stale = [name for name in chosen.pages or PAGES if refresh(name, write=not chosen.check)]
    if stale:
        verb = "is out of date" if chosen.check else "was written"
        sys.stdout.writelines(f"docs/{name}.md {verb}\n" for name in stale)
    return 1 if stale and chosen.check else 0


def refresh(name: str, *, write: bool) -> bool:
    """Return whether a page differs from what it should be; write it where asked."""
    path = DOCS / f"{name}.md"
    text = page(name)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    if write:
        path.write_text(text, encoding="utf-8")
    return True


def page(name: str) -> str:
    """Return a page as it should be."""
    return "\n".join([_NOTICE, *PAGES[name]()]).rstrip() + "\n"


def error_page() -> Iterator[str]:
    """Yield errors.md: one entry a cause, with code, exit code and remedy."""
    yield "# Errors\n"
    yield "Every failure says *what* happened, *where*, *why*, and how to *fix* it."
    yield "`truegreen explain CODE` prints an entry.\n"
    for code, cls in errors.all_errors().items():
        yield f"## {code} {cls.slug}\n"
        yield f"{_doc(cls)}\n"
        yield f"Exit code {cls.exit_code} ({_EXITS[cls.exit_code]})." + (
            f" Fix: {cls.fix_default}.\n" if cls.fix_default else "\n"
        )


def gate_page() -> Iterator[str]:
    """Yield gates.md: what each gate proves, when it is blind, and its options."""
    yield "# Gates\n"
    yield "A gate is a pure function from evidence and policy to a verdict. It never passes what it did not see.\n"
    for name in registry.names("gate"):
        gate = registry.load("gate", name)
        yield f"## {name}\n"
        yield f"Judges: {', '.join(sorted(gate.stages))}. Reads: {', '.join(sorted(gate.needs)) or 'the records'}.\n"
        yield f"{_doc(gate)}\n"
        yield from _options(f"gates.{name}", gate.Options)


def stage_page() -> Iterator[str]:
    """Yield stages.md: what each stage runs, and its options."""
    yield "# Stages\n"
    yield "`truegreen run STAGE` is what CI runs, and what you run. Evidence stays in `.truegreen/STAGE/`.\n"
    for name in registry.names("stage"):
        stage = registry.load("stage", name)
        yield f"## {name}\n"
        yield f"{_doc(stage)}\n"
        yield from _options(name, stage.Options)


def evidence_page() -> Iterator[str]:
    """Yield evidence-of-persistence.md: how each store is observed, and what counts in it."""
    observers = [registry.load("observer", name) for name in registry.names("observer")]
    yield "# Evidence of persistence\n"
    yield f"{inspect.cleandoc(importlib.import_module('truegreen.stages.observers').__doc__ or '')}\n"
    yield "## Stores\n"
    keys = list(listed(observers[0]))
    yield f"| kind | {' | '.join(keys)} |"
    yield f"|---|{'---|' * len(keys)}"
    for observer in observers:
        entries = listed(observer)
        yield f"| `{observer.kind}` | {' | '.join(_cell(entries[key]) for key in keys)} |"
    yield ""


def listed(cls: type[Any]) -> dict[str, str]:
    """Return the list in a docstring: `- **key**: text`."""
    text = inspect.cleandoc(cls.__doc__ or "")
    return {match["key"]: match["text"] for match in _LISTED.finditer(text)}


def configuration_page() -> Iterator[str]:
    """Yield configuration.md: the keys that belong to no stage or gate, and the families with names."""
    yield "# Configuration\n"
    yield "Command line, then environment, action inputs, `[tool.truegreen]`, organisation preset, shipped defaults."
    yield "`truegreen config explain` names the source of each value. An unknown key is an error.\n"
    tables = (
        ("", schema.ProjectOptions),
        ("components.NAME", schema.Component),
        ("services.NAME", schema.ServiceOptions),
        ("processes.NAME", schema.ProcessOptions),
        ("history", schema.HistoryOptions),
        ("report", schema.ReportOptions),
    )
    for table, struct in tables:
        yield f"## [tool.truegreen{'.' if table else ''}{table}]\n"
        yield f"{_doc(struct)}\n"
        yield from _options(table, struct, heading=False)
    for name in registry.names("notifier"):
        yield f"## [tool.truegreen.notify.{name}]\n"
        yield f"{_doc(registry.load('notifier', name))}\n"
        yield from _options(f"notify.{name}", registry.load("notifier", name).Options, heading=False)
    yield from _presets()
    yield "## Families\n"
    yield "| family | name | what it is |"
    yield "|---|---|---|"
    for kind in ("service", "provider", "reader", "reporter", "notifier", "store"):
        for name in registry.names(kind):
            yield f"| {kind} | `{name}` | {_cell(_doc(registry.load(kind, name)).splitlines()[0])} |"


def _presets() -> Iterator[str]:
    """Yield what the shipped presets say, beside each other."""
    names = settings.presets()
    found = {name: layers.merge([layers.toml_layer(name, settings.PRESETS / f"{name}.toml")])[0] for name in names}
    values = {name: dict(_leaves(table, "")) for name, table in found.items()}
    yield "## Presets\n"
    yield 'One line, `preset = "strict"`, sets what the table says; keys of your own are stronger. An organisation may'
    yield 'keep a file of its own, `preset = "ci/truegreen.toml"`, which may build on a shipped one by a `preset` line.'
    yield "`standard` is what a project has that names no preset.\n"
    yield f"| key | {' | '.join(f'`{name}`' for name in names)} |"
    yield f"|---|{'---|' * len(names)}"
    for key in dict.fromkeys(key for name in names for key in values[name]):
        cells = (f"`{values[name][key]}`" if key in values[name] else "" for name in names)
        yield f"| `{key}` | {' | '.join(cells)} |"
    yield ""


def _leaves(table: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", msgspec.json.encode(value).decode().replace('"', "")


def catalogue_page() -> Iterator[str]:
    """Yield catalogue.md: every kind of service, from its class."""
    yield "# Catalogue of services\n"
    yield "How they are started and used: [services](services.md). Every key: [configuration](configuration.md).\n"
    yield "| kind | image, without `@version` | variables | without a container | probe | verified against |"
    yield "|---|---|---|---|---|---|"
    for name in registry.names("service"):
        kind = registry.load("service", name)()
        variables = ", ".join(f"`{variable}`" for variable in kind.exports)
        tool = (
            kind.embedded
            and f"`{kind.embedded}` {TOOLS[kind.embedded].version}, {_SOURCES[TOOLS[kind.embedded].source]}"
        )
        probe = inspect.cleandoc(kind.probe.__doc__).splitlines()[0].rstrip(".")
        cells = (
            f"`{name}`",
            f"`{kind.image_of()}`",
            variables,
            tool or "no",
            probe,
            kind.verified or "not verified",
        )
        yield "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def command_page() -> Iterator[str]:
    """Yield cli.md: every command, its options and examples."""
    yield "# Commands\n"
    yield "Exit codes: 0 all gates pass · 1 a gate failed · 2 configuration · 3 evidence missing or corrupt ·"
    yield "4 forge, network or engine · 70 a bug of ours.\n"
    for command in COMMANDS:
        yield from _command(command, "truegreen")


def workflow_page() -> Iterator[str]:
    """Yield workflows.md: inputs, outputs, secrets, least permissions, and a call to paste."""
    yield "# Workflows and actions\n"
    yield "Permissions are what the calling job must grant at least: a called job that asks for more than its caller"
    yield "grants stops the whole run before it starts, without a log.\n"
    for path in sorted((ROOT / ".github" / "workflows").glob("[!_]*.yml")):
        yield from _workflow(path)
    for path in sorted((ROOT / "actions").glob("*/action.yml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        yield f"## actions/{path.parent.name}\n"
        yield f"{document['description']}\n"
        yield from _interface(document)


def requirement_page() -> Iterator[str]:
    """Yield requirements.md: every requirement and what answers it."""
    rows = requirements()
    yield "# Requirements\n"
    counts = {state: sum(row["status"] == state for row in rows) for state in _STATES}
    yield f"Version {__version__}: " + ", ".join(f"{number} {state}" for state, number in counts.items()) + "."
    yield "*works*: this version does it. *partly*: the named part does. *planned*: nothing is there yet.\n"
    yield "| id | what is asked | status | where | still to come |"
    yield "|---|---|---|---|---|"
    for row in rows:
        cells = (row["id"], row["text"], row["status"], row.get("where", ""), row.get("theme", ""))
        yield "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def requirements() -> list[dict[str, str]]:
    """Return the rows of requirements.toml."""
    rows: list[dict[str, str]] = tomllib.loads((DOCS / "requirements.toml").read_text(encoding="utf-8"))["rows"]
    return rows


def _workflow(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    call = document[True]["workflow_call"] or {}  # YAML 1.1 reads the key `on` as True
    yield f"## {path.stem}\n"
    yield "\n".join(line.removeprefix("# ") for line in _leading_comment(text)) + "\n"
    yield from _interface(call)
    permissions = _least_permissions(document["jobs"].values())
    yield "```yaml\njobs:"
    yield f"  {path.stem}:"
    yield f"    uses: truegreen/truegreen/.github/workflows/{path.name}@v{__version__}"
    yield "    permissions:" + "".join(f"\n      {scope}: {right}" for scope, right in permissions.items())
    required = [name for name, spec in (call.get("inputs") or {}).items() if spec["required"]]
    if required:
        yield "    with:" + "".join(f"\n      {name}: …" for name in required)
    if call.get("secrets"):
        yield "    secrets:" + "".join(f"\n      {name}: ${{{{ secrets.{_env(name)} }}}}" for name in call["secrets"])
    yield "```\n"


def _least_permissions(jobs: Iterable[dict[str, Any]]) -> dict[str, str]:
    least: dict[str, str] = {}
    for job in jobs:
        for scope, right in (job["permissions"] or {}).items():
            least[scope] = "write" if "write" in (right, least.get(scope)) else right
    return least


def _interface(place: dict[str, Any]) -> Iterator[str]:
    if inputs := place.get("inputs"):
        yield "| input | meaning | default |"
        yield "|---|---|---|"
        for name, spec in inputs.items():
            default = (
                "**required**" if spec["required"] else f"`{_yaml(spec['default'])}`" if spec["default"] else "empty"
            )
            yield f"| `{name}` | {_cell(spec['description'])} | {_cell(default)} |"
        yield ""
    for kind in ("outputs", "secrets"):
        for name, spec in (place.get(kind) or {}).items():
            yield f"- {kind.removesuffix('s')} `{name}`: {spec['description']}"
        if place.get(kind):
            yield ""


def _command(command: Command, prefix: str) -> Iterator[str]:
    name = f"{prefix} {command.name}"
    yield f"## {name}\n"
    yield f"{command.help}\n"
    if command.passes_through:
        yield "Arguments after `--` go on unchanged.\n"
    if command.options:
        yield "| option | meaning |"
        yield "|---|---|"
        for option in command.options:
            yield f"| {_flags(option)} | {_cell(option.help)} |"
        yield ""
    if command.examples:
        yield "```sh\n" + "\n".join(command.examples) + "\n```\n"
    for child in command.commands:
        yield from _command(child, name)


def _flags(option: Option) -> str:
    value = f" {option.metavar}" if option.metavar and option.flags[0].startswith("-") else ""
    names = option.flags if option.flags[0].startswith("-") else (option.metavar or option.flags[0],)
    return ", ".join(f"`{flag}{value}`" for flag in names)


def _options(table: str, struct: type[msgspec.Struct], *, heading: bool = True) -> Iterator[str]:
    docs = field_docs(struct)
    if heading:
        yield f"`[tool.truegreen.{table}]`\n"
    yield "| key | default | meaning |"
    yield "|---|---|---|"
    for field in msgspec.structs.fields(struct):
        yield f"| `{field.encode_name}` | {_default(field)} | {_cell(docs.get(field.name, ''))} |"
    yield ""


def _yaml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _default(field: Any) -> str:
    if field.default is not msgspec.NODEFAULT:
        value = field.default
    elif field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    else:
        return "**required**"
    text = msgspec.json.encode(msgspec.to_builtins(value)).decode()
    return f"`{_cell(text)}`"


def _doc(cls: type[Any]) -> str:
    """Return a docstring as Markdown: an indented example becomes a TOML block."""
    text = inspect.cleandoc(cls.__doc__ or importlib.import_module(cls.__module__).__doc__ or "")
    head, mark, example = text.partition("\nExample:\n")
    if not mark:
        return text
    lines, _, rest = example.partition("\n\n")
    block = inspect.cleandoc(f"\n{lines}")
    return f"{head.rstrip()}\n\n```toml\n{block}\n```" + (f"\n\n{rest}" if rest else "")


def _leading_comment(text: str) -> list[str]:
    return [line for line in text.split("\nname:", maxsplit=1)[0].splitlines() if line.startswith("# ")]


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip()


def _env(name: str) -> str:
    return name.upper().replace("-", "_")


def fault_page() -> Iterator[str]:
    """Yield fault-corpus.md: what `make faults` plants, and who must notice it."""
    sys.path.insert(0, str(ROOT))
    faults, table = importlib.import_module("tests.faults.corpus"), importlib.import_module("tests.faults.table")
    sys.path.remove(str(ROOT))
    yield f"# The fault corpus\n\n{_doc(importlib.import_module('tests.faults'))}\n"
    yield from table.page(faults.everything(), len(faults.apps()))


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "catalogue": catalogue_page,
    "errors": error_page,
    "gates": gate_page,
    "stages": stage_page,
    "evidence-of-persistence": evidence_page,
    "configuration": configuration_page,
    "workflows": workflow_page,
    "cli": command_page,
    "requirements": requirement_page,
    "fault-corpus": fault_page,
}


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TruegreenError as error:
        sys.stderr.write("\n".join(error.lines()) + "\n")
        sys.exit(error.exit_code)
