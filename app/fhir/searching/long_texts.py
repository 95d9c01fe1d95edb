"""A value that is too long for the key of an index is kept as its beginning and its digest.

PostgreSQL takes keys of some 2,700 bytes: two texts of 256 characters, of four bytes each at most,
fit in beside the ids.
"""

import hashlib

LONGEST = 256
BEGINNING = LONGEST - 2 * hashlib.sha256().digest_size


def as_kept(text: str) -> str:
    """The same for what is stored and for what is asked for.

    >>> as_kept("short"), len(as_kept("long" * 100))
    ('short', 256)
    """
    if len(text) <= LONGEST:
        return text
    return text[:BEGINNING] + hashlib.sha256(text.encode()).hexdigest()
