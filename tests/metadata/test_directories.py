"""What the writer writes, the reader reads."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from deepfuse.metadata.directories import Entry, directory, entry_of_numbers, entry_of_text
from deepfuse.metadata.embedded import Embedded, into_tiff
from deepfuse.metadata.exif import Exif, read_exif
from deepfuse.metadata.tiff import EXIF_POINTER, FORMATS, GPS_POINTER, INTEROP_POINTER, RATIONAL, SRATIONAL, Tags
from deepfuse.photo.encoding import tiff_bytes

WHOLE = {
    1: (0, 255),
    3: (0, 65535),
    4: (0, 2**32 - 1),
    6: (-128, 127),
    8: (-(2**15), 2**15 - 1),
    9: (-(2**31), 2**31 - 1),
}
Values = Mapping[int, tuple[int, str | list[float]]]


def numbers_of(kind: int) -> SearchStrategy[list[float]]:
    if kind in WHOLE:
        return st.lists(st.integers(*WHOLE[kind]).map(float), min_size=1, max_size=40)
    if kind in (RATIONAL, SRATIONAL):
        above = st.integers(0 if kind == RATIONAL else -(2**31), 2**31 - 1)
        return st.lists(st.builds(lambda a, b: a / b, above, st.integers(1, 10**6)), min_size=1, max_size=9)
    return st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=9)


TEXTS = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=60)
VALUES = st.sampled_from([*WHOLE, RATIONAL, SRATIONAL, 11]).flatmap(
    lambda kind: st.tuples(st.just(kind), numbers_of(kind))
)
KEYS = st.integers(1, 0xFFFF).filter(lambda tag: tag not in (700, 0x927C, EXIF_POINTER, GPS_POINTER, INTEROP_POINTER))
DIRECTORIES = st.dictionaries(KEYS, st.one_of(st.tuples(st.just(2), TEXTS), VALUES), max_size=12)


def entries(values: Values) -> tuple[Entry, ...]:
    return tuple(
        entry_of_text(tag, value) if isinstance(value, str) else entry_of_numbers(tag, kind, _typed(kind, value))
        for tag, (kind, value) in values.items()
    )


def _typed(kind: int, value: list[float]) -> list[float]:
    return [int(number) for number in value] if kind in WHOLE else value


def assert_same(tags: Tags, values: Values) -> None:
    assert tags.keys() == values.keys()
    for tag, (kind, value) in values.items():
        assert tags[tag].kind == kind
        if isinstance(value, str):
            assert tags[tag].text == value
        else:
            assert tags[tag].numbers == pytest.approx(value, rel=1e-9, abs=1e-12)
            assert tags[tag].count == len(value)


@given(image=DIRECTORIES, photo=DIRECTORIES, gps=DIRECTORIES)
def test_an_exif_block_is_read_as_it_was_written(image: Values, photo: Values, gps: Values) -> None:
    block = Embedded(entries(image), entries(photo), entries(gps)).exif_block()
    found = read_exif(io.BytesIO(block)) if block else Exif()
    for pointer in (EXIF_POINTER, GPS_POINTER):
        found.image.pop(pointer, None)
    assert_same(found.image, image)
    assert_same(found.photo, photo)
    assert_same(found.gps, gps)


@given(photo=DIRECTORIES, xmp=st.binary(max_size=9))
def test_a_tiff_keeps_its_tags_and_gains_these(photo: Values, xmp: bytes) -> None:
    data = tiff_bytes(np.zeros((4, 5, 3), np.uint8), "none", None)
    before = read_exif(io.BytesIO(bytes(data))).image
    into_tiff(data, Embedded(photo=entries(photo), xmp=xmp))
    found = read_exif(io.BytesIO(bytes(data)))
    assert {tag: found.image[tag].data for tag in before} == {tag: value.data for tag, value in before.items()}
    assert_same(found.photo, photo)
    assert (found.image[700].data if 700 in found.image else b"") == xmp


def test_a_directory_lies_as_tiff_says() -> None:
    """TIFF 6.0, section 2: a count, rows of 12 bytes in ascending order, the next directory; values at even bytes."""
    made = directory([entry_of_text(0x10F, "Maker"), entry_of_numbers(0x9B, 3, [7])], 100)
    count, tag, kind, values, number = struct.unpack_from("<HHHII", made)
    assert (count, tag, kind, values, number) == (2, 0x9B, 3, 1, 7)
    tag, kind, values, offset = struct.unpack_from("<HHII", made, 14)
    assert (tag, kind, values, offset) == (0x10F, 2, 6, 100 + 2 + 24 + 4)
    assert made[26:] == bytes(4) + b"Maker\0"


def test_what_does_not_fit_a_type_is_refused() -> None:
    for kind, number in ((3, 70_000), (RATIONAL, 1e12), (RATIONAL, -1.0)):
        with pytest.raises(struct.error):
            entry_of_numbers(1, kind, [number])
    assert set(FORMATS) >= {*WHOLE, RATIONAL, SRATIONAL}
    assert math.isclose(entry_of_numbers(1, RATIONAL, [1 / 3]).data[4], 3)
