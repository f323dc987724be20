"""The graph: who refers to whom, what is missing, what goes in circles. Pure; networkx where it is needed."""
