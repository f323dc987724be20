"""``ci plan``, ``check`` and ``apply``: what a pull request changes, and that what is applied is what was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from offerkit import __version__
from offerkit.address import SHARED, Address, Kind, Stage
from offerkit.applier import Applied
from offerkit.diagnostics import Code, Diagnostic, Refused, Severity, refuse
from offerkit.loader.older import declared_ahead
from offerkit.planning.make import Patterns
from offerkit.planning.meaning import RELIES, STEP, WAITS, Differing, Fact, differences, facts_of, meaning_of
from offerkit.planning.plan import Plan, envelope, plan_digest
from offerkit.reports.approvals import Row
from offerkit.reports.impact import Impact
from offerkit.reports.pull_request import Behind, PullRequest, pull_request_json
from offerkit.reports.pull_request_html import pull_request_html
from offerkit.reports.pull_request_markdown import comment_markdown
from offerkit.reports.stops import Stopped
from offerkit.reports.words import listing
from offerkit.state.changes import Action
from offerkit.store import Store
from offerkit.store.views import Stages
from offerkit.workflow.apply import apply
from offerkit.workflow.approve import awaited
from offerkit.workflow.authorship import origin_of
from offerkit.workflow.ci_bundle import (
    COMMENT,
    GIT,
    INDEX,
    PAGE,
    PLAN_FILE,
    REPORT,
    STORE,
    Bundle,
    Subject,
    index_bytes,
    write,
)
from offerkit.workflow.ci_states import Base, Reviewed, base_of, specs_of, subject_of
from offerkit.workflow.impact import of_plan
from offerkit.workflow.plan import plan_against
from offerkit.workflow.requests import AsRead, ImpactRequest
from offerkit.workflow.session import Session
from offerkit.workflow.stop import stopped
