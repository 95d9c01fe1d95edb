"""Text as GitHub markdown: what comes from outside can neither mark up, link nor smuggle HTML."""

import re

_SPECIAL = re.compile(r"([\\`*_\[\]#|<>&~@]|:(?=//))")
_HOST = re.compile(r"\b(www)\.", re.IGNORECASE)


def escaped(text: str) -> str:
    """One line that reads as the text itself; a bare address is no link either."""
    return _HOST.sub(r"\1\\.", _SPECIAL.sub(r"\\\1", _line(text)))


def plain(text: str, at_most: int) -> str:
    """One line of plain text, cut with an ellipsis."""
    line = _line(text)
    return line if len(line) <= at_most else f"{line[: at_most - 1]}\u2026"


def _line(text: str) -> str:
    """One line of what can be printed, one blank for any white space."""
    if not text.isprintable():  # nearly all is: no look at each character
        text = "".join(c for c in text if c.isprintable() or c.isspace())
    return " ".join(text.split())
