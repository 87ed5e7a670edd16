"""Everything that a folder of photos may hold, through the real stage: the bad is named, the good goes on."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pillow_heif
import pytest
import tifffile
from conftest import ROOT, set_params
from PIL import Image as PillowImage

from deepfuse.bracket import Exposure
from deepfuse.camera import CAMERAS, write_dng, write_radiance
from deepfuse.grouping import find_brackets
from deepfuse.manifest import Scene, read_manifest
from deepfuse.params import read_params
from deepfuse.stages.incremental import SceneCache
from deepfuse.stages.ingest import ingest

SIZE = (64, 80)
PICTURE = np.random.default_rng(2).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
Check = tuple[str, ...]


def encoded(**options: object) -> bytes:
    buffer = io.BytesIO()
    PillowImage.fromarray(PICTURE).save(buffer, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def tiff(pixels: np.ndarray = PICTURE, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **{"photometric": "rgb", "metadata": None, **options})  # type: ignore[arg-type]
    return buffer.getvalue()


def heic() -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(PillowImage.fromarray(PICTURE)).save(buffer)
    return buffer.getvalue()


def raw(folder: Path, camera: int, level: int = 3000) -> bytes:
    mosaic = (PICTURE[..., 0].astype(np.uint16) * 3 + level // 10).astype(np.uint16)
    write_dng(folder / "tmp.dng", mosaic, camera=CAMERAS[camera], exposure=Exposure(1 / 60, 100, 5.6))
    data = (folder / "tmp.dng").read_bytes()
    (folder / "tmp.dng").unlink()
    return data


def patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def png_claiming(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">II", width, height) + b"\x08\x02\0\0\0"
    return patched(encoded(format="PNG"), 12, header + struct.pack(">I", zlib.crc32(header)))


def jpeg_claiming(width: int, height: int) -> bytes:
    data = encoded(format="JPEG")
    return patched(data, data.index(b"\xff\xc0") + 5, struct.pack(">HH", height, width))


def tiff_with(tags: dict[int, int], data: bytes) -> bytes:
    """A little-endian TIFF in whose first directory these tags have other values, as 32-bit integers."""
    at = struct.unpack_from("<I", data, 4)[0]
    for entry in range(at + 2, at + 2 + 12 * struct.unpack_from("<H", data, at)[0], 12):
        tag = struct.unpack_from("<H", data, entry)[0]
        if tag in tags:
            data = patched(data, entry + 2, struct.pack("<HII", 4, 1, tags[tag]))
    return data


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
        """A scene of a good PNG and this file, or what is made at its path."""
        folder = self.scene(name, {"good.png": encoded(format="PNG")})
        path = folder / file
        path.write_bytes(data) if isinstance(data, bytes) else data(path)
        self.bad[name] = (file, *words)

    def add_good(self, name: str, files: dict[str, bytes]) -> None:
        self.scene(name, files)
        self.good[name] = len(files)


def add_truncated(corpus: Corpus, files: dict[str, bytes]) -> None:
    for kind, data in files.items():
        suffix = kind.split("_")[0]
        # A PNG's last chunk says nothing: all of the picture is there without its last byte.
        last = 13 if kind == "png" else 1
        for place, length in (("header", 30), ("middle", len(data) // 2), ("late", len(data) - last)):
            scene = f"cut_{kind}_{place}"
            corpus.scene(scene, {f"cut.{suffix}": data[:length], f"whole.{suffix}": data})
            corpus.bad[scene] = (f"cut.{suffix}", "cannot be")


def add_not_photos(corpus: Corpus) -> None:
    text = b"this is not a picture\n" * 99
    for suffix in ("jpg", "dng"):
        corpus.add_bad(f"empty_{suffix}", f"no.{suffix}", b"", "expected a photo, got an empty file")
    corpus.add_bad("one_byte", "one.png", b"\x89", "got other content")
    corpus.add_bad("text_jpg", "text.jpg", text, "expected a JPEG, PNG, TIFF or HEIC picture, got other content")
    corpus.add_bad("text_heic", "text.heic", text, "got other content")
    corpus.add_bad("text_dng", "text.dng", text, "Unsupported file format")
    corpus.add_bad("gif", "a.png", encoded(format="GIF"), "got other content")
    corpus.add_bad("tiff_named_raw", "a.nef", tiff(), "cannot be")
    corpus.add_bad("cmyk", "a.jpg", cmyk(), "expected a grey or RGB JPEG, got CMYK")
    corpus.add_bad("lab", "a.tif", tiff(photometric="cielab"), "expected a grey or RGB TIFF, got CIELAB")
    corpus.add_bad("int32", "a.tif", tiff(PICTURE.astype(np.uint32)), "got uint32")


def cmyk() -> bytes:
    buffer = io.BytesIO()
    PillowImage.fromarray(PICTURE).convert("CMYK").save(buffer, "JPEG")
    return buffer.getvalue()


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
        corpus.scene(name, {"a.tif": tiff(pixels), "b.tif": tiff(PICTURE / np.float32(255))})
        corpus.bad[name] = ("a.tif", f"from 0 to 1, got {name}")
    for name, value in (("black", 0), ("white", 255)):
        flat = bytes(imagecodecs.png_encode(np.full((*SIZE, 3), value, np.uint8)))
        corpus.scene(name, {"a.png": flat, "b.png": flat})
        corpus.bad[name] = ("a.png", "b.png", "without any detail")
    pixel = bytes(imagecodecs.png_encode(np.full((1, 1, 3), 9, np.uint8)))
    corpus.scene("pixel", {"a.png": pixel, "b.png": pixel})
    corpus.bad["pixel"] = ("a.png", "without any detail")


def add_no_files(corpus: Corpus) -> None:
    corpus.add_bad("pipe", "photo.jpg", lambda path: os.mkfifo(path), "expected a file, got a named pipe")
    corpus.add_bad("socket", "photo.jpg", listen, "expected a file, got a socket")
    corpus.add_bad("device", "zero.dng", lambda path: path.symlink_to("/dev/zero"), "expected a file, got a device")
    corpus.add_bad("dangling", "gone.jpg", lambda path: path.symlink_to("nowhere"), "No such file")
    corpus.add_bad("loop", "round.jpg", lambda path: path.symlink_to(path.name), "symbolic links")
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
    good = encoded(format="PNG")
    small = bytes(imagecodecs.png_encode(PICTURE[:32]))
    sixteen = bytes(imagecodecs.png_encode(PICTURE.astype(np.uint16) * 257))
    corpus.add_bad("mixed_size", "z.png", small, "one size, 80×64 like good.png, got 80×32")
    corpus.add_bad("mixed_depth", "z.png", sixteen, "one kind, 8-bit pictures like good.png, got 16-bit pictures")
    corpus.add_bad("mixed_kind", "z.dng", dng, "one kind, 8-bit pictures like good.png, got RAW")
    corpus.scene("mixed_camera", {"a.dng": dng, "b.dng": dng, "c.dng": other_dng})
    corpus.bad["mixed_camera"] = ("one camera", "like a.dng", "(c.dng)")
    corpus.scene("single", {"only.png": good})
    corpus.bad["single"] = ("only.png", "expected 2 or more exposures, got 1")
    corpus.scene("many", {f"{index:02d}.png": good for index in range(16)})
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


def add_odd_names(corpus: Corpus, dng: bytes, other: bytes) -> None:
    good, second = encoded(format="PNG"), encoded(format="JPEG")
    corpus.add_good("names", {"-o.jpg": second, "new\nline.png": good, "写真 é.png": good, f"{'n' * 240}.jpg": second})
    corpus.add_good("--help", {"--help.dng": dng, "$(touch x).dng": other})
    corpus.add_good("photo.jpg", {"a.png": good, os.fsdecode(b"\xff\xfe.png"): good})
    corpus.add_good("wrong_suffix", {"a.jpg": good, "b.tif": good})
    corpus.add_good("last_byte", {"a.png": good[:-1], "b.png": good})
    corpus.add_good("plain", {"a.png": good, "b.png": good})
    (corpus.root / "plain" / "folder.jpg").mkdir()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    corpus = Corpus(tmp_path_factory.mktemp("bad") / "brackets")
    corpus.root.mkdir()
    dng, dng_lossless, brighter = (raw(corpus.root, *kind) for kind in ((0, 3000), (3, 9000), (0, 4000)))
    kinds = {"jpg": encoded(format="JPEG"), "png": encoded(format="PNG"), "tif": tiff(), "heic": heic()}
    kinds |= {"tif_deflate": tiff(compression="deflate"), "dng": dng, "dng_lossless": dng_lossless}
    add_truncated(corpus, kinds)
    add_not_photos(corpus)
    add_bombs(corpus, dng)
    add_odd_pixels(corpus)
    add_no_files(corpus)
    add_no_brackets(corpus, dng, dng_lossless)
    add_radiance_maps(corpus)
    add_odd_names(corpus, dng, brighter)
    return corpus


def state(root: Path) -> dict[str, tuple[str, int]]:
    """Content and time of each file, links not followed."""
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    return {str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) for path in files}


def start_stage(folder: Path, source: Path, jobs: int) -> subprocess.Popen[str]:
    """The stage, started in a small project in `folder`."""
    shutil.copytree(ROOT / "deepfuse", folder / "deepfuse", ignore=shutil.ignore_patterns("__pycache__", "weights"))
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, folder)
    set_params(folder, {"ingest": {"source": str(source)}})
    command = [sys.executable, "-m", "deepfuse.stages.ingest"]
    environment = {**os.environ, "DEEPFUSE_JOBS": str(jobs)}
    return subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)


def run_stage(folder: Path, source: Path, jobs: int) -> Path:
    """A small project in `folder` in which the stage has run on `source`."""
    process = start_stage(folder, source, jobs)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return folder


@pytest.fixture(scope="module")
def finished(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    before = state(corpus.root)
    project = run_stage(tmp_path_factory.mktemp("project"), corpus.root, jobs=2)
    assert state(corpus.root) == before, "the sources were touched"
    return project


@pytest.fixture(scope="module")
def scenes(finished: Path) -> dict[str, Scene]:
    return {scene.scene: scene for scene in read_manifest(finished / "data/frames")}


def test_the_corpus_is_large(corpus: Corpus, scenes: dict[str, Scene]) -> None:
    assert len(corpus.bad) >= 40
    assert scenes.keys() == corpus.bad.keys() | corpus.good.keys()


def test_each_bad_scene_says_which_file_and_what(corpus: Corpus, scenes: dict[str, Scene]) -> None:
    missing = {
        name: (words, scenes[name].reason)
        for name, words in corpus.bad.items()
        if not all(word in (scenes[name].reason or "") for word in words)
    }
    assert missing == {}


def test_the_good_ones_are_there(corpus: Corpus, scenes: dict[str, Scene], finished: Path) -> None:
    for name, count in corpus.good.items():
        assert scenes[name].reason is None, scenes[name].reason
        pictures = scenes[name].pictures(finished / "data/frames")
        assert len(pictures) == count
        shapes = {tifffile.imread(path).shape for path in pictures}
        assert shapes == {(frame.height, frame.width, 3) for frame in scenes[name].frames} == {(*SIZE, 3)}
    frames = [tifffile.imread(path) for path in scenes["plain"].pictures(finished / "data/frames")]
    assert all((frame == PICTURE.astype(np.uint16) * 257).all() for frame in frames)


def test_nothing_is_left_half_written(corpus: Corpus, finished: Path) -> None:
    out = finished / "data/frames"
    assert {path.name for path in out.iterdir()} == {"manifest.json", *corpus.good}
    kept = [path for path in (finished / ".deepfuse/cache").rglob("*") if path.name.startswith(".")]
    assert kept == []
    for name, count in corpus.good.items():
        assert sorted(path.name for path in (out / name).iterdir()) == [f"{index:02d}.tif" for index in range(count)]


def test_the_number_of_workers_changes_nothing(corpus: Corpus, finished: Path, tmp_path: Path) -> None:
    other = run_stage(tmp_path, corpus.root, jobs=1)
    frames = {
        path.relative_to(finished): path.read_bytes() for path in (finished / "data").rglob("*.*") if path.is_file()
    }
    assert len(frames) > 10
    assert {path: (other / path).read_bytes() for path in frames} == frames
    assert json.loads((other / "data/frames/manifest.json").read_text())


def test_an_interrupted_run_leaves_nothing_half_written(tmp_path: Path) -> None:
    for scene in range(4):
        raw_folder = tmp_path / f"brackets/{scene}"
        raw_folder.mkdir(parents=True)
        for level in (0, 500):
            mosaic = np.full((3000, 4000), 3000 + level, np.uint16)
            write_dng(raw_folder / f"{level}.dng", mosaic, camera=CAMERAS[0], exposure=Exposure(1 / 60, 100, 5.6))
    process = start_stage(tmp_path, tmp_path / "brackets", jobs=2)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".deepfuse/cache/ingest/*/.*/pictures/*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) != 0
    assert list((tmp_path / "data/frames").glob("**/.*")) == []
    assert list((tmp_path / ".deepfuse/cache").glob("*/*/.*")) == []
    assert not (tmp_path / "data/frames/manifest.json").exists()


def test_a_file_that_vanishes_meanwhile_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "brackets/scene"
    folder.mkdir(parents=True)
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(encoded(format="PNG"))
    bracket = find_brackets(tmp_path / "brackets").groups[0].bracket
    (folder / "b.png").unlink()
    monkeypatch.chdir(tmp_path)
    scene = ingest(bracket, cache=SceneCache("ingest", "key"), params=read_params(ROOT / "params.yaml").ingest)
    assert "b.png: cannot be read: No such file" in (scene.reason or "")
