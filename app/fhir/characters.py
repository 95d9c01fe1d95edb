"""The characters that R4 and XHTML allow: no control character but tab and line ends."""

import re

_BARRED = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def is_barred(text: str) -> bool:
    """Whether it holds a character that it must not (R4, string; XML 1.0, Char)."""
    return not text.isprintable() and _BARRED.search(text) is not None


def without_barred(text: str) -> str:
    """The same text without them, for what was taken in before it was looked at."""
    return text if text.isprintable() else _BARRED.sub("", text)
