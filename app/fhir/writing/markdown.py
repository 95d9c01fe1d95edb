"""Text as GitHub markdown: what comes from outside can neither mark up, link nor smuggle HTML."""

import re

_SPECIAL = re.compile(r"([\\`*_\[\]#|<>&~@]|:(?=//))")
_SPACES = re.compile(r"\s+")
_HOST = re.compile(r"\b(www)\.", re.IGNORECASE)


def escaped(text: str) -> str:
    """One line that reads as the text itself; a bare address is no link either."""
    line = _SPACES.sub(" ", "".join(c for c in text if c.isprintable() or c.isspace())).strip()
    return _HOST.sub(r"\1\\.", _SPECIAL.sub(r"\\\1", line))


def plain(text: str, at_most: int) -> str:
    """One line of plain text, cut with an ellipsis."""
    line = _SPACES.sub(" ", "".join(c for c in text if c.isprintable() or c.isspace())).strip()
    return line if len(line) <= at_most else f"{line[: at_most - 1]}\u2026"
