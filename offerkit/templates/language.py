"""The closed lists and limits of the template language; a test compares docs/rendering.md with them.

Anything else is refused when the specs are read, even if minijinja supports it.
"""

from __future__ import annotations

STATEMENTS: dict[str, str] = {
    "if": "`{% if … %} … {% elif … %} … {% else %} … {% endif %}`",
    "elif": "",
    "else": "",
    "endif": "",
    "for": "`{% for x in recipient.interests %} … {% else %} … {% endfor %}`; inside: `loop.index`, `loop.first`, "
    "`loop.last`",
    "endfor": "",
    "set": "`{% set name = value %}`: a short name for a value",
    "raw": "`{% raw %} … {% endraw %}`: braces that mean nothing",
    "endraw": "",
}
"""Statements; those with an empty text belong to the one above."""

FILTERS: dict[str, str] = {
    "capitalize": "the first letter upper, the rest lower case",
    "date": "a date or timestamp written `iso` (default), `dmy` 31/01/2027, `mdy` 01/31/2027, `dots` 31.01.2027, "
    "`year`, `month`, `day`, or `time` 14:30",
    "default": "the argument, when the value is unknown or empty",
    "first": "the first of a list or the first character",
    "join": "a list as one text, with the argument between its parts (default: a comma and a space)",
    "last": "the last of a list or the last character",
    "length": "how many parts or characters",
    "lower": "lower case",
    "number": "a number with that many digits after the point (default 0), rounded half up, without grouping",
    "replace": "one text put for another, everywhere",
    "round": "a number rounded half up to that many digits (default 0)",
    "sort": "a list in order",
    "title": "each word with a capital",
    "trim": "without spaces at both ends",
    "truncate": "at most that many characters, the last of them an ellipsis",
    "unique": "a list without repetitions",
    "upper": "upper case",
    "urlencode": "percent-encoded, as one part of a URL",
}

TESTS: dict[str, str] = {
    "defined": "the name has a value here",
    "undefined": "it has none",
    "none": "the value is unknown",
    "even": "an even number",
    "odd": "an odd number",
    "divisibleby": "divisible by the argument",
    "string": "a text",
    "number": "a number",
    "sequence": "a list",
    "startingwith": "a text that begins so",
    "endingwith": "a text that ends so",
}

FUNCTIONS: dict[str, str] = {
    "range": "`range(stop)`, `range(start, stop)`, `range(start, stop, step)`: numbers to loop over, 1,000 at most",
    "status_url": "`status_url('accepted', destination_url)`: the link that sets the proposition's status, then leads "
    "on; `status_url('rejected')` leads nowhere",
}

MAX_RANGE = 1_000
MAX_LOOP_TEXT = 8_192
"""Characters of plain text between a ``for`` and its ``endfor``: with the fuel it bounds what a loop can write."""
MAX_OUTPUT = 1_000_000
"""Characters that one rendering may give."""
FUEL = 20_000
"""Steps of the engine for one rendering; a text or function as long as one may be, without loops, takes fewer."""
MAX_STEPS = 2_000
"""Blocks in one template."""
MAX_WORDS = 1_000
"""Names, texts, numbers and signs in one block: each may stand for a text of a contact, and lists are copied."""
