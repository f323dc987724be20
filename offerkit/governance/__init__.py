"""Governance: who may do what, which approvals count, and what blocks a promotion. Pure: no I/O, no clock."""
