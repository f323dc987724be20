"""The engine: which offers a contact gets, in this space, now, and why (domain.md §3; docs/engine.md).

It decides and does nothing else: no I/O, no clock, no chance. Profile, history, time and seed are given to it.
"""
