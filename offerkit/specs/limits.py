"""What a spec file may be, so that no input can exhaust the machine."""

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 32
MAX_ALIASED_NODES = 10_000
"""How many nodes all aliases of one file may add, counted as if each were written out."""
MAX_SECOND_OPINION = 2_000_000
"""How many characters a file may have that is read by the letter of YAML 1.2 (yaml12.py): a few seconds."""
