"""argv → parsed command, from the option table."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from truegreen import __version__
from truegreen.cli.table import COMMANDS
from truegreen.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truegreen.cli.options import Command, Option

_INVALID = re.compile(r"argument COMMAND: invalid choice: '([^']*)'")


class _Parser(argparse.ArgumentParser):
    """argparse that raises our error instead of ending the process."""

    known: tuple[str, ...] = ()
    """Names of the commands below this one."""

    def error(self, message: str) -> NoReturn:
        fix = f"see `{self.prog} --help`"
        if match := _INVALID.search(message):
            message = f"there is no command {match.group(1)!r}"
            if near := difflib.get_close_matches(match.group(1), self.known, n=1):
                fix = f"perhaps you meant `{self.prog} {near[0]}`"
        raise UsageError(message, where=self.prog, fix=fix)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        sys.stdout.flush()  # a reader that is gone shows here, not in a message of the interpreter
        super().exit(status, message)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the parsed command line; `entry` names the function, `rest` what stood after `--`.

    Raises:
        UsageError: with the nearest known command.
    """
    own, rest = _split(list(argv))
    namespace = build(own[0] if own else "").parse_args(own)
    if rest and not namespace.passes_through:
        raise UsageError("this command takes no arguments after --", where=" ".join(argv))
    namespace.rest = tuple(rest)
    return namespace


def build(first: str = "") -> argparse.ArgumentParser:
    """Return the parser of all commands; where the first word names one, of that one alone, which is quicker."""
    parser = _Parser(
        prog="truegreen",
        description="A green check that means it: stages that leave evidence, gates that read it.",
        epilog="Exit codes: 0 all gates pass, 1 a gate failed, 2 configuration, 3 evidence missing or corrupt, "
        "4 forge, network or engine, 70 a bug of ours.",
    )
    parser.add_argument("--version", action="version", version=f"truegreen {__version__}")
    named = tuple(command for command in COMMANDS if command.name == first)
    _add_commands(parser, named or COMMANDS, "command")
    return parser


def _split(argv: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in argv:
        return argv, []
    at = argv.index("--")
    return argv[:at], argv[at + 1 :]


def _add_commands(parser: _Parser, commands: tuple[Command, ...], dest: str, *, required: bool = True) -> None:
    parser.known = tuple(command.name for command in commands)
    children = parser.add_subparsers(dest=dest, metavar="COMMAND", required=required, parser_class=_Parser)
    for command in commands:
        child = children.add_parser(
            command.name,
            help=command.help,
            description=command.help,
            epilog=_examples(command),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        child.set_defaults(entry=command.target, passes_through=command.passes_through)
        for option in command.options:
            child.add_argument(*option.flags, **_arguments(option))
        if command.commands:
            _add_commands(child, command.commands, f"{dest}_{command.name}", required=not command.alone)


def _examples(command: Command) -> str:
    return "examples:\n" + "\n".join(f"  {line}" for line in command.examples) if command.examples else ""


def _arguments(option: Option) -> dict[str, Any]:
    arguments: dict[str, Any] = {"help": option.help}
    if option.switch:
        return {**arguments, "action": "store_true"}
    if option.repeat:
        arguments |= {"action": "append", "default": []}
    else:
        arguments |= {"default": option.default, "type": option.type}
    arguments |= {"nargs": option.many} if option.many else {}
    arguments |= {"choices": option.choices} if option.choices else {}
    arguments |= {"metavar": option.metavar} if option.metavar else {}
    if option.required and option.flags[0].startswith("-"):
        arguments["required"] = True
    return arguments
