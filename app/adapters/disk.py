"""How much a disk still takes, asked before something is written and when the service says how it is."""

import errno
import os
from pathlib import Path
from tempfile import TemporaryFile

from app.domain.errors import StorageFullError, UnavailableError

MEGABYTE = 1024 * 1024
READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
"""What a read-only disk, permissions, and a file that nobody may change say to who writes."""


def check_room(folder: Path | str, need: int) -> None:
    """Raises `StorageFullError` when so many bytes are not free, `UnavailableError` when nothing can be written at all."""
    place = _existing(Path(folder))
    try:
        TemporaryFile(dir=place).close()  # a disk that turned read-only over an error says so to nobody who only asks
    except OSError as error:
        if error.errno not in READ_ONLY:
            raise
        raise UnavailableError(f"The folder {place} can only be read; make it writable.") from error
    found = os.statvfs(place)
    free = found.f_bavail * found.f_frsize
    if free < need:
        raise StorageFullError(
            f"The disk of {place} is full: {free // MEGABYTE} MB are free, {-(-need // MEGABYTE)} MB are needed; "
            "make room, and everything goes on."
        )


def make_lasting(path: str) -> None:
    """Returns when the file or folder is on its disk as it is now, whatever happens to the machine from then on."""
    place = os.open(path, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def explained(error: OSError, what: str, hint: str) -> UnavailableError:
    """What an error of the operating system means for the service; `what` failed, `hint` says what to look at."""
    if error.errno in StorageFullError.ERRNOS:
        return StorageFullError(f"{what}: the disk is full; make room, and everything goes on.")
    if error.errno == errno.EROFS:
        return UnavailableError(f"{what}: the disk can only be read; make it writable.")
    if error.errno in READ_ONLY:
        return UnavailableError(f"{what}: this user may not; make it writable.")
    return UnavailableError(f"{what} ({error}); {hint}.")


def _existing(place: Path) -> Path:
    """The folder, or the nearest one above it that is there: where it would be made."""
    while not place.exists() and place != place.parent:
        place = place.parent
    return place
