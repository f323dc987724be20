"""What no message may hold: the secrets in the URL of a database."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit


def secrets_of(url: str) -> list[str] | None:
    """What no message may hold; None when the URL cannot be taken apart, so that it is not known."""
    try:
        parts = urlsplit(url)
        password = parts.password or ""
        named = [value for name, value in parse_qsl(parts.query) if is_secret(name)]
    except ValueError:
        return None
    if "@" in (parts.path + parts.query) or parts.fragment or parts.netloc.count("@") > 1:
        return None  # an unescaped / ? # @ in the password has put the rest of it elsewhere
    return [secret for secret in (password, unquote(password), *named) if secret]


def is_secret(option: str) -> bool:
    """Whether an option of a URL, by its name, holds or leads to a secret."""
    return "pass" in option.lower() or "key" in option.lower()
