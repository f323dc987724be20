"""Two texts that look the same and are not, and hosts that are not what they look like.

Alike are texts that differ in nothing but invisible characters and kinds of space, in how their letters are composed
(NFC, NFKC), or in characters that Unicode lists as confusable (UTS #39): ``a`` and the Cyrillic ``а``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple

from offerkit.reports.invisible import escaped, is_hidden, spelled_out

_HOST = re.compile(
    r"(?:[/\\]{2}(?:[^\s/\\?#\"'<>@]*@)?|(?<=[\w.+-]@)|\b(?=www\.))"
    r"([^\s/\\?#:@\"'<>()\[\]{},;|&]+)",
    re.IGNORECASE,
)
"""A host in a URL, behind an e-mail address's sign, or one that begins with www."""
_HOST_LENGTH = 253
_MOST_HOSTS = 50
"""Hosts of one text that are looked at."""
_MOST_NAMED = 3
"""Differences named for one text, and code points in each."""
_LONGEST = 20_000
"""Longer stretches that differ are not searched for look-alikes."""
_EFFORT = 40_000
"""Above this product of word counts, words are not compared one by one."""
_WORDS = re.compile(r"[^ ]+| +")
_ASCII_ALIKE = str.maketrans("I1|0", "lllO")


class Pair(NamedTuple):
    """Two texts to be shown, what looks alike in them spelled out; ``note`` names the code points, or is empty."""

    before: str
    after: str
    note: str = ""


class _Spot(NamedTuple):
    """Slices of two texts that look the same and are not."""

    start: int
    stop: int
    other_start: int
    other_stop: int


def told_apart(before: str, after: str) -> Pair:
    """The texts of a change, so that a reader sees where they differ."""
    if before == after:
        return Pair(before, after)
    if "\\" in before + after and spelled_out(before) == spelled_out(after):
        before, after = (text.replace("\\", "\\\\") for text in (before, after))
        return Pair(before, after, "a backslash that is part of the text is doubled here")
    looks_different = before.isascii() and after.isascii() and not _ascii_alike(before, after)
    spots = [] if looks_different else _spots(before, after)
    if not spots:
        return Pair(before, after)
    differences = [f"{_names(before[a:b])} → {_names(after[c:d])}" for a, b, c, d in spots]
    distinct = list(dict.fromkeys(differences))
    more = f" and {len(distinct) - _MOST_NAMED:,} more" if len(distinct) > _MOST_NAMED else ""
    return Pair(
        _marked(before, [(spot.start, spot.stop) for spot in spots]),
        _marked(after, [(spot.other_start, spot.other_stop) for spot in spots]),
        "; ".join(distinct[:_MOST_NAMED]) + more,
    )


def skeleton(text: str) -> str:
    """What two texts have in common when they look the same (UTS #39, and blanks taken together)."""
    return "".join(shape for _, shape in _clusters(text))


def hosts(text: str) -> list[str]:
    """``трavel.example is xn--…`` for each host in ``text`` that has another form; mostly none."""
    if text.isascii() and "xn--" not in text.lower() and "%" not in text:
        return []
    hosts_found = list(dict.fromkeys(_HOST.findall(text)))
    notes = list(filter(None, map(_other_form, hosts_found[:_MOST_HOSTS])))
    return notes + ([f"{len(hosts_found) - _MOST_HOSTS:,} more hosts"] if len(hosts_found) > _MOST_HOSTS else [])


def host_note(text: str) -> str:
    """:func:`hosts` to be written behind the text; mostly empty."""
    notes = hosts(text)
    return f" ({', '.join(notes)})" if notes else ""


def _other_form(host: str) -> str:
    """A host in Unicode as the name service is asked for it, and the other way round; empty for any other."""
    from urllib.parse import unquote

    host = unquote(host).rstrip(".")
    coded = host.isascii() and "xn--" in host.lower()
    if not 0 < len(host) <= _HOST_LENGTH or (host.isascii() and not coded):
        return ""
    import idna

    try:
        return f"{host} is {idna.decode(host) if coded else idna.encode(host, uts46=True).decode()}"
    except UnicodeError:  # what idna raises is one
        shown = "".join(sign if sign.isascii() else escaped(sign) for sign in host)
        return f"{shown} is not a valid host"


def _ascii_alike(before: str, after: str) -> bool:
    """Whether two ASCII texts differ in nothing but blanks, controls, and letters such as ``l`` and ``I``."""
    return _ascii_shape(before) == _ascii_shape(after)


def _ascii_shape(text: str) -> str:
    return " ".join(text.split()).translate(_ASCII_ALIKE).replace("rn", "m").replace("vv", "w")


def _spots(before: str, after: str) -> list[_Spot]:
    """Where look-alikes stand: in the whole text, or else in single words that stand for each other."""
    head = _shared(before, after)
    while head and not before[head - 1].isalnum():  # a mark belongs to its letter, a blank to the blanks around it
        head -= 1
    head = max(0, head - 1)
    tail = _shared(before[head:][::-1], after[head:][::-1])
    while tail and not before[len(before) - tail].isalnum():
        tail -= 1
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    if max(len(old), len(new)) > _LONGEST:
        return []
    return [_Spot(a + head, b + head, c + head, d + head) for a, b, c, d in _within(old, new) or _by_word(old, new)]


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def _by_word(before: str, after: str) -> list[_Spot]:
    from difflib import SequenceMatcher

    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if len(old) == len(new):
        pairs = [(index, index) for index in range(len(old))]
    elif len(old) * len(new) > _EFFORT:
        return []
    else:
        codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        replaced = [(range(a, b), range(c, d)) for tag, a, b, c, d in codes if tag == "replace"]
        pairs = [pair for some, others in replaced for pair in zip(some, others, strict=False)]
    starts, new_starts = ([0, *accumulate(map(len, words))] for words in (old, new))
    return [
        _Spot(a + starts[i], b + starts[i], c + new_starts[j], d + new_starts[j])
        for i, j in pairs
        if old[i] != new[j]
        for a, b, c, d in _within(old[i], new[j])
    ]


def _within(before: str, after: str) -> list[_Spot]:
    """Where two texts that look the same differ; nothing when they do not look the same."""
    old, new = _clusters(before), _clusters(after)
    if "".join(shape for _, shape in old) != "".join(shape for _, shape in new):
        return []
    offsets, other_offsets = _places(old), _places(new)
    shared_shapes = [shape for shape in offsets if shape in other_offsets]
    spots = []
    for shape, following in pairwise([*shared_shapes, -1]):
        start, other = offsets[shape], other_offsets[shape]
        stop, other_stop = offsets.get(following, len(before)), other_offsets.get(following, len(after))
        if before[start:stop] != after[other:other_stop]:
            spots.append(_trimmed(before, after, _Spot(start, stop, other, other_stop)))
    return spots


def _trimmed(before: str, after: str, spot: _Spot) -> _Spot:
    start, stop, other, other_stop = spot
    head = _shared(before[start:stop], after[other:other_stop])
    tail = _shared(before[start + head : stop][::-1], after[other + head : other_stop][::-1])
    return _Spot(start + head, stop - tail, other + head, other_stop - tail)


def _places(clusters: Sequence[tuple[str, str]]) -> dict[int, int]:
    """Where in the text each place of its skeleton begins."""
    offsets: dict[int, int] = {}
    offset = shape_length = 0
    for text, shape in clusters:
        offsets.setdefault(shape_length, offset)
        offset, shape_length = offset + len(text), shape_length + len(shape)
    offsets.setdefault(shape_length, offset)
    return offsets


def _clusters(text: str) -> list[tuple[str, str]]:
    """Letters with their marks, and the shape of each: nothing for what is invisible, one blank for many."""
    clusters: list[tuple[str, str]] = []
    blank = False
    for cluster in re.findall(r"(?s).[\u0300-\u036f]*", text):
        shape = " " if cluster.isspace() else _shape(cluster)
        if shape:
            clusters.append((cluster, "" if blank and shape == " " else shape))
            blank = shape == " "
        else:
            clusters.append((cluster, ""))
    return clusters


@lru_cache(maxsize=4_096)
def _shape(cluster: str) -> str:
    visible_signs = "".join(sign for sign in cluster if sign in " " or not is_hidden(sign) or sign.isspace())
    if visible_signs.isascii() and visible_signs.isalpha() and visible_signs not in "Im":
        return visible_signs
    for form in ("NFC", "NFD", "NFD"):  # a letter with its mark may be listed, and what another comes to as well
        visible_signs = "".join(map(_prototype, unicodedata.normalize(form, visible_signs)))
    return unicodedata.normalize("NFD", visible_signs)


@lru_cache(maxsize=4_096)
def _prototype(sign: str) -> str:
    """What Unicode maps a confusable character to; the character itself where it lists none."""
    prototypes = _confusables().get(sign, ())
    if not prototypes:
        return unicodedata.normalize("NFKD", sign)
    if len(prototypes) > 1:  # others are confused with it
        return sign
    only = prototypes[0]
    return only if len(_confusables().get(only, ())) != 1 else min(sign, only)


@cache
def _confusables() -> Mapping[str, Sequence[str]]:
    from confusable_homoglyphs.confusables import confusables_data

    # The source puts what is written from the right between marks of direction.
    return {
        sign.strip("\u200e"): [other["c"].replace("\u200e", "") for other in others]
        for sign, others in confusables_data.items()
    }


def _names(text: str) -> str:
    """The code points of ``text`` with their names."""
    if not text:
        return "nothing"
    named = [f"U+{ord(sign):04X} {unicodedata.name(sign, '')}".rstrip() for sign in text[:_MOST_NAMED]]
    return " + ".join(named) + (" …" if len(text) > _MOST_NAMED else "")


def _marked(text: str, slices: Sequence[tuple[int, int]]) -> str:
    """``text`` with what is not ASCII, and every blank and control, in those slices as escapes."""
    parts, end = [], 0
    for start, stop in slices:
        parts.append(text[end:start])
        parts += [escaped(sign) if not "!" <= sign <= "~" else sign for sign in text[start:stop]]
        end = stop
    return "".join([*parts, text[end:]])
