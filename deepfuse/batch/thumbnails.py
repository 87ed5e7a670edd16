"""Small pictures beside the records, for pages that show what a batch made: browsers show no TIFF."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from deepfuse.batch.record import FOLDER
from deepfuse.errors import PhotoError
from deepfuse.files import replacing
from deepfuse.job.fuse import Fused
from deepfuse.job.thumbnail import small_jpeg, thumbnail
from deepfuse.resident import Resident, ResidentError

BELOW = f"{FOLDER}/thumbnails"
_MEMORY_GB, _SECONDS = 8.0, 60.0  # of one picture that is read again


def thumbnail_file(out: Path, scene: str) -> Path:
    """Where the small picture of a set lies."""
    return out / BELOW / f"{scene}.jpg"


def keep_thumbnail(out: Path, scene: str, fused: Fused) -> None:
    """Write that of a picture that is at hand; one that cannot be written is no matter of the picture."""
    with suppress(OSError):
        _write(thumbnail_file(out, scene), small_jpeg(fused.pixels, fused.embedded.icc))


def renew_thumbnails(out: Path, pictures: Iterable[tuple[str, Path]]) -> None:
    """Write those that are missing, or older than their picture; what cannot be read has none.

    Args:
        out: the folder of a batch.
        pictures: the ids of sets, and their pictures.
    """
    old = [
        (thumbnail_file(out, scene), path) for scene, path in pictures if _outdated(thumbnail_file(out, scene), path)
    ]
    if not old:
        return
    with closing(Resident(memory_gb=_MEMORY_GB, seconds=_SECONDS)) as process:
        for target, path in old:
            target.unlink(missing_ok=True)
            with suppress(PhotoError, ResidentError, OSError, MemoryError):
                _write(target, process.ask(thumbnail, path))


def _outdated(target: Path, picture: Path) -> bool:
    return not target.is_file() or target.stat().st_mtime_ns < picture.stat().st_mtime_ns


def _write(target: Path, jpeg: bytes) -> None:
    target.parent.mkdir(exist_ok=True)
    with replacing(target) as temporary:
        temporary.write_bytes(jpeg)
