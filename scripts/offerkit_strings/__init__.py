"""Every string that a person may see, with its file and line, so that none is missed when the words are read."""

from offerkit_strings.collect import KINDS, String, strings_of

__all__ = ["KINDS", "String", "strings_of"]
