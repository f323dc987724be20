"""The English of the project: spelling (typos), common faults (proselint), and our own phrases (docs/style.md)."""

from offerkit_prose.check import Finding, Passage, faults_of, passages_of

__all__ = ["Finding", "Passage", "faults_of", "passages_of"]
