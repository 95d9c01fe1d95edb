"""Three-valued truth (Kleene): true, false, and unknown, which is a value and not a no."""

from enum import Enum
from typing import NoReturn


class Truth(Enum):
    """What we hold about one statement. It refuses to be a bool: say which value you mean."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"

    def __init__(self, word: str) -> None:
        self.letter = word[0].upper()

    def __bool__(self) -> NoReturn:
        message = "a Truth has three values: compare it with Truth.TRUE, FALSE or UNKNOWN"
        raise TypeError(message)

    @staticmethod
    def of(value: bool) -> "Truth":  # noqa: FBT001  (the one place where a known bool becomes a Truth)
        """Lift what is known."""
        return Truth.TRUE if value else Truth.FALSE


# By these names: looking a member up in its Enum costs several times as much.
TRUE, FALSE, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN
