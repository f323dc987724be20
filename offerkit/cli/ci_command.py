"""``offerkit ci``: what a pull request's pipeline runs; each command in a module of its own, ``ci_NAME_command``."""

from __future__ import annotations

import click

from offerkit.cli.main import LazyGroup

COMMANDS = {
    "plan": "Plan what a pull request changes, and write the bundle for its review.",
    "check": "Check that what would be applied is still what was reviewed.",
    "comment": "Comment on a pull request with what it changes, and keep the comment up to date.",
    "drift": "Keep one issue about the differences between the store and the default branch.",
    "apply": "Apply what was reviewed in a pull request, and nothing else.",
    "approve": "Record the reviews of a pull request as its reviewers' approvals of what was applied.",
}


@click.group("ci", cls=LazyGroup, modules=COMMANDS, within="ci")
def command() -> None:
    """Review plans in pull requests, and apply exactly what was reviewed.

    These commands are for pipelines. The meaning of a plan ties what is applied to what was reviewed.
    """
