"""Diagnostics: what is wrong, where, why it matters, and how to fix it."""

from offerkit.diagnostics.codes import Code
from offerkit.diagnostics.diagnostic import Diagnostic, Position, Refused, Severity, ordered, reason_of, refuse
from offerkit.diagnostics.installation import install_command, install_hint, pinned_requirement, upgrade_hint
from offerkit.diagnostics.meanings import CODES
from offerkit.diagnostics.secret import has_secret, is_secret, masked, secret_spans, secrets_of
from offerkit.diagnostics.suggest import and_list, nearest, or_list, suggestion

__all__ = [
    "CODES",
    "Code",
    "Diagnostic",
    "Position",
    "Refused",
    "Severity",
    "and_list",
    "has_secret",
    "install_command",
    "install_hint",
    "is_secret",
    "masked",
    "nearest",
    "or_list",
    "ordered",
    "pinned_requirement",
    "reason_of",
    "refuse",
    "secret_spans",
    "secrets_of",
    "suggestion",
    "upgrade_hint",
]
