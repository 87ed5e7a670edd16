"""What is refused of an output before any work, and what is written through a link."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from deepfuse.errors import PhotoError
from deepfuse.photo import DEFAULT_ENCODING, Encoding, check_folder, check_output, check_room, read_photo, write_photo
from deepfuse.photo.output import JPEG_SIDE_PX, least_bytes

PICTURE = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)


def refused(path: Path, *, overwrite: bool = False, sources: tuple[Path, ...] = ()) -> str:
    with pytest.raises(PhotoError) as error:
        check_output(path, sources=sources, overwrite=overwrite)
    return str(error.value)


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "album").mkdir()
    target, link = tmp_path / "album" / "old.png", tmp_path / "link.png"
    write_photo(target, PICTURE)
    link.symlink_to(target)
    assert "exists already" in refused(link)
    write_photo(link, PICTURE[::-1])
    assert link.is_symlink()
    assert np.array_equal(read_photo(target), PICTURE[::-1])
    assert [path.name for path in (tmp_path / "album").iterdir()] == ["old.png"]


def test_a_link_to_nothing_is_not_overwritten(tmp_path: Path) -> None:
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "gone.png")
    assert "link to nothing" in refused(link)
    check_output(link, sources=(), overwrite=True)
    write_photo(link, PICTURE)
    assert link.is_symlink()
    assert np.array_equal(read_photo(tmp_path / "gone.png"), PICTURE)
    nowhere = tmp_path / "nowhere.png"
    nowhere.symlink_to(tmp_path / "no folder" / "gone.png")
    assert "expected a folder to write into" in refused(nowhere, overwrite=True)


def test_a_link_that_leads_to_itself_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link.png"
    link.symlink_to(link)
    assert "leads to itself" in refused(link, overwrite=True)


def test_a_link_to_a_frame_is_one_of_the_frames(tmp_path: Path) -> None:
    frame, link = tmp_path / "frame.png", tmp_path / "link.png"
    write_photo(frame, PICTURE)
    link.symlink_to(frame)
    assert "got one of them" in refused(link, overwrite=True, sources=(frame,))


def test_a_folder_is_no_output(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    assert "got a folder" in refused(tmp_path / "folder.png", overwrite=True)
    assert "got a folder" in refused(tmp_path, overwrite=True)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="wants a folder that nobody can write into")
def test_a_read_only_folder_is_refused_in_words() -> None:
    assert "cannot be written into" in refused(Path("/proc/out.png"))
    with pytest.raises(PhotoError, match="cannot be written into"):
        check_folder(Path("/proc/one/two"))


def test_a_folder_to_be_made_is_no_file(tmp_path: Path) -> None:
    check_folder(tmp_path / "one" / "two")
    (tmp_path / "file").touch()
    with pytest.raises(PhotoError, match="got a file at"):
        check_folder(tmp_path / "file" / "two")
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(PhotoError, match="got something else"):
        check_folder(tmp_path / "link")


def test_jpeg_has_a_largest_side(tmp_path: Path) -> None:
    check_room(Path("out.jpg"), JPEG_SIDE_PX, 2, "8-bit", DEFAULT_ENCODING)
    check_room(Path("out.tif"), JPEG_SIDE_PX + 1, 2, "8-bit", DEFAULT_ENCODING)
    with pytest.raises(PhotoError, match=r"at most 65500 pixels a side for '\.JPG', got 65501×2"):
        check_room(Path("out.JPG"), JPEG_SIDE_PX + 1, 2, "8-bit", DEFAULT_ENCODING)
    write_photo(tmp_path / "out.jpg", np.zeros((2, JPEG_SIDE_PX, 3), np.uint8))
    with pytest.raises(PhotoError, match="65501×2"):
        write_photo(tmp_path / "out.jpg", np.zeros((2, JPEG_SIDE_PX + 1, 3), np.uint8))


@pytest.mark.parametrize(("suffix", "free_mb", "fits"), [(".tif", 17, False), (".tif", 19, True), (".jpg", 1, True)])
def test_a_full_disk_is_found_before_the_work(
    monkeypatch: pytest.MonkeyPatch, suffix: str, free_mb: int, fits: bool
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free_mb * 10**6))
    depth = "8-bit" if suffix == ".jpg" else "16-bit"
    if fits:
        check_room(Path(f"out{suffix}"), 6000, 4000, depth, DEFAULT_ENCODING)
        return
    with pytest.raises(PhotoError, match="18 MB or more free"):
        check_room(Path(f"out{suffix}"), 6000, 4000, depth, DEFAULT_ENCODING)


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg"])
def test_what_a_file_needs_at_least_is_no_more_than_what_it_takes(tmp_path: Path, suffix: str) -> None:
    smooth = np.linspace(20, 220, 300 * 400 * 3).reshape(300, 400, 3)
    noisy = (smooth + np.random.default_rng(0).normal(0, 2, smooth.shape)).astype(np.uint8)
    write_photo(tmp_path / f"a{suffix}", noisy)
    taken = (tmp_path / f"a{suffix}").stat().st_size
    assert taken / 20 < least_bytes(suffix, 400, 300, "8-bit", DEFAULT_ENCODING) < taken
    if suffix == ".tif":
        assert least_bytes(suffix, 400, 300, "8-bit", Encoding("none")) == noisy.nbytes


def test_a_file_that_cannot_be_completed_leaves_nothing_behind(tmp_path: Path) -> None:
    code = (
        "import resource, numpy as np\nfrom deepfuse.photo import write_photo\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        f"write_photo({str(tmp_path / 'a.png')!r}, np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "a.png: cannot be written: File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []
