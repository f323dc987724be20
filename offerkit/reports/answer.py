"""The engine's answer as text, JSON, and HTML or XML as a site gets it (domain.md §5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TypeAlias
from xml.sax.saxutils import quoteattr

from offerkit.engine.answer import Answer, ProposedOffer, SpaceAnswer
from offerkit.engine.reasons import Finding
from offerkit.fingerprint import Json
from offerkit.reports.escape import clip, json_text, one_line, visible
from offerkit.reports.explain import explanation_json, explanation_text
from offerkit.reports.style import PRESENTATION, Presentation, Style, indented
from offerkit.rules.values import show
from offerkit.templates.values import without_controls
from offerkit.templates.xml_text import html_view, with_attribute, with_html, without_declaration

Where: TypeAlias = Callable[[Finding], str]
"""The position of a finding's rule in the specs, as ``file:line:column``; empty if unknown."""

_HOW = {
    "explicit": "identified by key",
    "implicit": "identified by cookie",
    "fallback": "not identified: the fallback answers",
    "nobody": "not identified",
}


def nowhere(finding: Finding) -> str:
    """No positions are known."""
    return ""


@dataclass(frozen=True, slots=True)
class AnswerReport:
    """An answer, and what tells ``where`` the rules of its explanation stand."""

    answer: Answer
    where: Where = nowhere


def answer_text(report: AnswerReport, presentation: Presentation = PRESENTATION) -> str:
    """One part for each space: who, what in which order, then the explanation when there is one."""
    answer, where = report.answer, report.where
    style, width = presentation.style, presentation.layout.width
    parts = []
    for space in answer.spaces:
        lines = _head(space, answer, style)
        for proposed in space.proposed:
            lines += _proposed(proposed, style, width)
        if space.trace is not None:
            lines += ["", *explanation_text(space.trace, style, width, where)]
        parts.append("\n".join(lines) + "\n")
    if answer.cookie:
        parts.append(f"New cookie of the visitor: {visible(answer.cookie)}\n")
    return style.finish("\n".join(parts))


def _head(space: SpaceAnswer, answer: Answer, style: Style) -> list[str]:
    count = len(space.proposed)
    who = f" for {visible(clip(space.contact, 80))}" if space.contact else ""
    what = "nothing" if not count else f"{count} offer{'s' if count > 1 else ''}"
    lines = [style.bold(f"{space.name}: {what}{who}")]
    facts = [
        _HOW[space.how],
        f"live revision {space.revision}" if space.revision else "not live",
        f"at {answer.at:%Y-%m-%d %H:%M %Z}",
    ]
    if not space.stored and count:
        facts.append("not stored")
    lines.append(style.dim(f"  {' · '.join(facts)}"))
    return lines


def _proposed(proposed: ProposedOffer, style: Style, width: int) -> list[str]:
    title = f"  {proposed.rank}. {style.green(proposed.offer)}"
    if proposed.label:
        title += f"  {visible(clip(proposed.label, 80))}"
    facts = f"     {visible(proposed.category)} · weight {show(proposed.weight)}"
    if proposed.id:
        facts += f" · {proposed.status} · {proposed.id}"
    lines = [title, style.dim(facts)]
    for name, value in proposed.fields.items():
        lines += indented(f"     {name}: ", visible(clip(one_line(value), 300)), width)
    return lines


def answer_data(answer: Answer, where: Where = nowhere) -> Json:
    """Everything, as JSON; weights are text, so that no reader rounds them."""
    made: dict[str, Json] = {
        "interaction": answer.interaction,
        "at": answer.at.isoformat(),
        "spaces": [_space_json(space, where) for space in answer.spaces],
    }
    return {**made, "cookie": answer.cookie} if answer.cookie else made


def answer_json(report: AnswerReport, _presentation: Presentation = PRESENTATION) -> str:
    """:func:`answer_data`, indented. Ends with a newline."""
    return json_text(answer_data(report.answer, report.where))


def _space_json(space: SpaceAnswer, where: Where) -> Json:
    made: dict[str, Json] = {
        "space": space.name,
        "asked": space.asked,
        "identified": str(space.how),
        "contact": space.contact,
        "revision": space.revision,
        "stored": space.stored,
        "propositions": [_proposed_json(proposed) for proposed in space.proposed],
        "reports": [{"code": str(r.code), "message": r.message, "where": r.where} for r in space.reports],
    }
    if space.trace is not None:
        made["explanation"] = explanation_json(space.trace, where)
    return made


def _proposed_json(proposed: ProposedOffer) -> Json:
    made: dict[str, Json] = {
        "id": proposed.id,
        "offer": proposed.offer,
        "label": proposed.label,
        "category": proposed.category,
        "rank": proposed.rank,
        "weight": show(proposed.weight),
        "status": proposed.status,
        "fields": dict(proposed.fields),
    }
    if proposed.rendered:
        made["rendered"] = dict(proposed.rendered)
    if proposed.product is not None:
        made["product"] = {name: show(value) for name, value in proposed.product.items()}
    return made


def answer_html(report: AnswerReport, _presentation: Presentation = PRESENTATION) -> str:
    """The offers as the spaces render them, one after the other: markup of the project's own, values escaped."""
    return "".join(f"{p.rendered['html'].rstrip()}\n" for space in report.answer.spaces for p in space.proposed)


def answer_xml(report: AnswerReport, _presentation: Presentation = PRESENTATION) -> str:
    """The answer that a site's script reads: a ``propositions`` element with what the spaces render inside."""
    return f"<propositions>\n{propositions_xml(report.answer)}</propositions>\n"


def propositions_xml(answer: Answer, divs: Sequence[str] = ()) -> str:
    """The elements inside of :func:`answer_xml`, one after the other; with the html, as a text, where it was made.

    ``divs``: by part of the answer, the place that it is for; empty: ``i_SPACE``.
    """
    lines: list[str] = []
    for space, place in zip(answer.spaces, divs or repeat(""), strict=False):
        for proposed in space.proposed:
            div, html = place or f"i_{space.space}", proposed.rendered.get("html")
            if "proposition" in proposed.rendered:
                node = with_attribute(proposed.rendered["proposition"], "div", div)
                lines.append(node if html is None else with_html(node, html))
                continue
            tag = proposition_tag(proposed, space.space, div)
            lines += [tag, without_declaration(proposed.rendered["xml"]).rstrip()]
            if proposed.product_fields:
                lines.append(product_element(proposed))
            if html is not None:
                lines.append(html_view(html))
            lines.append("</proposition>")
    return "".join(f"{line}\n" for line in lines)


def proposition_tag(proposed: ProposedOffer, space: str, div: str) -> str:
    """The start of a ``proposition`` element; ``div`` is the place on the page that it is for."""
    facts = {
        "id": proposed.id,
        "offer-id": proposed.offer,
        "weight": show(proposed.weight),
        "rank": str(proposed.rank),
        "space": space,
        "div": div,
    }
    return f"<proposition {' '.join(f'{name}={quoteattr(value)}' for name, value in facts.items())}>"


def product_element(proposed: ProposedOffer) -> str:
    """The declared values of an offer's product, as attributes; the name of one that begins with a digit gets a “_”."""
    values = (
        f" {'_' if name[0].isdigit() else ''}{name}={quoteattr(without_controls(show(value)))}"
        for name, value in proposed.product_fields.items()
    )
    return f"<product{''.join(values)}/>"
