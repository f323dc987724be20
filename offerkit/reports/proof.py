"""What proofs say: sentences, invented examples, and JSON.

Proofs speak of contacts who are *eligible*, never of those who get an offer: ranking, caps and hooks are not proved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from offerkit.prove.result import Comparison, Existence, Reading, Side, Verdict, Witness
from offerkit.reports.escape import clip, json_text, visible
from offerkit.reports.proof_words import described
from offerkit.reports.style import PRESENTATION, Presentation
from offerkit.rules.types import Value
from offerkit.rules.values import show
from offerkit.times import display_time

VERDICTS: Mapping[Verdict, str] = {
    Verdict.SAME: "nothing changes",
    Verdict.FEWER: "fewer are eligible",
    Verdict.MORE: "more are eligible",
    Verdict.BOTH: "some become eligible, and some stop being eligible",
    Verdict.NOBODY: "nobody is eligible afterwards",
    Verdict.EVERYBODY: "everybody is eligible afterwards",
    Verdict.NOT_DECIDED: "not decided",
}
"""A verdict in words."""
SCOPE = "Proofs speak of eligible contacts: ranking, presentation rules (caps) and hooks are not proved."


@dataclass(frozen=True)
class ComparedConditions:
    """Two conditions of an environment compared; ``zone``: its time zone, on whose clock the moments are."""

    environment: str
    before: str
    after: str
    zone: tzinfo
    comparison: Comparison


def side_sentence(side: Side, *, gained: bool) -> str:
    """What happens to contacts who become eligible (``gained``), or stop being eligible, as a sentence."""
    match side.answer:
        case Existence.NONE:
            return "Nobody becomes eligible." if gained else "Nobody stops being eligible."
        case Existence.SOME:
            text = "More become eligible" if gained else "Some stop being eligible"
            about = f"{': ' if side.exact else ', all of them '}{described(side.facts)}" if side.facts else ""
            return f"{text}{visible(about)}."
        case _:
            what = "becomes eligible" if gained else "stops being eligible"
            return f"Not decided whether anybody {what}: {visible(side.why)}."


def witness_text(witness: Witness) -> str:
    """An invented example in one line: ``recipient.age = 18, recipient.country unknown``."""
    values = [
        f"{space}.{name} unknown" if value is None else f"{space}.{name} = {visible(clip(_shown(value), 80))}"
        for (space, name), value in witness.values.items()
    ]
    return ", ".join(values) or "any contact"


def _shown(value: Value) -> str:
    """The value, with quotes around a text that begins or ends with a space, or is empty."""
    text = show(value)
    return text if text and text == text.strip() else f"“{text}”"


def compared_text(compared: ComparedConditions, presentation: Presentation = PRESENTATION) -> str:
    """Both readings of the clock, each with its two one-sided lines. Ends with a newline."""
    style = presentation.style
    comparison, zone = compared.comparison, compared.zone
    lines = [
        f"{compared.environment}: {visible(clip(compared.before, 200))}",
        f"{' ' * len(compared.environment)}→ {visible(clip(compared.after, 200))}",
        "",
    ]
    moment = display_time(comparison.at.replace(tzinfo=zone), zone)
    lines += _reading_lines(f"At this moment ({moment})", comparison.now, style.bold, None)
    if comparison.later == comparison.now:
        lines.append(f"{style.bold('At every moment from then on')}: the same.")
    else:
        lines += _reading_lines("At every moment from then on", comparison.later, style.bold, zone)
    lines += ["", style.dim(SCOPE)]
    return style.finish("\n".join(lines) + "\n")


def _reading_lines(title: str, reading: Reading, bold: Callable[[str], str], zone: tzinfo | None) -> list[str]:
    """``zone``: of the moments of the examples; None where the title says the moment."""
    lines = [f"{bold(title)}: {VERDICTS[reading.verdict]}."]
    for side, gained in ((reading.gained, True), (reading.lost, False)):
        lines.append(f"  {side_sentence(side, gained=gained)}")
        if side.witness is not None:
            moment = side.witness.moment
            at = "" if zone is None else f", on {display_time(moment.replace(tzinfo=zone), zone)}"
            lines.append(f"    Example (invented): {witness_text(side.witness)}{at}")
    return lines


def compared_json(compared: ComparedConditions, _presentation: Presentation = PRESENTATION) -> str:
    """Both readings as JSON: the one at the moment at the top, the other as ``later``. Ends with a newline."""
    comparison, zone = compared.comparison, compared.zone
    return json_text(
        {
            "environment": compared.environment,
            **reading_json(comparison.now, comparison.at, zone),
            "later": reading_json(comparison.later, comparison.at, zone),
        }
    )


def reading_json(reading: Reading, at: datetime, zone: tzinfo) -> dict[str, object]:
    """One reading: verdicts, and for each direction an example with its moment, or null."""
    gained, lost = (side.witness if side.answer is Existence.SOME else None for side in (reading.gained, reading.lost))
    return {
        "gained": reading.gained.answer.value,
        "lost": reading.lost.answer.value,
        "verdict": reading.verdict.value,
        "witnesses": {"gained": _values_json(gained), "lost": _values_json(lost)},
        "moments": {"gained": _moment(gained, zone), "lost": _moment(lost, zone)},
        "why": reading.why,
        "at": at.replace(tzinfo=zone).isoformat(),
    }


def _values_json(witness: Witness | None) -> dict[str, object] | None:
    if witness is None:
        return None
    return {f"{space}.{name}": _value_json(value) for (space, name), value in witness.values.items()}


def _value_json(value: Value) -> object:
    """Integers, booleans and lists as JSON has them; the rest as text, so that no reader rounds decimals."""
    if isinstance(value, tuple):
        return list(value)
    return value if value is None or isinstance(value, bool | int | str) else show(value)


def _moment(witness: Witness | None, zone: tzinfo) -> str | None:
    return None if witness is None else witness.moment.replace(tzinfo=zone).isoformat()
