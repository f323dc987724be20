"""What is told to a user about a mistake: where, what, why, and how to mend it."""

from offerkit.diagnostics.codes import CODES, Code
from offerkit.diagnostics.diagnostic import Diagnostic, Position, Refused, Severity, ordered, refuse
from offerkit.diagnostics.secret import is_secret, secrets_of
from offerkit.diagnostics.suggest import nearest, or_list, suggestion

__all__ = [
    "CODES",
    "Code",
    "Diagnostic",
    "Position",
    "Refused",
    "Severity",
    "is_secret",
    "nearest",
    "or_list",
    "ordered",
    "refuse",
    "secrets_of",
    "suggestion",
]
