"""Every result in every format it has: ``render(result, "html")`` is what all commands and pages call.

To add a format, write a function from the result and a :class:`Presentation` to text, and name it in :data:`FORMATS`.
The choices of ``--format`` follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from offerkit.diagnostics import Code, or_list, refuse
from offerkit.reports.style import PRESENTATION, Presentation

FORMATS: Mapping[str, Mapping[str, str]] = {
    "PlanReport": {
        "text": "offerkit.reports.plan_text.plan_text",
        "json": "offerkit.reports.plan_text.plan_json",
        "markdown": "offerkit.reports.plan_markdown.plan_markdown",
        "html": "offerkit.reports.plan_html.plan_html",
    },
    "DiffReport": {
        "text": "offerkit.reports.diff.diff_text",
        "json": "offerkit.reports.diff.diff_json",
        "markdown": "offerkit.reports.diff.diff_markdown",
        "html": "offerkit.reports.diff.diff_html",
    },
    "WholeResource": {
        "text": "offerkit.reports.whole_resource.whole_text",
        "json": "offerkit.reports.whole_resource.whole_json",
        "markdown": "offerkit.reports.whole_resource.whole_markdown",
        "html": "offerkit.reports.whole_resource.whole_html",
    },
    "RevisionHistory": {
        "text": "offerkit.reports.history.history_text",
        "json": "offerkit.reports.history.history_json",
        "markdown": "offerkit.reports.history.history_markdown",
        "html": "offerkit.reports.history.history_html",
    },
    "Impact": {
        "text": "offerkit.reports.impact.impact_text",
        "json": "offerkit.reports.impact.impact_json",
        "markdown": "offerkit.reports.impact_markdown.impact_markdown",
    },
    "StatedProofs": {
        "text": "offerkit.reports.proofs.stated_text",
        "json": "offerkit.reports.proofs.stated_json",
        "markdown": "offerkit.reports.proofs.stated_markdown",
        "html": "offerkit.reports.proofs.stated_html",
    },
    "PullRequest": {
        "json": "offerkit.reports.pull_request.pull_request_json",
        "markdown": "offerkit.reports.pull_request_markdown.pull_request_markdown",
        "html": "offerkit.reports.pull_request_html.pull_request_html",
    },
    "Approvals": {
        "text": "offerkit.reports.approvals.approvals_text",
        "json": "offerkit.reports.approvals.approvals_json",
        "markdown": "offerkit.reports.approvals.approvals_markdown",
        "html": "offerkit.reports.approvals.approvals_html",
    },
    "DecisionReport": {
        "text": "offerkit.reports.approvals.decision_text",
        "json": "offerkit.reports.approvals.decision_json",
    },
    "OverrideReport": {
        "text": "offerkit.reports.approvals.override_text",
        "json": "offerkit.reports.approvals.override_json",
    },
    "RelayReport": {
        "text": "offerkit.reports.approvals.relay_text",
        "json": "offerkit.reports.approvals.relay_json",
    },
    "RightsReport": {
        "text": "offerkit.reports.rights.rights_text",
        "json": "offerkit.reports.rights.rights_json",
    },
    "OutboxReport": {
        "text": "offerkit.reports.outbox.outbox_text",
        "json": "offerkit.reports.outbox.outbox_json",
    },
    "ContactErasure": {
        "text": "offerkit.reports.contact_erasure.erasure_text",
        "json": "offerkit.reports.contact_erasure.erasure_json",
    },
    "ScheduledList": {
        "text": "offerkit.reports.scheduled.scheduled_text",
        "json": "offerkit.reports.scheduled.scheduled_json",
    },
    "DueReport": {
        "text": "offerkit.reports.scheduled.due_text",
        "json": "offerkit.reports.scheduled.due_json",
    },
    "StopList": {
        "text": "offerkit.reports.stops.stops_text",
        "json": "offerkit.reports.stops.stops_json",
    },
    "StopReport": {
        "text": "offerkit.reports.stops.stop_text",
        "json": "offerkit.reports.stops.stop_json",
    },
    "ResumeReport": {
        "text": "offerkit.reports.stops.resume_text",
        "json": "offerkit.reports.stops.stop_json",
    },
    "AnswerReport": {
        "text": "offerkit.reports.answer.answer_text",
        "json": "offerkit.reports.answer.answer_json",
        "html": "offerkit.reports.answer.answer_html",
        "xml": "offerkit.reports.answer.answer_xml",
    },
    "Preview": {
        "text": "offerkit.reports.preview.preview_text",
        "json": "offerkit.reports.preview.preview_json",
        "html": "offerkit.reports.preview.preview_html",
    },
    "WeightTable": {
        "text": "offerkit.reports.weights.weights_text",
        "json": "offerkit.reports.weights.weights_json",
        "csv": "offerkit.reports.weights.weights_csv",
        "markdown": "offerkit.reports.weights.weights_markdown",
        "html": "offerkit.reports.weights.weights_html",
    },
    "Propositions": {
        "text": "offerkit.reports.propositions.propositions_text",
        "json": "offerkit.reports.propositions.propositions_json",
        "markdown": "offerkit.reports.propositions.propositions_markdown",
        "csv": "offerkit.reports.propositions.propositions_csv",
    },
    "ExplainedProposition": {
        "text": "offerkit.reports.explained.explained_text",
        "json": "offerkit.reports.explained.explained_json",
    },
    "KeptSimulations": {
        "text": "offerkit.reports.kept_simulations.kept_text",
        "json": "offerkit.reports.kept_simulations.kept_json",
    },
    "ComparedSimulations": {
        "text": "offerkit.reports.kept_simulations.compared_text",
        "json": "offerkit.reports.kept_simulations.compared_json",
        "markdown": "offerkit.reports.kept_simulations.compared_markdown",
        "html": "offerkit.reports.kept_simulations.compared_html",
    },
    "StatusReport": {
        "text": "offerkit.reports.status_report.status_report_text",
        "json": "offerkit.reports.status_report.status_report_json",
        "markdown": "offerkit.reports.status_report.status_report_markdown",
        "html": "offerkit.reports.status_report.status_report_html",
        "csv": "offerkit.reports.status_report.status_report_csv",
    },
    "Simulation": {
        "text": "offerkit.reports.simulation.simulation_text",
        "json": "offerkit.reports.simulation.simulation_json",
        "html": "offerkit.reports.simulation.simulation_html",
    },
    "DeliveryResult": {
        "text": "offerkit.reports.delivery.delivery_text",
        "json": "offerkit.reports.delivery.delivery_json",
    },
    "CaseResults": {
        "text": "offerkit.reports.cases.cases_text",
        "json": "offerkit.reports.cases.cases_json",
        "junit": "offerkit.reports.cases.cases_junit",
    },
    "EvaluatedExpression": {
        "text": "offerkit.reports.evaluated.evaluated_text",
        "json": "offerkit.reports.evaluated.evaluated_json",
    },
    "ComparedConditions": {
        "text": "offerkit.reports.proofs.compared_text",
        "json": "offerkit.reports.proofs.compared_json",
    },
    "AnchoredRevision": {
        "text": "offerkit.reports.audit.anchored_text",
        "json": "offerkit.reports.audit.anchored_json",
    },
    "VerifiedStore": {
        "text": "offerkit.reports.audit.verified_store_text",
        "json": "offerkit.reports.audit.verified_store_json",
    },
    "VerifiedRecord": {
        "text": "offerkit.reports.audit.verified_record_text",
        "json": "offerkit.reports.audit.verified_record_json",
    },
    "RecordOverview": {
        "text": "offerkit.reports.audit.overview_text",
        "json": "offerkit.reports.audit.overview_json",
    },
    "LiveThen": {
        "text": "offerkit.reports.audit.live_then_text",
        "json": "offerkit.reports.audit.live_then_json",
    },
    "Graph": {
        "text": "offerkit.reports.graph.graph_text",
        "mermaid": "offerkit.reports.graph.graph_mermaid",
        "dot": "offerkit.reports.graph.graph_dot",
    },
    "DiagnosticsReport": {
        "text": "offerkit.reports.diagnostics_text.diagnostics_text",
        "json": "offerkit.reports.diagnostics_json.diagnostics_json",
        "github": "offerkit.reports.diagnostics_forge.diagnostics_github",
        "sarif": "offerkit.reports.diagnostics_forge.diagnostics_sarif",
        "gitlab": "offerkit.reports.diagnostics_forge.diagnostics_gitlab",
    },
}
"""By the class of a result, the function of each of its formats; it is imported when it is first asked for."""


def formats(result: str) -> list[str]:
    """The formats of the results of a class, as ``--format`` takes them."""
    return list(FORMATS[result])


def render(result: object, form: str, presentation: Presentation = PRESENTATION) -> str:
    """``result`` as text in the format ``form``. Raises Refused where it has no such format."""
    name = type(result).__name__
    functions = FORMATS[name]
    if form not in functions:
        raise refuse(
            Code.REPORT_FORMAT,
            f"there is no {form:.40} format of a {name}",
            hint=f"Use {or_list(tuple(functions))}.",
        )
    module, _, function = functions[form].rpartition(".")
    text: str = getattr(import_module(module), function)(result, presentation)
    return text
