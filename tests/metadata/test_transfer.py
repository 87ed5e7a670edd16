"""What a fused picture tells of how it was taken, read back with Exiv2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import exiv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image as PillowImage
from support.photographs import Card, write_tags

from deepfuse.bracket import Exposure
from deepfuse.cli import main
from deepfuse.metadata.transfer import Transferred, transfer
from deepfuse.photo import read_header, read_photo, write_photo
from deepfuse.photo.opening import open_photo
from deepfuse.photo.profiles import profile_of, srgb_profile
from deepfuse.simulation.camera import CAMERAS, write_dng

TAGS = {
    "Exif.Image.Artist": "Zoë",
    "Exif.Image.Orientation": exiv2.UShortValue([6]),
    "Exif.Photo.LensModel": "50 mm",
    "Exif.Photo.FocalLength": "351/10",
    "Exif.Photo.ExposureBiasValue": "-2/1",
    "Exif.Photo.ExposureMode": exiv2.UShortValue([2]),
    "Exif.Photo.MakerNote": exiv2.DataValue(b"private" * 9),
    "Exif.Photo.PixelXDimension": exiv2.ULongValue([96]),
    "Exif.GPSInfo.GPSLatitudeRef": "N",
    "Exif.GPSInfo.GPSLatitude": "48/1 12/1 3059/100",
    "Exif.Thumbnail.ImageWidth": exiv2.ULongValue([8]),
}
XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" xmp:Rating="4"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" crs:Contrast="9"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>pier</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


@pytest.fixture
def shots(tmp_path: Path) -> list[Path]:
    card = Card(tmp_path)
    paths = [tmp_path / card.shoot(stops, tags=TAGS) for stops in (-2, 0, 2)]
    for path in paths:
        image = exiv2.ImageFactory.open(str(path))
        image.readMetadata()
        image.setXmpPacket(XMP)
        image.writeMetadata()
    return paths


def told(path: Path) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """A file's EXIF and XMP, by Exiv2's names."""
    image = exiv2.ImageFactory.open(str(path))
    image.readMetadata()
    exif, xmp = ({datum.key(): datum.toString() for datum in data} for data in (image.exifData(), image.xmpData()))
    return exif, xmp


def transferred(paths: list[Path], base: int, *, jpeg: bool = False) -> Transferred:
    """What a picture of 30×20 pixels takes over from the frames in these files."""
    frames = []
    for path in paths:
        with open_photo(path) as photo:
            frames.append(photo.metadata)
    return transfer(
        frames, base, names=[path.name for path in paths], width=30, height=20, icc=srgb_profile(), jpeg=jpeg
    )


def fused(paths: list[Path], out: Path, dtype: type = np.uint8) -> tuple[Mapping[str, str], Mapping[str, str]]:
    pixels = np.full((20, 30, 3), 0.25, np.float32)
    carried = transferred(paths, 1)
    picture = pixels if dtype == np.float32 else np.full((20, 30, 3), np.iinfo(dtype).max // 4, dtype)
    write_photo(out, picture, embedded=carried.embedded)
    assert (read_photo(out) == picture).all()
    return told(out)


FORMATS = [(".jpg", np.uint8), (".png", np.uint8), (".png", np.uint16)]
FORMATS += [(".tif", np.uint8), (".tif", np.uint16), (".tif", np.float32)]


@pytest.mark.parametrize(("suffix", "dtype"), FORMATS)
def test_the_frames_metadata_are_carried_into_every_format(
    shots: list[Path], tmp_path: Path, suffix: str, dtype: type
) -> None:
    exif, xmp = fused(shots, tmp_path / f"out{suffix}", dtype)
    kept = {
        "Exif.Image.Make": "Maker",
        "Exif.Image.Artist": "Zoë",
        "Exif.Image.Orientation": "1",
        "Exif.Image.Software": f"deepfuse {version('deepfuse')}",
        "Exif.Photo.LensModel": "50 mm",
        "Exif.Photo.FocalLength": "351/10",
        "Exif.Photo.DateTimeOriginal": "2023:11:14 22:13:20",
        "Exif.Photo.FNumber": "8/1",
        "Exif.Photo.ISOSpeedRatings": "100",
        "Exif.Photo.PixelXDimension": "30",
        "Exif.Photo.PixelYDimension": "20",
        "Exif.Photo.ColorSpace": "1",
        "Exif.GPSInfo.GPSLatitude": "48/1 12/1 3059/100",
        "Exif.GPSInfo.GPSLatitudeRef": "N",
    }
    assert {key: exif.get(key) for key in kept} == kept
    gone = "ExposureTime ExposureBiasValue ExposureMode MakerNote".split()
    assert not [key for key in exif if key.split(".")[-1] in gone or "Thumbnail" in key]
    assert xmp["Xmp.dc.subject"] == "pier"
    assert xmp["Xmp.xmp.Rating"] == "4"
    assert not [key for key in xmp if "tiff" in key or "crs" in key]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_the_profile_is_srgb(shots: list[Path], tmp_path: Path, suffix: str) -> None:
    fused(shots, out := tmp_path / f"out{suffix}")
    with PillowImage.open(out) as image:
        assert profile_of(image.info["icc_profile"], grey=False).icc == b""
    assert "sRGB" in read_header(out).profile


def test_an_exposure_that_all_frames_share_stays(shots: list[Path], tmp_path: Path) -> None:
    for path in shots:
        write_tags(path, {"Exif.Photo.ExposureTime": "1/50"})
    write_tags(shots[0], {"Exif.Photo.FNumber": "16/1"})
    exif, _ = fused(shots, tmp_path / "out.jpg")
    assert exif["Exif.Photo.ExposureTime"] == "1/50"
    assert "Exif.Photo.FNumber" not in exif


def test_raw_frames_are_told_of_in_a_clean_block(tmp_path: Path) -> None:
    mosaic = np.full((64, 64), 2000, np.uint16)
    paths = [tmp_path / f"{index}.dng" for index in (0, 1)]
    for path, time_s in zip(paths, (1 / 60, 1 / 15), strict=True):
        write_dng(path, mosaic, camera=CAMERAS[3], exposure=Exposure(time_s, 200, 8))
    exif, _ = fused(paths, tmp_path / "out.tif", np.uint16)
    assert CAMERAS[3].name in f"{exif.get('Exif.Image.Make', '')} {exif['Exif.Image.Model']}"
    assert exif["Exif.Photo.ISOSpeedRatings"] == "200"
    assert exif["Exif.Image.ImageWidth"] == "30"
    assert not [key for key in exif if "DNG" in key or "CFA" in key or key.endswith("ExposureTime")]


@pytest.mark.parametrize("suffix", [".heic", ".png"])
def test_other_containers_are_read(tmp_path: Path, suffix: str) -> None:
    pillow_heif.register_heif_opener()
    image = PillowImage.fromarray(np.zeros((64, 64, 3), np.uint8))
    exif = image.getexif()
    exif[0x010F] = "Maker"
    exif[0x8769] = {0x9003: "2020:01:01 00:00:00"}
    image.save(tmp_path / f"a{suffix}", exif=exif)
    told_of, _ = fused([tmp_path / f"a{suffix}"] * 2, tmp_path / "out.jpg")
    assert told_of["Exif.Image.Make"] == "Maker"
    assert told_of["Exif.Photo.DateTimeOriginal"] == "2020:01:01 00:00:00"


def test_damaged_metadata_are_a_warning(shots: list[Path], tmp_path: Path) -> None:
    data = shots[1].read_bytes()
    at = data.index(b"Exif\0\0") + 6
    shots[1].write_bytes(data[:at] + b"\xff" * 60 + data[at + 60 :])
    carried = transferred(shots, 1)
    assert carried.warnings == (f"{shots[1].name}: damaged EXIF, which is not carried over",)
    exif, _ = fused(shots, tmp_path / "out.png")
    assert exif["Exif.Image.Software"] == f"deepfuse {version('deepfuse')}"
    shots[1].write_bytes(data.replace(b"<rdf:Description", b"<rdf:Deskription", 1))
    assert "XMP cannot be read" in transferred(shots, 1).warnings[0]


def test_fuse_carries_the_middle_exposures_metadata(
    shots: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.tif"
    for path, lens in zip(shots, ("dark", "middle", "bright"), strict=True):
        write_tags(path, {"Exif.Photo.LensModel": lens})
    shuffled = [str(shots[index]) for index in (1, 2, 0)]
    assert main(["fuse", *shuffled, "-o", str(out), "--no-align", "--depth", "16", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["metadata_of"], record["warnings"]) == (shots[1].name, [])
    exif, _ = told(out)
    size = (exif["Exif.Photo.PixelXDimension"], exif["Exif.Photo.PixelYDimension"])
    assert (exif["Exif.Photo.LensModel"], size) == ("middle", (str(record["width"]), str(record["height"])))
    assert record["height"] > record["width"], "upright"


def test_frames_without_metadata_are_no_news(tmp_path: Path) -> None:
    for suffix in (".jpg", ".png", ".tif"):
        write_photo(tmp_path / f"a{suffix}", np.zeros((8, 8, 3), np.uint8))
        assert transferred([tmp_path / f"a{suffix}"], 0).warnings == ()


def test_what_does_not_fit_is_left_out_and_named(
    shots: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tags(shots[1], {"Exif.Photo.LensModel": "x" * 500})
    monkeypatch.setattr("deepfuse.metadata.fitting.LARGEST_EXIF", 800)
    assert transferred(shots, 1, jpeg=True).warnings == (f"{shots[1].name}: not carried over: EXIF 0xa434",)
    exif, _ = fused(shots, tmp_path / "out.jpg")
    assert "Exif.Photo.LensModel" not in exif
    assert exif["Exif.Image.Make"] == "Maker"


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg"])
def test_tiff_and_png_hold_what_a_jpeg_does_not(
    shots: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    words = "".join(f"<rdf:li>{number:09}</rdf:li>" for number in range(4000))
    sidecar = XMP.replace(
        "</rdf:Description>", f"<dc:relation><rdf:Bag>{words}</rdf:Bag></dc:relation></rdf:Description>"
    )
    for shot in shots:
        shot.with_suffix(".xmp").write_text(sidecar)
        write_tags(shot, {"Exif.Photo.LensModel": "x" * 30_000, "Exif.Image.Artist": "y" * 20_000})
    out, frames = tmp_path / f"out{suffix}", [*map(str, shots)]
    assert main(["fuse", *frames, "-o", str(out), "--no-align", "--json"]) == 0
    [*said] = json.loads(capsys.readouterr().out)["warnings"]
    assert said == ([f"{shots[1].name}: not carried over: XMP relation"] if suffix == ".jpg" else [])
    exif, xmp = told(out)
    assert exif["Exif.Photo.LensModel"] == "x" * 30_000
    assert ("Xmp.dc.relation" in xmp) is (suffix != ".jpg")


def test_align_says_what_its_frames_lose(shots: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = exiv2.ImageFactory.open(str(shots[1]))
    image.readMetadata()
    image.setXmpPacket(XMP.replace("crs:Contrast", 'xmlns:mine="http://example.org/" mine:Mood="calm" crs:Contrast'))
    image.writeMetadata()
    assert main(["align", *map(str, shots), "-o", str(tmp_path / "out"), "--if-unaligned", "as-is"]) == 0
    assert f"warning: {shots[1].name}: not carried over: XMP http://example.org/" in capsys.readouterr().err
