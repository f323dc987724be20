"""Planning: from two states to the ordered, explained steps between them. Pure: no I/O, no clock."""
