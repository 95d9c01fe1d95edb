"""Bodies compressed by zstd with trained dictionaries; older dictionaries stay readable.

A frame names the dictionary it was written with, so every body can be read as long as the file
of that dictionary is shipped: files are added and never replaced. ``benchmarks/dictionaries.py``
trains them.
"""

from functools import cache
from pathlib import Path

import zstandard

from app.domain.problem import Problem, Unavailable

FOLDER = Path(__file__).parent / "dictionaries"
LEVEL = 3
TRACE_LEVEL = 6
"""A derivation has one trace, and it is long: 240 bytes less than at 3 for some 80 us more."""
RESOURCES = "resources-2"
"""The file by which resources are written, and whatever has no dictionary of its own."""
DECISIONS = "decisions-2"
"""The file by which the columns of a decision are written: numbers and names, hardly a sentence."""


KEPT_OUT_BY = {"2": "20261129_erasure"}
"""For each generation of dictionaries that is written by, the migration that keeps out releases
which cannot read it: one that is not additive, so that they refuse the database in words. No
release was made between that of the second generation and the dictionaries themselves."""


@cache
def _dictionary(name: str) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict((FOLDER / f"{name}.zdict").read_bytes())


@cache
def _names() -> dict[int, str]:
    """Each shipped file by the id in its head; only those that are asked for stay in memory."""
    files = sorted(FOLDER.glob("*.zdict"))
    return {zstandard.ZstdCompressionDict(f.read_bytes()).dict_id(): f.stem for f in files}


@cache
def _compressor(name: str, level: int) -> zstandard.ZstdCompressor:
    # Its own object: what is worked out beforehand is worked out for one level.
    dictionary = zstandard.ZstdCompressionDict((FOLDER / f"{name}.zdict").read_bytes())
    dictionary.precompute_compress(level=level)
    return zstandard.ZstdCompressor(level=level, dict_data=dictionary)


@cache
def _decompressor(id_: int) -> zstandard.ZstdDecompressor:
    if not id_:
        return zstandard.ZstdDecompressor()
    name = _names().get(id_)
    if name is None:
        raise Unavailable(
            Problem(
                f"It was written with the compression dictionary {id_}, which this release does"
                " not know.",
                mend="Run the release that wrote it, or a later one.",
                code="exception",
            )
        )
    return zstandard.ZstdDecompressor(dict_data=_dictionary(name))


def packed(body: bytes, dictionary: str = RESOURCES, level: int = LEVEL) -> bytes:
    """Compress; the frame carries its length and the id of its dictionary."""
    return _compressor(dictionary, level).compress(body)


def unpacked(stored: bytes) -> bytes:
    """The bytes that went in, whichever shipped dictionary they were written with.

    Unavailable: a later release has written it.
    """
    parameters = zstandard.get_frame_parameters(stored)
    return _decompressor(parameters.dict_id).decompress(stored)
