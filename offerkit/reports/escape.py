"""Escaping: what a person wrote may never act on the terminal, the comment or the page that shows it."""

from __future__ import annotations

import re

_UNSAFE = (
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Controls, C1, soft hyphen, bidirectional marks, separators, invisibles, lone surrogates, tag characters."""

_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_MARKDOWN = r"[\\`*\[\]~$<>&|]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|(?<!\w)@|#(?=\d)"
"""What Markdown would act on; an underscore or an at sign within a word does nothing."""
_MARKDOWN_AS = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "|": "&#124;", "@": "@&#8203;", "#": "#&#8203;"}
_MENTION = r"(?<!\w)@|(?<!&)#(?=\d)"
_HTML = "[&<>\"'`]"
_HTML_AS = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", "`": "&#x60;"}
_ASCII = str.maketrans(
    {
        "→": "->",
        "…": "...",
        "·": "-",
        "×": "x",
        "“": '"',
        "”": '"',
        "’": "'",
        "–": "-",
        "—": "-",
        "›": ">",
        "±": "+-",
        "≈": "~",
    }
)


def clip(text: str, most: int) -> str:
    """``text``, cut to ``most`` characters, the last of which then is an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def visible(text: str, *, multiline: bool = False) -> str:
    r"""``text`` for a terminal: what is invisible or acts is spelled out, as in ``\x1b`` or ``\u202e``.

    Newlines stay only where ``multiline`` text is meant; tabs become four spaces there.
    """
    if text.isprintable():
        return text
    if multiline:
        return "\n".join(visible(line.replace("\t", "    ")) for line in text.split("\n"))
    return re.sub(_UNSAFE, _spelled, text)


def _spelled(match: re.Match[str]) -> str:
    sign = match[0]
    code = ord(sign)
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return _NAMED.get(sign) or (f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}")


def ascii_only(text: str) -> str:
    """``text`` for a terminal that knows only ASCII: our signs get a plain form, the rest is spelled out."""
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def markdown(text: str) -> str:
    """``text`` as Markdown prose or a table cell: one line, no markup, live HTML or mention."""
    return re.sub(_MARKDOWN, lambda match: _MARKDOWN_AS.get(match[0]) or "\\" + match[0], visible(text))


def markdown_code(text: str) -> str:
    """``text`` as a Markdown code span that is safe in prose and in table cells."""
    shown = visible(text).strip()
    if not shown:
        return ""
    if any(sign in shown for sign in "`|\\"):
        return f"<code>{markdown(shown)}</code>"
    return f"`{shown}`"


def fenced(text: str, info: str = "") -> str:
    """``text`` as a fenced Markdown block, the fence longer than any run of backticks inside."""
    shown = visible(text, multiline=True)
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{info}\n{shown}\n{fence}"


def html(text: str, *, multiline: bool = False) -> str:
    """``text`` for an HTML element or a quoted attribute."""
    return re.sub(_HTML, lambda match: _HTML_AS[match[0]], visible(text, multiline=multiline))


def summary_html(text: str) -> str:
    """``text`` for raw HTML inside Markdown (a ``<summary>``): as :func:`html`, without live mentions."""
    return re.sub(_MENTION, lambda match: match[0] + "&#8203;", html(text))


def workflow_message(text: str) -> str:
    """``text`` as the message of a GitHub workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def workflow_property(text: str) -> str:
    """``text`` as a property's value of a GitHub workflow command."""
    return workflow_message(text).replace(":", "%3A").replace(",", "%2C")
