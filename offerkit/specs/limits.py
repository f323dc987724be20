"""Limits of spec files, so that no input can exhaust the machine."""

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 32
MAX_ALIASED_NODES = 10_000
"""How many nodes the aliases of one file may expand to in all."""
MAX_SECOND_OPINION = 2_000_000
"""The size in characters up to which a file is read by yaml12_parser.py, which takes a few seconds then."""
