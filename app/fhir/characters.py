"""The characters that R4 and XHTML allow: no control character but tab and line ends."""

import re

_BARRED = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff\\ufffe\\uffff]")


def is_barred(text: str) -> bool:
    """Whether it holds a character that it must not (R4, string; XML 1.0, Char)."""
    return not text.isprintable() and _BARRED.search(text) is not None


def without_barred(text: str) -> str:
    """The same text without them, for what was taken in before it was looked at."""
    return text if text.isprintable() else _BARRED.sub("", text)
