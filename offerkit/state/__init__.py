"""States: what stands at each address, how two of them differ, and what becomes of one by a plan's steps. Pure."""
