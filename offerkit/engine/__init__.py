"""The engine: which offers a contact gets on a space at a given moment, and why (domain.md §3; docs/engine.md).

It only decides: no I/O, no clock, no randomness. Callers pass in profile, history, time and seed.
"""
