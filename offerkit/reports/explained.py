"""A stored proposition explained: as text and JSON."""

from __future__ import annotations

from dataclasses import asdict, replace

from offerkit.engine.explained import ExplainedProposition, PastApproval, PastRevision, PastRule, Repetition
from offerkit.fingerprint import Json
from offerkit.reports.answer import nowhere
from offerkit.reports.escape import clip, json_text, one_line, visible
from offerkit.reports.explain import explanation_json, explanation_text
from offerkit.reports.style import PRESENTATION, Presentation, Style, indented

_LONGEST = 300
NO_EVIDENCE = "The decision cannot be repeated without its evidence. What can no longer be known:"
PRESENT = "This is not what was decided: the contact's fields, history and hooks are those of now."


def explained_text(found: ExplainedProposition, presentation: Presentation = PRESENTATION) -> str:
    """What was proposed, by which revision, its content, approvals and rules, and the decision repeated."""
    style, width = presentation.style, presentation.layout.width
    lines = [*_head(found, style, width), *_content(found, style, width), *_approvals(found, style, width)]
    if found.rules:
        lines += ["", style.bold("Rules then")]
        for rule in found.rules:
            lines += _rule(rule, style, width)
    if found.repeated is not None:
        lines += ["", *_repeated(found.repeated, style, width)]
    if found.unknown:
        lines += ["", style.bold("Not known" if found.repeated is not None else NO_EVIDENCE)]
        lines += [row for sentence in found.unknown for row in indented("  - ", visible(sentence), width)]
    if found.present is not None:
        lines += ["", *_present(found.present, style, width)]
    return style.finish("\n".join(lines) + "\n")


def _head(found: ExplainedProposition, style: Style, width: int) -> list[str]:
    who = f"contact {visible(clip(found.contact, 80))}" if found.contact else "an unknown visitor"
    place = f"{found.environment}/{found.space} ({found.channel})"
    lines = [style.bold(f"Proposition {visible(clip(found.id, 80))}")]
    lines += indented("  ", f"{_second(found.time)} on {place}, for {who}", width)
    label = f", “{clip(one_line(found.label), 80)}”" if found.label else ""
    what = f"{found.offer}{label}, in {found.category}: rank {found.rank}, weight {found.weight}"
    lines += indented("  ", visible(what), width)
    if found.product is not None:
        product = ", ".join(f"{name} {value}" for name, value in sorted(found.product.items()))
        lines += indented("  product: ", visible(clip(one_line(product), _LONGEST)), width)
    lines += indented(
        "  ", f"{found.status} since {_second(found.changed)}; call {visible(clip(found.interaction, 80))}", width
    )
    if found.delivery:
        lines += indented("  made by the delivery ", visible(found.delivery), width)
    decided = f"revision {found.revision}" if found.decided_by is None else _revision(found.decided_by)
    lines += indented("  decided by live ", decided, width)
    if found.promoted_by is not None and found.promoted_by != found.decided_by:
        lines += indented("  the offer was live since ", _revision(found.promoted_by), width)
    return lines


def _content(found: ExplainedProposition, style: Style, width: int) -> list[str]:
    if not found.content and not found.shown:
        return []
    title = "Content as the contact saw it" if found.shown else "Content then, before it was personalised"
    fields = found.shown or found.content
    lines = ["", style.bold(title)]
    for name, value in fields.items():
        lines += indented(f"  {visible(name)}: ", visible(clip(one_line(value), _LONGEST)), width)
    return lines


def _approvals(found: ExplainedProposition, style: Style, width: int) -> list[str]:
    if not found.approvals:
        return []
    lines = ["", style.bold("Approved then")]
    for approval in found.approvals:
        lines += indented("  ", visible(_approval(approval)), width)
    return lines


def _approval(approval: PastApproval) -> str:
    of = f" of {approval.address}" if approval.aspect == "settings" else ""
    what = f"{approval.aspect}{of}" + (f" on {approval.space}" if approval.space else "")
    if approval.revision is None:
        return f"{what}: no approval of exactly this is in the history"
    comment = f": {clip(one_line(approval.comment), _LONGEST)}" if approval.comment else ""
    when = f"at {_second(approval.revision.time)}, revision {approval.revision.revision}"
    return f"{what}: by {approval.operator} {when}{comment}"


def _rule(rule: PastRule, style: Style, width: int) -> list[str]:
    result = f": {rule.result}" if rule.result else ""
    read = ", ".join(f"{name} is {value}" for name, value in rule.read.items())
    values = f" ({clip(one_line(read), _LONGEST)})" if read else ""
    lines = indented("  ", visible(f"{rule.text or 'it cannot be read'}{result}{values}"), width)
    return [*lines, style.dim(visible(f"      {rule.where}"))]


def _repeated(found: Repetition, style: Style, width: int) -> list[str]:
    versions = (
        f"offerkit {found.now}" if found.now == found.engine else f"offerkit {found.now} instead of {found.engine}"
    )
    if found.differences:
        lines = [style.red("Repeated from its evidence, the answer differs")]
        lines += [row for text in found.differences for row in indented("  ! ", visible(text), width)]
    else:
        lines = [style.green("Repeated from its evidence: exactly the answer that was stored")]
    lines.append(style.dim(f"  by {versions}"))
    for name, value in found.read.items():
        lines += indented(f"  {name}: ", visible(clip(one_line(value), _LONGEST)), width)
    return [*lines, *_trace(found, style, width)]


def _present(found: Repetition, style: Style, width: int) -> list[str]:
    lines = [style.yellow("Decided again with the contact as it is now"), *indented("  ", PRESENT, width)]
    if found.differences:
        lines += [row for text in found.differences for row in indented("  ! ", visible(text), width)]
    else:
        lines.append("  It would give the answer that was stored.")
    return [*lines, *_trace(found, style, width)]


def _trace(found: Repetition, style: Style, width: int) -> list[str]:
    return ["", *explanation_text(found.trace, style, width, nowhere)] if found.trace is not None else []


def _revision(revision: PastRevision) -> str:
    message = f": {clip(one_line(revision.message), _LONGEST)}" if revision.message else ""
    return visible(
        f"revision {revision.revision} ({revision.action} by {revision.actor} at {_second(revision.time)}){message}"
    )


def _second(time: str) -> str:
    return f"{time[:19]}Z"


def explained_data(found: ExplainedProposition) -> dict[str, Json]:
    """Everything, as JSON; ``repeated`` and ``present`` only where the decision was made again."""
    data: dict[str, Json] = asdict(replace(found, repeated=None, present=None))
    del data["repeated"], data["present"]
    for name, again in (("repeated", found.repeated), ("present", found.present)):
        if again is not None:
            data[name] = _again_json(again)
    return data


def _again_json(again: Repetition) -> Json:
    made: dict[str, Json] = {
        "same": not again.differences,
        "differences": [*again.differences],
        "from_evidence": again.evidence,
        "engine": again.engine,
        "now": again.now,
        "read": dict(again.read),
    }
    if again.trace is not None:
        made["explanation"] = explanation_json(again.trace, nowhere)
    return made


def explained_json(found: ExplainedProposition, _presentation: Presentation = PRESENTATION) -> str:
    """:func:`explained_data`, indented. Ends with a newline."""
    return json_text(explained_data(found))
