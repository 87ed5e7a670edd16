"""EXIF and XMP wherever cameras and programs put them in a file or beside it, as Pillow finds them."""

from __future__ import annotations

import io
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage
from support.bad_files import encoded
from support.exif import exif_block, ratios, segment, text, with_segments

from deepfuse.bracket import Exposure
from deepfuse.errors import PhotoError
from deepfuse.metadata.capture import exposure_of
from deepfuse.metadata.exif import read_exif
from deepfuse.metadata.iptc import iptc_of
from deepfuse.metadata.png import TEXT_CHUNKS, read_png
from deepfuse.metadata.reading import Metadata
from deepfuse.photo import read_header, read_photo
from deepfuse.photo.opening import open_photo
from deepfuse.simulation.camera import CAMERAS, write_dng

TURNED = exif_block({0x0112: (3, 1, b"\0\6"), 0x0110: text(b"Cam 1")}, {0x829A: ratios(1, 60)})
JPEG = encoded(np.full((20, 30, 3), 90, np.uint8), format="JPEG")
PNG = encoded(np.full((20, 30, 3), 90, np.uint8), format="PNG")
EXIF = segment(0xE1, b"Exif\0\0" + TURNED)
BEFORE = {
    "comment": segment(0xFE, bytes(5000)),
    "profile": segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(20_000)),
    "XMP": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"<a/>" + b" " * 9000),
    "XMP extension": segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 40 + bytes(60_000)),
    "Photoshop": segment(0xED, b"Photoshop 3.0\0" + bytes(9000)),
    "fill bytes": b"\xff" * 700,
    "marks of other makers": segment(0xE5, bytes(64_000)) * 4,
}


def metadata_of(path: Path) -> Metadata:
    with open_photo(path) as photo:
        return photo.metadata


def assert_found(path: Path) -> None:
    header = read_header(path)
    with PillowImage.open(path) as picture:
        assert picture.getexif()[0x0110] == "Cam 1"
    assert (header.orientation, header.size, header.camera) == (6, "20×30", "Cam 1")
    assert header.exposure.time_s == pytest.approx(1 / 60)


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
def test_exif_is_found_in_a_jpeg_behind(tmp_path: Path, before: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(with_segments(JPEG, before, EXIF))
    assert_found(tmp_path / "a.jpg")


def test_exif_is_found_before_jfif(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(JPEG[:2] + EXIF + JPEG[2:])
    assert_found(tmp_path / "a.jpg")


FLOODS = {
    "no segment": b"\0" * 5_000_000,
    "fill bytes": b"\xff" * 5_000_000,
    "EXIF over and over": segment(0xE1, b"Exif\0\0" + bytes(65_000)) * 300,
    "tiny segments": segment(0xEB, b"") * 1_000_000,
    "long segments": segment(0xEB, bytes(65_000)) * 1100,
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_a_picture_that_never_comes_is_refused_at_once(tmp_path: Path, flood: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(with_segments(JPEG, flood))
    begin = time.process_time()
    with pytest.raises(PhotoError, match="too much before it"):
        read_header(tmp_path / "a.jpg")
    assert time.process_time() - begin < 5


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def raw_profile(kind: str, block: bytes) -> bytes:
    rows = "\n".join(block.hex()[at : at + 72] for at in range(0, 2 * len(block), 72))
    return f"\n{kind}\n{len(block):8}\n{rows}\n".encode()


PREFIXED = b"Exif\0\0" + TURNED
CHUNKS = {
    "eXIf": chunk(b"eXIf", TURNED),
    "eXIf with a JPEG's mark": chunk(b"eXIf", PREFIXED),
    "zTXt": chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw_profile("exif", PREFIXED))),
    "tEXt": chunk(b"tEXt", b"Raw profile type exif\0" + raw_profile("exif", PREFIXED)),
    "APP1": chunk(b"zTXt", b"Raw profile type APP1\0\0" + zlib.compress(raw_profile("generic profile", PREFIXED))),
    "iTXt": chunk(b"iTXt", b"Raw profile type exif\0\1\0\0\0" + zlib.compress(raw_profile("exif", PREFIXED))),
}


@pytest.mark.parametrize("told", CHUNKS.values(), ids=CHUNKS)
def test_exif_is_found_in_a_png_in(tmp_path: Path, told: bytes) -> None:
    (tmp_path / "a.png").write_bytes(PNG[:33] + chunk(b"tEXt", b"Comment\0" + bytes(9000)) + told + PNG[33:])
    header = read_header(tmp_path / "a.png")
    assert (header.orientation, header.size, header.camera) == (6, "20×30", "Cam 1")
    assert header.exposure.time_s == pytest.approx(1 / 60)


@pytest.mark.parametrize("told", CHUNKS.values(), ids=CHUNKS)
def test_nothing_is_printed_of_it(tmp_path: Path, capfd: pytest.CaptureFixture[str], told: bytes) -> None:
    (tmp_path / "a.png").write_bytes(PNG[:33] + told + PNG[33:])
    assert read_photo(tmp_path / "a.png").shape == (30, 20, 3)
    assert capfd.readouterr() == ("", "")


def test_a_second_header_is_refused(tmp_path: Path) -> None:
    header = PNG[8:33]
    for data in (PNG[:33] + header + PNG[33:], PNG[:8] + chunk(b"tEXt", b"a\0b") + PNG[8:]):
        (tmp_path / "a.png").write_bytes(data)
        with pytest.raises(PhotoError, match="one header"):
            read_header(tmp_path / "a.png")


def test_texts_that_swell_are_not_unpacked_one_after_the_other(tmp_path: Path) -> None:
    bomb = zlib.compress(bytes(1 << 24), 9)
    flood = b"".join(chunk(b"zTXt", f"K{index}".encode() + b"\0\0" + bomb) for index in range(200))
    (tmp_path / "a.png").write_bytes(PNG[:33] + CHUNKS["eXIf"] + flood + PNG[33:])
    begin = time.process_time()
    assert sum(len(words) for _, words in metadata_of(tmp_path / "a.png").texts) < 2e7
    assert time.process_time() - begin < 5
    assert read_header(tmp_path / "a.png").camera == "Cam 1"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_a_big_tiff_tells_as_a_tiff_does(tmp_path: Path, order: str, big: bool) -> None:
    tags = [(0x0112, 3, 1, 3, True), (0x010F, 2, 0, "Acme", True), (0x0110, 2, 0, "Cam of a long name", True)]
    tags.append((0x829A, 5, 1, (1, 60), True))
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((20, 30, 3), np.uint8), photometric="rgb", bigtiff=big, byteorder=order,
        extratags=tags, metadata=None,
    )  # fmt: skip
    header = read_header(tmp_path / "a.tif")
    assert (header.orientation, header.camera) == (3, "Acme Cam of a long name")
    assert header.exposure.time_s == pytest.approx(1 / 60)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("pointer", [4, 13, 16, 18])
def test_the_exif_of_a_big_tiff_is_found(order: str, pointer: int) -> None:
    """BigTIFF: 8 bytes of value in the row itself, so that a ratio lies there."""
    width = "I4x" if pointer in (4, 13) else "Q"
    magic = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HHHQ", 43, 8, 0, 16)
    first = struct.pack(f"{order}QHHQ{width}Q", 1, 0x8769, pointer, 1, 16 + 8 + 20 + 8, 0)
    below = struct.pack(order + "QHHQIIQ", 1, 0x829A, 5, 1, 1, 60, 0)
    assert exposure_of(read_exif(io.BytesIO(magic + first + below))) == Exposure(1 / 60)


def test_directories_of_a_big_tiff_that_lie_are_read(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((8, 8, 3), np.uint8), photometric="rgb", bigtiff=True, metadata=None)
    data = bytearray(buffer.getvalue())
    (at,) = struct.unpack_from("<Q", data, 8)
    for count, offset in ((2**64 - 1, at), (3, 2**64 - 1)):
        struct.pack_into("<Q", data, at, count)
        struct.pack_into("<Q", data, 8, offset)
        (tmp_path / "a.tif").write_bytes(data)
        with pytest.raises(PhotoError):
            read_header(tmp_path / "a.tif")


def packet(body: str) -> bytes:
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{rdf}">{body}</rdf:RDF></x:xmpmeta>'.encode()


def test_xmp_that_goes_on_in_other_segments_is_put_together(tmp_path: Path) -> None:
    guid, whole = b"0123456789ABCDEF" * 2, packet("<rdf:Description/>") + b" " * 100_000
    main = packet(f'<rdf:Description xmpNote:HasExtendedXMP="{guid.decode()}"/>')
    head = b"http://ns.adobe.com/xmp/extension/\0"
    parts = [
        segment(0xE1, head + guid + struct.pack(">II", len(whole), at) + whole[at : at + 60_000])
        for at in range(0, len(whole), 60_000)
    ]
    strange = segment(0xE1, head + b"F" * 32 + struct.pack(">II", 3, 0) + b"<a>")
    first = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + main)
    (tmp_path / "a.jpg").write_bytes(with_segments(JPEG, parts[1], first, strange, parts[0]))
    assert metadata_of(tmp_path / "a.jpg").xmp == (main, whole)


@pytest.mark.parametrize("beside", ["a.dng.xmp", "a.xmp", "a.XMP"])
def test_a_sidecar_counts_before_the_file(tmp_path: Path, beside: str) -> None:
    write_dng(tmp_path / "a.dng", np.full((64, 64), 900, np.uint16), camera=CAMERAS[0], exposure=Exposure(1 / 60))
    before = metadata_of(tmp_path / "a.dng")
    (tmp_path / beside).write_bytes(packet("<rdf:Description/>"))
    assert metadata_of(tmp_path / "a.dng").xmp == (packet("<rdf:Description/>"), *before.xmp)


def test_a_sidecar_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    name = "x" * 250 + ".jpg"  # with another suffix too long
    (tmp_path / name).write_bytes(JPEG)
    (tmp_path / "b.jpg").write_bytes(JPEG)
    (tmp_path / "b.xmp").mkdir()
    assert [metadata_of(tmp_path / file).xmp for file in (name, "b.jpg")] == [(), ()]


@given(data=st.binary(max_size=300), name=st.sampled_from(TEXT_CHUNKS), key=st.sampled_from([b"exif", b"8bim", b"xmp"]))
def test_any_chunks_of_text_are_read(data: bytes, name: bytes, key: bytes) -> None:
    profile = b"Raw profile type " + key + b"\0" + (b"\0" + zlib.compress(data) if name == b"zTXt" else data)
    found = read_png(data, [(name, profile), (name, data), (name, b"XML:com.adobe.xmp\0\1\0\0\0" + data)], data[:9])
    assert isinstance(found, Metadata)
    assert len(iptc_of(b"8BIM" + data)) <= len(data)
