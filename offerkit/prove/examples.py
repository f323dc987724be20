"""Makes examples believable: plausible values, and a moment that is near."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from offerkit.prove.question import DayRange, FieldHint, Formula, Hints, Holds, leaves
from offerkit.prove.result import Witness
from offerkit.rules.flatten import nodes_of
from offerkit.rules.nodes import Literal
from offerkit.rules.numbers import INTEGER_MAX, INTEGER_MIN
from offerkit.rules.types import BaseType, FieldType, Value
from offerkit.rules.values import LONGEST

_MOMENTS, _VALUES, _ROUNDS, _TEXTS = 14, 40, 2, 6
_DEFAULTS: dict[BaseType, tuple[Value, ...]] = {
    BaseType.INTEGER: (1, 0, 18, 30, 2, 100, -1),
    BaseType.DECIMAL: tuple(map(Decimal, ("1", "0", "100", "0.5", "-1", "1000"))),
    BaseType.BOOLEAN: (True, False),
    BaseType.STRING: ("a", "b", "A", "ab", " ", ""),
    BaseType.LIST: ((), ("a",)),
}
_STEP = Decimal("0.000001")


def literals_of(*formulas: Formula) -> dict[BaseType, tuple[Value, ...]]:
    """The constants of formulas, those of bound rows included, by type, in written order."""
    result: dict[BaseType, dict[Value, None]] = {}
    for formula in formulas:
        for leaf in leaves(formula):
            if isinstance(leaf, Holds):
                for node in nodes_of(leaf.expression.root):
                    if isinstance(node, Literal) and node.value is not None:
                        result.setdefault(node.type.base, {})[node.value] = None
                for value in (value for _, row in leaf.bound for value in row.values()):
                    if isinstance(value, str):
                        result.setdefault(BaseType.STRING, {})[value] = None
    return {base: tuple(values) for base, values in result.items()}


def moments_of(at: datetime, *formulas: Formula) -> list[datetime]:
    """Moments after ``at`` at which conditions often change, the earliest first: soon, and at the formulas' dates."""
    today = at.date()
    days: list[date] = []
    for offset in (1, 7):
        days += _shifted(today, offset)
    try:
        month = date(today.year + today.month // 12, today.month % 12 + 1, 1)
        leap = next(year for year in range(today.year + 1, today.year + 9) if _is_leap(year))
        days += [month, date(today.year, 12, 31), date(today.year + 1, 1, 1), date(today.year + 1, 3, 31)]
        days += [date(leap, 2, 28), date(leap, 2, 29), date(leap, 3, 1)]
    except (ValueError, StopIteration):
        pass
    moments = [moment for moment in _literal_moments(formulas) if moment > at]
    moments += [datetime.combine(day, time()) for day in days]
    if at < datetime.max - timedelta(hours=1):
        moments.append(at + timedelta(minutes=5))
    return sorted({moment for moment in moments if moment > at})[:_MOMENTS]


def _literal_moments(formulas: Sequence[Formula]) -> Iterator[datetime]:
    literals = literals_of(*formulas)
    for formula in formulas:
        for leaf in leaves(formula):
            if isinstance(leaf, DayRange):
                for day in (leaf.first, leaf.last):
                    for each in [] if day is None else [day, *_shifted(day, 1)]:
                        yield datetime.combine(each, time())
    for value in literals.get(BaseType.DATE, ()):
        assert isinstance(value, date)
        for each in [value, *_shifted(value, 1)]:
            yield datetime.combine(each, time())
    for value in literals.get(BaseType.TIMESTAMP, ()):
        assert isinstance(value, datetime)
        yield value
        if value < datetime.max - timedelta(seconds=1):
            yield value + timedelta(seconds=1)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _shifted(day: date, days: int) -> list[date]:
    """The day so many days later; none beyond the calendar."""
    try:
        return [day + timedelta(days=days)]
    except OverflowError:
        return []


def plausible(
    witness: Witness,
    confirmed: Callable[[Witness], bool],
    types: dict[tuple[str, str], FieldType],
    hints: Hints,
    literals: dict[BaseType, tuple[Value, ...]],
) -> Witness:
    """The example with the most plausible value of each field, as long as ``confirmed`` says that it still is one."""
    for _ in range(_ROUNDS):
        earlier = witness
        for key, type_ in types.items():
            for value in _candidates(witness, key, type_, hints.get(key, FieldHint()), literals):
                if value == witness.values[key] and type(value) is type(witness.values[key]):
                    break
                changed = Witness({**witness.values, key: value}, witness.moment)
                if confirmed(changed):
                    witness = changed
                    break
        if earlier is witness:
            break
    return witness


def _candidates(
    witness: Witness,
    key: tuple[str, str],
    type_: FieldType,
    hint: FieldHint,
    literals: dict[BaseType, tuple[Value, ...]],
) -> list[Value]:
    """Values to try, the most plausible first; unknown comes last."""
    base = type_.base
    values: list[Value] = list(hint.examples)
    for value in literals.get(base, ()):
        values += _near(value)
    if base is BaseType.ENUMERATION:
        values = [*hint.examples, *type_.values] if type_.values else [*values, *literals.get(BaseType.STRING, ())]
    elif base is BaseType.LIST:
        values += [(text,) for text in literals.get(BaseType.STRING, ()) if isinstance(text, str)]
    elif base is BaseType.DECIMAL:
        values += [Decimal(value) for value in literals.get(BaseType.INTEGER, ()) if isinstance(value, int)]
    values += [value for value in (hint.least, hint.most) if value is not None]
    values += _DEFAULTS.get(base, ())
    values += _days(witness.moment, base, literals.get(BaseType.INTEGER, ()))
    current = witness.values[key]
    values += _readable(current) if isinstance(current, str) else ()
    fitting = [value for value in dict.fromkeys(values) if _in_range(value, hint) and _is_value(value)][:_VALUES]
    return [*fitting, current] if current is not None else [*fitting, None]


def _near(value: Value) -> list[Value]:
    """The boundary itself, and what is next to it."""
    if isinstance(value, bool | str | tuple) or value is None:
        return [value]
    try:
        if isinstance(value, int):
            return [value, value - 1, value + 1]
        if isinstance(value, Decimal):
            return [value, value + 1, value - 1, value + _STEP, value - _STEP]
        step = timedelta(seconds=1) if isinstance(value, datetime) else timedelta(days=1)
        return [value, value - step, value + step]
    except OverflowError:
        return [value]


def _days(moment: datetime, base: BaseType, ages: tuple[Value, ...]) -> Iterable[Value]:
    """Days around a moment: today and yesterday, and birthdays, also of those who are as old as the formulas say."""
    if base not in (BaseType.DATE, BaseType.TIMESTAMP):
        return
    today = moment.date()
    counts = [years for age in ages if isinstance(age, int) and 0 < age < 150 for years in (age, age - 1, age + 1)]
    for count in (*counts[:9], 0, 30, 18, 70, 100):
        if today.year > count:
            birthday = today.replace(year=today.year - count, day=min(today.day, 28))
            for day in (birthday, *_shifted(birthday, 1), *_shifted(birthday, -1)):
                yield day if base is BaseType.DATE else datetime.combine(day, time(12))


def _readable(text: str) -> list[Value]:
    """The text with letters in the place of what cannot be read, and shortened."""
    plain = "".join(char if char.isprintable() and char.isascii() else "a" for char in text)
    return [plain[:1], plain[:3], plain[:10], plain] if plain else []


def variants(witness: Witness) -> Iterator[Witness]:
    """The example with other texts: those of other fields, in lower or upper case. Opaque functions are about texts."""
    texts = {key: value for key, value in witness.values.items() if isinstance(value, str)}
    forms = dict.fromkeys(
        form for text in ("abcd", *texts.values()) for form in (text, text.lower(), text.upper(), text.strip(" "))
    )
    for key in list(texts)[:_TEXTS]:
        for form in list(forms)[:_TEXTS]:
            yield Witness({**witness.values, key: form}, witness.moment)
            for other in list(texts)[:_TEXTS]:
                if other != key:
                    yield Witness({**witness.values, key: form, other: form}, witness.moment)


def _in_range(value: Value, hint: FieldHint) -> bool:
    try:
        least, most = hint.least, hint.most
        return (least is None or value >= least) and (most is None or value <= most)  # type: ignore[operator]
    except TypeError:
        return True


def _is_value(value: Value) -> bool:
    """Whether a number is one of the rule language."""
    if isinstance(value, Decimal):
        return abs(value) < 10**12
    return not isinstance(value, int) or INTEGER_MIN <= value <= INTEGER_MAX


def is_writable(value: Value) -> bool:
    """Whether a contact can have a value: texts have no null character, no half of one, and a greatest length."""
    texts = value if isinstance(value, tuple) else (value,)
    if sum(len(text) for text in texts if isinstance(text, str)) > LONGEST:
        return False
    return not any(
        isinstance(text, str) and any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text) for text in texts
    )
