"""Texts that YAML, its readers and its writers have always stumbled over."""

from __future__ import annotations

NASTY = [
    "", " ", "  ", "\t", "\n", "\n\n", " \n ", "no", "yes", "on", "y", "null", "Null", "~", "true", "False", "1",
    "-1", "010", "0x1F", "0o17", "1e3", ".5", "5.", "+1", ".inf", "-.INF", ".nan", "1_000", "12:30", "2026-01-01",
    "=", "<<", "-", "- a", "--- a", "...", "? a", "?", ":", ": a", "a: b", "a:", "a :b", "a #b", "#a", "a#b", "&a",
    "*a", "!a", "!!str a", "|", ">", "| a", "%a", "@a", "`a`", "'", '"', "'a'", '"a"', "it's", 'say "hi"',
    'it\'s "both"', "\\", "a\\nb", "[a]", "{a}", "a, b", "a]b", " lead", "trail ", "a  b", "a\tb", "\ta", "a\nb",
    "a\nb\n", "a\nb\n\n", "a\n\nb\n\n\n", "\na", "\n  a\nb", "  a\n b\n", "\ta\nb\n", "a \nb \n", "a\n  \nb\n",
    "a\n\t\nb", "a\r\nb\r\n", "a\rb", "a\x00b", "a\x07b", "a\x7fb", "a\x85b", "a\xa0b", "\xa0a\xa0", "a\u2028b",
    "a\u2029b", "\ufeffa", "a\ufeffb", "a\ufffeb", "a\u202eb", "\u200ba", "é", "😀", "👩‍👩‍👧", "שלום",
    "a\n# no comment\nb\n", "# a\nb\n", "- a\n- b\n", "key: |\n  x\n", "---\na\n", "a\n---\n", "x" * 300,
    "word " * 60, ("word " * 60).strip(), "two  spaces " * 20, ("a: b # c " * 30).strip(), "é" * 110,
    ("😀 " * 80).strip(), "line of some words, more than one, and they go on: as far as column one hundred\n" * 3,
    "a\n ", "a\n  \n", "a\n\n  \n\n",
    "recipient.country <> 'CA' and recipient.age >= 18", "recipient.country in ('BE', 'FR')",
]  # fmt: skip
