"""What PNG and HEIC say of colour without a profile: cICP, gAMA, cHRM, nclx."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from support.reference_photo import ADOBE_GAMMA, converted, decode, encode

from deepfuse.errors import PhotoError
from deepfuse.photo import read_header, read_photo
from deepfuse.photo.spaces import named_space, space_of_codes

COLOUR = (200, 120, 60)
_LIGHT = np.array(COLOUR) / 255


def png(path: Path, *chunks: tuple[bytes, bytes], grey: bool = False, icc: bytes = b"") -> Path:
    pixels = np.full((8, 8), 120, np.uint8) if grey else np.full((8, 8, 3), COLOUR, np.uint8)
    PillowImage.fromarray(pixels).save(path, icc_profile=icc or None)
    data = path.read_bytes()
    extra = b"".join(
        struct.pack(">I", len(value)) + name + value + struct.pack(">I", zlib.crc32(name + value))
        for name, value in chunks
    )
    path.write_bytes(data[:33] + extra + data[33:])
    return path


def gamma(value: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(100000 / value))


CHRM_ADOBE = (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000))
CHRM_SRGB = (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        pytest.param([(b"cICP", bytes([12, 13, 0, 1]))], converted(decode(_LIGHT), "p3"), id="p3"),
        pytest.param([(b"cICP", bytes([1, 13, 0, 1]))], _LIGHT, id="srgb"),
        pytest.param([(b"cICP", bytes([1, 8, 0, 1]))], encode(_LIGHT), id="linear"),
        pytest.param([gamma(1.0)], encode(_LIGHT), id="gama linear"),
        pytest.param([gamma(1.8)], encode(_LIGHT**1.8), id="gama 1.8"),
        pytest.param([gamma(2.2)], _LIGHT, id="gama as beside sRGB"),
        pytest.param([gamma(2.2), CHRM_SRGB], _LIGHT, id="gama and chrm as beside sRGB"),
        pytest.param([gamma(ADOBE_GAMMA), CHRM_ADOBE], converted(_LIGHT**ADOBE_GAMMA, "adobe"), id="chrm adobe"),
        pytest.param([(b"sRGB", b"\0"), gamma(1.0), CHRM_ADOBE], _LIGHT, id="srgb before gama"),
        pytest.param([(b"cICP", bytes([12, 13, 0, 1])), (b"sRGB", b"\0")], converted(decode(_LIGHT), "p3"), id="cicp"),
    ],
)
def test_png_is_read_as_its_chunks_say(tmp_path: Path, chunks: list[tuple[bytes, bytes]], expected: np.ndarray) -> None:
    got = read_photo(png(tmp_path / "a.png", *chunks))[0, 0] / 255
    assert got == pytest.approx(expected, abs=1.5 / 255)


def test_a_profile_comes_before_gama(tmp_path: Path) -> None:
    path = png(tmp_path / "a.png", gamma(1.0), icc=named_space("adobe-rgb").icc)
    assert read_header(path).profile == "Adobe RGB (1998)"


def test_a_grey_png_has_a_gamma(tmp_path: Path) -> None:
    got = read_photo(png(tmp_path / "a.png", gamma(1.0), grey=True))[0, 0]
    assert got.tolist() == pytest.approx([255 * float(encode(np.array(120 / 255)))] * 3, abs=1.5)


@pytest.mark.parametrize(
    ("codes", "said"),
    [((9, 16), "got PQ"), ((9, 18), "got HLG"), ((9, 77), "H.273 codes 9 and 77"), ((99, 13), "codes 99 and 13")],
)
def test_what_is_not_known_or_of_high_range_is_refused(tmp_path: Path, codes: tuple[int, int], said: str) -> None:
    with pytest.raises(PhotoError, match=said):
        read_photo(png(tmp_path / "a.png", (b"cICP", bytes([*codes, 0, 1]))))


_LONG = bytes(20 << 20)


@pytest.mark.parametrize(
    "text",
    [(b"tEXt", b"Comment\0" + _LONG), (b"zTXt", b"Comment\0\0" + zlib.compress(_LONG)),
     (b"iTXt", b"Comment\0\0\0\0\0" + _LONG), (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(_LONG))],
    ids=["text", "packed", "international", "XMP"],
)  # fmt: skip
def test_a_long_text_is_passed_over(tmp_path: Path, text: tuple[bytes, bytes], capfd: pytest.CaptureFixture) -> None:
    path = png(tmp_path / "a.png", text)
    assert (read_photo(path) == COLOUR).all()
    assert capfd.readouterr() == ("", "")


def test_two_headers_are_refused(tmp_path: Path) -> None:
    large = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    with pytest.raises(PhotoError, match="one header"):
        read_photo(png(tmp_path / "a.png", (b"IHDR", large)))


def test_impossible_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="expected a gamma"):
        read_photo(png(tmp_path / "a.png", gamma(0.001)))
    with pytest.raises(PhotoError, match=r"a\.png"):
        read_photo(png(tmp_path / "a.png", gamma(1.8), (b"cHRM", bytes(32))))


@pytest.mark.parametrize(
    ("codes", "name"), [((1, 1), ""), ((1, 13), ""), ((2, 2), ""), ((9, 1), "Rec. 2020"), ((9, 14), "Rec. 2020"),
                        ((12, 13), "Display P3"), ((9, 8), "Rec. 2020, linear")],
)  # fmt: skip
def test_codes_of_heic(codes: tuple[int, int], name: str) -> None:
    """As libheif hands them on; BT.709's own is what encoders write for sRGB."""
    assert space_of_codes(*codes).name == name
