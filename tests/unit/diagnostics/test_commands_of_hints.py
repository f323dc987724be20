"""The commands that hints name exist, and have the options that they are given."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click

from offerkit.cli.main import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[3]


_QUOTED = re.compile(r"[“`]((?:offerkit|git) [^”`]*)[”`]|: (offerkit [^\n]*)$|\((offerkit [^)]*)\)")
_LOOSE = re.compile(rf"\bofferkit (?:{'|'.join(sorted(COMMANDS))})\b(?: -?-?[\w./{{}}…-]+)*")
_NO_COMMANDS = (
    "git keeps its files",
    *(f"offerkit {verb} " for verb in ("cannot", "did", "does", "has", "is", "looks")),
)
GIT = ("add", "clone", "commit", "config", "fetch", "init", "log", "merge")


@dataclass(frozen=True)
class Mention:
    """A command that a text of the program names."""

    at: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.at}: {' '.join(self.words)}"


@cache
def mentions() -> tuple[Mention, ...]:
    """Every command in a string of the program that is no docstring; values that are put in are “X”."""
    return tuple(each for path in sorted((ROOT / "offerkit").rglob("*.py")) for each in mentions_of(path))


def mentions_of(path: Path) -> Iterator[Mention]:
    """Those of one module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    aside = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in aside or not isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
            continue
        text = text_of(node)
        if not isinstance(node, ast.Constant):
            aside |= {id(part) for part in ast.walk(node)}
        for command in commands_of(text):
            yield Mention(f"{path.relative_to(ROOT)}:{node.lineno}", tuple(command))


def text_of(node: ast.expr) -> str:
    """A string as it is written, with X for what is put in."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr():
            return "".join(text_of(part) for part in node.values)
        case ast.BinOp(op=ast.Add()):
            return text_of(node.left) + text_of(node.right)
        case _:
            return "X"


def commands_of(text: str) -> Iterator[list[str]]:
    """The commands that a text names, as words; of one without quotes only what is sure to be part of it."""
    if "offerkit " not in text and "git " not in text:
        return
    quoted = [next(filter(None, match.groups())) for match in _QUOTED.finditer(text)]
    for command in quoted:
        sentence = re.split(r"[.;,:] |[.;,:]$| and | or | to see ", command)[0]
        if not sentence.startswith(_NO_COMMANDS):
            yield [word.strip("'\"") for word in sentence.split()]
    for match in _LOOSE.finditer(text):
        first, second, *rest = match[0].split()
        yield [first, second, *(word.rstrip(".") for word in rest if word.startswith("-"))]


def test_there_are_commands_in_hints() -> None:
    """They are found: a test of none would prove nothing."""
    named = {mention.words[1] for mention in mentions() if mention.words[0] == "offerkit"}
    assert {
        "apply",
        "approve",
        "ci",
        "deliver",
        "export",
        "fmt",
        "graph",
        "history",
        "init",
        "override",
        "plan",
    } <= named
    assert len(mentions()) > 80


def test_every_command_that_is_named_exists() -> None:
    """It is a command, and its options and the number of its arguments are those that it has."""
    wrong = [f"{mention}: {why}" for mention in mentions() if (why := unknown(mention.words))]
    assert wrong == [], "\n".join(wrong)


def unknown(words: tuple[str, ...]) -> str:
    """What offerkit or git does not know of a command; empty when all is well."""
    if words[0] == "git":
        return (
            ""
            if words[words[1].startswith("-") + bool(words[1] == "-C") + 1] in (*GIT, "pull")
            else "no command of git"
        )
    command: click.Command = cli
    rest = list(words[1:])
    known = options_of(cli)
    while isinstance(command, click.Group) and rest:
        inner = command.get_command(click.Context(command), rest[0])
        if inner is None:
            return f"there is no {rest[0]}" if command is cli or not rest[0].startswith("-") else ""
        command, rest = inner, rest[1:]
        known |= options_of(command)
    count = 0
    while rest:
        word = rest.pop(0)
        if word.startswith("-") and word != "-":
            name, _, value = word.partition("=")
            if "X" in name or name == "--":  # it is made up of what stands there
                continue
            if name not in known:
                return f"no option {name}"
            if known[name] and not value and rest:
                rest.pop(0)
        elif word not in ("…", "X"):
            count += 1
    takes = [each.nargs for each in command.params if isinstance(each, click.Argument)]
    return "" if -1 in takes or count <= sum(takes) else f"{count} arguments"


def options_of(command: click.Command) -> dict[str, bool]:
    """The options of a command, and whether each takes a value."""
    return {
        name: not option.is_flag
        for option in command.params
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
    } | {"--help": False}
