"""Contacts, read from the source that their dimension declares (docs/contacts.md)."""

from offerkit.contacts.keys import key_text, split_key
from offerkit.contacts.open import open_contacts
from offerkit.contacts.source import Contacts, no_contact

__all__ = ["Contacts", "key_text", "no_contact", "open_contacts", "split_key"]
