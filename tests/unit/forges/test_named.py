"""Which forge, repository and token: options first, then what each CI says; nothing is guessed."""

from __future__ import annotations

import pytest

from offerkit.diagnostics import Refused
from offerkit.forges.github import GitHub
from offerkit.forges.gitlab import GitLab
from offerkit.forges.named import forge_named

pytestmark = pytest.mark.embedded
GITHUB = {"GITHUB_TOKEN": "secret-1", "GITHUB_REPOSITORY": "acme/offers"}
GITLAB = {"GITLAB_TOKEN": "secret-2", "CI_PROJECT_ID": "42", "GITLAB_CI": "true"}


def test_each_ci_names_its_forge() -> None:
    github = forge_named(GITHUB, tell=print)
    assert isinstance(github, GitHub) and (github.api.url, github.repository) == (
        "https://api.github.com",
        "acme/offers",
    )
    own = forge_named({**GITHUB, "GITHUB_API_URL": "https://ghe.example/api/v3/"}, tell=print)
    assert isinstance(own, GitHub) and own._graphql() == "https://ghe.example/api/graphql"
    gitlab = forge_named({**GITHUB, **GITLAB}, tell=print)
    assert isinstance(gitlab, GitLab) and (gitlab.api.url, gitlab.project) == ("https://gitlab.com/api/v4", "42")
    chosen = forge_named({**GITHUB, **GITLAB}, tell=print, name="github", url="http://127.0.0.1:1", repository="a/b")
    assert isinstance(chosen, GitHub) and chosen.repository == "a/b"
    assert "secret" not in repr(chosen) + repr(gitlab)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {**GITHUB, "GITHUB_TOKEN": " "},
        {**GITHUB, "GITHUB_TOKEN": "a\nX-Evil: b"},
        {**GITHUB, "GITHUB_TOKEN": "tökén"},
        *[{**GITHUB, "GITHUB_REPOSITORY": text} for text in ("", "a", "../b", "a/..", "a/b/c", "a/b?x", "a/b#", "a /b", "a/b\n")],
        {**GITHUB, "GITHUB_API_URL": "http://evil.example"},
        *[{**GITLAB, "CI_PROJECT_ID": text} for text in ("", "-1", "a b/c", "4\n", "a//b", "x" * 300)],
        {**GITLAB, "CI_API_V4_URL": "https://user:secret-3@gitlab.example"},
    ],
)  # fmt: skip
def test_what_is_missing_or_strange_is_told_without_the_token(environ: dict[str, str]) -> None:
    with pytest.raises(Refused) as caught:
        forge_named(environ, tell=print)
    (found,) = caught.value.diagnostics
    assert found.code == "OFR928" and found.hint
    assert "secret" not in found.summary + found.detail + found.hint
    assert "kén" not in str(found)
