"""Invisible characters, and characters that hide others: found by their Unicode properties, and spelled out.

What counts: the general categories of controls, formats, surrogates, private use and unassigned code points; all
separators but the space; Default_Ignorable_Code_Point; the few letters and symbols that are blank by design; combining
marks that stand on nothing or on a pile of others. An emoji keeps what joins it (UTS #51): the variation selector
behind a pictograph, the joiner between two, the tags of the three flags there are.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from bisect import bisect_right
from functools import cache, lru_cache

_IGNORABLE = """
AD 34F 61C 115F-1160 17B4-17B5 180B-180F 200B-200F 202A-202E 2060-206F 3164 FE00-FE0F FEFF FFA0 FFF0-FFF8 1BCA0-1BCA3
1D173-1D17A E0000-E0FFF
"""
"""Default_Ignorable_Code_Point, which ``unicodedata`` does not know (Unicode 17; a test holds it to the database)."""
_PICTOGRAPHIC = """
A9 AE 203C 2049 2122 2139 2194-2199 21A9-21AA 231A-231B 2328 23CF 23E9-23F3 23F8-23FA 24C2 25AA-25AB 25B6 25C0
25FB-25FE 2600-2604 260E 2611 2614-2615 2618 261D 2620 2622-2623 2626 262A 262E-262F 2638-263A 2640 2642 2648-2653
265F-2660 2663 2665-2666 2668 267B 267E-267F 2692-2697 2699 269B-269C 26A0-26A1 26A7 26AA-26AB 26B0-26B1 26BD-26BE
26C4-26C5 26C8 26CE-26CF 26D1 26D3-26D4 26E9-26EA 26F0-26F5 26F7-26FA 26FD 2702 2705 2708-270D 270F 2712 2714 2716
271D 2721 2728 2733-2734 2744 2747 274C 274E 2753-2755 2757 2763-2764 2795-2797 27A1 27B0 27BF 2934-2935 2B05-2B07
2B1B-2B1C 2B50 2B55 3030 303D 3297 3299 1F004 1F02C-1F02F 1F094-1F09F 1F0AF-1F0B0 1F0C0 1F0CF-1F0D0 1F0F6-1F0FF
1F170-1F171 1F17E-1F17F 1F18E 1F191-1F19A 1F1AF-1F1E5 1F201-1F20F 1F21A 1F22F 1F232-1F23A 1F23C-1F23F 1F249-1F25F
1F266-1F321 1F324-1F393 1F396-1F397 1F399-1F39B 1F39E-1F3F0 1F3F3-1F3F5 1F3F7-1F3FA 1F400-1F4FD 1F4FF-1F53D
1F549-1F54E 1F550-1F567 1F56F-1F570 1F573-1F57A 1F587 1F58A-1F58D 1F590 1F595-1F596 1F5A4-1F5A5 1F5A8 1F5B1-1F5B2
1F5BC 1F5C2-1F5C4 1F5D1-1F5D3 1F5DC-1F5DE 1F5E1 1F5E3 1F5E8 1F5EF 1F5F3 1F5FA-1F64F 1F680-1F6C5 1F6CB-1F6D2
1F6D5-1F6E5 1F6E9 1F6EB-1F6F0 1F6F3-1F6FF 1F7DC-1F7F0 1F80C-1F80F 1F848-1F84F 1F85A-1F85F 1F888-1F88F 1F8AE-1F8AF
1F8BC-1F8BF 1F8C2-1F8CF 1F8D9-1F8FF 1F90C-1F93A 1F93C-1F945 1F947-1F9FF 1FA58-1FA5F 1FA6E-1FAFF 1FC00-1FFFD
"""
"""Extended_Pictographic, likewise; it includes what is reserved for emoji to come."""
_BLANK = frozenset("\u2800\ufffc\U00016fe4\U00013441\U00013442\U0001d159")
"""Assigned and visible by their properties, but drawn as blanks: Braille blank, fillers, the null notehead."""
_HIDDEN_CATEGORIES = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs")
_PILE = 4
"""Up to this many combining marks on one letter occur in languages; more paint over the lines around them."""
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_PLAIN = frozenset(map(chr, range(0x20, 0x7F)))
_JOINERS = frozenset("\u200d\ufe0f\U000e007f")


def spelled_out(text: str, keep: str = "") -> str:
    r"""``text`` with everything invisible in it but ``keep`` as ``\x1b``, ``\u034f`` or ``\U000e0041``."""
    signs = set(text).difference(_PLAIN, keep)
    hidden = {sign for sign in signs if is_hidden(sign)}
    marks = {sign for sign in signs - hidden if _is_mark(sign)}
    if not hidden and not marks:
        return text
    names = {ord(sign): escaped(sign) for sign in hidden}
    pile = re.compile(f"[{''.join(sorted(marks))}]+") if marks else None
    if _JOINERS.isdisjoint(hidden):
        return _spelled(text, pile, names)
    made, end = [], 0
    for emoji in _emoji().finditer(text):
        made += [_spelled(text[end : emoji.start()], pile, names), emoji[0]]
        end = emoji.end()
    return "".join([*made, _spelled(text[end:], pile, names)])


def _spelled(text: str, pile: re.Pattern[str] | None, names: dict[int, str]) -> str:
    return (pile.sub(_lone_marks, text) if pile else text).translate(names)


def escaped(sign: str) -> str:
    r"""One character as an escape: ``\n``, ``\x1b``, ``\u202e``, ``\U000e0041``."""
    code = ord(sign)
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return _NAMED.get(sign) or (f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}")


@lru_cache(maxsize=65_536)
def is_hidden(sign: str) -> bool:
    """Whether a character is invisible, or acts on how others are shown, when it stands alone."""
    if " " <= sign <= "~":
        return False
    if unicodedata.category(sign) in _HIDDEN_CATEGORIES:
        return not (unicodedata.category(sign) == "Cn" and _within(sign, _PICTOGRAPHIC))
    return sign in _BLANK or _within(sign, _IGNORABLE)


@lru_cache(maxsize=4_096)
def _is_mark(sign: str) -> bool:
    return unicodedata.category(sign) in ("Mn", "Me")


def _lone_marks(match: re.Match[str]) -> str:
    """A run of marks: those that stand on a letter or a symbol stay, up to a pile."""
    base = match.string[match.start() - 1 : match.start()]
    stands = base.isalnum() or not (base.isascii() or is_hidden(base))
    keep = _PILE if stands else 0
    return match[0][:keep] + "".join(map(escaped, match[0][keep:]))


def _within(sign: str, table: str) -> bool:
    ranges = _ranges(table)
    place = bisect_right(ranges, (ord(sign), sys.maxunicode)) - 1
    return place >= 0 and ord(sign) <= ranges[place][1]


@cache
def _ranges(table: str) -> tuple[tuple[int, int], ...]:
    pairs = (part.partition("-") for part in table.split())
    return tuple((int(first, 16), int(last or first, 16)) for first, _, last in pairs)


@cache
def _emoji() -> re.Pattern[str]:
    """Emoji sequences whose invisible parts do what they are for."""
    picture = "[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _ranges(_PICTOGRAPHIC)) + "]"
    one = f"{picture}(?:\ufe0f|[\U0001f3fb-\U0001f3ff])?"
    flags = "|".join("".join(chr(0xE0000 + ord(sign)) for sign in region) for region in ("gbeng", "gbsct", "gbwls"))
    return re.compile(f"\U0001f3f4(?:{flags})\U000e007f|[0-9#*]\ufe0f\u20e3|{one}(?:\u200d{one})*")
