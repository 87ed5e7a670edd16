"""Everything that a folder of photos may hold: scenes of which one file is bad, and odd ones that are good."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
from support.bad_files import (
    DARK,
    PICTURE,
    SIZE,
    encoded,
    encoded_cmyk,
    exif,
    exposed,
    heic,
    jpeg_claiming,
    png_claiming,
    raw,
    tiff,
    tiff_with,
)

from deepfuse.simulation.camera import write_radiance

Check = tuple[str, ...]


class Corpus:
    """Scenes in a folder: `bad` with the words that their reasons must hold, `good` with their numbers of frames."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bad: dict[str, Check] = {}
        self.good: dict[str, int] = {}

    def scene(self, name: str, files: dict[str, bytes]) -> Path:
        (self.root / name).mkdir(parents=True)
        for file, data in files.items():
            (self.root / name / file).write_bytes(data)
        return self.root / name

    def add_bad(self, name: str, file: str, data: bytes | Callable[[Path], object], *words: str) -> None:
        """Scenes of this file, or what is made at its path, and of one good PNG or of two that would be a bracket."""
        self.add_bad_pair(name, file, data, *words)
        self.add_bad_pair(f"{name}_of_three", file, data, *words)
        (self.root / f"{name}_of_three" / "dark.png").write_bytes(encoded(DARK, format="PNG"))

    def add_bad_pair(self, name: str, file: str, data: bytes | Callable[[Path], object], *words: str) -> None:
        """A scene of a good PNG and this file."""
        path = self.scene(name, {"good.png": encoded(format="PNG")}) / file
        path.write_bytes(data) if isinstance(data, bytes) else data(path)
        self.bad[name] = (file, *words)

    def add_good(self, name: str, files: dict[str, bytes]) -> None:
        self.scene(name, files)
        self.good[name] = len(files)


def add_truncated(corpus: Corpus, kinds: dict[str, list[bytes]]) -> None:
    """Of each kind, brackets of three in which the middle one is cut short."""
    for kind, (dark, data, bright) in kinds.items():
        suffix = kind.split("_")[0]
        # A PNG's last chunk says nothing: all of the picture is there without its last byte.
        last = 13 if kind == "png" else 1
        for place, length in (("header", 30), ("middle", len(data) // 2), ("late", len(data) - last)):
            scene = f"cut_{kind}_{place}"
            files = {f"a.{suffix}": dark, f"cut.{suffix}": data[:length], f"whole.{suffix}": bright}
            corpus.scene(scene, files)
            corpus.bad[scene] = (f"cut.{suffix}", "cannot be")


def add_not_photos(corpus: Corpus) -> None:
    text = b"this is not a picture\n" * 99
    for suffix in ("jpg", "dng"):
        corpus.add_bad(f"empty_{suffix}", f"no.{suffix}", b"", "expected a photo, got an empty file")
    corpus.add_bad("one_byte", "one.png", b"\x89", "got other content")
    corpus.add_bad("text_jpg", "text.jpg", text, "WebP, JPEG 2000 or JPEG XL file, got other content")
    corpus.add_bad("text_heic", "text.heic", text, "got other content")
    corpus.add_bad("text_dng", "text.dng", text, "Unsupported file format")
    corpus.add_bad("gif", "a.png", encoded(format="GIF"), "got other content")
    corpus.add_bad("tiff_named_raw", "a.nef", tiff(), "cannot be")
    corpus.add_bad("cmyk", "a.jpg", encoded_cmyk(), "expected a grey or RGB JPEG, got CMYK")
    corpus.add_bad("lab", "a.tif", tiff(photometric="cielab"), "expected a grey or RGB TIFF, got CIELAB")
    corpus.add_bad("int32", "a.tif", tiff(PICTURE.astype(np.uint32)), "got uint32")


def add_bombs(corpus: Corpus, dng: bytes) -> None:
    corpus.add_bad("bomb_png", "a.png", png_claiming(50_000, 50_000), "at most 250 megapixels, got 50000×50000")
    corpus.add_bad("bomb_jpeg", "a.jpg", jpeg_claiming(65_000, 65_000), "at most 250 megapixels, got 65000×65000")
    claim = {256: 90_000, 257: 50_000}
    corpus.add_bad("bomb_tiff", "a.tif", tiff_with(claim, tiff()), "at most 250 megapixels, got 90000×50000")
    corpus.add_bad("bomb_dng", "a.dng", tiff_with({256: 60_000, 257: 60_000}, dng))
    corpus.add_bad("no_rows", "a.tif", tiff_with({257: 0}, tiff()))
    corpus.add_bad("strip", "a.tif", tiff_with({279: 4_000_000_000}, tiff()), "4000000000 bytes", "cut short")
    tiles = tiff(np.zeros((64, 64, 3), np.uint8), tile=(64, 64), compression="deflate")
    corpus.add_bad("tiles", "a.tif", tiff_with({322: 60_000, 323: 60_000}, tiles), "60000×60000")


def add_odd_pixels(corpus: Corpus) -> None:
    for name in ("nan", "inf"):
        pixels = np.full((*SIZE, 3), float(name), np.float32)
        corpus.scene(
            name, {f"{file}.tif": tiff(PICTURE / np.float32(scale)) for file, scale in (("b", 255), ("c", 999))}
        )
        (corpus.root / name / "a.tif").write_bytes(tiff(pixels))
        corpus.bad[name] = ("a.tif", f"from 0 to 1, got {name}")
    for name, size, levels in (("black", SIZE, (0, 1)), ("white", SIZE, (254, 255)), ("pixel", (1, 1), (9, 90))):
        flat = [encoded(np.full((*size, 3), level, np.uint8), format="PNG") for level in levels]
        corpus.scene(name, {"a.png": flat[0], "b.png": flat[1]})
        corpus.bad[name] = ("a.png", "b.png", "without any detail")


def add_no_files(corpus: Corpus, *, links: bool = False) -> None:
    """Pipes, sockets and links; where links are followed, it is what they lead to that is no photo."""
    device, nowhere, loop = ("got a device", "No such file", "symbolic links") if links else ["got a link"] * 3
    corpus.add_bad("pipe", "photo.jpg", lambda path: os.mkfifo(path), "expected a file, got a named pipe")
    corpus.add_bad("socket", "photo.jpg", listen, "expected a file, got a socket")
    corpus.add_bad("device", "zero.dng", lambda path: path.symlink_to("/dev/zero"), device)
    corpus.add_bad("dangling", "gone.jpg", lambda path: path.symlink_to("nowhere"), nowhere)
    corpus.add_bad("loop", "round.jpg", lambda path: path.symlink_to(path.name), loop)
    if os.geteuid():
        corpus.add_bad("locked", "a.jpg", lambda path: path.touch(0) or path.write_bytes(b"x"), "Permission denied")


def listen(path: Path) -> None:
    """A socket's file; its name is too long for the system unless it is bound from beside it."""
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


def add_no_brackets(corpus: Corpus, dng: bytes, other_dng: bytes) -> None:
    good, small = encoded(format="PNG"), encoded(PICTURE[:32], format="PNG")
    sixteen = bytes(imagecodecs.png_encode(PICTURE.astype(np.uint16) * 257))
    corpus.add_bad_pair("mixed_size", "z.png", small, "one size, 80×64 like good.png, got 80×32")
    corpus.add_bad_pair("mixed_depth", "z.png", sixteen, "one kind, 8-bit pictures like good.png, got 16-bit pictures")
    corpus.add_bad_pair("mixed_kind", "z.dng", dng, "one kind, 8-bit pictures like good.png, got RAW")
    corpus.scene("mixed_camera", {"a.dng": dng, "c.dng": other_dng})
    corpus.bad["mixed_camera"] = ("one camera", "like a.dng", "(c.dng)")
    corpus.scene("copies", {"a.png": good, "b.png": good})
    corpus.bad["copies"] = ("the same content as a.png (b.png)", "expected 2 or more exposures, got 1 (a.png)")
    corpus.scene("single", {"only.png": good})
    corpus.bad["single"] = ("only.png", "expected 2 or more exposures, got 1")
    corpus.scene("many", {f"{index:02d}.png": encoded(exposed((index + 1) / 16), format="PNG") for index in range(16)})
    corpus.bad["many"] = ("00.png", "expected at most 15 exposures, got 16")


def add_radiance_maps(corpus: Corpus) -> None:
    write_radiance(corpus.root / "whole.hdr", np.full((*SIZE, 3), 0.5, np.float32) * PICTURE)
    data = (corpus.root / "whole.hdr").read_bytes()
    corpus.good["whole"] = 3
    write_radiance(corpus.root / "dark.hdr", np.zeros((*SIZE, 3), np.float32))
    corpus.bad["dark"] = ("dark.hdr", "expected a scene with some light")
    (corpus.root / "cut.hdr").write_bytes(data[: len(data) // 2])
    corpus.bad["cut"] = ("cut.hdr", "cannot")
    (corpus.root / "words.hdr").write_text("no picture")
    corpus.bad["words"] = ("words.hdr", "expected a Radiance .hdr picture")
    os.mkfifo(corpus.root / "queue.hdr")
    corpus.bad["queue"] = ("queue.hdr", "got a named pipe")


def add_odd_names(corpus: Corpus, dng: bytes, darker: bytes) -> None:
    good, dark = encoded(format="PNG"), encoded(DARK, format="PNG")
    jpegs = [encoded(exposed(share), format="JPEG", quality=95) for share in (0.5, 0.125)]
    names = ("-o.jpg", "new\nline.png", "写真 é.png", f"{'n' * 240}.jpg")
    corpus.add_good("names", dict(zip(names, (jpegs[0], good, dark, jpegs[1]), strict=True)))
    corpus.add_good("--help", {"--help.dng": dng, "$(touch x).dng": darker})
    corpus.add_good("photo.jpg", {"a.png": good, os.fsdecode(b"\xff\xfe.png"): dark})
    corpus.add_good("wrong_suffix", {"a.jpg": good, "b.tif": dark})
    corpus.add_good("last_byte", {"a.png": good[:-1], "b.png": dark})
    corpus.add_good("plain", {"a.png": good, "b.png": dark})
    (corpus.root / "plain" / "folder.jpg").mkdir()


def make_corpus(root: Path) -> Corpus:
    """All of it, in a new folder."""
    root.mkdir()
    corpus = Corpus(root)
    shares = (0.25, 0.5, 1)
    dark, dng, bright = (raw(root, 0, share) for share in shares)
    lossless = [raw(root, 3, share) for share in shares]
    frames = [exposed(share) for share in shares]
    kinds = {
        "jpg": [encoded(frame, format="JPEG") for frame in frames],
        "jpg_exif": [encoded(exposed(share), format="JPEG", exif=exif(share)) for share in shares],
        "png": [encoded(frame, format="PNG") for frame in frames],
        "tif": [tiff(frame) for frame in frames],
        "tif_deflate": [tiff(frame, compression="deflate") for frame in frames],
        "heic": [heic(frame) for frame in frames],
        "dng": [dark, dng, bright],
        "dng_lossless": lossless,
    }
    add_truncated(corpus, kinds)
    add_not_photos(corpus)
    add_bombs(corpus, bright)
    add_odd_pixels(corpus)
    add_no_files(corpus)
    add_no_brackets(corpus, bright, lossless[2])
    add_radiance_maps(corpus)
    add_odd_names(corpus, bright, dark)
    return corpus
