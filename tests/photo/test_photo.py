import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage
from PIL import ImageOps
from PIL.TiffImagePlugin import IFDRational
from support.pictures import expose, textured_radiance

from deepfuse.errors import PhotoError
from deepfuse.photo import check_output, read_header, read_photo, read_photos, write_photo
from deepfuse.photo.pixels import as_rgb
from deepfuse.simulation.camera import CAMERAS, simulate_bracket

rng = np.random.default_rng(5)


@pytest.fixture(scope="module")
def raw_bracket(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    radiance = np.repeat(textured_radiance(96, 128)[:, :, :1], 3, axis=2)
    return simulate_bracket(radiance, tmp_path_factory.mktemp("raw"), camera=CAMERAS[3], stops=(-2, 0, 2), seed=1)


@pytest.mark.parametrize(("suffix", "dtype"), [(".png", np.uint8), (".png", np.uint16), (".tif", np.uint8),
                                               (".tif", np.uint16), (".tif", np.float32)])  # fmt: skip
def test_lossless_round_trip(tmp_path: Path, suffix: str, dtype: type) -> None:
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    image = (rng.random((37, 53, 3)) * top).astype(dtype)
    write_photo(tmp_path / f"a{suffix}", image)
    got = read_photo(tmp_path / f"a{suffix}")
    assert got.dtype == dtype
    assert (got == image).all()


def test_jpeg_is_close_and_float_png_is_16_bit(tmp_path: Path, bracket: list[np.ndarray]) -> None:
    write_photo(tmp_path / "a.jpg", bracket[1])
    assert np.abs(read_photo(tmp_path / "a.jpg").astype(float) * 257 - bracket[1]).mean() < 4 * 257
    write_photo(tmp_path / "a.png", (bracket[1] / 65535).astype(np.float32))
    assert (read_photo(tmp_path / "a.png") == bracket[1]).all()


def test_raw_keeps_the_ratio_of_the_exposures(raw_bracket: list[Path]) -> None:
    dark, middle, bright = (decode(picture / 65535) for picture in read_photos(raw_bracket))
    for low, high in ((dark, middle), (middle, bright)):
        usable = (high.max(2) < 0.9) & (low.min(2) > 0.02)
        assert usable.sum() > 50
        assert np.log2(np.median(high[usable] / low[usable])) == pytest.approx(2, abs=0.1)


def decode(encoded: np.ndarray) -> np.ndarray:
    """sRGB to linear light, IEC 61966-2-1."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def test_raw_header_says_how_it_was_taken(raw_bracket: list[Path]) -> None:
    header = read_header(raw_bracket[0])
    assert (header.width, header.height) == (128, 96)
    assert CAMERAS[3].name in header.camera
    assert header.exposure.time_s == pytest.approx(1 / 240)
    assert (header.exposure.iso, header.exposure.f_number) == (100, pytest.approx(5.6))


def test_frames_come_in_the_order_of_their_paths_and_the_first_bad_one_is_named(tmp_path: Path) -> None:
    paths = [tmp_path / f"{level}.png" for level in (10, 20, 30, 40, 50)]
    for path in paths:
        write_photo(path, np.full((900, 900, 3), int(path.stem), np.uint8))
    assert [int(frame.max()) for frame in read_photos(paths)] == [10, 20, 30, 40, 50]
    for name in ("30", "50"):
        data = (tmp_path / f"{name}.png").read_bytes()
        (tmp_path / f"{name}.png").write_bytes(data[:-30])
    with pytest.raises(PhotoError, match=r"30\.png"):
        read_photos(paths)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_undone(tmp_path: Path, orientation: int) -> None:
    """Pillow's own transpose is the yardstick."""
    image = PillowImage.fromarray(rng.integers(0, 256, (24, 40, 3), dtype=np.uint8))
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.jpg", exif=exif, quality=100, subsampling=0)
    with PillowImage.open(tmp_path / "a.jpg") as stored:
        expected = np.asarray(ImageOps.exif_transpose(stored))
    assert (read_photo(tmp_path / "a.jpg") == expected).all()


def test_exif_of_a_jpeg(tmp_path: Path) -> None:
    image = PillowImage.fromarray(np.zeros((8, 9, 3), np.uint8))
    exif = image.getexif()
    exif[0x0110] = "Test One"
    exif[0x8769] = {0x829A: IFDRational(1, 125), 0x829D: IFDRational(8), 0x8827: 200}
    image.save(tmp_path / "a.jpg", exif=exif)
    header = read_header(tmp_path / "a.jpg")
    assert (header.width, header.height, header.camera) == (9, 8, "Test One")
    assert header.exposure.time_s == pytest.approx(1 / 125)
    assert (header.exposure.f_number, header.exposure.iso) == (8, 200)


def test_grey_alpha_and_half_float_become_rgb() -> None:
    assert as_rgb(np.zeros((4, 5), np.uint8)).shape == (4, 5, 3)
    rgba = np.dstack([np.full((2, 2, 3), 7, np.uint8), np.zeros((2, 2, 1), np.uint8)])
    assert (as_rgb(rgba) == 7).all()
    assert as_rgb(np.zeros((4, 5, 3), np.float16)).dtype == np.float32


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".dng"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.98])
def test_truncated_files_are_named(tmp_path: Path, raw_bracket: list[Path], suffix: str, share: float) -> None:
    path = tmp_path / f"short{suffix}"
    if suffix == ".dng":
        path.write_bytes(raw_bracket[0].read_bytes())
    else:
        write_photo(path, expose(textured_radiance(64, 64), 0))
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(PhotoError, match=rf"short\{suffix}"):
        read_photo(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".dng", ".nef", ".txt"])
def test_what_is_no_photo_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"text{suffix}"
    path.write_text("this is not a picture\n" * 99)
    with pytest.raises(PhotoError, match=rf"text\{suffix}"):
        read_photo(path)


def test_a_missing_file_a_huge_header_and_nan_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"gone\.jpg"):
        read_photo(tmp_path / "gone.jpg")
    bomb = tmp_path / "bomb.png"
    write_photo(bomb, np.zeros((2, 2, 3), np.uint8))
    data = bytearray(bomb.read_bytes())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    bomb.write_bytes(data)
    with pytest.raises(PhotoError, match="250 megapixels"):
        read_photo(bomb)
    tifffile.imwrite(tmp_path / "nan.tif", np.full((4, 4, 3), np.nan, np.float32), photometric="rgb")
    with pytest.raises(PhotoError, match="from 0 to 1"):
        read_photo(tmp_path / "nan.tif")


def test_floats_beyond_white_and_odd_depths_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "big.tif", np.full((4, 4, 3), 254, np.float32), photometric="rgb")
    with pytest.raises(PhotoError, match="from 0 to 1, got 254"):
        read_photo(tmp_path / "big.tif")
    tifffile.imwrite(tmp_path / "ten.tif", np.full((4, 8, 3), 1021, np.uint16), photometric="rgb", bitspersample=10)
    with pytest.raises(PhotoError, match="8, 16 or 32 bits a sample, got 10"):
        read_photo(tmp_path / "ten.tif")


@pytest.mark.parametrize("compression", ["jpeg", "lzw", "deflate", "packbits", "zstd", None])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_tiffs_of_many_kinds(tmp_path: Path, compression: str | None, planar: str) -> None:
    image = np.repeat(np.arange(0, 240, 5, dtype=np.uint8)[:, None], 144, 1).reshape(48, 48, 3)
    pixels = image if planar == "contig" else np.moveaxis(image, -1, 0)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="rgb", planarconfig=planar, compression=compression)
    assert np.abs(read_photo(path).astype(int) - image).max() <= (0 if compression != "jpeg" else 8)


def test_outputs_are_refused_before_any_work(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    source.touch()
    with pytest.raises(PhotoError, match="one of them"):
        check_output(source, sources=[source], overwrite=True)
    with pytest.raises(PhotoError, match="exists"):
        check_output(source, sources=[], overwrite=False)
    with pytest.raises(PhotoError, match="folder"):
        check_output(tmp_path / "no" / "a.jpg", sources=[], overwrite=False)
    with pytest.raises(PhotoError, match=r"\.bmp"):
        check_output(tmp_path / "a.bmp", sources=[], overwrite=False)


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_text("before")

    def fail(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match=r"a\.png: cannot be written: No space"):
        write_photo(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_text() == "before"
