"""The rule language: SQL expressions, checked once, with one meaning wherever they run (docs/rules.md)."""
