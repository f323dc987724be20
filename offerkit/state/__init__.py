"""States: the resource at each address, the difference between two states, and the effect of a plan's steps. Pure."""
