"""Governance: rights, approvals that count, and what blocks a promotion. Pure: no I/O, no clock."""
