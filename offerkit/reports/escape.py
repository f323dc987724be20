"""Escaping: text that users wrote never acts on the terminal, the comment or the page that shows it."""

from __future__ import annotations

import re

from offerkit.reports.invisible import is_hidden, spelled_out

_MARKDOWN = re.compile(r"[\\`*\[\]~<>&|^#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""What Markdown itself interprets; an underscore within a word is plain text."""
_MARKDOWN_AS = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "|": "&#124;"}
_BLOCK = re.compile(r"[-+=]+|:?-+:?|\d{1,9}[.)]")
"""What starts a list, a heading, a table or a ruler at the beginning of a line."""
_LINKED = (
    "com|net|org|info|biz|edu|gov|pro|web|xxx|aero|asia|coop|museum|name|shop|[a-z]{2}|[\u0440\u0420][\u0444\u0424]"
)
"""The ends of bare domains that some renderers make links of (linkify-it's; the last is the Russian one)."""
_ACTS = re.compile(
    "|".join(
        (
            r"(?<![a-z0-9_])@|@[a-z0-9_-]+\.|(?:mailto|xmpp):",  # mentions, e-mail addresses
            r"//|www\.|\S\.(?:" + _LINKED + r")(?!-?\w)|\.xn--",  # links; a-b is one label
            r"#\d|\bgh-\d|\b(?-i:[A-Z][A-Z0-9_]+)-\d",  # issues, and tickets elsewhere
            r"\b[0-9a-f]{7,}\b",  # commits
            r":(?!(?!100:|1234:|-1:)[\d-]+:)[a-z0-9_+-]+:",  # emoji; the minutes in 10:30:00 and 10:30-12:00 are none
            r"\$",  # formulas, snippets
            r"[!&]\d|[%~][\w\"]|\[\[|\[[a-z_]+:|\[toc|\*[a-z_]+:|\^[a-z]|[{\[][+-]",  # GitLab: other references, marks
        )
    ),
    re.ASCII | re.IGNORECASE,
)
"""What GitHub and GitLab turn into links, mentions and marks in rendered Markdown, everywhere except in code."""
_MAY_ACT = re.compile(
    r"[^\w ,.;'\"()/?→·…–—“”’×+=-]|-\d|^[-+=:/]|^\d+[.)]|_|//|\.[^\W\d_]{2}|[0-9a-f]{7}", re.IGNORECASE
)
"""Text without any of this needs no escaping."""
_HTML = re.compile("[&<>\"'`]")
_HTML_AS = {  # the ampersand first: the others write one
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#x27;",
    "`": "&#x60;",
}
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
    """``text``, cut to ``most`` characters; the last one is then an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def visible(text: str, *, multiline: bool = False) -> str:
    r"""``text`` for a terminal: invisible and control characters are spelled out, as in ``\x1b`` or ``\u202e``.

    Newlines stay only in ``multiline`` text, where tabs become four spaces.
    """
    if text.isascii() and text.isprintable():
        return text
    if multiline:
        return spelled_out(text.replace("\t", "    "), "\n")
    return spelled_out(text)


def one_line(text: str) -> str:
    """``text`` as one line with single spaces; other blanks stay and are spelled out later."""
    return re.sub(r"[ \t\r\n]+", " ", text).strip(" ")


def json_text(value: object) -> str:
    r"""``value`` as indented JSON in which invisible characters are escaped (``\u200b``). Ends with a newline."""
    import orjson

    option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS  # addresses are text of ours
    text = orjson.dumps(value, option=option).decode()
    return text if text.isascii() and "\x7f" not in text else json_visible(text)


def json_visible(text: str) -> str:
    """The same JSON value with the invisible characters of its strings as escapes."""
    return text.translate({ord(sign): _json_escape(sign) for sign in set(text) if sign != "\n" and is_hidden(sign)})


def _json_escape(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


def ascii_only(text: str) -> str:
    """``text`` for a terminal that knows only ASCII: offerkit's signs get a plain form, the rest is spelled out."""
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def markdown(text: str) -> str:
    """``text`` as Markdown prose or a table cell: one line, without markup, live HTML, links or mentions.

    A word that GitHub or GitLab would act on becomes a code span: both look for mentions, references and emoji in
    what Markdown has rendered, so neither a backslash nor a character reference keeps them away.
    """
    shown = (text if text.isascii() and text.isprintable() else visible(text)).strip()
    if not _MAY_ACT.search(shown):
        return shown
    first, *rest = shown.split(" ")
    return " ".join([_first_word(first), *map(_word, rest)])


def _first_word(word: str) -> str:
    if re.match("/[a-z]", word):  # a command to GitLab, where a line begins with it
        return _code(word)
    if _BLOCK.fullmatch(word):
        return f"{word[:-1]}\\{word[-1]}" if word[0].isdigit() else f"\\{word}"
    return _word(word)


def _word(word: str) -> str:
    if not _acts(word):
        return _MARKDOWN.sub(_marked, word)
    core = word.rstrip(",.;:!?)")
    return _code(core) + word[len(core) :] if _acts(core) else _code(word)


def _acts(text: str) -> bool:
    return _ACTS.search(text) is not None


def _marked(match: re.Match[str]) -> str:
    return _MARKDOWN_AS.get(match[0]) or "\\" + match[0]


def markdown_code(text: str) -> str:
    """``text`` as a Markdown code span that is safe in prose and in table cells."""
    return _code(visible(text).strip())


def _code(text: str) -> str:
    """Code spans, split at pipes: a pipe within a code span would end a table's cell."""
    return "&#124;".join(_span(part) if part else "" for part in text.split("|"))


def _span(text: str) -> str:
    fence = "`" * (_longest_run(text) + 1)
    padding = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def fenced(text: str, info: str = "") -> str:
    """``text`` as a fenced Markdown block, the fence longer than any run of backticks inside."""
    shown = visible(text, multiline=True)
    fence = "`" * max(3, _longest_run(shown) + 1)
    return f"{fence}{info}\n{shown}\n{fence}"


def html(text: str, *, multiline: bool = False) -> str:
    """``text`` for an HTML element or a quoted attribute."""
    shown = text if text.isascii() and text.isprintable() else visible(text, multiline=multiline)
    if _HTML.search(shown):
        for sign, written in _HTML_AS.items():
            shown = shown.replace(sign, written)
    return shown


def summary_html(text: str) -> str:
    """``text`` for raw HTML inside Markdown (a ``<summary>``): as :func:`html`, with acting words as code."""
    words = visible(text).split(" ")
    return " ".join(f"<code>{html(word)}</code>" if _acts(word) else html(word) for word in words)


def workflow_message(text: str) -> str:
    """``text`` as the message of a GitHub workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def workflow_property(text: str) -> str:
    """``text`` as a property's value of a GitHub workflow command."""
    return workflow_message(text).replace(":", "%3A").replace(",", "%2C")
