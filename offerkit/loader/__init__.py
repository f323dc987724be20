"""The loader: files of a project → validated resources, each with its place, or every mistake at once."""

from offerkit.loader.load import Loaded, load, load_folder
from offerkit.loader.project import Project, find_project

__all__ = ["Loaded", "Project", "find_project", "load", "load_folder"]
