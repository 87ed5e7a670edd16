"""EXIF read with no trust in the file: damage costs the damaged tag, nothing hangs, swells, prints or raises."""

from __future__ import annotations

import io
import math
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage
from support.bad_files import encoded, patched
from support.photographs import Card

from deepfuse.bracket import Exposure
from deepfuse.metadata.capture import bias_ev_of, camera_of, exposure_of, orientation_of, orientation_warning
from deepfuse.metadata.exif import Exif, read_exif
from deepfuse.metadata.reading import read_blocks, read_file
from deepfuse.metadata.tiff import Tag
from deepfuse.photo import read_header, read_photo, write_photo
from deepfuse.photo.capture import read_capture
from deepfuse.photo.opening import open_photo

Row = tuple[int, int, int, bytes]
MODEL: Row = (0x0110, 2, 3, b"ab\0\0")
TURNED: Row = (0x0112, 3, 1, struct.pack("<HH", 6, 0))


def tiff(*rows: Row, magic: bytes = b"II*\0", tail: bytes = bytes(64), after: int = 0) -> bytes:
    """A TIFF structure of one directory; values that do not fit lie in `tail`, or beyond the end."""
    body = b"".join(struct.pack("<HHI", *row[:3]) + row[3] for row in rows)
    return magic + struct.pack("<IH", 8, len(rows)) + body + struct.pack("<I", after) + tail


def at(offset: int) -> bytes:
    return struct.pack("<I", offset)


DAMAGED = {
    "beyond the end": (0x010F, 2, 20, at(10**6)),
    "cut short": (0x829A, 5, 9, at(60)),
    "huge count": (0x829A, 5, 2**32 - 1, at(40)),
    "unheard-of type": (0x010F, 99, 1, at(0)),
    "ratio to zero": (0x829A, 5, 1, at(50)),
}


@pytest.mark.parametrize("row", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_tag_costs_no_other(row: Row, recwarn: pytest.WarningsRecorder) -> None:
    exif = read_exif(io.BytesIO(tiff(row, MODEL, TURNED)))
    assert (camera_of(exif), orientation_of(exif), exposure_of(exif)) == ("ab", 6, None)
    assert not recwarn.list


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS R5", "Canon EOS R5"),
        ("Alder P10", "Alder P10", "Alder P10"),
        ("CANON", "Canon EOS R5", "Canon EOS R5"),
        ("NIKON CORPORATION", "NIKON D850", "NIKON CORPORATION NIKON D850"),
        ("Fuji", "Fujifilm X", "Fuji Fujifilm X"),
        ("SONY", "ILCE-7M3", "SONY ILCE-7M3"),
        ("Acme", "", "Acme"),
        ("", "X 1", "X 1"),
        ("", "", ""),
    ],
)
def test_a_make_that_the_model_begins_with_is_named_once(make: str, model: str, camera: str) -> None:
    tags = {key: Tag(2, len(name) + 1, name.encode() + b"\0", 0) for key, name in ((0x010F, make), (0x0110, model))}
    assert camera_of(Exif(image=tags)) == camera


@pytest.mark.parametrize("magic", [b"II*\0", b"IIRO", b"IIRS", b"IIU\0"], ids=["TIFF", "ORF", "ORF 2", "RW2"])
def test_raw_files_have_tiff_headers_of_their_own(magic: bytes) -> None:
    metadata = read_file(io.BytesIO(tiff(MODEL, TURNED, magic=magic)))
    assert (camera_of(metadata.exif), orientation_of(metadata.exif), metadata.damaged) == ("ab", 6, False)


def test_directories_that_point_to_themselves_end() -> None:
    loop = tiff(MODEL, (0x8769, 4, 1, at(8)), (0x8825, 4, 1, at(8)), (0xA005, 4, 1, at(8)), after=8)
    exif = read_exif(io.BytesIO(loop))
    assert exif.image.keys() == exif.photo.keys() == exif.gps.keys() == exif.interop.keys() == exif.thumbnail.keys()


def test_values_that_are_all_claimed_many_times_take_little_time_and_memory() -> None:
    rows = [(tag, 1, 60_000, at(100)) for tag in range(1, 480)]
    block = tiff((0x8769, 4, 1, at(8)), *rows, (0x8825, 4, 1, at(8)), tail=bytes(70_000), after=8)
    tracemalloc.start()
    begin = time.process_time()
    exif = read_exif(io.BytesIO(block))
    assert time.process_time() - begin < 1
    assert tracemalloc.get_traced_memory()[1] < 32e6
    tracemalloc.stop()
    assert len(exif.photo) > 400


MAGICS = [b"II", b"MM", b"II\x2b\0\x08\0\0\0", b"MM\0\x2b\0\x08\0\0", b"\0\0\0\x18ftypcrx CMT1II*\0", b"FUJIFILM"]


@given(data=st.binary(max_size=300), magic=st.sampled_from(MAGICS))
def test_any_bytes_are_read(data: bytes, magic: bytes) -> None:
    file = io.BytesIO(magic + data)
    assert isinstance(read_file(file).exif, Exif)
    assert isinstance(read_blocks(magic + data, b"").exif, Exif)


@given(changes=st.lists(st.tuples(st.integers(0, 170), st.binary(min_size=1, max_size=8)), max_size=6))
def test_any_damage_of_a_good_block_is_read(changes: list[tuple[int, bytes]]) -> None:
    inner = struct.pack("<HHHII", 1, 0x927C, 7, 60, 100)
    block = tiff((0x010F, 2, 6, at(90)), (0x8769, 4, 1, at(70)), MODEL, tail=bytes(20) + inner + b"\0\0Canon\0" * 20)
    for place, new in changes:
        block = patched(block, place, new)
    exif = read_exif(io.BytesIO(block))
    assert all(isinstance(tag.numbers, tuple) for tags in (exif.image, exif.photo, exif.gps) for tag in tags.values())


def test_numbers_that_cannot_be_are_not_believed(tmp_path: Path) -> None:
    endless, before = struct.pack("<f", np.inf), struct.pack("<iI", -1, 60)
    pointer = (0x8769, 4, 1, at(26))
    photo = struct.pack("<HHHI4s", 2, 0xA402, 11, 1, endless) + struct.pack("<HHI", 0x829A, 10, 1) + at(60) + bytes(4)
    block = tiff(pointer, tail=photo.ljust(34, b"\0") + before + bytes(20))
    (tmp_path / "a.jpg").write_bytes(encoded(format="JPEG", exif=b"Exif\0\0" + block))
    capture = read_capture(tmp_path / "a.jpg")
    assert read_exif(io.BytesIO(block)).photo[0x829A].numbers == (-1 / 60,)
    assert (capture.exposure_mode, capture.exposure) == (None, Exposure())


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0, -1.0, 5e-324, 1e-300, 1e300])
def test_exposures_beyond_any_camera_are_unknown(value: float) -> None:
    second = Tag(5, 1, struct.pack("<II", 1, 1), 0)
    wrong = Tag(12, 1, struct.pack("<d", value), 0)
    exif = Exif(photo={0x829A: second, 0x829D: wrong, 0x8827: wrong, 0x9204: wrong, 0xA402: wrong})
    assert exposure_of(exif) == Exposure(1.0)
    assert exposure_of(Exif(photo={0x829A: wrong})) is None
    assert bias_ev_of(exif) is None or abs(value) < 50
    assert orientation_of(Exif({0x0112: wrong})) == 1


def test_an_exposure_in_apex_alone_counts() -> None:
    def ratio(above: int, below: int) -> Tag:
        return Tag(10, 1, struct.pack("<ii", above, below), 0)

    apex = {0x9201: ratio(-2, 1), 0x9202: ratio(6, 1)}
    assert exposure_of(Exif(photo=apex)) == Exposure(4.0, None, pytest.approx(8.0))
    assert exposure_of(Exif(photo={**apex, 0x829A: ratio(1, 50), 0x829D: ratio(11, 1)})) == Exposure(0.02, None, 11.0)
    assert exposure_of(Exif(photo={**apex, 0x829A: ratio(0, 1)})) is None, "the camera says that it does not know"
    for beyond in (ratio(2000, 1), ratio(-2000, 1), ratio(1, 0)):
        assert exposure_of(Exif(photo={0x9201: beyond})) is None


@pytest.mark.parametrize(
    "tag",
    [Tag(3, 1, b"\6\0", 0), Tag(4, 1, b"\6\0\0\0", 0), Tag(1, 1, b"\6", 0), Tag(2, 2, b"6\0", 0),
     Tag(5, 1, struct.pack("<II", 6, 1), 0), Tag(3, 1, b"\0\6", 0, ">")],
)  # fmt: skip
def test_an_orientation_counts_whatever_its_type(tag: Tag) -> None:
    exif = Exif({0x0112: tag})
    assert (orientation_of(exif), orientation_warning(exif)) == (6, ())


@pytest.mark.parametrize(("tag", "got"), [((3, 1, b"\x09\0\0\0"), "9"), ((2, 4, b"90L\0"), "90L")])
def test_an_orientation_that_is_none_is_said(tmp_path: Path, tag: tuple[int, int, bytes], got: str) -> None:
    block = tiff((0x0112, *tag))
    (tmp_path / "a.jpg").write_bytes(encoded(format="JPEG", exif=b"Exif\0\0" + block))
    with open_photo(tmp_path / "a.jpg") as photo:
        assert photo.warnings == (f"a.jpg: its EXIF orientation is {got}: expected 1 to 8, taken as upright",)
    assert orientation_warning(Exif({0x0112: Tag(3, 1, b"\0\0", 0)})) == ()


def test_text_is_read_up_to_its_end_and_whatever_its_letters() -> None:
    assert Tag(2, 9, "Zoë".encode() + b"\0junk", 0).text == "Zoë"
    assert Tag(2, 4, b"Zo\xeb\0", 0).text == "Zoë"
    assert Tag(2, 9, b"\x1b[31mab\r\n", 0).text == "[31mab"
    assert Tag(3, 2, b"\1\0\2\0", 0, ">").numbers == (256, 512)


def exif_jpeg(tmp_path: Path) -> bytes:
    path = tmp_path / Card(tmp_path).shoot(tags={"Exif.Photo.LensModel": "50 mm"})
    return path.read_bytes()


def test_exif_is_found_behind_other_segments(tmp_path: Path) -> None:
    data = exif_jpeg(tmp_path)
    comment = b"\xff\xfe" + struct.pack(">H", 20_002) + bytes(20_000)
    (tmp_path / "a.jpg").write_bytes(data[:2] + comment * 3 + data[2:])
    assert read_header(tmp_path / "a.jpg").exposure.f_number == 8


@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
@pytest.mark.parametrize("behind", [False, True])
def test_exif_of_a_png_is_found_before_and_behind_its_pixels(tmp_path: Path, prefix: bytes, behind: bool) -> None:
    write_photo(tmp_path / "a.png", np.zeros((8, 9, 3), np.uint8))
    data = (tmp_path / "a.png").read_bytes()
    body = b"eXIf" + prefix + tiff(MODEL, TURNED)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    text = b"zTXtComment\0\0" + zlib.compress(bytes(3_000_000))
    long = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    place = len(data) - 12 if behind else 33
    (tmp_path / "a.png").write_bytes(data[:33] + (long + data[33:])[: place - 33 + len(long)] + chunk + data[place:])
    assert (read_header(tmp_path / "a.png").camera, read_header(tmp_path / "a.png").size) == ("ab", "8×9")
    assert read_photo(tmp_path / "a.png").shape == (9, 8, 3)


def test_damaged_exif_prints_nothing(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    block = tiff(DAMAGED["beyond the end"], MODEL)
    buffer = io.BytesIO()
    PillowImage.new("RGB", (8, 8)).save(buffer, "JPEG", exif=b"Exif\0\0" + block)
    jfif = buffer.getvalue()
    (tmp_path / "a.jpg").write_bytes(jfif[:2] + jfif[20:])  # without JFIF, Pillow looks for a resolution in EXIF
    assert read_header(tmp_path / "a.jpg").camera == "ab"
    assert not recwarn.list
