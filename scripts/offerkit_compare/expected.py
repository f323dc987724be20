"""Differences that are meant: answers of before that were wrong. Each rule says exactly what it lets differ.

A rule takes what it is about out of both texts; where they are the same then, it explains the difference. All rules
that are needed are named in the summary.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from offerkit_compare.difference import Difference


@dataclass(frozen=True)
class Expected:
    """``concerns``: whether the rule may speak of a difference; ``without``: a text without what may differ.

    ``inert``: a store that differs in this answers all later commands alike.
    """

    name: str
    why: str
    concerns: Callable[[Difference], bool]
    without: Callable[[str], str]
    inert: bool = False


def _of(verbs: str) -> Callable[[Difference], bool]:
    """Whether a difference is one of these commands."""
    pattern = re.compile(rf"--as \w+ (?:{verbs}) ")
    return lambda difference: pattern.match(f"{difference.where} ") is not None


_NOBODY = re.compile(r"(^ +\d+ offers? that no contact gets\n)((?: {2,}\S.*\n?)+)", re.MULTILINE)


_ITEM = re.compile(r"(<li><b>[^<]+</b>)(?:(?!</?li|</ul).)*")


def _losses(text: str) -> str:
    """Without why offers are left out, in what a simulation prints and in its page."""
    try:
        found = json.loads(text)
    except ValueError:
        if text.startswith("<!"):
            return _ITEM.sub(r"\1", text)
        return _NOBODY.sub(lambda match: match[1] + "\n".join(line.split()[0] for line in match[2].splitlines()), text)
    for space in found.get("spaces", ()) if isinstance(found, dict) else ():
        for offer in space.get("offers", ()):
            offer.pop("losses", None)
    return json.dumps(found)


_WEIGHT = ("no weight of it holds", "no weight of it is above 0 here and now")
_CAUSE = re.compile(
    r"^ +(?:lost|gained) by .*(?:\n {10,}\S.*)*\n|(?<=<td>)([^<]+)<ul>.*?</ul>|^ +\"reason\": .*\n"
    r"|(?<=  = why: )[0-9,]+ contacts? loses?.*\n(?: {9}.*\n)*",
    re.MULTILINE,
)


def _causes(text: str) -> str:
    """Without why people lose or gain offers; how many do, and who, stays."""
    return _CAUSE.sub(lambda match: match[1] or "", text)


def _rules_left_behind(text: str) -> str:
    """Without the rules of environments that stay behind, in a promotion as JSON, and what only they are there for."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    if not isinstance(found, dict) or found.get("kind") != "promote":
        return text
    addresses = [item["address"] for item in found["blocked"]]
    behind = {address.removeprefix("environment.") for address in addresses if address.startswith("environment.")}

    def theirs(item: dict[str, str]) -> bool:
        environment, _, local = item["address"].partition("/")
        return environment in behind and local.startswith("rule.")

    for part in ("steps", "blocked", "depends"):
        found[part] = [item for item in found[part] if not theirs(item)]
    found["depends"] = [item for item in found["depends"] if item["address"].removeprefix("environment.") not in behind]
    changed = {step["stage"] for step in found["steps"]}
    found["base"] = [item for item in found["base"] if item["stage"] in changed]
    kept = json.dumps(found["steps"])
    found["bodies"] = {print_: body for print_, body in found["bodies"].items() if print_ in kept}
    return json.dumps(found)


_NEW_TABLES = re.compile(
    r"^CREATE TABLE (?:outbox|proposition_change|simulation|scheduled|evidence) \((?:\n {8,}.*)+\n"
    r"|^CREATE INDEX (?:outbox_due|delivery_run_id|proposition_offer|proposition_space|scheduled_due|evidence_\w+) .*\n"
    r"|^INSERT INTO \"proposition_change\" .*\n|(?<=data TEXT NOT NULL,) logged TEXT .* DEFAULT \'\',(?=\n)"
    r"|(?<=sent TEXT NOT NULL,) folder TEXT .* DEFAULT \'\',(?=\n)",
    re.MULTILINE,
)
_NEW_COLUMNS = re.compile(r"(?<=^INSERT INTO \"proposition\" )(VALUES\(.*),'[0-9a-f.-]*',''(?=\);$)", re.MULTILINE)
_FOLDER = re.compile(r"(?<=^INSERT INTO \"delivery_run\" )(VALUES\(.*),'[^']*'(?=\);$)", re.MULTILINE)
_SIZE = re.compile(r"(?<=^Size)  +[0-9,.]+ MB$|(?<=\"size\":) ?[0-9]+", re.MULTILINE)
_FORMAT = re.compile(r"(?<=^INSERT INTO \"meta\" VALUES\('format',')[678](?='\);$)", re.MULTILINE)


def _store_of_format_6(text: str) -> str:
    """A store without what formats 7 and 8 add, as long as it is empty or follows from the propositions, and without
    the indexes that format 8 has no more.
    """
    new = "folder TEXT" in text  # what is the last column in one of them is none of the other
    text = _FORMAT.sub("", _NEW_COLUMNS.sub(r"\1", _NEW_TABLES.sub("", text)))
    return _FOLDER.sub(r"\1", text) if new else text


_CHARTS = re.compile(
    r"^svg\.chart \{ display(?:.*\n)+?table\.counts tfoot .*\n|^ +svg\.chart \{ font-size: 22px .*\n", re.MULTILINE
)

_RANKS = re.compile(r"(?<=rank \d) {2,}ranks {2}mean$|(?<=\d) {2,}\S+ {2,}\d+\.\d\d$", re.MULTILINE)
_ANY_FORMAT = re.compile(r"(?<=^Format {8})\d+$|(?<=schema of format )\d+", re.MULTILINE)
_NEW_KEYS = {"population": "", "only": "", "groups": [], "example": ""}


def _additions(text: str) -> str:
    """Without the ranks of offers in simulations, and without keys that say that something new was not asked for."""
    try:
        found = json.loads(text)
    except ValueError:
        return _RANKS.sub("", text)
    if isinstance(found, dict):
        for part in (found, *found.get("spaces", ())):
            for key in [key for key, value in _NEW_KEYS.items() if part.get(key) == value]:
                del part[key]
            for offer in part.get("offers", ()):
                offer.pop("rank", None)
    return json.dumps(found)


EXPECTED: tuple[Expected, ...] = (
    Expected(
        "store format 8",
        "a store has tables for webhooks, the log of propositions and kept simulations, empty unless they are used",
        lambda difference: difference.part == "store",
        _store_of_format_6,
        inert=True,
    ),
    Expected(
        "number of the format",
        "the number of the store's format is printed",
        _of("store status|audit verify"),
        lambda text: _ANY_FORMAT.sub("", text),
    ),
    Expected(
        "ranks and examples",
        "simulations say the best, worst and mean rank; previews say which example of call data they used",
        _of("simulate|preview"),
        _additions,
    ),
    Expected(
        "size of a store",
        "a store of format 8 has fewer indexes",
        _of("store status"),
        lambda text: _SIZE.sub("", text),
    ),
    Expected(
        "hint of a preview",
        "who asks for a space that is not unitary is told how to preview it",
        lambda difference: difference.part == "standard error" and _of("propose")(difference),
        lambda text: text.replace("Preview it: offerkit propose --explain. Or declare it", "Declare it"),
    ),
    Expected(
        "style of charts",
        "pages know charts and tables of counts",
        lambda difference: "<style>" in difference.before,
        lambda text: _CHARTS.sub("", text),
    ),
    Expected(
        "rule left behind",
        "a rule whose environment stays behind stays behind as well, as in a first promotion with --exclude",
        lambda difference: _of("promote")(difference) and " --exclude " in difference.where,
        _rules_left_behind,
    ),
    Expected(
        "sentence",
        "being beyond the number asked for has one sentence, and so has having no weight",
        _of("simulate|plan|promote|apply|rollback|show"),
        lambda text: text.replace("others weigh more", "others rank higher").replace(*_WEIGHT),
    ),
    Expected(
        "first reason",
        "impact and its limits give the first reason, as explain does: before, a category or slice came after weights",
        _of("plan|promote|apply|rollback|show"),
        _causes,
    ),
    Expected(
        "losses",
        "a simulation counts each contact once, by the first reason, which is the one that explain gives",
        lambda difference: _of("simulate")(difference) or difference.where == "the file out/page.html",
        _losses,
    ),
)

INERT = frozenset(rule.name for rule in EXPECTED if rule.inert)


def explained(difference: Difference) -> Sequence[str]:
    """The names of the rules that explain it; none where they do not."""
    before, after = difference.before, difference.after
    names = []
    for rule in EXPECTED:
        if not rule.concerns(difference):
            continue
        old, new = rule.without(before), rule.without(after)
        if (old, new) != (before, after):
            names.append(rule.name)
            before, after = old, new
        if before == after:
            return names
    return ()
