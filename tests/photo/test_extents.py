"""RAW files whose directories name pixels that are not there are refused on each path; LibRaw would fill them in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.bad_files import PICTURE, raw, tiff, tiff_with

from deepfuse.errors import PhotoError
from deepfuse.photo import read_header, read_photo
from deepfuse.photo.preview import read_preview

EVERY_PATH: tuple[Callable[[Path], object], ...] = (read_header, read_photo, lambda path: read_preview(path, 96))
PLAIN, LOSSLESS = 0, 3  # cameras


def main_directory_at_the_front(data: bytes) -> bytes:
    """The same DNG with its pixels at the very end, where a cut takes nothing else."""
    pixels = PICTURE[..., 0].size * 2
    return tiff_with({273: len(data)}, data) + data[8 : 8 + pixels]


DAMAGED: dict[str, tuple[int, Callable[[bytes], bytes], str]] = {
    "cut behind its directory": (PLAIN, lambda data: main_directory_at_the_front(data)[:-200], "cut short or damaged"),
    "a strip beyond the end": (LOSSLESS, lambda data: tiff_with({273: 90_000}, data), "cut short or damaged"),
    "a strip elsewhere": (LOSSLESS, lambda data: tiff_with({273: 9}, data), "expected a JPEG in each strip"),
    "a strip too short": (PLAIN, lambda data: tiff_with({279: 200}, data), "expected 10240 bytes in the part"),
    "more rows than are packed": (LOSSLESS, lambda data: tiff_with({257: 128, 278: 128}, data), "10240 samples"),
    "more strips": (PLAIN, lambda data: tiff_with({278: 2}, data), "expected 32 strips or tiles, got 1"),
    "no rows": (PLAIN, lambda data: tiff_with({278: 0}, data), "in parts of 80×0"),
    "colours that are none": (PLAIN, lambda data: tiff_with({33422: 10}, data), "expected a pattern of colours, got"),
    "no version": (LOSSLESS, lambda data: data.replace(b"\x12\xc6\1\0", b"\0\0\1\0"), "without its version"),
}  # fmt: skip


@pytest.mark.parametrize("read", EVERY_PATH)
@pytest.mark.parametrize("name", DAMAGED)
def test_a_dng_that_lacks_pixels_is_refused(tmp_path: Path, name: str, read: Callable[[Path], object]) -> None:
    camera, damage, message = DAMAGED[name]
    path = tmp_path / "a.dng"
    path.write_bytes(damage(raw(tmp_path, camera)))
    with pytest.raises(PhotoError, match=rf"a\.dng: cannot be decoded: .*{message}"):
        read(path)


def test_the_directories_behind_the_first_are_checked(tmp_path: Path) -> None:
    whole = raw(tmp_path, PLAIN)
    at = int.from_bytes(whole[4:8], "little")
    count = int.from_bytes(whole[at : at + 2], "little")
    after = at + 2 + 12 * count
    second = tiff_with({273: 90_000, 279: 5}, tiff())
    shift = len(whole)
    first = int.from_bytes(second[4:8], "little")
    chained = whole[:after] + (shift + first).to_bytes(4, "little") + whole[after + 4 :] + second
    (tmp_path / "b.dng").write_bytes(chained)
    with pytest.raises(PhotoError, match="expected 90005 bytes or more"):
        read_header(tmp_path / "b.dng")


@pytest.mark.parametrize("camera", [PLAIN, LOSSLESS])
def test_whole_ones_are_read(tmp_path: Path, camera: int) -> None:
    data = raw(tmp_path, camera)
    (tmp_path / "a.dng").write_bytes(data)
    assert read_photo(tmp_path / "a.dng").shape == PICTURE.shape
    if camera == PLAIN:
        (tmp_path / "b.dng").write_bytes(main_directory_at_the_front(data))
        assert np.array_equal(read_photo(tmp_path / "a.dng"), read_photo(tmp_path / "b.dng"))
