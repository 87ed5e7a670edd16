"""What a fused picture carries over is what was written, to the bit; read back with Pillow and Exiv2."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import exiv2
import numpy as np
import pytest
from PIL import Image as PillowImage
from support.bad_files import encoded
from support.exif import Value, exif_block, ratios, segment, text, with_segments

from deepfuse.metadata.capture import exposure_of
from deepfuse.metadata.exif import Exif
from deepfuse.metadata.tiff import FORMATS, Tag
from deepfuse.metadata.transfer import transfer
from deepfuse.metadata.verbatim import entry_of_tag
from deepfuse.photo import write_photo
from deepfuse.photo.opening import open_photo

FORMATS_WRITTEN = [".jpg", ".png", ".tif"]
PIXELS = np.full((20, 30, 3), 90, np.uint8)


def fused(*frames: Path, base: int = 0, suffix: str = ".jpg") -> tuple[Path, tuple[str, ...]]:
    """The file that is written for these frames, and the warnings."""
    told = []
    for frame in frames:
        with open_photo(frame) as photo:
            told.append(photo.metadata)
    names = [frame.name for frame in frames]
    carried = transfer(told, base, names=names, width=30, height=20, icc=b"")
    out = frames[0].with_name(f"out{suffix}")
    write_photo(out, PIXELS, embedded=carried.embedded)
    return out, carried.warnings


def photo_of(folder: Path, block: bytes, name: str = "a.jpg") -> Path:
    (folder / name).write_bytes(encoded(PIXELS, format="JPEG", exif=b"Exif\0\0" + block))
    return folder / name


def told(path: Path) -> dict[str, str]:
    image = exiv2.ImageFactory.open(str(path))
    image.readMetadata()
    return {datum.key(): datum.toString() for datum in image.exifData()}


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind < 13])
def test_values_of_a_big_endian_block_are_turned_round(kind: int) -> None:
    width = 1 if kind in (2, 7) else np.dtype({5: "u4", 10: "i4"}.get(kind, FORMATS[kind][0])).itemsize
    data = np.random.default_rng(kind).integers(0, 256, 24, dtype=np.uint8).tobytes()
    entry = entry_of_tag(1, Tag(kind, 24 // struct.calcsize(f"={FORMATS[kind]}"), data, 0, ">"))
    assert entry is not None
    assert entry.data == np.frombuffer(data, f">u{width}").astype(f"<u{width}").tobytes()


UNKNOWN: dict[int, Value] = {0x0002: ratios(0, 0, 0, 0, 0, 0), 0x0001: text(b"N"), 0x0006: ratios(0, 0)}


@pytest.mark.parametrize("suffix", FORMATS_WRITTEN)
def test_unknown_and_endless_values_stay_so(tmp_path: Path, suffix: str) -> None:
    lens = ratios(24, 1, 70, 1, 0, 0, 0, 0)
    photo = {0x9206: ratios(2**32 - 1, 1), 0xA432: lens, 0x920A: ratios(1, 0), 0x829D: ratios(80, 10)}
    out, warnings = fused(photo_of(tmp_path, exif_block({}, photo, UNKNOWN)), suffix=suffix)
    exif = told(out)
    assert warnings == ()
    assert exif["Exif.Photo.SubjectDistance"] == f"{2**32 - 1}/1"
    assert exif["Exif.Photo.LensSpecification"] == "24/1 70/1 0/0 0/0"
    assert (exif["Exif.Photo.FocalLength"], exif["Exif.Photo.FNumber"]) == ("1/0", "80/10")
    assert exif["Exif.GPSInfo.GPSLatitude"] == "0/0 0/0 0/0"
    assert exif["Exif.GPSInfo.GPSAltitude"] == "0/0"


@pytest.mark.parametrize("suffix", FORMATS_WRITTEN)
def test_texts_keep_their_bytes(tmp_path: Path, suffix: str) -> None:
    latin, rights, long = "Café à Orléans".encode("latin-1"), b"(c) Photographer\0(c) Editor", b"word " * 1500
    title = "Märchenschloß".encode("utf-16-le") + bytes(2)
    image = {0x010E: text(latin), 0x8298: text(rights), 0x013B: text(long), 0x9C9B: (1, len(title), title)}
    image[0x010D] = text(b"   ")
    out, warnings = fused(photo_of(tmp_path, exif_block(image)), suffix=suffix)
    with PillowImage.open(out) as picture:
        exif = picture.getexif()
    assert warnings == ()
    assert exif[0x010E] == latin.decode("latin-1")
    assert exif[0x013B] == long.decode().strip() or exif[0x013B] == long.decode()
    assert exif[0x9C9B] == title
    assert 0x010D not in exif, "blanks say nothing"
    assert rights + b"\0" in out.read_bytes()


CODED = {"<": "utf-16-le", ">": "utf-16-be"}
COMMENTS = [
    (order, coded, text) for order in CODED for coded in CODED.values() for text in ("Café note", "写真 note", "Привет")
]
COMMENTS += [(order, coded, "Ω") for order, coded in CODED.items()]  # one letter tells nothing, the file's order counts


@pytest.mark.parametrize(("order", "coded", "comment"), COMMENTS)
def test_a_comment_in_utf_16_is_read_as_it_was(tmp_path: Path, order: str, coded: str, comment: str) -> None:
    data = b"UNICODE\0" + comment.encode(coded)
    out, _ = fused(photo_of(tmp_path, exif_block({}, {0x9286: (7, len(data), data)}, order=order)))
    with PillowImage.open(out) as picture:
        written = picture.getexif().get_ifd(0x8769)[0x9286]
    assert written == b"UNICODE\0" + comment.encode("utf-16-le")


@pytest.mark.parametrize("fired", [(1, 1), (1, 0)])
def test_the_flash_is_told_of_where_all_frames_agree(tmp_path: Path, fired: tuple[int, int]) -> None:
    frames = [
        photo_of(tmp_path, exif_block({}, {0x9209: (3, 1, struct.pack(">H", flash))}), f"{index}.jpg")
        for index, flash in enumerate(fired)
    ]
    out, _ = fused(*frames)
    assert ("Exif.Photo.Flash" in told(out)) == (fired[0] == fired[1])


def test_iso_beyond_16_bits_is_in_a_tag_of_its_own() -> None:
    def exif(iso: int, rei: int | None) -> Exif:
        more = {} if rei is None else {0x8832: Tag(4, 1, struct.pack("<I", rei), 0)}
        second = Tag(5, 1, struct.pack("<II", 1, 1), 0)
        return Exif(photo={0x829A: second, 0x8827: Tag(3, 1, struct.pack("<H", iso), 0), **more})

    found = [exposure_of(exif(*told)) for told in ((65535, 204800), (65535, None), (400, 800))]
    assert [exposure.iso for exposure in found if exposure] == [204800, 65535, 400]


def test_a_file_that_loses_much_is_named_in_short(tmp_path: Path) -> None:
    texts = b"".join(chunk(b"tEXt", b"Key %d \x1b[31m%s\0x" % (index, b"y" * 500)) for index in range(60))
    png = encoded(PIXELS, format="PNG")
    (tmp_path / "a.png").write_bytes(png[:33] + texts + png[33:])
    _, (warning,) = fused(tmp_path / "a.png")
    assert warning.startswith("a.png: not carried over: text Key 0 ")
    assert warning.endswith(", and 52 more")
    assert len(warning) < 800


IPTC = b"\x1c\x01\x5a\x00\x03\x1b%G" + b"".join(
    b"\x1c\x02" + bytes([number]) + struct.pack(">H", len(value)) + value
    for number, value in ((5, b"Old pier"), (25, b"pier"), (25, "dämmerung".encode()), (116, b"(c) Ann"))
)


def resource(iptc: bytes, number: int = 0x0404, name: bytes = b"\0\0") -> bytes:
    return b"8BIM" + struct.pack(">H", number) + name + struct.pack(">I", len(iptc)) + iptc + b"\0" * (len(iptc) % 2)


@pytest.mark.parametrize("suffix", FORMATS_WRITTEN)
def test_iptc_is_carried_into_every_format(tmp_path: Path, suffix: str) -> None:
    block = b"Photoshop 3.0\0" + resource(b"123", 0x0425) + resource(b"x" * 7, 0x03E8, b"\3abc") + resource(IPTC)
    (tmp_path / "a.jpg").write_bytes(with_segments(encoded(PIXELS, format="JPEG"), segment(0xED, block)))
    out, warnings = fused(tmp_path / "a.jpg", suffix=suffix)
    image = exiv2.ImageFactory.open(str(out))
    image.readMetadata()
    found = [(datum.key(), datum.toString()) for datum in image.iptcData()]
    assert warnings == ()
    assert found[1:] == [
        ("Iptc.Application2.ObjectName", "Old pier"),
        ("Iptc.Application2.Keywords", "pier"),
        ("Iptc.Application2.Keywords", "dämmerung"),
        ("Iptc.Application2.Copyright", "(c) Ann"),
    ]
    again, _ = fused(out, suffix=".jpg")
    with PillowImage.open(again) as picture:
        assert picture.info["photoshop"] == {0x0404: IPTC}


@pytest.mark.parametrize("suffix", FORMATS_WRITTEN)
@pytest.mark.parametrize("source", FORMATS_WRITTEN)
def test_the_resolution_stays(tmp_path: Path, source: str, suffix: str) -> None:
    PillowImage.fromarray(PIXELS).save(tmp_path / f"a{source}", dpi=(300, 240))
    out, _ = fused(tmp_path / f"a{source}", suffix=suffix)
    with PillowImage.open(out) as picture:
        assert picture.info["dpi"] == pytest.approx((300, 240), abs=0.02)
        assert picture.getexif()[0x011A] == pytest.approx(300, abs=0.02)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@pytest.mark.parametrize("suffix", FORMATS_WRITTEN)
def test_texts_of_a_png_and_the_comment_of_a_jpeg_stay(tmp_path: Path, suffix: str) -> None:
    png = encoded(PIXELS, format="PNG")
    texts = chunk(b"tEXt", "Title\0Märchen".encode("latin-1")) + chunk(b"zTXt", b"Author\0\0" + zlib.compress(b"Ann"))
    texts += chunk(b"iTXt", "Copyright\0\0\0en\0\0© Ann".encode()) + chunk(b"tEXt", b"Software\0Editor")
    (tmp_path / "a.png").write_bytes(png[:33] + texts + chunk(b"tEXt", b"Mood\0calm") + png[33:])
    out, warnings = fused(tmp_path / "a.png", suffix=suffix)
    image = exiv2.ImageFactory.open(str(out))
    image.readMetadata()
    xmp = {datum.key(): datum.toString() for datum in image.xmpData()}
    assert warnings == ("a.png: not carried over: text Mood",)
    assert (xmp["Xmp.dc.title"], xmp["Xmp.dc.creator"]) == ('lang="x-default" Märchen', "Ann")
    assert xmp["Xmp.dc.rights"] == 'lang="x-default" © Ann'
    if suffix == ".png":
        with PillowImage.open(out) as picture:
            picture.load()
            assert {key: picture.info[key] for key in ("Title", "Author", "Copyright")} == {
                "Title": "Märchen", "Author": "Ann", "Copyright": "© Ann",
            }  # fmt: skip


@pytest.mark.parametrize(("suffix", "key"), [(".jpg", "comment"), (".png", "Comment"), (".tif", 700)])
def test_the_comment_of_a_jpeg_stays(tmp_path: Path, suffix: str, key: str | int) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded(PIXELS, format="JPEG", comment="Grüße\nvon hier".encode()))
    out, _ = fused(tmp_path / "a.jpg", suffix=suffix)
    with PillowImage.open(out) as picture:
        told_of = picture.info[key] if isinstance(key, str) else picture.getexif()[key]
    assert "Grüße\nvon hier" in (told_of if isinstance(told_of, str) else told_of.decode())
