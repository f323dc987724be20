"""The forge that a CI job runs at, as its environment variables or a command's options name it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from offerkit.diagnostics import Code, refuse
from offerkit.forges.api import Api
from offerkit.forges.forge import Forge
from offerkit.forges.github import GitHub, github_headers
from offerkit.forges.gitlab import GitLab, gitlab_headers

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_PROJECT = re.compile(r"[0-9]{1,18}|[A-Za-z0-9_.-]{1,255}(?:/[A-Za-z0-9_.-]{1,255}){1,20}")
FORGES = ("github", "gitlab")
TOKENS = {"github": "GITHUB_TOKEN", "gitlab": "GITLAB_TOKEN"}
"""The variable that holds the token for each forge; GitLab's own CI_JOB_TOKEN may not comment."""


def forge_named(
    environ: Mapping[str, str],
    *,
    tell: Callable[[str], None],
    name: str | None = None,
    url: str | None = None,
    repository: str | None = None,
) -> Forge:
    """The repository at its forge: what is given counts, else what the CI says in its environment variables.

    GitHub Actions gives GITHUB_API_URL and GITHUB_REPOSITORY, GitLab CI gives CI_API_V4_URL and CI_PROJECT_ID. The
    token is only ever read from the environment. Raises Refused when something is missing or cannot be read.
    """
    name = name or ("gitlab" if environ.get("GITLAB_CI") or environ.get("CI_API_V4_URL") else "github")
    if name == "github":
        repository = repository or environ.get("GITHUB_REPOSITORY", "")
        if not _REPOSITORY.fullmatch(repository) or set(repository.split("/")) & {".", ".."}:
            raise _missing("the repository", "GITHUB_REPOSITORY", "as OWNER/NAME")
        token = _token(environ, name)
        url = url or environ.get("GITHUB_API_URL") or "https://api.github.com"
        return GitHub(Api("GitHub", url, token, github_headers(token), tell), repository)
    if name == "gitlab":
        project = repository or environ.get("CI_PROJECT_ID", "")
        if not _PROJECT.fullmatch(project):
            raise _missing("the project", "CI_PROJECT_ID", "to its number")
        token = _token(environ, name)
        url = url or environ.get("CI_API_V4_URL") or "https://gitlab.com/api/v4"
        return GitLab(Api("GitLab", url, token, gitlab_headers(token), tell), project)
    raise refuse(Code.FORGE_SETTINGS, f"there is no forge “{name:.40}”", hint=f"Known are {' and '.join(FORGES)}.")


def _token(environ: Mapping[str, str], name: str) -> str:
    token = environ.get(TOKENS[name], "").strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise _missing("the forge's token", TOKENS[name], "to a token that may read and comment")
    return token


def _missing(what: str, variable: str, how: str) -> Exception:
    return refuse(
        Code.FORGE_SETTINGS, f"{what} is not given, or cannot be read", hint=f"Set {variable} {how}, or run it in CI."
    )
