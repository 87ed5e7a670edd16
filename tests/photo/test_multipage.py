"""The frames of a scene in one file: what was written is read, one alone too, and damage is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepfuse.errors import PhotoError
from deepfuse.photo import order_pages, read_pages, writing_pages

HEIGHT, WIDTH = 210, 160  # several strips
SHOWN = np.ones((HEIGHT, WIDTH), np.uint8)
SHOWN[:30, :50] = 0


def frames(count: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 65536, (HEIGHT, WIDTH, 3), np.uint16) for _ in range(count)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of three frames; the middle one is transparent in a corner."""
    path = tmp_path / "barn.tif"
    with writing_pages(path) as write:
        for frame, valid in zip(frames(), (None, SHOWN, None), strict=True):
            write(frame, valid)
    return path


def test_frames_come_back_as_they_were_with_what_is_shown(path: Path) -> None:
    found = list(read_pages(path, range(3)))
    assert [page.pixels.dtype for page in found] == [np.uint16] * 3
    assert np.array_equal([page.pixels for page in found], frames())
    assert found[0].valid is found[2].valid is None
    assert found[1].valid is not None
    assert np.array_equal(found[1].valid, SHOWN)
    with tifffile.TiffFile(path) as tiff:
        assert [page.shape for page in tiff.pages] == [(HEIGHT, WIDTH, 3), (HEIGHT, WIDTH, 4), (HEIGHT, WIDTH, 3)]


def test_the_order_is_changed_in_place(path: Path) -> None:
    size = path.stat().st_size
    order_pages(path, [2, 0, 1])
    assert path.stat().st_size == size
    dark, middle, bright = frames()
    found = list(read_pages(path, range(3)))
    assert np.array_equal([page.pixels for page in found], [bright, dark, middle])
    assert found[2].valid is not None
    for index, frame in enumerate((bright, dark, middle)):
        assert np.array_equal(tifffile.imread(path, key=index)[..., :3], frame)
    for wrong in ([0, 1], [0, 1, 1], [1, 2, 3]):
        with pytest.raises(ValueError, match=r"barn.tif: expected an order of 3 pages, got"):
            order_pages(path, wrong)


def test_what_is_not_asked_for_is_not_read(path: Path) -> None:
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[1].aspage()
        offset, length = page.dataoffsets[1], page.databytecounts[1]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(bytes(length))
    taken = [page.pixels for page in read_pages(path, [0, 2])]
    assert np.array_equal(taken, frames()[::2])
    with pytest.raises(PhotoError, match=r"barn.tif: cannot be decoded"):
        list(read_pages(path, [1]))


@pytest.mark.parametrize("left", [0, 7, 500, 0.3, 0.6, 0.9, -1])
def test_a_file_cut_short_is_refused_by_its_name(path: Path, left: float) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: left if isinstance(left, int) else int(left * len(whole))])
    with pytest.raises(PhotoError, match=r"barn.tif: cannot be decoded"):
        list(read_pages(path, range(3)))


def test_a_file_or_page_that_is_not_there_is_named(path: Path) -> None:
    for place in (3, -1):
        with pytest.raises(PhotoError, match=rf"barn.tif: cannot be decoded: expected a page {place}, got 3 pages"):
            list(read_pages(path, [place]))
    with pytest.raises(PhotoError, match=r"none.tif: cannot be read"):
        list(read_pages(path.with_name("none.tif"), [0]))


def begin(path: Path, error: BaseException) -> None:
    with writing_pages(path) as write:
        write(frames()[0], None)
        raise error


@pytest.mark.parametrize("error", [PhotoError("c.dng: damaged"), KeyboardInterrupt()])
def test_a_file_that_was_not_finished_is_not_there(path: Path, error: BaseException) -> None:
    whole = path.read_bytes()
    with pytest.raises(type(error)):
        begin(path, error)
    assert [found.name for found in path.parent.iterdir()] == ["barn.tif"]
    assert path.read_bytes() == whole
