"""Bodies compressed by zstd with a trained dictionary; older dictionaries stay readable.

A frame names the dictionary it was written with, so every body can be read as long as the file
of that dictionary is shipped: files are added and never replaced.
"""

from functools import cache
from pathlib import Path

import zstandard

FOLDER = Path(__file__).parent / "dictionaries"
LEVEL = 3


@cache
def _dictionaries() -> dict[int, zstandard.ZstdCompressionDict]:
    found = (zstandard.ZstdCompressionDict(f.read_bytes()) for f in sorted(FOLDER.glob("*.zdict")))
    return {dictionary.dict_id(): dictionary for dictionary in found}


@cache
def _compressor() -> zstandard.ZstdCompressor:
    files = sorted(FOLDER.glob("*.zdict"))
    newest = zstandard.ZstdCompressionDict(files[-1].read_bytes()) if files else None
    if newest is None:
        return zstandard.ZstdCompressor(level=LEVEL)
    newest.precompute_compress(level=LEVEL)
    return zstandard.ZstdCompressor(level=LEVEL, dict_data=newest)


@cache
def _decompressor(dictionary: int) -> zstandard.ZstdDecompressor:
    if not dictionary:
        return zstandard.ZstdDecompressor()
    return zstandard.ZstdDecompressor(dict_data=_dictionaries()[dictionary])


def packed(body: bytes) -> bytes:
    """Compress; the frame carries its length and the id of its dictionary."""
    return _compressor().compress(body)


def unpacked(stored: bytes) -> bytes:
    """The bytes that went in."""
    parameters = zstandard.get_frame_parameters(stored)
    return _decompressor(parameters.dict_id).decompress(stored)
