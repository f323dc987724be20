"""Our own vocabulary: phrases that readers stumble over, and what to write instead (docs/style.md)."""

from __future__ import annotations

import re
from typing import NamedTuple


class Phrase(NamedTuple):
    """What not to write, as a pattern of whole words; ``instead`` is the advice."""

    pattern: re.Pattern[str]
    instead: str


_TABLE = r"""
what has(?! not| been| changed| happened)|name the thing: offers with reviewers
who (?:asks|asked|is asking)|the caller, the operator
(?:^|[.:;] )who (?!is|does)[a-z]+s\b(?=[^?]*$)|name the actor: “the operator who …”, “an author …”
for who(?! is\b)|for the reader, for operators who
(?:by|of|to|with) who|name the actor
there (?:is|was) none|“if missing”, “none exist”, “no offers”
(?:to|can|could|cannot) be had|“available”, “not available”
none of (?:ours|offerkit's|theirs)|“not a command of offerkit”
(?:at most|takes?|wait|after) so (?:long|many|much)|give the number: “at most N”, “N seconds”
every so many|“every N seconds”
so (?:long|many|much) (?:may|must|can|is|are|does|do|bytes|seconds|contacts|resources)|“at most N …”
(?:counts?|is|are) no more|“is no longer valid”, “expires”
may not (?:be|begin|come|contain|have|hold|name|rest|stand)|“cannot” for the impossible; “may not” is for rights only
(?:it|that) is said|“it is reported”, “the message says”
(?:is|are) told|“sees”, “gets”, “is reported”
(?<!there )is no (?:number|text|map|list|time|date|case|operator|plan|store|key|file|folder|path|field)|“is not a …”
no (?:number|text|map|list|time|date|member) of|“not a JSON number”
(?:this project|which it|that it) has not|“is not declared in this project”
whose (?:it|they) (?:is|are)|“its owner”, “the token's operator”
(?:who|what) is meant|“what it refers to”
for ever|forever, permanently
heeded|used, read
(?:there|where|here)(?:by|of|in|upon|to)|“by this”, “of it”
people|contacts, operators, reviewers, readers
customers?|contact
what (?:came|becomes|became|comes) of|“the outcome of”, “the status of”
come of|“result in”
of which|start a new sentence
what stands|“what X holds”
stands (?:there|in)|“is in”
on its way|“under way”, “interrupted”
anew|again
that there (?:is|are)|leave it out, or “existing”
goes? on|continue
shall|must, will
upon|on
whilst|while
amongst|among
till|until
in order to|to
simply|leave it out
(?:for|of) nobody|“for no contact”
not known (?:what|who|which|whether)|“unknown”
(?:goes|go|went|gone) along|“is included”
nowhere to go|“no target”
(the|a|an|of|to|in|is|it|and|for|with|who) \1|the word is there twice
"""


def phrases() -> tuple[Phrase, ...]:
    """The table, ready to be searched for."""
    rows = [row.rpartition("|") for row in _TABLE.strip().splitlines()]
    return tuple(
        Phrase(re.compile(pattern if pattern.startswith("(?:^") else rf"\b(?:{pattern})\b", re.IGNORECASE), instead)
        for pattern, _, instead in rows
    )


ALLOWED: tuple[str, ...] = (
    "## Who is asking",
    "Customers",
    "Customer number}",
    "{…} in {…}: who gets what",
    "<!doctype html>.*?: who gets what</title>",
)
"""Whole passages that are right although they contain a phrase: labels of the starter's own table, an idiom."""
