"""Secrets in database URLs, which no message may contain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

MASK = "***"
_LONGEST = 10_000
"""The longest text, in characters, that is searched for secrets; longer ones are masked as a whole."""
_HOLDS = re.compile(
    r"passw|passphrase|passcode|pass$|pwd|secret|token|credential|signature|key(?:id)?$|keydata"
    r"|^(?:sig|sas|pin|pinvalue|auth|authorization|bearer|jwt)$"
)
"""Names, in small letters and digits only, of options that hold a secret: those of libpq (password, sslpassword,
oauth_client_secret, scram_client_key, scram_server_key) and those that drivers and clouds know."""
_LEADS = ("passfile", "sslkey", "sslkeylogfile")
"""Options of libpq that name a file with a secret; the name itself is not secret."""
_LETTER = r"[^\s?&;,#=\"'{}\[\]]"
_OPTION = re.compile(rf"(?:(?<!{_LETTER})|\A)({_LETTER}++)(\s*+=\s*+)(?=[^&\s])")
"""NAME= before a value. Possessive quantifiers, so that the time is linear in the length of the text."""
_VALUE = re.compile(r"[^&\s]++")
_USER = re.compile(r"://[^\s/@:]*(:|%3a)(\S*)@", re.IGNORECASE)
_USER_WITHOUT_SLASHES = re.compile(r"(?:^|[/:])[^/:@\s]+(?::|%3a)[^/@\s]+@", re.IGNORECASE)
"""User and password in a URL with one slash or none."""
_URL_VALUE = re.compile(r"(?<!\w)url[\"']?\s*:\s*[\"']?(\S.*)")
_ESCAPED = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})", re.ASCII | re.IGNORECASE)
"""An escaped character in YAML or JSON."""
_CLOSING = "\"',;}])"


def secrets_of(url: str) -> list[str] | None:
    """The secrets in ``url``; None when it cannot be parsed, so that they are not known."""
    try:
        parts = urlsplit(url)
        password = parts.password or ""
        named = [value for name, value in parse_qsl(parts.query) if is_secret(name)]
        raw = [text for name, _, text in (part.partition("=") for part in parts.query.split("&")) if is_secret(name)]
    except ValueError:
        return None
    if "@" in (parts.path + parts.query) or parts.fragment or parts.netloc.count("@") > 1:
        return None  # an unescaped / ? # @ in the password has put the rest of it elsewhere
    secrets = (password, unquote(password), *named, *raw, *(unquote(text) for text in raw))
    return [secret for secret in dict.fromkeys(secrets) if secret]


def is_secret(option: str) -> bool:
    """Whether a URL option's name says that its value is a secret, or the path of one."""
    name = _bare(option)
    return "pass" in name or "key" in name or holds_secret(option)


def holds_secret(option: str) -> bool:
    """Whether a URL option's name says that its value is a secret. The name may be percent-encoded."""
    name = _bare(option)
    return name not in _LEADS and _HOLDS.search(name) is not None


def _bare(option: str) -> str:
    text = _ESCAPED.sub(lambda match: chr(min(int(match[1][1:], 16), 0x10FFFF)), option)
    return re.sub(r"[^a-z0-9]", "", unquote(unquote(text)).rpartition(".")[2].lower())


def has_secret(url: str) -> bool:
    """Whether a URL, or a list of NAME=VALUE, contains a secret in its user part or in an option."""
    plain = re.sub(r"[\t\r\n]", "", url)  # URL parsers ignore these
    if any(end > start for text in (url, plain, unquote(plain)) for start, end in _options(text)):
        return True
    if "://" not in plain:
        return len(plain) <= _LONGEST and _USER_WITHOUT_SLASHES.search(plain) is not None
    user = _user(plain)
    return bool(user and re.split(":|%3a", user, maxsplit=1, flags=re.IGNORECASE)[1:] not in ([], [""]))


def _user(url: str) -> str:
    """The part before the host. For libpq it ends at the last @ before a slash, whatever it contains.

    If there is also a colon, a later @ is taken as the end of a password with an unescaped slash.
    """
    address = url.partition("://")[2]
    authority, _, later = address.partition("/")
    if "@" in authority:
        return authority.rpartition("@")[0]
    path = re.split("[?#]", later, maxsplit=1)[0]
    clear = re.sub(r"\[[^\[\]]*\]", "", authority)  # the colons of an IPv6 address
    return f"{clear}/{path.rpartition('@')[0]}" if "@" in path and ":" in clear else ""


def masked(text: str) -> str:
    """``text`` with ``***`` for anything that looks like a secret of a URL; a text that is too long becomes ``***``."""
    if len(text) > _LONGEST:
        return MASK
    for start, end in reversed(secret_spans(text)):
        text = text[:start] + MASK + text[end:]
    return text


def secret_spans(text: str) -> list[tuple[int, int]]:
    """The start and end of everything in a line that looks like a secret of a URL; too much rather than too little."""
    spans = [(match.start(2), match.end(2)) for match in _USER.finditer(text) if match[2]]
    for start, end in _options(text, close=True):
        if not any(first <= start < last for first, last in spans):
            spans.append((start, end))
    value = None if spans else _URL_VALUE.search(text)
    if value is not None and has_secret(value[1]):  # a disguised secret, whose exact position is unknown
        spans.append(value.span(1))
    return sorted(spans)


def _options(text: str, *, close: bool = False) -> Iterator[tuple[int, int]]:
    """The spans of the values of options that hold secrets.

    ``close``: the text is a line of a file. There a closing bracket or quote ends a value, and ``NAME = VALUE`` may be
    a comparison.
    """
    at = 0
    while match := _OPTION.search(text, at):
        at = match.end(2)
        if not holds_secret(match[1]) or (close and match[2] != "="):
            continue
        value_match = _VALUE.match(text, at)
        value = value_match[0] if value_match is not None else ""
        end = at + len(value.rstrip(_CLOSING) if close else value)
        yield at, end
        at = max(end, at)
