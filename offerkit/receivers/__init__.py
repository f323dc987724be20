"""Receivers of webhooks: how one event is signed and posted."""
