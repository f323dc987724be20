"""docs/reference/diagnostics.md: every code with its meaning."""

from __future__ import annotations

from offerkit.diagnostics import CODES, Code
from offerkit_docs import markdown

GROUPS = {
    "1": "Reading files",
    "2": "One resource on its own",
    "3": "Resources together",
    "4": "Rules of the domain",
    "5": "Plans",
    "6": "The store",
    "7": "Who may do what",
    "8": "What was asked for",
    "9": "Mistakes of offerkit",
}
"""The titles of the hundreds."""

INTRO = """\
Every message has a stable code: it never changes its meaning and is never used again for another. A message
says what is wrong, where (file:line:column and address), why it matters and how to mend it. All messages of a
run come at once, sorted by place. `offerkit validate` gives the same for machines: `--format json`, and what forges
read: `github` (annotations of a workflow run), `sarif` (code scanning) and `gitlab` (code quality). Nothing was changed
when a command ends with one of these codes."""


def group_of(code: Code) -> str:
    """The hundred that ``code`` belongs to: the first digit after ``OFR``."""
    return code.value[3]


def page() -> str:
    """The page."""
    sections = []
    for digit, title in GROUPS.items():
        rows = [(f"`{code.value}`", markdown.literally(CODES[code])) for code in Code if group_of(code) == digit]
        sections.append(f"## {digit}xx: {title}\n\n{markdown.table(['Code', 'Meaning'], rows)}")
    return markdown.page("Diagnostics", INTRO, sections)
