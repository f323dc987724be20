"""Plans: the ordered, explained steps from one state to another, and plan files. Pure: no I/O, no clock."""
