"""What people try that the language does not have, and what to write instead."""

from __future__ import annotations

_ONE = "An expression looks at one contact; it cannot ask the database."
_PARAMETER = "Write the value itself; in a predefined filter, parameter.<name>."
_CONTAINS = "Write lower(x) = 'text', like, starts_with, ends_with or contains."
_CAST = "A text next to a date is read as a date; date '2026-01-31' says so; integers and decimals mix freely."

SIGNS: dict[str, tuple[str, str]] = {
    ";": ("An expression is one condition or formula, not a list of statements", "Remove the “;” and what follows it."),
    "::": ("Types are not converted by hand", _CAST),
    "==": ("“==” is not an operator here", "Write =."),
    "===": ("“===” is not an operator here", "Write =."),
    "=>": ("“=>” is not an operator here", "Write >= for “at least”."),
    "=<": ("“=<” is not an operator here", "Write <= for “at most”."),
    "<=>": ("“<=>” is not an operator here", "Write =, and is null for what is unknown."),
    "&&": ("“&&” is not an operator here", "Write and."),
    "&": ("“&” is not an operator here", "Write and; to join texts write ||."),
    "|": ("“|” is not an operator here", "Write or; to join texts write ||."),
    "!": ("“!” is not an operator here", "Write not, or <> for “differs from”."),
    "**": ("There are no powers", "Multiply: x * x."),
    "^": ("There are no powers", "Multiply: x * x."),
    "//": ("“//” is not an operator here", "Write floor(x / y)."),
    "~": ("There are no regular expressions", _CONTAINS),
    "~*": ("There are no regular expressions", _CONTAINS),
    "!~": ("There are no regular expressions", _CONTAINS),
    "~~": ("“~~” is not an operator here", "Write like."),
    "?": ("There are no placeholders", _PARAMETER),
    "??": ("“??” is not an operator here", "Write coalesce(x, y)."),
    ":": ("There are no placeholders", _PARAMETER),
    ":=": ("Nothing is assigned here", "Write = to compare."),
    "@": ("There are no placeholders", _PARAMETER),
    "@>": ("“@>” is not an operator here", "Write contains(list, 'text')."),
    "$": ("There are no placeholders", _PARAMETER),
    "->": ("Neither functions nor JSON are written here", "Write the value's name, such as interaction.basket."),
    "->>": ("JSON cannot be read here", "Declare the value as a field of its own."),
    "[": ("Entries of a list are not taken by number", "Write contains(list, 'text') or length(list)."),
    "{": ("Templates and structures have no place in an expression", "Write the name plainly: recipient.age."),
    "`": ("Names are not put in back quotes", 'Write recipient.age, or "recipient"."age".'),
}
"""Sign → what is wrong, what to write."""

WORDS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("select", "from", "where", "union", "with", "join", "having", "limit"),
                    ("Queries have no place in an expression", _ONE)),
    **dict.fromkeys(("insert", "update", "delete", "drop", "create", "alter", "truncate", "grant", "attach", "copy",
                     "execute", "pragma", "call", "set"),
                    ("Statements have no place in an expression", "Write a condition or formula only.")),
    "exists": ("Queries have no place in an expression", _ONE),
    **dict.fromkeys(("any", "some", "all"), ("Queries have no place in an expression", "Write x in ('a', 'b').")),
    **dict.fromkeys(("over", "partition", "within", "filter", "window"),
                    ("There are no window functions", _ONE)),
    **dict.fromkeys(("order", "group", "distinct"),
                    ("Rows are neither sorted, grouped nor compared", _ONE)),
    "ilike": ("“ilike” is not an operator here", "Write lower(x) like 'text%'."),
    **dict.fromkeys(("rlike", "regexp", "similar", "glob", "match"), ("There are no regular expressions", _CONTAINS)),
    "escape": ("like has no escape character", "Write contains, starts_with or ends_with."),
    "collate": ("Texts are compared character by character", "Write lower(x) to compare without regard to capitals."),
    "div": ("“div” is not an operator here", "Write floor(x / y)."),
    "mod": ("“mod” is not an operator here", "Write x % y or mod(x, y)."),
    "xor": ("“xor” is not an operator here", "Write (a) <> (b)."),
    "isnull": ("“isnull” is not an operator here", "Write x is null."),
    "notnull": ("“notnull” is not an operator here", "Write x is not null."),
    "unknown": ("“unknown” is not a value here", "Write null; to ask for it: x is null."),
    "none": ("“none” is not a value here", "Write null, or 'none' for the text."),
    "symmetric": ("between takes the lower limit first", "Write x between 1 and 5."),
    **dict.fromkeys(("both", "leading", "trailing"), ("trim has no such word", "Write trim(x).")),
    "at": ("Time zones are not converted here", "Each time is the wall clock of the environment's time zone."),
    "as": ("Nothing is renamed or converted here", _CAST),
    "lambda": ("Functions are not written here", ""),
    "current_time": ("There is no time without a date", "Write now, or extract(hour from now)."),
    "localtime": ("There is no time without a date", "Write now, or extract(hour from now)."),
    "localtimestamp": ("“localtimestamp” is written otherwise", "Write now."),
    "current_user": ("An expression does not know who runs it", ""),
}  # fmt: skip
"""Word that stands alone, in small letters → what is wrong, what to write."""

FUNCTIONS: dict[str, str] = {
    "cast": _CAST, "try_cast": _CAST, "convert": _CAST, "to_date": _CAST, "to_timestamp": _CAST, "date": _CAST,
    "timestamp": _CAST, "to_char": _CAST, "to_number": _CAST,
    "if": "Write case when a then x else y end.", "iif": "Write case when a then x else y end.",
    "ifnull": "Write coalesce(x, y).", "nvl": "Write coalesce(x, y).", "isnull": "Write x is null.",
    "len": "Write length(x).", "char_length": "Write length(x).", "array_length": "Write length(x).",
    "substr": "Write substring(x, 1, 3).", "left": "Write substring(x, 1, 3), or starts_with.",
    "right": "Write ends_with(x, 'text').", "ltrim": "Write trim(x).", "rtrim": "Write trim(x).",
    "position": "Write contains(x, 'text').", "strpos": "Write contains(x, 'text').",
    "instr": "Write contains(x, 'text').", "array_contains": "Write contains(list, 'text').",
    "list_contains": "Write contains(list, 'text').", "list_length": "Write length(list).",
    "has": "Write contains(list, 'text').",
    "datediff": "Write date_diff('day', x, y).", "dateadd": "Write x + interval '3 days'.",
    "date_add": "Write x + interval '3 days'.", "date_sub": "Write x - interval '3 days'.",
    "age": "Write age_in_years(x).", "year": "Write extract(year from x).", "month": "Write extract(month from x).",
    "day": "Write extract(day from x).", "hour": "Write extract(hour from x).",
    "date_part": "Write extract(year from x).", "today": "Write current_date.", "getdate": "Write now.",
    "sysdate": "Write now.", "curdate": "Write current_date.", "ceiling": "Write ceil(x).", "trunc": "Write floor(x).",
    "max": "Write greatest(x, y).", "min": "Write least(x, y).", "pow": "Multiply: x * x.",
    "power": "Multiply: x * x.", "regexp_matches": _CONTAINS, "regexp_like": _CONTAINS,
    "count": _ONE, "sum": _ONE, "avg": _ONE, "row_number": _ONE,
    "random": "The same question must get the same answer.",
}  # fmt: skip
"""Function, in small letters → what to write."""

ELSEWHERE: dict[str, str] = {
    "interaction": "interaction.<call data> may be used in target conditions, formulas, filters and stored extra data.",
    "offer": "offer.<field> may be used in predefined filters, in a rule's applies_to and in stored extra data.",
    "category": "category.<field> may be used in a rule's applies_to only.",
    "proposition": "proposition.<field> may be used in a rule's counted condition and in stored extra data.",
    "parameter": "parameter.<name> may be used in the predefined filter that declares it.",
}
"""Namespace → where it may be used (models/scopes.py)."""
