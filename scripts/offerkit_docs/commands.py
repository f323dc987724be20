"""docs/reference/commands.md: every command with its usage, options and help."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator

import click

from offerkit.cli.main import COMMANDS, cli
from offerkit_docs import markdown

INTRO = """\
`offerkit COMMAND --help` prints the same. Commands that change something show a plan first and ask; `--yes`
does not ask. Without a terminal nothing is asked, and nothing is changed without `--yes`."""

OF_EVERY_COMMAND = "They stand before or after the command: `offerkit --as omar promote`, `offerkit promote --as omar`."

EXIT_CODES = markdown.table(
    ["Code", "Meaning"],
    [
        ("`0`", "Fine."),
        ("`1`", "Something you can mend: the message says what and how. Nothing was changed."),
        ("`2`", "There are changes; only with `--detailed-exitcode`."),
        ("`3`", "A mistake of offerkit itself. `OFFERKIT_TRACEBACK=1` prints where; please report it."),
        ("`130`", "Interrupted."),
    ],
)

VARIABLES = markdown.table(
    ["Variable", "Meaning"],
    [
        ("`OFFERKIT_OPERATOR`", "The operator, as with `--as`."),
        ("`OFFERKIT_STORE`", "The store, as `--store`."),
        ("`OFFERKIT_TRACEBACK`", "Set: a mistake of offerkit itself is printed with its traceback."),
        ("`NO_COLOR`", "Set: no colours."),
    ],
)


def commands(names: Iterable[str] = COMMANDS) -> Iterator[tuple[str, click.Command, click.Context]]:
    """The commands of those names, each followed by its subcommands with their full names, as ``audit verify``."""
    top = click.Context(cli, **cli.context_settings, info_name="offerkit")
    for name in names:
        command = cli.get_command(top, name)
        assert command is not None, name
        context = click.Context(command, info_name=name, parent=top)
        yield name, command, context
        if isinstance(command, click.Group):
            for below in command.list_commands(context):
                sub = command.get_command(context, below)
                assert sub is not None, below
                yield f"{name} {below}", sub, click.Context(sub, info_name=below, parent=context)


def options(command: click.Command, context: click.Context) -> list[tuple[str, str]]:
    """The options as in ``--help``: spelling and help sentence."""
    records = [p.get_help_record(context) for p in command.get_params(context) if isinstance(p, click.Option)]
    return [record for record in records if record is not None and not record[0].endswith("--help")]


def _paragraph(text: str) -> str:
    """A paragraph of a command's help; one that click would not wrap is code."""
    if text.startswith(("\b", " ")):
        return f"```\n{inspect.cleandoc(text.removeprefix(chr(8))).strip()}\n```"
    return markdown.literally(" ".join(text.split()))


def _section(name: str, command: click.Command, context: click.Context) -> str:
    level = "##" if " " not in name else "###"
    pieces = " ".join(command.collect_usage_pieces(context))
    parts = [f"{level} `offerkit {name}`", *map(_paragraph, inspect.cleandoc(command.help or "").split("\n\n"))]
    parts.append(f"```\nofferkit {name} {pieces}\n```")
    rows = [(f"`{spelling}`", markdown.literally(meaning)) for spelling, meaning in options(command, context)]
    if rows:
        parts.append(markdown.table(["Option", "Meaning"], rows))
    return "\n\n".join(parts)


def page() -> str:
    """The page."""
    top = click.Context(cli, **cli.context_settings, info_name="offerkit")
    rows = [(f"`{spelling}`", markdown.literally(meaning)) for spelling, meaning in options(cli, top)]
    anchors = [(f"[`{name}`](#offerkit-{name})", short) for name, short in COMMANDS.items()]
    sections = [
        markdown.table(["Command", "What it does"], anchors),
        f"## Options of every command\n\n{OF_EVERY_COMMAND}\n\n{markdown.table(['Option', 'Meaning'], rows)}",
        f"## Exit codes\n\n{EXIT_CODES}",
        f"## Environment variables\n\n{VARIABLES}",
        *(_section(*each) for each in commands()),
    ]
    return markdown.page("Commands", INTRO, sections)
