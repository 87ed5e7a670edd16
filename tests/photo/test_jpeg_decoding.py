"""JPEGs are decoded past Pillow where that gives the same, and by Pillow where it has something to object to."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage
from support.pictures import expose, textured_radiance

from deepfuse import read_photo
from deepfuse.color import Image
from deepfuse.errors import PhotoError
from deepfuse.photo import codecs

PIXELS = (expose(textured_radiance(90, 70), 0) >> 8).astype(np.uint8)


def jpeg(mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    PillowImage.fromarray(PIXELS).convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 3}])
def test_pixels_are_those_of_pillow(mode: str, options: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    data = jpeg(mode, **options)
    monkeypatch.setattr(codecs, "_decode_by_pillow", None)
    expected = np.atleast_3d(np.asarray(PillowImage.open(io.BytesIO(data))))
    np.testing.assert_array_equal(codecs._decode_jpeg(io.BytesIO(data)), expected)


@pytest.mark.parametrize("missing", [1, 2, 100])
@pytest.mark.parametrize("progressive", [False, True])
def test_what_lacks_its_end_is_refused_whatever_ends_in_its_header(
    tmp_path: Path, missing: int, progressive: bool
) -> None:
    data = jpeg(progressive=progressive, exif=b"Exif\0\0" + jpeg(), comment=b"\xff\xd9")
    (tmp_path / "cut.jpg").write_bytes(data[:-missing])
    with pytest.raises(PhotoError, match=r"cut\.jpg: cannot be read: image file is truncated"):
        read_photo(tmp_path / "cut.jpg")


def by_pillow(data: bytes) -> Image | None:
    try:
        return np.asarray(PillowImage.open(io.BytesIO(data)).convert("RGB"))
    except OSError:
        return None


def by_us(data: bytes) -> Image | None:
    try:
        return codecs._decode_jpeg(io.BytesIO(data))
    except OSError:
        return None


MARKERS = st.sampled_from([b"\xff\xd9", b"\xff\xed\x7f\xff", b"\xff\xc4"])


@given(progressive=st.booleans(), at=st.floats(0, 1), change=MARKERS | st.binary(min_size=1, max_size=4))
def test_damage_among_the_pixels_is_met_as_by_pillow(progressive: bool, at: float, change: bytes) -> None:
    data = bytearray(jpeg(progressive=progressive))
    start = data.index(b"\xff\xda") + 14
    place = start + int(at * (len(data) - start - len(change)))
    data[place : place + len(change)] = change
    expected, found = by_pillow(bytes(data)), by_us(bytes(data))
    assert (found is None) == (expected is None)
    np.testing.assert_array_equal(found, expected)
