"""Photo files looked at in a process of its own: one that crashes, hangs or swells its decoder costs itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from deepfuse.bracket import printable
from deepfuse.errors import PhotoError
from deepfuse.photo.capture import Capture, read_capture
from deepfuse.photo.limits import DEFAULT_LIMITS, Limits
from deepfuse.photo.preview import Preview, read_preview
from deepfuse.photo.reading import read_photo
from deepfuse.resident import Resident, ResidentError

MEMORY_GB = 8.0  # a TIFF of 250 megapixels, the most that is read, takes 6.2 as 16 bits on its way to a preview
SECONDS = 60.0  # of one look: the same takes 8


T = TypeVar("T")


class Asked(Protocol):
    """A worker, or what stands for one."""

    def ask(self, work: Callable[..., T], *args: object) -> T:
        """What `work(*args)` returns or raises."""
        ...


class ThisProcess:
    """In the place of a worker where the process is one already: another costs a third of a processor second."""

    def ask(self, work: Callable[..., T], *args: object) -> T:
        """What `work(*args)` returns or raises, here."""
        return work(*args)


class Onlooker:
    """Looks at one photo file after the other.

    Raises:
        PhotoError: from each of its methods, where the file cannot be read, be it because that ended the process.
    """

    def __init__(self, worker: Asked, limits: Limits) -> None:
        self._worker = worker
        self._limits = limits

    def capture(self, path: Path) -> Capture:
        """How a photo was taken, as `read_capture` says."""
        with _blaming(path):
            return self._worker.ask(_capture, path, self._limits)

    def preview(self, path: Path, side_px: int) -> Preview:
        """A small picture of it, as `read_preview` makes."""
        with _blaming(path):
            return self._worker.ask(_preview, path, side_px, self._limits)

    def decode(self, path: Path) -> None:
        """Nothing: whether a photo can be decoded whole."""
        with _blaming(path):
            self._worker.ask(_decode, path, self._limits)


@contextmanager
def onlooker(
    limits: Limits = DEFAULT_LIMITS, *, seconds: float = SECONDS, memory_gb: float = MEMORY_GB
) -> Iterator[Onlooker]:
    """The process for as long as it is needed; each look may take so many seconds, and so many 10⁹ bytes."""
    worker = Resident(memory_gb=memory_gb, seconds=seconds)
    try:
        yield Onlooker(worker, limits)
    finally:
        worker.close()


def _capture(path: Path, limits: Limits) -> Capture:
    return read_capture(path, limits=limits)


def _preview(path: Path, side_px: int, limits: Limits) -> Preview:
    return read_preview(path, side_px, limits=limits)


def _decode(path: Path, limits: Limits) -> None:
    read_photo(path, limits=limits)


@contextmanager
def _blaming(path: Path) -> Iterator[None]:
    """Whatever goes wrong with a file is its own: the others go on."""
    try:
        yield
    except (PhotoError, MemoryError):
        raise
    except ResidentError as error:
        raise PhotoError(f"{printable(str(path))}: {error}") from error
    except Exception as error:
        raise PhotoError(f"{printable(str(path))}: cannot be read: {type(error).__name__}: {error}") from error
