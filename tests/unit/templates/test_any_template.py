"""Whatever a template says, it is rendered or refused: nothing else comes out of the engine."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from helpers.repeats import often
from hypothesis import given, settings
from hypothesis import strategies as st

from offerkit.templates import language
from offerkit.templates.render import RenderFault, run
from offerkit.templates.values import Sink

CONTEXT = {"r": MappingProxyType({"a": "<x>", "n": None, "i": 7, "l": ("p", "q")}), "title": "a'b", "u": lambda *_: "u"}
atom = st.sampled_from(
    [
        "r.a",
        "r.n",
        "r.i",
        "r.l",
        "title",
        "'x'",
        "2",
        "1.5",
        "true",
        "none",
        "r",
        "u",
        "r.l[0]",
        "range(3)",
        "('a', r.i)",
    ]
)
call = st.sampled_from(["", "()", "(1)", "('a')", "(r.l)", "('a', 'b')", "(x=1)"])
filtered = st.builds(lambda a, f, c: f"{a}|{f}{c}", atom, st.sampled_from(list(language.FILTERS)), call)
operation = st.builds(
    lambda a, o, b: f"{a} {o} {b}",
    atom,
    st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "~", "==", "<", "in", "and", "or", "is"]),
    atom | filtered,
)
method = st.builds(
    lambda a, m, c: f"{a}.{m}{c}", atom, st.sampled_from(["pop", "copy", "items", "upper", "__class__", "x"]), call
)
value = atom | filtered | operation | method
soup = st.lists(
    st.sampled_from(
        [
            "{{",
            "}}",
            "{%",
            "%}",
            "{#",
            "#}",
            "'",
            "if",
            "for",
            "in",
            "raw",
            "endraw",
            "a",
            "|",
            "(",
            ")",
            "[",
            "{",
            "}",
            " ",
            "\n",
        ]
    ),
    max_size=20,
).map("".join)
block = (
    st.builds("{{{{ {} }}}}".format, value)
    | st.builds("{{% if {} %}}a{{% endif %}}".format, value)
    | st.builds("{{% for x in {} %}}{{{{ x }}}}{{% endfor %}}".format, value)
    | st.builds("{{% set x = {} %}}{{{{ x }}}}".format, value)
    | soup
)


@pytest.mark.parametrize("examples", [80, pytest.param(often(130, 400), marks=pytest.mark.slow)])
def test_it_is_rendered_or_refused(examples: int) -> None:
    texts = st.lists(block, min_size=1, max_size=3).map("-".join)
    settings(max_examples=examples)(given(texts, st.sampled_from(Sink))(_rendered_or_refused))()


def _rendered_or_refused(text: str, sink: Sink) -> None:
    try:
        made = run(text, sink, CONTEXT)
    except RenderFault as fault:
        assert fault.reason
        assert fault.line >= 0
        return
    assert " at 0x" not in made
    assert "function" not in made
    if sink is Sink.HTML:
        assert "<x>" not in made
