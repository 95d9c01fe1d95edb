"""Train a compression dictionary on a database: ``python -m app.sql.train_dictionary``.

Give it a SQLite file full of derivations and the number of the new dictionary. Old dictionaries
stay: bodies written with them must be readable for ever.
"""

import sqlite3
import sys
from pathlib import Path

import zstandard

from app.sql.bodies import FOLDER, LEVEL, unpacked

SIZE = 64 * 1024
SAMPLES = 3000
Samples = bytes | bytearray | memoryview


def train(database: Path) -> bytes:
    """A dictionary of 64 KB from resource bodies and the columns of decisions."""
    connection = sqlite3.connect(database)
    bodies = connection.execute("SELECT body FROM resource_version LIMIT ?", (SAMPLES,)).fetchall()
    for column in ("parameters", "trace", "inputs", "outputs"):
        sql = f"SELECT {column} FROM decision LIMIT ?"  # noqa: S608  (names of our own)
        bodies += connection.execute(sql, (SAMPLES // 10,)).fetchall()
    samples: list[Samples] = [unpacked(body) for (body,) in bodies]
    return zstandard.train_dictionary(SIZE, samples, level=LEVEL).as_bytes()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"v{int(sys.argv[2])}.zdict").write_bytes(train(Path(sys.argv[1])))
