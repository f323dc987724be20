"""What pages say that the program has: commands, options, addresses, variables, properties, YAML; read from their text."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
from docs_text import FENCE, PAGES, ROOT, name, text

from offerkit.cli.main import COMMANDS, cli
from offerkit.cli.shell import Shell

STARTER = ROOT / "offerkit" / "cli" / "starter"
PIPELINES = ROOT / "offerkit" / "cli" / "pipelines"
CLAIMING = [
    *(page for page in PAGES if page.parent.name != "changelog.d" and page.name != "CHANGELOG.md"),
    ROOT / "plans" / "anonymous-pages.md",
    *sorted(ROOT.glob("examples/**/*.md")),
    *(
        path
        for folder in (STARTER, PIPELINES)
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".md", ".txt", ".yml", ".yaml"}
    ),
]
"""The pages whose words the program has to keep. Fragments of the change log tell of what was."""
SPAN = re.compile(r"(?<!`)(`{1,2})(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
CALLED = re.compile(r"(?<![\w@./-])(?:[\w./-]*/bin/)?offerkit[ \t]+(?=[\w'\"-])([^`\n]*)")
SPEAKS_OF = re.compile(r"\b(?:this|newer|an|the|of|and|in|with|no)\s+$", re.IGNORECASE)
"""Before “offerkit” in the text of a message that is about the program."""


class Code(NamedTuple):
    """A piece of code on a page: a line of a fenced block (with its language) or a code span (language ``span``)."""

    page: str
    language: str
    line: str


def codes(page: Path) -> Iterator[Code]:
    """All code of a page, whatever its language. A file that is no Markdown is code as a whole, comments too."""
    content = text(page)
    if page.suffix != ".md":
        yield from (Code(name(page), page.suffix[1:], line) for line in content.splitlines())
        return
    for _, _, language, body in FENCE.findall(content):
        for line in body.replace("\\\n", " ").splitlines():
            yield Code(name(page), language or "text", line)
    prose = FENCE.sub("", content)
    for line in prose.splitlines():
        if line.startswith("    ") and not line.lstrip().startswith(("-", "*", "|", ">")):
            yield Code(name(page), "indented", line)
    for _, span in SPAN.findall(prose):
        yield Code(name(page), "span", " ".join(span.split()))


def calls(code: Code) -> Iterator[list[str]]:
    """The words after each ``offerkit`` that is called in a piece of code, up to where the shell or the prose goes on."""
    for match in CALLED.finditer(code.line):
        if SPEAKS_OF.search(code.line[: match.start()]):
            continue
        yield words(match[1])
    if code.language == "span" and re.match(r"[a-z][a-z-]* [a-z-]", code.line):
        first = code.line.partition(" ")[0]
        if first in COMMANDS:  # `audit verify --expect`: a call in short
            yield words(code.line)


def words(line: str) -> list[str]:
    """A command line's words, to the first sign that ends a command; quotes may be left open in prose."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()“”")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    found: list[str] = []
    try:
        for word in lexer:
            if set(word) <= set("|&;<>()“”"):
                break
            found.append(word)
    except ValueError:  # an open quote
        return line.split()
    return found


def unknown(called: list[str]) -> str:
    """What of a call ``offerkit`` does not have: a command or an option; empty when it has all of it."""
    current: click.Command = cli
    context = click.Context(cli, **cli.context_settings, info_name="offerkit", obj=Shell())
    options = _options(cli, context)
    rest = list(called)
    while rest:
        word = rest.pop(0)
        if word.startswith("-") and word.strip("-"):
            flag, joined, _ = word.rstrip(".,:").partition("=")
            option = options.get(flag)
            if option is None:
                return word
            if not option.is_flag and not option.count and not joined and rest:
                rest = rest[option.nargs :]
        elif isinstance(current, click.Group):
            plain = word.rstrip(".,:…")
            if word.isupper() or word.startswith("[") or not plain:
                return ""  # offerkit COMMAND --help, offerkit token [OPTIONS] COMMAND
            below = current.get_command(context, plain)
            if below is None:
                return word
            current, context = below, click.Context(below, info_name=plain, parent=context)
            options |= _options(current, context)
    return ""


def _options(command: click.Command, context: click.Context) -> dict[str, click.Option]:
    found = [option for option in command.get_params(context) if isinstance(option, click.Option)]
    return {flag: option for option in found for flag in (*option.opts, *option.secondary_opts)}


def all_options() -> set[str]:
    """Every option of every command."""
    found: set[str] = set()
    pending = [(cli, click.Context(cli, **cli.context_settings, info_name="offerkit", obj=Shell()))]
    while pending:
        command, context = pending.pop()
        found |= set(_options(command, context))
        if isinstance(command, click.Group):
            for each in COMMANDS if command is cli else command.list_commands(context):
                below = command.get_command(context, each)
                assert below is not None
                pending.append((below, click.Context(below, info_name=each, parent=context)))
    return found


def yaml_blocks(page: Path) -> list[str]:
    """The YAML of a page, each block from its left edge."""
    return [textwrap.dedent(body) for _, _, language, body in FENCE.findall(text(page)) if language in ("yaml", "yml")]


def sections(block: str) -> dict[str, str]:
    """A block's top-level keys, each with its text."""
    parts = re.split(r"^(?=[\w-]+:)", block, flags=re.MULTILINE)
    return {part.partition(":")[0]: part for part in parts if re.match(r"[\w-]+:", part)}
