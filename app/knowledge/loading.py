"""Load the clinical content: read, compile, check; a fault stops the service from starting."""

from collections.abc import Mapping
from pathlib import Path

from app.domain.content import Content
from app.knowledge.checks import faults
from app.knowledge.compiling import compile_content
from app.knowledge.errors import ContentError
from app.knowledge.files import FOLDER, read_folder
from app.knowledge.source import read
from app.knowledge.terminology import with_terminology


def load(folder: Path = FOLDER) -> Content:
    """The content of a folder (by default ours). Raises ContentError with every fault."""
    return load_from(read_folder(folder))


def load_from(files: Mapping[str, str], terminology: Mapping[str, str] | None = None) -> Content:
    """The content of files given as text: how an older version is read for a replay.

    ``terminology`` are the deployer's own files (``terminology.py``).
    """
    source = read(files)
    if source.faults:
        raise ContentError(source.faults)
    content = compile_content(source, files)
    found = [*source.faults, *faults(source, content)]
    if found:
        raise ContentError(found)
    return with_terminology(content, terminology or {})
