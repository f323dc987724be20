"""``scripts/strings`` lists every string that a person may see: of samples, and of the whole program."""

from __future__ import annotations

import ast
import json
import subprocess
import textwrap
from pathlib import Path

import click
import pytest
from docs_text import ROOT
from offerkit_strings import String, strings_of

from offerkit.cli.main import COMMANDS, cli
from offerkit.diagnostics import CODES

SAMPLE = '''
    """What the module is for."""

    import click

    LIMIT = 3
    """The most that one call may ask for."""
    QUERY = "SELECT name FROM offer WHERE name = ?"
    KEYS = {"name": "a label", "other": LABELS["not shown here"]}


    @click.command("list")
    @click.option("--limit", help="At most this many.")
    def list_offers(limit: "a type") -> None:
        """List the offers."""
        # A note for readers of the code
        if limit == "a value it is compared with":
            raise refuse(Code.BAD, f"{limit} is {'too ' if limit else ''}small", hint="Write --limit 3." + " Or less.")
        print(f"<p>{limit} offers</p>", "Revision", "id")
'''
PAGE = """<h1 title="What it is">{{ row.label or "no label yet" }}</h1>
{# a remark #}
<p>{% if many %}Several offers{% else %}One offer{% endif %} of {{ count }}.</p>
<script>let a = "Not read here"</script>
"""


def listed(folder: Path, name: str, content: str) -> list[tuple[int, str, str]]:
    """The strings of a file with this content: line, kind, text."""
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return [(string.line, string.kind, string.text) for string in strings_of(path)]


def test_strings_of_python(tmp_path: Path) -> None:
    assert listed(tmp_path, "sample.py", textwrap.dedent(SAMPLE).lstrip()) == [
        (1, "docstring", "What the module is for."),
        (6, "docstring", "The most that one call may ask for."),
        (8, "message", "a label"),
        (12, "help", "At most this many."),
        (14, "help", "List the offers."),
        (15, "comment", "A note for readers of the code"),
        (17, "message", "{…} is {…}small"),
        (17, "message", "too"),
        (17, "message", "Write --limit 3."),
        (17, "message", "Or less."),
        (18, "page", "<p>{…} offers</p>"),
        (18, "message", "Revision"),
    ]


def test_strings_of_a_template(tmp_path: Path) -> None:
    assert listed(tmp_path, "sample.html", PAGE) == [
        (1, "page", "no label yet"),
        (1, "page", "What it is"),
        (3, "page", "Several offers"),
        (3, "page", "One offer"),
        (3, "page", "of {…}."),
    ]


def test_strings_of_a_script_and_of_yaml(tmp_path: Path) -> None:
    script = "// Asks once\nshow('It did not work', `Only ${n} left`, 'id');  // said aloud\n"
    assert listed(tmp_path, "sample.js", script) == [
        (1, "comment", "Asks once"),
        (2, "page", "It did not work"),
        (2, "page", "Only {…} left"),
        (2, "comment", "said aloud"),
    ]
    assert listed(tmp_path, "sample.yaml", "# What it is\noffers:\n  a: {label: x}\n  label: Gold card\n") == [
        (1, "page", "What it is"),
        (4, "page", "Gold card"),
    ]


@pytest.fixture(scope="module")
def whole() -> list[String]:
    return strings_of(ROOT / "offerkit")


def texts(strings: list[String], *kinds: str) -> set[str]:
    return {string.text for string in strings if string.kind in kinds}


def test_every_meaning_of_a_code_is_listed(whole: list[String]) -> None:
    assert {" ".join(meaning.split()) for meaning in CODES.values()} <= texts(whole, "message")


def test_every_help_of_a_command_is_listed(whole: list[String]) -> None:
    seen = texts(whole, "help")
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli, **cli.context_settings), name)
        assert command is not None
        assert " ".join((command.help or "").split()) in seen, name


def test_every_text_of_a_diagnostic_is_listed(whole: list[String]) -> None:
    """Whatever is given to ``refuse`` or ``Diagnostic`` as detail or hint, written out there."""
    seen = texts(whole, "message", "page")
    count = 0
    for path in (ROOT / "offerkit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.keyword)
                and node.arg in ("hint", "detail")
                and isinstance(node.value, ast.Constant)
            ):
                text = " ".join(str(node.value.value).split())
                count += bool(text)
                assert not text or text in seen, f"{path}: {text}"
    assert count > 300


def test_the_command_prints_what_is_asked(tmp_path: Path) -> None:
    (tmp_path / "sample.py").write_text(textwrap.dedent(SAMPLE), encoding="utf-8")
    command = [ROOT / "scripts" / "strings", tmp_path / "sample.py", "--kind", "help", "--json"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [json.loads(line)["text"] for line in said.splitlines()] == ["At most this many.", "List the offers."]
    wrong = subprocess.run([ROOT / "scripts" / "strings", tmp_path / "none"], capture_output=True, check=False)
    assert wrong.returncode == 2
