"""The files of a run, each beside the decisions, and that none of them is what it reads."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.domain.problem import Problem, Refused


@dataclass(frozen=True, slots=True)
class Files:
    """What a run writes, by the name of the file of decisions."""

    decisions: Path

    @property
    def rejects(self) -> Path:
        """The lines that could not be decided about: number, offset and why, never the line."""
        return self._beside(".rejects")

    @property
    def state(self) -> Path:
        """Where the run has come to; gone when it is complete."""
        return self._beside(".progress")

    @property
    def bundles(self) -> Path:
        """A folder joined by patient; gone when the run is complete."""
        return self._beside(".bundles")

    @property
    def summary(self) -> Path:
        """The numbers."""
        return self._beside(".summary.json")

    @property
    def drawing(self) -> Path:
        """The same as bars."""
        return self._beside(".svg")

    def of_run(self) -> tuple[Path, ...]:
        """What deciding writes."""
        return (self.decisions, self.rejects, self.state, new(self.state))

    def all(self) -> tuple[Path, ...]:
        """And what is made before it and after it."""
        around = (self.bundles, new(self.bundles), self.summary, self.drawing)
        return (*self.of_run(), *around)

    def _beside(self, ending: str) -> Path:
        return self.decisions.with_name(self.decisions.name + ending)


def new(path: Path) -> Path:
    """Where a file is written before it takes its place in one step."""
    return path.with_name(path.name + ".new")


def must_differ(sources: Iterable[Path], targets: Iterable[Path]) -> None:
    """Refused where what is decided would be written over what it is decided about."""
    written = [path for path in targets if path.exists()]
    for source in sources:
        for path in written:
            if source.samefile(path):
                raise Refused(
                    Problem(
                        f"{path} is the input itself.",
                        mend="Name another file for the decisions.",
                        code="conflict",
                    )
                )


def must_lie_elsewhere(folder: Path, files: Files) -> None:
    """Refused where the next run would take the decisions of this one for a file of patients."""
    if files.decisions.parent.resolve() == folder.resolve():
        raise Refused(
            Problem(
                f"{files.decisions} lies among the input.",
                mend="Name a file outside that folder for the decisions.",
                code="conflict",
            )
        )


def must_be_a_file(source: Path) -> None:
    """Refused for a pipe: processes read it from several places, and a run may go on later."""
    if not source.is_file():
        raise Refused(
            Problem(
                f"{source} is no file that can be read from any place.",
                mend="Write what a pipe brings into a file first.",
                code="not-supported",
            )
        )
