"""Lists of texts as SMT-LIB: whether they are unknown, how long they are, and which entries they have.

Nothing in the rule language tells the order of entries, or how often one is in the list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from offerkit.prove.smt import Script, app, conj, disj, ite, neg, number
from offerkit.prove.terms import written
from offerkit.rules.values import ENTRIES

Entry: TypeAlias = "tuple[str | None, str]"
"""A text that may be in a list: the text itself if it is fixed, and its term (empty if it is fixed)."""


@dataclass(frozen=True)
class ListTerm:
    """A list: terms for whether it is unknown, for its length, and for whether it has an entry."""

    null: str
    length: str
    has: Callable[[Entry], str]


@dataclass
class ListEntries:
    """The entries of a list that is a field, as far as anybody asks for them."""

    function: str
    """A function from texts to whether they are in the list; declared when a text that is not fixed is asked for."""
    fixed: dict[str, str] = field(default_factory=dict)
    """By entry, whether it is in the list."""
    texts: dict[str, str] = field(default_factory=dict)
    """By the term of a text, whether it is in the list."""

    def has(self, script: Script, entry: Entry) -> str:
        """Whether an entry is in the list."""
        text, term = entry
        if text is not None:
            if text not in self.fixed:
                self.fixed[text] = script.declare("Bool", f"{self.function}x{len(self.fixed)}")
            return self.fixed[text]
        if not self.texts:
            script.declare_function(self.function, "String", "Bool")
        name = script.name("String", term)
        if name not in self.texts:
            self.texts[name] = script.name("Bool", app(self.function, name))
        return self.texts[name]

    def finish(self, script: Script, length: str) -> None:
        """Require that the list is as long as it must be to have its entries."""
        if self.texts:
            for text, member in self.fixed.items():
                script.require(app("=", member, app(self.function, written(text))))
        counts = [ite(member, "1", "0") for member in self.fixed.values()]
        earlier = [written(text) for text in self.fixed] if self.texts else []
        for term, member in self.texts.items():
            again = disj(*(app("=", term, each) for each in earlier))
            counts.append(ite(conj(member, neg(again)), "1", "0"))
            earlier.append(term)
        least = app("+", *counts) if len(counts) > 1 else (counts or ["0"])[0]
        script.require(conj(f"(<= {least} {length})", f"(<= {length} {ENTRIES})"))


def fixed_list(entries: tuple[str, ...] | None) -> ListTerm:
    """A list whose entries are known."""

    def has(entry: Entry) -> str:
        text, term = entry
        if text is not None:
            return "true" if text in (entries or ()) else "false"
        return disj(*(app("=", term, written(each)) for each in dict.fromkeys(entries or ())))

    return ListTerm("true" if entries is None else "false", number(len(entries or ())), has)


def chosen(test: str, then: ListTerm, other: ListTerm) -> ListTerm:
    """One list where ``test`` is true, and another one elsewhere."""
    return ListTerm(
        ite(test, then.null, other.null),
        ite(test, then.length, other.length),
        lambda entry: ite(test, then.has(entry), other.has(entry)),
    )
