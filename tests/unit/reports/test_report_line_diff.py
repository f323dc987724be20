"""The difference of two texts, and fields in one line or many."""

from __future__ import annotations

from helpers.work import at_most

from offerkit.plans.plan import ChangeOp, FieldChange
from offerkit.reports.fields import field_views
from offerkit.reports.line_diff import DiffLine, line_diff
from offerkit.reports.style import Layout
from offerkit.reports.values import inline, yaml_lines

LAYOUT = Layout()


def test_two_lines_of_context_and_what_is_left_out() -> None:
    before = "\n".join(str(number) for number in range(20))
    rows = line_diff(before, before.replace("\n10\n", "\nten\n"), LAYOUT)
    assert [f"{mark}{text}" for mark, text in rows] == [
        "@… 8 unchanged lines",
        " 8",
        " 9",
        "-10",
        "+ten",
        " 11",
        " 12",
        "@… 7 unchanged lines",
    ]


def test_two_changes_far_apart() -> None:
    before = "\n".join(str(number) for number in range(40))
    after = before.replace("\n5\n", "\nfive\n").replace("\n30\n", "\nthirty\n")
    rows = line_diff(before, after, LAYOUT)
    assert [text for mark, text in rows if mark == "@"] == [
        "… 3 unchanged lines",
        "… 20 unchanged lines",
        "… 7 unchanged lines",
    ]


def test_a_long_line_is_narrowed_to_what_differs() -> None:
    before = "word " * 100 + "four persons " + "word " * 100
    rows = line_diff(before, before.replace("four", "six"), LAYOUT)
    assert rows == (
        DiffLine("-", "…word word word word word four persons word word word word…"),
        DiffLine("+", "…word word word word word six persons word word word word…"),
    )


def test_changes_of_space_are_made_visible() -> None:
    assert line_diff("a\tb\nc", "a b\nc  ", LAYOUT) == (
        DiffLine("-", "a\\tb"),
        DiffLine("-", "c"),
        DiffLine("+", "a b"),
        DiffLine("+", "c··"),
    )


def test_a_line_without_end_loses_its_middle() -> None:
    [gone, come] = line_diff("x" * 90_000, "y" * 90_000, LAYOUT)
    assert len(gone.text) < 400
    assert "89,700 more characters" in come.text


def test_many_lines_are_cut_and_counted() -> None:
    rows = line_diff("", "\n".join(f"line {number}" for number in range(500)), LAYOUT)
    assert len(rows) == LAYOUT.lines + 1
    assert rows[-1] == DiffLine("@", "… 461 more lines")


def test_texts_that_share_nothing_are_little_work() -> None:
    before, after = ("\n".join(f"{word} {number % 7}" for number in range(20_000)) for word in ("a", "b"))
    with at_most(50_000):
        rows = line_diff(before, after, LAYOUT)
    assert rows[0] == DiffLine("@", "too many lines to compare: 20,000 before, 20,000 after")


def test_short_changes_stay_on_one_line() -> None:
    [view] = field_views([FieldChange(ChangeOp.CHANGE, "weight", "1", "2.5")], LAYOUT)
    assert (view.mark, view.before, view.after, view.lines) == ("~", "1", "2.5", ())


def test_a_text_that_comes_shows_every_line_as_new() -> None:
    [view] = field_views([FieldChange(ChangeOp.ADD, "content.html", None, "<p>\n</p>")], LAYOUT)
    assert view.lines == (DiffLine("+", "<p>"), DiffLine("+", "</p>"))


def test_a_large_map_is_compared_as_yaml() -> None:
    before: dict[str, object] = {f"field_{number}": f"the value of field {number}" for number in range(12)}
    after = {**before, "field_3": "another value"}
    [view] = field_views([FieldChange(ChangeOp.CHANGE, "content", before, after)], LAYOUT)  # type: ignore[arg-type]
    assert DiffLine("-", "field_3: the value of field 3") in view.lines
    assert DiffLine("+", "field_3: another value") in view.lines
    assert len(view.lines) < 10


def test_values_on_one_line() -> None:
    assert inline(None) == "none"
    assert inline(True) == "true"
    assert inline('say "hi"') == '"say \\"hi\\""'
    assert inline(["2026-01-01", "1.5", "x"]) == '[2026-01-01, 1.5, "x"]'
    assert inline({"weight": "10", "label": "summer"}) == '{label: "summer", weight: 10}'


def test_yaml_quotes_what_yaml_would_misread() -> None:
    value = {"a": "no", "b": "x: y", "c": "{{ name }}", "d": "", "e": "plain text", "f": "12"}
    assert yaml_lines(value, 80, 6) == [  # type: ignore[arg-type]
        'a: "no"',
        'b: "x: y"',
        'c: "{{ name }}"',
        'd: ""',
        "e: plain text",
        "f: 12",
    ]


def test_lists_of_maps_and_long_texts() -> None:
    value = {"weights": [{"weight": "1"}, {"label": "a", "spaces": ["x" * 40, "y" * 40]}], "text": "z" * 200}
    assert yaml_lines(value, 60, 6) == [  # type: ignore[arg-type]
        f"text: {'z' * 99}… (200 characters)",
        "weights:",
        "  - {weight: 1}",
        "  - label: a",
        "    spaces:",
        f"      - {'x' * 40}",
        f"      - {'y' * 40}",
    ]
