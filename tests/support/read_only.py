"""Folders that can only be read from a moment on, under processes that have files open in them."""

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

AS_OTHERS = ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override")
"""Runs a command for which permissions hold, though it is root's."""


@dataclass(frozen=True)
class Lock:
    """A way to make a folder read-only, and writable again."""

    name: str
    shut: Callable[[Path], None]
    open: Callable[[Path], None]
    under: Sequence[str] = ()
    """The command a process has to be run by for it to hold."""


def _change(*command: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        run(*command, str(folder))

    return change


def _immutable(sign: str) -> Callable[[Path], None]:
    """All but what SQLite maps into memory: a write there would end its process (SIGBUS), as no read-only disk does."""

    def change(folder: Path) -> None:
        run("chattr", sign, *(str(path) for path in [folder, *folder.rglob("*")] if _can_be_frozen(path)))

    return change


def _can_be_frozen(path: Path) -> bool:
    return not path.name.endswith("-shm") and (path.is_dir() or path.is_file()) and not path.is_symlink()


LOCKS = (
    Lock(
        "permissions",
        _change("chmod", "-R", "a-w"),
        _change("chmod", "-R", "u+w"),
        AS_OTHERS if not os.getuid() else (),
    ),
    Lock("immutable", _immutable("+i"), _immutable("-i")),
)


@contextmanager
def lockable(lock: Lock, folder: Path) -> Iterator[Callable[[], None]]:
    """Skips the test where this way is not open to us; the folder is writable again at the end, whatever happens."""
    trial = folder / "trial"
    trial.mkdir()
    try:
        run(*lock.under, "true")
        lock.shut(trial)
        lock.open(trial)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"folders cannot be made read-only by {lock.name} here: {error}")
    trial.rmdir()
    try:
        yield lambda: lock.open(folder)
    finally:
        lock.open(folder)


@dataclass(frozen=True)
class FailingDisk:
    """A disk whose file system turns read-only over an error, as the kernel has it; only a repair makes it writable."""

    image: Path
    place: Path

    def fail(self) -> None:
        device = Path(run("findmnt", "-no", "SOURCE", str(self.place)).strip()).name
        Path("/sys/fs/ext4", device, "trigger_fs_error").write_text("1", encoding="ascii")

    def repair(self) -> None:
        """Nobody may have a file open on it."""
        run("umount", str(self.place))
        subprocess.run(["e2fsck", "-fy", str(self.image)], check=False, capture_output=True)  # 1: it was repaired
        self.mount()

    def mount(self) -> None:
        run("mount", "-o", "loop,errors=remount-ro", str(self.image), str(self.place))


@contextmanager
def failing_disk(folder: Path, megabytes: int) -> Iterator[FailingDisk]:
    """Mounted while the context lasts. Skips the test where that is not possible."""
    disk = FailingDisk(folder / "image", folder / "disk")
    disk.place.mkdir()
    with disk.image.open("wb") as image:
        image.truncate(megabytes * 1024 * 1024)
    try:
        run("mkfs.ext4", "-q", "-F", str(disk.image))
        disk.mount()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a file system that fails needs ext4 and the right to mount an image: {error}")
    try:
        yield disk
    finally:
        run("umount", "--lazy", str(disk.place))


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
