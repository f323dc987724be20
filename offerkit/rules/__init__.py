"""The rule language: SQL expressions that are checked once and mean the same in every engine (docs/rules.md)."""
