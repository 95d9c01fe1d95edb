"""A content version as files: of a folder, or of a revision of this repository (``rev:HEAD~1``)."""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

from app.domain.content import Content
from app.domain.problem import NotFound, Problem, Refused
from app.knowledge.errors import ContentError
from app.knowledge.files import KINDS, read_folder
from app.knowledge.loading import load_from

REVISION = "rev:"
CONTENT = "app/knowledge/content"


def version(named: str, root: Path) -> Content:
    """Load it. Raises Refused or NotFound with every fault when it cannot be loaded."""
    files = _of_revision(named.removeprefix(REVISION), root) if _is_revision(named) else None
    if files is None:
        folder = Path(named)
        if not folder.is_dir():
            raise NotFound(Problem(f"{named} is no folder.", mend="Or did you mean rev:HEAD~1?"))
        files = _of_folder(folder)
    try:
        return load_from(files)
    except ContentError as error:
        raise Refused(*(Problem(str(fault), where=named) for fault in error.faults)) from error


def _of_folder(folder: Path) -> dict[str, str]:
    try:
        return read_folder(folder)
    except UnicodeDecodeError as error:
        raise Refused(Problem(f"A file of {folder} is not UTF-8: {error}")) from error


def _is_revision(named: str) -> bool:
    return named.startswith(REVISION)


def _of_revision(revision: str, root: Path) -> dict[str, str]:
    """The content files as git keeps them; nothing is checked out."""
    git = shutil.which("git")
    if git is None:
        raise NotFound(Problem("git is not there, so no revision can be read."))
    done = subprocess.run(  # noqa: S603  (git, with a revision that a person typed)
        [git, "-C", str(root), "archive", "--end-of-options", f"{revision}:{CONTENT}"],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise NotFound(Problem(f"git does not know {CONTENT} at {revision}: {said}"))
    files = {}
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        for member in archive.getmembers():
            kept = archive.extractfile(member)
            if kept is not None and member.name.endswith(KINDS):
                files[member.name] = kept.read().decode("utf-8")
    return files
