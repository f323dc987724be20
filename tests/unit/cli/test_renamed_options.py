"""Options that got another name still take the one they had, which no page shows."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from offerkit.cli.main import cli
from offerkit.cli.options import RenamedOption


def renamed(group: click.Group, name: str = "") -> Iterator[tuple[str, click.Command, RenamedOption]]:
    """All renamed options, each with its command."""
    context = click.Context(group)
    for each in group.list_commands(context):
        command = group.get_command(context, each)
        assert command is not None
        if isinstance(command, click.Group):
            yield from renamed(command, f"{name}{each} ")
        for option in command.params:
            if isinstance(option, RenamedOption):
                yield f"{name}{each}", command, option


RENAMED = list(renamed(cli))


@pytest.mark.parametrize(
    ("command", "option"), [each[1:] for each in RENAMED], ids=[f"{name} {option.name}" for name, _, option in RENAMED]
)
def test_former_names(command: click.Command, option: RenamedOption) -> None:
    context = click.Context(command, resilient_parsing=True)
    value = "1" if isinstance(option.type, click.types.IntParamType) else "x"
    outcomes = []
    for name in (option.opts[0], *option.former):
        parsed, _, _ = command.make_parser(context).parse_args([name] if option.is_flag else [name, value])
        outcomes.append(parsed[option.name])
        assert not command.get_help(context).count(f" {name} ") or name not in option.former
    assert all(each == outcomes[0] for each in outcomes)


def test_one_short_name_means_one_thing() -> None:
    """The first long name beside each letter, in all commands."""
    meanings: dict[str, set[str]] = {}

    def walk(group: click.Group) -> None:
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            if isinstance(command, click.Group):
                walk(command)
            for option in command.params:
                for letter in [each for each in option.opts if not each.startswith("--") and each.startswith("-")]:
                    long = next((each for each in option.opts if each.startswith("--")), letter)
                    meanings.setdefault(letter, set()).add(long)

    walk(cli)
    assert {letter: long for letter, long in meanings.items() if len(long) > 1} == {}
