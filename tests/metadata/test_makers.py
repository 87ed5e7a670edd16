"""The makers' own tags, written by Exiv2 and read back."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import exiv2
import pytest
from support.photographs import START_S, Card

from deepfuse.metadata.exif import read_exif
from deepfuse.metadata.makers import UNKNOWN, Bracketing
from deepfuse.metadata.reading import read_file
from deepfuse.photo.capture import read_capture

Short, Long = exiv2.UShortValue, exiv2.ULongValue
CASES: list[tuple[str, dict[str, Any], Bracketing]] = [
    ("Canon", {"CanonFi.BracketMode": "1", "CanonFi.BracketShotNumber": "2"}, Bracketing("exposure", 2)),
    (
        "Canon",
        {"CanonSi.AutoExposureBracketing": Short([65535]), "CanonSi.AEBBracketValue": Short([65536 - 44])},
        Bracketing("exposure", None, None, -4 / 3),
    ),
    (
        "Canon",
        {"CanonSi.AutoExposureBracketing": Short([3]), "CanonSi.AEBBracketValue": Short([64])},
        Bracketing("exposure", 3, None, 2.0),
    ),
    ("Canon", {"CanonFi.BracketMode": "2"}, Bracketing("focus")),
    ("Canon", {"CanonFi.BracketMode": "4"}, Bracketing("white balance")),
    ("Canon", {"CanonFi.BracketMode": "0", "CanonFi.WBBracketMode": "1"}, Bracketing("white balance")),
    ("Canon", {"CanonFi.BracketMode": "0", "CanonSi.AutoExposureBracketing": Short([0])}, Bracketing("none")),
    (
        "NIKON CORPORATION",
        {"Nikon3.ShootingMode": Short([17]), "Nikon3.ExposureBracketComp": "-4/6"},
        Bracketing("exposure", None, None, -2 / 3),
    ),
    ("NIKON CORPORATION", {"Nikon3.ShootingMode": Short([64])}, Bracketing("white balance")),
    ("NIKON CORPORATION", {"Nikon3.ShootingMode": Short([1])}, Bracketing("none")),
    ("SONY", {"Sony1.ReleaseMode": Short([5]), "Sony1.SequenceNumber": Short([2])}, Bracketing("exposure", 2)),
    ("SONY", {"Sony1.ReleaseMode": Short([6])}, Bracketing("white balance")),
    ("SONY", {"Sony1.ReleaseMode": Short([65535])}, Bracketing()),
    ("FUJIFILM", {"Fujifilm.0x1100": Short([1]), "Fujifilm.SequenceNumber": Short([3])}, Bracketing("some", 3)),
    ("FUJIFILM", {"Fujifilm.0x1100": Short([0])}, Bracketing("none")),
    (
        "Panasonic",
        {
            "Panasonic.BurstMode": Short([2]),
            "Panasonic.SequenceNumber": Long([4]),
            "Panasonic.BracketSettings": Short([3]),
        },
        Bracketing("exposure", 4, 5),
    ),
    ("Panasonic", {"Panasonic.BurstMode": Short([3])}, Bracketing("focus")),
    ("Panasonic", {"Panasonic.BurstMode": Short([8])}, Bracketing("white balance")),
    ("OLYMPUS CORPORATION", {"OlympusCs.DriveMode": Short([5, 2, 1, 0, 0])}, Bracketing("exposure", 2)),
    ("OLYMPUS CORPORATION", {"OlympusCs.DriveMode": Short([5, 2, 64, 0, 0])}, Bracketing("focus")),
    ("OLYMPUS CORPORATION", {"OlympusCs.DriveMode": Short([3, 1])}, Bracketing("white balance")),
    ("OLYMPUS CORPORATION", {"OlympusCs.DriveMode": Short([0, 0])}, Bracketing("none")),
    ("PENTAX", {"Pentax.AutoBracketing": Short([10, 0])}, Bracketing("exposure")),
    ("PENTAX", {"Pentax.AutoBracketing": Short([0, 0])}, Bracketing("none")),
    ("PENTAX", {"Pentax.AutoBracketing": Short([0, 257])}, Bracketing("other")),
    ("Unheard-of", {}, UNKNOWN),
]


@pytest.mark.parametrize(("make", "tags", "expected"), CASES)
def test_each_maker_is_understood(tmp_path: Path, make: str, tags: dict[str, Any], expected: Bracketing) -> None:
    card = Card(tmp_path, make)
    name = card.shoot(tags={f"Exif.{key}": value for key, value in tags.items()})
    found = read_capture(tmp_path / name).bracketing
    assert (found.kind, found.number, found.length) == (expected.kind, expected.number, expected.length)
    assert found.offset_ev == (None if expected.offset_ev is None else pytest.approx(expected.offset_ev))


def test_times_have_fractions_and_offsets(tmp_path: Path) -> None:
    card = Card(tmp_path, clock_s=0.25)
    plain = read_capture(tmp_path / card.shoot(mode=2))
    assert (plain.taken_s, plain.exposure_mode) == (START_S + 0.25, 2)
    east = read_capture(tmp_path / card.shoot(tags={"Exif.Photo.OffsetTimeOriginal": "+02:00"}))
    assert east.taken_s == START_S + 0.25 - 7200
    zeros = read_capture(tmp_path / card.shoot(tags={"Exif.Photo.DateTimeOriginal": "0000:00:00 00:00:00"}))
    assert zeros.taken_s is None


@pytest.mark.parametrize("make", ["Canon", "NIKON CORPORATION", "SONY", "FUJIFILM", "Panasonic", "OLYMPUS", "PENTAX"])
def test_damaged_notes_say_nothing_and_do_no_harm(tmp_path: Path, make: str) -> None:
    tags = next(tags for name, tags, _ in CASES if name.startswith(make))
    path = tmp_path / Card(tmp_path, make).shoot(tags={f"Exif.{key}": value for key, value in tags.items()})
    whole = path.read_bytes()
    start = whole.index(b"Exif\0\0") + 6
    block = whole[start:]
    answers = set()
    for at in range(414):
        for damaged in (block[:at] + bytes([block[at] ^ 0xFF, 0xFF]) + block[at + 2 :], block[:at]):
            answers.add(read_exif(io.BytesIO(damaged)).bracketing)
    path.write_bytes(whole[: start + 4] + b"\xff" * 40 + whole[start + 44 :])
    assert read_capture(path).bracketing == UNKNOWN
    assert UNKNOWN in answers
    assert len(answers) > 1


def wrapped_as_raf(jpeg: bytes) -> bytes:
    return b"FUJIFILMCCD-RAW ".ljust(84, b"\0") + struct.pack(">II", 160, len(jpeg)) + bytes(68) + jpeg


def wrapped_as_cr3(image: bytes, photo: bytes) -> bytes:
    boxes = b"".join(struct.pack(">I", len(b) + 8) + n + b for n, b in ((b"CMT1", image), (b"CMT2", photo)))
    return struct.pack(">I", 24) + b"ftypcrx \0\0\0\1crx isom" + boxes


def test_exif_is_found_in_raf_and_cr3(tmp_path: Path) -> None:
    jpeg = tmp_path / Card(tmp_path, "FUJIFILM").shoot(tags={"Exif.Fujifilm.0x1100": Short([1])})
    raf = tmp_path / "photo.raf"
    raf.write_bytes(wrapped_as_raf(jpeg.read_bytes()))
    with raf.open("rb") as file:
        assert read_file(file).exif.bracketing.kind == "some"
    raf.write_bytes(wrapped_as_raf(b"\xff\xd8\xff" + b"no picture" * 20))
    with raf.open("rb") as file:
        assert read_file(file).exif.image == {}

    def tiff(tag: int, text: bytes) -> bytes:
        return b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, tag, 2, len(text), 26) + bytes(4) + text

    cr3 = tmp_path / "photo.cr3"
    cr3.write_bytes(wrapped_as_cr3(tiff(0x010F, b"Canon\0"), tiff(0x9003, b"2024:01:02 03:04:05\0")))
    xmp = bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + b"<x:xmpmeta/>"
    with cr3.open("ab") as file:
        file.write(struct.pack(">I4s", 8 + len(xmp), b"uuid") + xmp + struct.pack(">I4s", 16, b"mdat") + bytes(8))
    with cr3.open("rb") as file:
        metadata = read_file(file)
    exif = metadata.exif
    assert metadata.xmp == (b"<x:xmpmeta/>",)
    assert exif.image[0x010F].text == "Canon"
    assert exif.photo[0x9003].text == "2024:01:02 03:04:05"
