"""Rendering: the template language of spaces and personalised texts."""
