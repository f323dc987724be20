"""Proofs about conditions: what a change of them means for every contact there can be (extra ``prove``).

The checked tree of a rule (:mod:`offerkit.rules.nodes`) becomes SMT-LIB, which a solver in its own process decides.
Nothing here imports the solver, so plans look the same with it, without it, and when it is killed.
"""
