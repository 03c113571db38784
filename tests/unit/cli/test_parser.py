"""The command line, from the table that declares it."""

from __future__ import annotations

import importlib
import shlex
from typing import TYPE_CHECKING

import pytest

from truegreen.__main__ import main
from truegreen.cli.parser import parse
from truegreen.cli.table import COMMANDS
from truegreen.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.cli.options import Command


def walk(commands: tuple[Command, ...], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Command]]:
    for command in commands:
        yield (*path, command.name), command
        yield from walk(command.commands, (*path, command.name))


EVERY = dict(walk(COMMANDS))
EXAMPLES = [line for command in EVERY.values() for line in command.examples]
FOR_PEOPLE = [path for path in EVERY if path[0] != "ci" and len(path) == 1]
each_command = pytest.mark.parametrize("path", EVERY, ids=" ".join)


def shown(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    with pytest.raises(SystemExit) as ending:
        main([*argv, "--help"])
    assert ending.value.code == 0
    return capsys.readouterr().out


@each_command
def test_help_of_each_command_shows_its_options_and_examples(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(capsys, *path)
    words = " ".join(text.split())
    command = EVERY[path]
    assert command.help in words
    for option in command.options:
        assert (option.flags[-1] if option.flags[0].startswith("-") else option.metavar) in text
        assert option.help in words
    for example in command.examples:
        assert f"  {example}\n" in text
    assert ("examples:" in text) == bool(command.examples)


@pytest.mark.parametrize("path", FOR_PEOPLE, ids=" ".join)
def test_command_for_people_has_examples(path: tuple[str, ...]) -> None:
    assert EVERY[path].examples


def test_help_of_the_program_names_every_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(shown(capsys).split())
    assert all(f" {command.name} " in text for command in COMMANDS)
    assert all(f"{code} " in text for code in (0, 1, 2, 3, 4, 70))


@pytest.mark.parametrize("line", EXAMPLES)
def test_example_of_the_help_is_understood(line: str) -> None:
    words = shlex.split(line.removeprefix('eval "$(').removesuffix(')"'))
    at = words.index("truegreen")
    assert parse(words[at + 1 :]).entry


@each_command
def test_command_leads_to_a_function_or_to_more_commands(path: tuple[str, ...]) -> None:
    command = EVERY[path]
    if command.commands and not command.alone:
        with pytest.raises(UsageError, match="required: COMMAND"):
            parse(path)
        return
    module, _, function = command.target.partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_arguments_after_the_dashes_are_kept_as_they_are() -> None:
    words = ["-k", "a b", "--json", "--", "x", ""]
    found = parse(["run", "unit", "--json", "--", *words])
    assert found.rest == tuple(words)
    assert (found.stages, found.json) == (["unit"], True)


def test_command_without_dashes_has_no_rest() -> None:
    assert parse(["run", "unit", "lint"]).rest == ()
    assert parse(["gate", "--"]).rest == ()


@pytest.mark.parametrize("path", [path for path, command in EVERY.items() if not command.passes_through], ids=" ".join)
def test_command_that_hands_nothing_on_refuses_arguments_after_the_dashes(path: tuple[str, ...]) -> None:
    if EVERY[path].commands and not EVERY[path].alone:
        return
    needed = {"render": ["--target=act", "--repository=o/r", "--ref=v1"]}.get(path[-1], [])
    names = ["x" for option in EVERY[path].options if not option.flags[0].startswith("-") and option.many in ("", "+")]
    with pytest.raises(UsageError, match="no arguments after --"):
        parse([*path, *needed, *names, "--", "more"])


@pytest.mark.parametrize(
    ("argv", "what", "fix"),
    [
        (["rnu"], "there is no command 'rnu'", "perhaps you meant `truegreen run`"),
        (["services", "upp"], "there is no command 'upp'", "perhaps you meant `truegreen services up`"),
        (["image", "sgn"], "there is no command 'sgn'", "perhaps you meant `truegreen image sign`"),
        (["zzz"], "there is no command 'zzz'", "see `truegreen --help`"),
        (["summary", "--format", "sumary"], "argument --format", "see `truegreen summary --help`"),
        (["render", "--target", "gitlab"], "argument --target", "see `truegreen render --help`"),
        (["render", "pack"], "--target, --repository, --ref", "see `truegreen render --help`"),
        (["history", "--limit", "ten"], "invalid int value: 'ten'", "see `truegreen history --help`"),
        (["run", "--jsn"], "unrecognized arguments: --jsn", "see `truegreen --help`"),
        ([], "required: COMMAND", "see `truegreen --help`"),
    ],
)
def test_command_line_that_is_wrong_says_what_and_offers_the_nearest(argv: list[str], what: str, fix: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(argv)
    assert (caught.value.code, caught.value.exit_code) == ("TG106", 2)
    assert what in caught.value.what
    assert caught.value.fix == fix
    assert caught.value.where.startswith("truegreen")


def test_option_given_several_times_keeps_all_and_starts_empty() -> None:
    assert parse(["gate", "--set", "a=1", "--set", "b=2"]).set == ["a=1", "b=2"]
    assert parse(["gate"]).set == []


@pytest.mark.parametrize("text", ["0", "1234", str((1 << 32) - 1)])
def test_seed_is_a_number_that_python_takes_for_its_hashes(text: str) -> None:
    assert parse(["run", "unit", "--seed", text]).seed == int(text)


@pytest.mark.parametrize("text", ["-1", str(1 << 32), "1.5", "words", ""])
def test_seed_of_another_kind_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse(["run", "unit", f"--seed={text}"])
