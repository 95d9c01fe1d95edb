"""A disk and a clock that fail when they are told to, below a process that does not know it."""

import errno
import mmap
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("disk.c")
FULL, READ_ONLY = errno.ENOSPC, errno.EROFS
WORDS = 5
SYNCS, SYNC_TAKES, WRITE_FAILS, CLOCK_BACK, PRETENDS = range(WORDS)


@dataclass(slots=True)
class Disk:
    """The control of tests/faults/disk.c for the files of one folder."""

    library: Path
    control: Path
    folder: Path
    writes: Path
    shared: mmap.mmap

    @staticmethod
    def make(place: Path, folder: Path, *, writes: Path | None = None) -> "Disk":
        """Compile it into ``place``; ``writes``: where alone writes can fail."""
        library, control = place / "disk.so", place / "control"
        command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-lpthread"]
        subprocess.run(command, check=True)
        control.write_bytes(bytes(mmap.PAGESIZE))
        control.chmod(0o666)  # a PostgreSQL runs as somebody else
        with control.open("r+b") as file:
            shared = mmap.mmap(file.fileno(), 0)
        return Disk(library, control, folder.resolve(), (writes or folder).resolve(), shared)

    def environment(self, durable: Path | None = None) -> dict[str, str]:
        """For the process below which it lies; ``durable``: where synced bytes are kept."""
        found = {
            "LD_PRELOAD": str(self.library),
            "FAULTS_CONTROL": str(self.control),
            "FAULTS_FOLDER": str(self.folder),
            "FAULTS_WRITES": str(self.writes),
        }
        return found if durable is None else {**found, "FAULTS_DURABLE": str(durable)}

    def tell(self, word: int, value: int) -> None:
        """From now on, in all its processes."""
        struct.pack_into("=q", self.shared, word * 8, value)

    def work(self) -> None:
        """As any disk and clock do."""
        for word in range(WRITE_FAILS, WORDS):
            self.tell(word, 0)
        self.tell(SYNC_TAKES, 0)

    def syncs(self) -> int:
        """How many files were made durable so far."""
        return int(struct.unpack_from("=q", self.shared, SYNCS * 8)[0])


def cut_power(folder: Path, durable: Path) -> None:
    """Of every file there is what was synced, and no more. Nobody has it open."""
    for file in folder.iterdir():
        if file.is_file():
            file.unlink()
    for file in durable.iterdir():
        file.replace(folder / file.name)
