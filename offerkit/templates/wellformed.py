"""Whether rendered XML is XML: what reads it would otherwise refuse the whole answer for one offer's sake."""

from __future__ import annotations


def xml_trouble(text: str) -> tuple[str, int]:
    """Why ``text`` is no well-formed content of an element, or document with ``<?xml … ?>``; and the line of it.

    Empty when it is. A document type is refused: with it come entities, which may grow without bounds.
    """
    from pyexpat import ErrorString, ExpatError, ParserCreate

    def refuse(*_: object) -> None:
        raise ValueError("a document type (<!DOCTYPE …>)")

    parser = ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = refuse
    whole = text.startswith("<?xml") and text[5:6].isspace()
    try:
        parser.Parse((text if whole else f"<r>{text}</r>").encode(), True)
    except ExpatError as error:
        return f"not well-formed XML: {ErrorString(error.code)}", error.lineno
    except ValueError as error:  # also half a character, which cannot be encoded
        return f"not well-formed XML: {str(error)[:80]}", 0
    return "", 0
