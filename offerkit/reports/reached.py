"""What a diff shows besides its steps: offers affected through other resources, and changes an older checkout lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from offerkit.address import Address, Kind
from offerkit.fingerprint import Json
from offerkit.plans.plan import Step
from offerkit.reports.escape import visible
from offerkit.reports.steps_markdown import Room
from offerkit.reports.style import Layout, Style, indented
from offerkit.reports.templating import call
from offerkit.reports.values import inline
from offerkit.reports.words import count, names
from offerkit.state.changes import Action
from offerkit.state.eligibility import AffectedOffers, Condition

REACHED = "Effective eligibility"
_THERE = {
    Action.DELETE: "added there",
    Action.UPDATE: "changed there",
    Action.MOVE: "renamed there",
    Action.CREATE: "removed there",
    Action.DEACTIVATE: "activated there",
}
"""The change in the first state behind each apparent change in the second."""
_CONDITION = 300


@dataclass(frozen=True)
class OlderCheckout:
    """What the second state lacks because it is ``commits`` behind; ``untold``: why this is unknown."""

    commits: int = 0
    steps: Sequence[Step] = ()
    untold: str = ""

    def sentence(self, titles: tuple[str, str]) -> str:
        """What is said before what differs for that reason alone; empty where nothing does."""
        if not self.steps:
            return self.untold
        verbs = ("comes", "is") if len(self.steps) == 1 else ("come", "are")
        return (
            f"{titles[1]} is behind {titles[0]} by {count(self.commits, 'commit')}."
            f" {count(len(self.steps), 'difference')} {verbs[0]} from that alone and {verbs[1]} not a change here:"
            " merging keeps what is there."
        )

    def rows(self, layout: Layout) -> Iterator[str]:
        """``added there: offers lions, tigers``, for each environment."""
        found: dict[tuple[str, Action], list[Address]] = {}
        for step in self.steps:
            found.setdefault((step.address.environment, step.action), []).append(step.moved_from or step.address)
        for (environment, action), addresses in sorted(found.items()):
            yield f"{environment} · {_THERE[action]}: {names(addresses, environment, layout.names)}"

    def data(self) -> dict[str, Json] | None:
        """As JSON; None where nothing is to be said."""
        if not self.steps and not self.untold:
            return None
        rows: list[Json] = [
            {"address": step.address, "there": _THERE[step.action].removesuffix(" there")} for step in self.steps
        ]
        return {"commits": self.commits, "differences": rows, "untold": self.untold or None}


def behind_text(lacking: OlderCheckout, titles: tuple[str, str], style: Style, layout: Layout) -> str:
    """The part of a report on a terminal, where doubts are printed separately; empty if nothing is behind."""
    sentence = lacking.sentence(titles)
    if not lacking.steps:
        return ""
    rows = [style.yellow(row) for row in indented("", visible(sentence), layout.width)]
    for said in lacking.rows(layout):
        rows += indented("    ", visible(said), layout.width)
    return "\n".join(rows)


def behind_markdown(lacking: OlderCheckout, titles: tuple[str, str], layout: Layout) -> str:
    """The part of a comment, of a bounded size; empty where nothing is behind."""
    sentence = lacking.sentence(titles)
    if not sentence:
        return ""
    rows = [layout.clipped(said, 500) for said in lacking.rows(layout)]
    return call("diff.md", "behind", layout.clipped(sentence, 500), rows[:10])


def reached_text(groups: Sequence[AffectedOffers], style: Style, layout: Layout) -> str:
    """The offers that change through other resources, grouped; empty if none do."""
    if not groups:
        return ""
    rows = [f"{style.bold(REACHED)} · {_reach(groups)}"]
    for group in groups[: layout.limit]:
        rows += ["", *indented("    ~ ", visible(_whose(group, layout)), layout.width)]
        for mark, sentence in _marked(group):
            row, *more = indented(f"      {mark} ", visible(layout.clipped(sentence, _CONDITION)), layout.width)
            rows += [style.mark(mark, line) for line in (row, *more)]
    if more_groups := len(groups) - layout.limit:
        rows += [style.dim(f"    … and {count(more_groups, 'other change')}")] if more_groups > 0 else []
    return "\n".join(rows)


def reached_markdown(groups: Sequence[AffectedOffers], layout: Layout, room: Room) -> str:
    """The same for a comment, each change folded, as far as there is room; empty if none do."""
    if not groups:
        return ""
    parts = [f"#### {REACHED}: {_reach(groups)}"]
    room.take(parts[0])
    for place, group in enumerate(groups):
        lines = (f"{mark} {layout.clipped(sentence, _CONDITION)}" for mark, sentence in _marked(group))
        title = layout.clipped(_whose(group, layout), _CONDITION)
        text = call("diff.md", "reached", title, "\n".join(lines))
        if place >= layout.limit or not room.take(text, 100):
            parts.append(f"… and {count(len(groups) - place, 'other change')}")
            break
        parts.append(text)
    return "\n\n".join(parts)


def reached_view(
    groups: Sequence[AffectedOffers], layout: Layout
) -> tuple[str, str, Sequence[tuple[str, Sequence[tuple[str, str]]]], str]:
    """What a section of a page shows: title, sentence, groups of offers with their conditions, how many more."""
    if not groups:
        return REACHED, "", (), ""
    shown = [(_whose(group, layout), list(_marked(group))) for group in groups[: layout.limit]]
    more = len(groups) - len(shown)
    return REACHED, _reach(groups), shown, count(more, "other change") if more else ""


def reached_data(groups: Sequence[AffectedOffers]) -> list[Json]:
    """As JSON: the removed and added conditions, their origins, and the offers that they affect."""
    return [{"gone": _data(group.gone), "come": _data(group.come), "offers": list(group.offers)} for group in groups]


def _data(conditions: Sequence[Condition]) -> list[Json]:
    return [{"part": each.part, "value": each.value, "origin": each.origin} for each in conditions]


def _reach(groups: Sequence[AffectedOffers]) -> str:
    offers = len({offer for group in groups for offer in group.offers})
    return f"{count(offers, 'offer')} {'changes' if offers == 1 else 'change'} through other resources"


def _whose(group: AffectedOffers, layout: Layout) -> str:
    environment = group.offers[0].environment
    word, _, listed = names(group.offers, environment, layout.names).partition(" ")
    return f"{environment} · {len(group.offers):,} {word}: {listed}"


def _marked(group: AffectedOffers) -> Iterator[tuple[str, str]]:
    for mark, conditions in (("-", group.gone), ("+", group.come)):
        for each in conditions:
            yield mark, f"{condition_text(each)}  ({_origin(each.origin)})"


def _origin(address: Address) -> str:
    return (
        f"{address.kind} {address.name}"
        if address.kind is not Kind.ENVIRONMENT
        else f"environment {address.environment}"
    )


def condition_text(condition: Condition) -> str:
    """A part of an eligibility as one line: ``when recipient.age >= 18``, ``from 2026-10-01``."""
    match condition.part, condition.value:
        case "enabled", False:
            return "not enabled"
        case "time_zone", str(zone):
            return f"days of {zone}"
        case ("when" | "from" | "until") as part, str(text):
            return f"{part} {text}"
        case "themes", list(themes):
            return f"themes {', '.join(map(str, themes))}"
        case "filter", {"filter": str(name), "when": when, "with": dict(values)}:
            return f"filter {name}: {when} with {inline(values)}"
        case "filter", {"filter": str(name), "when": when}:
            return f"filter {name}: {when}"
        case "multiplier", {"factor": factor, **period}:
            days = "".join(f" {part} {period[part]}" for part in ("from", "until") if part in period)
            return f"multiplier {factor}{days}"
        case part, value:
            return f"{part} {inline(value)}"
