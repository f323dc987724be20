"""Renders offers, with the template language of spaces and personalised texts."""
