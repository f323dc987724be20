"""docs/reference/reasons.md: every reason for which an offer is not proposed."""

from __future__ import annotations

from offerkit.engine.reasons import DECIDED, NOT_ELIGIBLE, REASONS, ExclusionReason
from offerkit_docs import markdown

INTRO = """\
Why an offer is not proposed to a contact. The reasons are in the order in which they are checked
([the decision](../engine.md)), and the first that holds is reported: `propose --explain`, `simulate`, `--impact` and
the limit of a promotion report the same reason for the same contact. A reason has one sentence for many contacts
(simulations, impacts) and a more detailed one for a single contact (explanations). Names in braces are filled in."""

CODES = f"""\
The codes are values of `why` in JSON, and what decision cases expect (`expect.out`, `expect.nothing`;
[cases](../engine.md#decisions-as-test-cases)). They never change. The measure `offerkit_excluded_offers_total` of a
server has them as the label `reason`; those of steps 4 to 7 are one there, `{NOT_ELIGIBLE}`, and so are those of steps
10 and 11, `{ExclusionReason.BEYOND_N}`."""

COMPARED = """\
An impact compares two sides. These codes report a resource that only one side has. Decisions never give them, so cases
cannot expect them."""


def page() -> str:
    """The page."""
    decided = [(reason, REASONS[reason]) for reason in DECIDED]
    rows = [
        (f"`{reason}`", str(step), condition, _sentence(many), _sentence(one or many))
        for reason, (step, condition, many, one) in decided
    ]
    table = markdown.table(["Code", "Step", "Holds when", "Of many contacts", "Of one contact"], rows)
    others = [
        (f"`{reason}`", meaning.condition, _sentence(meaning.many))
        for reason, meaning in REASONS.items()
        if reason not in DECIDED
    ]
    compared = markdown.table(["Code", "Holds when", "Sentence"], others)
    sections = [f"## Of a decision\n\n{table}\n\n{CODES}", f"## Of a change\n\n{COMPARED}\n\n{compared}"]
    return markdown.page("Reasons", INTRO, sections)


def _sentence(text: str) -> str:
    return f"`{text}`"
