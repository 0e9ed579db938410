"""A small disk of its own: a tmpfs that a test fills up, or makes read-only."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHUNK = bytes(64 * 1024)


class Disk:
    def __init__(self, place: Path) -> None:
        self.place = place
        self._filler = place / "filler"

    def fill(self, leave: int = 0) -> None:
        """Writes until there is no room, then gives so many bytes back."""
        with self._filler.open("ab", buffering=0) as filler:
            try:
                while filler.write(CHUNK):
                    pass
            except OSError:  # it is full: what was wanted
                filler.truncate(filler.tell() - leave)

    def make_room(self) -> None:
        self._filler.unlink()

    def make_read_only(self) -> None:
        _run("mount", "-o", "remount,ro", str(self.place))

    def make_writable(self) -> None:
        _run("mount", "-o", "remount,rw", str(self.place))


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Disk]:
    """Mounted while the context lasts. Skips the test where this user may not mount."""
    place.mkdir()
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a disk of its own needs the right to mount: {error}")
    try:
        yield Disk(place)
    finally:
        _run("umount", "--lazy", str(place))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
