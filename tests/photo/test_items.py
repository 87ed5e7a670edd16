"""HEIC files that are cut, or have holes, behind their header: libheif would show grey for what is missing."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from support.bad_files import PICTURE, heic, patched

from deepfuse.errors import PhotoError
from deepfuse.photo import read_header, read_photo
from deepfuse.photo.items import check_items
from deepfuse.photo.preview import read_preview

EVERY_PATH: tuple[Callable[[Path], object], ...] = (read_header, read_photo, lambda path: read_preview(path, 96))
WHOLE = heic(np.tile(PICTURE, (4, 4, 1)))
CODED = WHOLE.index(b"mdat") + 4
DAMAGED = {
    "cut in the middle": (WHOLE[: (CODED + len(WHOLE)) // 2], "bytes or more, got"),
    "cut by a byte": (WHOLE[:-1], "bytes or more, got"),
    "a hole": (patched(WHOLE, CODED + 3000, bytes(64)), "coded as HEVC, got other bytes"),
    "zeros to the end": (WHOLE[: CODED + 3000] + bytes(len(WHOLE) - CODED - 3000), "coded as HEVC, got other bytes"),
    "a length that is none": (patched(WHOLE, CODED, b"\xff\xff\xff\xff"), "coded as HEVC, got other bytes"),
    "cut in its boxes": (WHOLE[:200], "expected whole boxes|HEIF file"),
}


@pytest.mark.parametrize("read", EVERY_PATH)
@pytest.mark.parametrize("name", DAMAGED)
def test_a_heic_with_a_hole_is_refused(tmp_path: Path, name: str, read: Callable[[Path], object]) -> None:
    data, message = DAMAGED[name]
    (tmp_path / "a.heic").write_bytes(data)
    with pytest.raises(PhotoError, match=rf"a\.heic: cannot be decoded: .*({message})"):
        read(tmp_path / "a.heic")


def test_a_whole_one_is_read(tmp_path: Path) -> None:
    for name, options in (("a", {}), ("b", {"quality": 100}), ("c", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"})):
        (tmp_path / f"{name}.heic").write_bytes(heic(PICTURE, **options))
        assert read_photo(tmp_path / f"{name}.heic").shape == PICTURE.shape


@pytest.mark.parametrize("seed", range(50))
def test_any_damage_of_the_boxes_ends_in_an_error_or_passes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = np.frombuffer(WHOLE[:CODED], np.uint8).copy()
    for at in rng.integers(0, len(data), 8):
        data[at] = rng.integers(256)
    with suppress(ValueError):
        assert check_items(io.BytesIO(data.tobytes() + WHOLE[CODED:])) is None
