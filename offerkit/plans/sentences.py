"""The sentences in plans that cannot be recomputed from the store, because they are about the planner's specs.

Anyone can edit a plan file, and readers trust its text. So sentences about held-back campaigns and resources must match
the sentences that offerkit writes. Earlier wordings must stay accepted: saved plans contain them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from offerkit.address import Address, parse_address
from offerkit.diagnostics import Position
from offerkit.plans.plan import Blocked, Plan

LONGEST = 20_000
"""The longest sentence, in characters; it can list all spaces of an environment."""
_ADDRESS = r"(?:[\w-]+/)?[a-z]+\.[\w/-]+"
_NAME = r"[\w/-]+"
_NAMES = rf"{_NAME}(?:, {_NAME})*"
_CHAIN = rf"{_ADDRESS}(?: → {_ADDRESS})*"
_PROFILE = rf"(?:offer manager|delivery manager|{_NAME})"
_MANY = r"(?: \(and [0-9]+ more\))?"
_WHAT = rf"(?:delivery|outline) “{_NAME}” names [a-z]+ “{_NAME}”, which is not live(?: on {_NAME})?{_MANY}"

_HELD_BACK_PATTERNS = (
    _WHAT,
    rf"names are passed on \({_CHAIN}\), and {_ADDRESS} (?:is excluded|stays)",
    rf"it needs {_ADDRESS}, which (?:is excluded|stays)",
    rf"{_ADDRESS}, which (?:is excluded|stays), still names {_ADDRESS}",
)
_ASPECT = rf"its (?:content|eligibility)(?: on {_NAMES})?"
_OR = rf"{_NAMES}(?: or {_NAME})?"
_NOT_APPROVED = (
    rf"{_ASPECT} was rejected by {_NAME}",
    rf"{_ASPECT}, where it is live now, is not approved as it is in design",
    rf"{_ASPECT} is not approved",
    r"it was rolled back in revision [0-9]+ by [\w.@-]{1,100}, and design is still as it was",
    rf"space {_NAME} requires {_OR}, which the offer does not give",
    rf"names are passed on \({_CHAIN}\), and {_ADDRESS} stays behind",
    rf"it needs {_ADDRESS}, which stays behind",
    r"what it inherits stays behind",
    rf"{_ADDRESS}, which stays as it is, still names {_ADDRESS}",
    rf"{_ADDRESS}, which stays as it is, still names it",
)
_STAYED_BEHIND_PATTERNS = (
    *_NOT_APPROVED,
    rf"it would change {_ADDRESS}, which is live"
    rf"(?: and is itself blocked: (?:{'|'.join(_NOT_APPROVED)}))?",
)
_LIFTED = (
    r"",
    r"Change it in design, or promote with --include-rolled-back\.",
    rf"Give {_OR} in content or in representations\.{_NAME}\.",
    rf"offerkit approve {_ADDRESS} --(?:content|eligibility)(?: --space {_NAME})*",
    rf"Unblock {_ADDRESS} first\.",
    rf"Promote (?:{_ADDRESS} too|that too)\.",
)
"""What unblocks a change in a promotion plan of format 1."""
_HOW = (r"", rf"Take {_ADDRESS} in\.", r"Approve and promote it, or name another\.")
_NOTES = (
    rf"{_ADDRESS} comes along because {_ADDRESS} needs it\.",
    rf"{_ADDRESS} comes along because it names {_ADDRESS}, which goes\.",
    rf"{_ADDRESS} comes along because names are passed on: {_CHAIN}\.",
    rf"{_ADDRESS} goes live on {_NAMES}; content on {_NAMES} waits for approval\.",
    rf"{_ADDRESS} was resumed; [0-9]{{1,9}} live offers? waits? for a new approval of what it shows there: {_NAMES}"
    r"(?: and [0-9]{1,9} more)?\.",
    rf"{_ADDRESS} names {_ADDRESS}, which will no longer be live\.",
    rf"{_ADDRESS} can go live after this: {_PROFILE}(?:(?:, | or ){_PROFILE})* may apply it\.",
    rf"{_ADDRESS} is kept: it was deactivated less than [0-9dhms ]{{1,20}} ago\.",
)


def _one_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.ASCII)


_LISTED = 10
_EXCUSED = "fails only because of what is stopped, and does not block."

_HELD_BACK, _HOW_TO, _NOTE = _one_of(_HELD_BACK_PATTERNS), _one_of(_HOW), _one_of(_NOTES)
_STAYED_BEHIND, _LIFTED_BY = _one_of(_STAYED_BEHIND_PATTERNS), _one_of(_LIFTED)
_AT = r"(?:, the last one at [\d:T.Z+-]{1,40}(?: [\d:.Z+-]{1,20})?(?: \([\w/+-]{1,40}\))?)?"
_AT_TIME = re.compile(_AT, re.ASCII)
_WAY_BACK = re.compile(
    rf"{_AT}\.(?: Campaigns stay as they are\.)?"
    r"(?: What it takes back is promoted again only once design changes, or with --include-rolled-back\.)?",
    re.ASCII,
)
_REWORDED = (
    (
        re.compile(rf"(offerkit override {_ADDRESS}(?: --(?:policies|reviewers|settings))?) --reason TEXT"),
        r"\1 --message TEXT",
    ),
    (
        re.compile(r"(it was rolled back in revision [0-9]+ by .{1,100}, and design is) still as it was"),
        r"\1 unchanged since",
    ),
    (re.compile(r"whether that is so is unknown"), "the result of the condition is unknown"),
)
"""Earlier wordings in saved plans, and what replaced them."""
_PATTERN = re.compile(r"[\w./*?\[\]!@-]{1,300}", re.ASCII)
_VERSION = re.compile(r"[\w.+!-]{1,60}", re.ASCII)
_WORDS = re.compile(r"[\w./-]+", re.ASCII)


def is_held_back_reason(why: str, how: str) -> bool:
    """Whether these sentences are a valid reason and remedy for a held-back change in an apply plan."""
    return len(why) <= LONGEST and _HELD_BACK.fullmatch(why) is not None and _HOW_TO.fullmatch(how) is not None


def is_format_1_reason(why: str, how: str) -> bool:
    """Whether these sentences are a valid reason and remedy for a blocked change in a promotion plan of format 1."""
    if len(why) > LONGEST or len(how) > LONGEST:
        return False
    return _STAYED_BEHIND.fullmatch(why) is not None and _LIFTED_BY.fullmatch(how) is not None


def in_current_words(text: str) -> str:
    """``text`` as this version words it, where an earlier version worded the same differently."""
    for earlier, now in _REWORDED:
        text = earlier.sub(now, text)
    return text


def blocked_in_current_words(blocked: Blocked) -> Blocked:
    """What an earlier version said is blocked, in the words of this one."""
    return replace(blocked, why=in_current_words(blocked.why), how=in_current_words(blocked.how))


def is_note(text: str) -> bool:
    """Whether ``text`` is a valid note of a plan."""
    return len(text) <= LONGEST and _NOTE.fullmatch(text) is not None


def still_off_note(space: Address, offers: Sequence[str]) -> str:
    """The note that ``offers`` stay off a resumed space until they are approved there."""
    more = f" and {len(offers) - _LISTED} more" if len(offers) > _LISTED else ""
    verb = "offer waits" if len(offers) == 1 else "offers wait"
    listed = ", ".join(offers[:_LISTED])
    return f"{space} was resumed; {len(offers)} live {verb} for a new approval of what it shows there: {listed}{more}."


def excused_case_note(cases: Address, name: str) -> str:
    """The note that a case fails only because of stops."""
    return f"{cases}: the case “{' '.join(name.split())[:120]}” {_EXCUSED}"


def is_excused_case_note(text: str) -> bool:
    """Whether ``text`` has the form of :func:`excused_case_note`; running the cases shows whether it is true."""
    return len(text) <= LONGEST and text.endswith(f"” {_EXCUSED}") and ": the case “" in text


def addresses_in(text: str) -> Iterator[Address]:
    """The addresses in a sentence."""
    for word in _WORDS.findall(text[:LONGEST]):
        try:
            yield parse_address(word.rstrip("."))
        except ValueError:
            continue


def is_note_with_time(note: str, without: str, serial: int) -> bool:
    """Whether ``note`` equals ``without`` apart from the time inserted after the revision."""
    start, revision, end = without.partition(f"at revision {serial}")
    begin = f"{start}{revision}"
    between = note[len(begin) : len(note) - len(end)]
    return note == f"{begin}{between}{end}" and _AT_TIME.fullmatch(between) is not None


def is_rollback_note(note: str, stage: str, serial: int) -> bool:
    """Whether ``note`` is the note of a rollback of ``stage`` to a revision."""
    start = f"Takes {stage} back to what it was at revision {serial}"
    return note.startswith(start) and _WAY_BACK.fullmatch(note, len(start)) is not None


def invalid_texts(plan: Plan) -> Iterator[str]:
    """Descriptions of the texts in a plan that are not a valid version, pattern or position in specs."""
    if _VERSION.fullmatch(plan.offerkit) is None:
        yield "the version that made it"
    for text in (*plan.targets, *plan.asked.excludes, *plan.asked.environments):
        if _PATTERN.fullmatch(text) is None:
            yield "what it was asked for"
            break
    positions = {*(step.source for step in plan.steps), *(blocked.source for blocked in plan.blocked)}
    if not all(_is_position(position) for position in positions if position is not None):
        yield "the place in the specs of a step"


def _is_position(position: Position) -> bool:
    """Whether ``position`` can be a position in a spec file: a path below the project's root, a line and a column."""
    parts = position.file.split("/")
    return (
        position.file.endswith((".yaml", ".yml"))
        and len(position.file) <= 4_096
        and position.file.isprintable()
        and not position.file.startswith("/")
        and ".." not in parts
        and position.line > 0
        and position.column > 0
    )
