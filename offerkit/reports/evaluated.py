"""What an expression gives, for one contact or counted over all."""

from __future__ import annotations

from offerkit.engine.evaluated import EvaluatedExpression
from offerkit.fingerprint import Json
from offerkit.reports.escape import clip, json_text, visible
from offerkit.reports.style import PRESENTATION, Presentation, display_width, pad


def evaluated_text(evaluation: EvaluatedExpression, presentation: Presentation = PRESENTATION) -> str:
    """The value and what was read; or a table of counts. Ends with a newline."""
    style = presentation.style
    if evaluation.total is None:
        lines = [style.bold(_word(evaluation, evaluation.value)) + style.dim(f"  ({evaluation.type})")]
        lines += [f"  {name} = {visible(clip(value, 200))}" for name, value in evaluation.read]
        return style.finish("\n".join(lines) + "\n")
    lines = [f"{evaluation.total:,} contacts of {evaluation.environment} {style.dim(f'({evaluation.type})')}"]
    names = [_word(evaluation, value) for value, _ in evaluation.counts]
    wide = max(map(display_width, names), default=0)
    for name, (_, count) in zip(names, evaluation.counts, strict=True):
        lines.append(f"  {pad(name, wide)}  {count:>9,}  {count / max(evaluation.total, 1):>6.1%}")
    rest = evaluation.total - sum(count for _, count in evaluation.counts)
    if rest:
        lines.append(f"  {pad('other values', wide)}  {rest:>9,}")
    return style.finish("\n".join(lines) + "\n")


def _word(evaluation: EvaluatedExpression, value: str) -> str:
    return "unknown" if value == "null" and evaluation.condition else visible(clip(value, 60))


def evaluated_json(evaluation: EvaluatedExpression, _presentation: Presentation = PRESENTATION) -> str:
    """The same as JSON; values are text. Ends with a newline."""
    found: dict[str, Json] = {"environment": evaluation.environment, "type": evaluation.type}
    if evaluation.total is None:
        found |= {"value": evaluation.value, "read": dict(evaluation.read)}
    else:
        found |= {
            "contacts": evaluation.total,
            "counts": [{"value": value, "count": count} for value, count in evaluation.counts],
        }
    return json_text(found)
