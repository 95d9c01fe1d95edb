"""The escapes of search values: a backslash takes the meaning from ``,``, ``|`` and ``$``."""


def parts(text: str, by: str) -> list[str]:
    r"""Split where the separator is not escaped; the escapes stay.

    >>> parts(r"a\,b,c", ",")
    ['a\\,b', 'c']
    """
    found, start, place = [], 0, 0
    while place < len(text):
        if text[place] == "\\":
            place += 2
            continue
        if text[place] == by:
            found.append(text[start:place])
            start = place + 1
        place += 1
    found.append(text[start:])
    return found


def unescaped(text: str) -> str:
    r"""Without the backslashes that escape something.

    >>> unescaped(r"a\,b\\c")
    'a,b\\c'
    """
    plain, place = [], 0
    while place < len(text):
        if text[place] == "\\" and text[place + 1 : place + 2] in ("\\", ",", "|", "$"):
            place += 1
        plain.append(text[place])
        place += 1
    return "".join(plain)
