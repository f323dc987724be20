"""What an expression gives, for one contact or counted over all."""

from __future__ import annotations

from offerkit.engine.evaluated import EvaluatedExpression
from offerkit.fingerprint import Json
from offerkit.reports.escape import clip, json_text, visible
from offerkit.reports.style import PRESENTATION, Presentation, display_width, pad


def evaluated_text(made: EvaluatedExpression, presentation: Presentation = PRESENTATION) -> str:
    """The value and what was read; or a table of counts. Ends with a newline."""
    style = presentation.style
    if made.total is None:
        lines = [style.bold(_word(made, made.value)) + style.dim(f"  ({made.type})")]
        lines += [f"  {name} = {visible(clip(value, 200))}" for name, value in made.read]
        return style.finish("\n".join(lines) + "\n")
    lines = [f"{made.total:,} contacts of {made.environment} {style.dim(f'({made.type})')}"]
    names = [_word(made, value) for value, _ in made.counts]
    wide = max(map(display_width, names), default=0)
    for name, (_, count) in zip(names, made.counts, strict=True):
        lines.append(f"  {pad(name, wide)}  {count:>9,}  {count / max(made.total, 1):>6.1%}")
    rest = made.total - sum(count for _, count in made.counts)
    if rest:
        lines.append(f"  {pad('other values', wide)}  {rest:>9,}")
    return style.finish("\n".join(lines) + "\n")


def _word(made: EvaluatedExpression, value: str) -> str:
    return "unknown" if value == "null" and made.condition else visible(clip(value, 60))


def evaluated_json(made: EvaluatedExpression, _presentation: Presentation = PRESENTATION) -> str:
    """The same as JSON; values are text. Ends with a newline."""
    found: dict[str, Json] = {"environment": made.environment, "type": made.type}
    if made.total is None:
        found |= {"value": made.value, "read": dict(made.read)}
    else:
        found |= {"contacts": made.total, "counts": [{"value": value, "count": count} for value, count in made.counts]}
    return json_text(found)
