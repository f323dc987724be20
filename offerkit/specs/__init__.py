"""Reads a project's files into validated resources with their positions, or reports every mistake at once."""

from offerkit.specs.load import Loaded, load, load_folder
from offerkit.specs.project import Project, find_project

__all__ = ["Loaded", "Project", "find_project", "load", "load_folder"]
