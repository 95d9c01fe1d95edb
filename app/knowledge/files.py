"""The content files as text, from the packaged folder or from an archive of an older version."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "content"
KINDS = (".toml", ".csv")


def read_folder(folder: Path = FOLDER) -> dict[str, str]:
    """Every content file, by its path below the folder."""
    return {
        file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8")
        for file in sorted(folder.rglob("*"))
        if file.suffix in KINDS
    }


def digest(files: Mapping[str, str]) -> str:
    """``sha256:`` over names and texts in the order of their names, each with its length."""
    sum_ = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name].encode()):
            sum_.update(f"{len(part)}:".encode())
            sum_.update(part)
    return f"sha256:{sum_.hexdigest()}"
