"""Deliberate faults in what stands once: each must fail a test."""
