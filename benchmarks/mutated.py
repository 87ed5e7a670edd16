"""What becomes of damaged files: thousands of mutated photos of every kind, looked at under the limits of a reader.

Small files are made, and each damaged in one way: bits flipped, cut, a range zeroed, parts swapped or doubled, huge
numbers written into the structure. Header, preview and pixels of each are read. `python benchmarks/mutated.py` counts
what becomes of them; it fails where reading raises what is no refusal. `--keep DIR` keeps the files that crash, hang,
swell or stumble; the same seed makes the same files.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image
from tqdm import tqdm

from deepfuse.bracket import Exposure
from deepfuse.errors import PhotoError
from deepfuse.photo import Encoding, write_photo
from deepfuse.photo.isolated import Onlooker, onlooker
from deepfuse.resident import ResidentError
from deepfuse.simulation.camera import CAMERAS, write_dng

SIZE = (64, 96)
OUTCOMES = ("read", "refused", "crashed", "hung", "memory", "stumbled")
HUGE = (0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x10000000, 0x00FFFFFF, 0xFFFF, 0)
STRUCTURE = 2048  # bytes at either end, where most headers and directories lie


def main() -> int:
    """Mutate, read, count and print."""
    options = arguments()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    slowest = 0.0
    limited = onlooker(seconds=options.seconds, memory_gb=options.memory_gb)
    with tempfile.TemporaryDirectory() as folder, limited as looks:
        whole = photos(Path(folder))
        for name, data in whole.items():
            if (became := look(looks, Path(folder), name, data)) != "read":
                raise RuntimeError(f"expected the whole {name} to be read, got {became}")
        for index in tqdm(range(options.count), unit="file", disable=None):
            name = list(whole)[index % len(whole)]
            data = mutated(whole[name], np.random.default_rng([options.seed, index]))
            started = time.perf_counter()
            became = look(looks, Path(folder), name, data)
            slowest = max(slowest, time.perf_counter() - started)
            counts[name][became.split(":")[0]] += 1
            if became.split(":")[0] not in ("read", "refused"):
                keep(options.keep, f"{index:06d}_{name}", data, became)
    print(table(counts))
    print(f"{options.count} files, the slowest took {slowest:.1f} s")
    return int(sum(count["stumbled"] for count in counts.values()) > 0)


def arguments() -> argparse.Namespace:
    """Of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60_000, metavar="N", help="files (default: 60000)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="(default: 0)")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="of one look (default: 10)")
    parser.add_argument("--memory-gb", type=float, default=2.0, metavar="GB", help="of the reader (default: 2)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep what is neither read nor refused")
    return parser.parse_args()


def photos(folder: Path) -> dict[str, bytes]:
    """A small file of each kind, by a name with its suffix."""
    rng = np.random.default_rng(1)
    smooth = np.linspace(0.1, 0.9, SIZE[0] * SIZE[1] * 3, dtype=np.float32).reshape(*SIZE, 3)
    picture = np.clip(smooth + rng.normal(0, 0.05, smooth.shape), 0, 1).astype(np.float32)
    depths = {"8": (picture * 255).astype(np.uint8), "16": (picture * 65535).astype(np.uint16), "float": picture}
    for depth, pixels in depths.items():
        write_photo(folder / f"{depth}.tif", pixels)
        write_photo(folder / f"{depth}_plain.tif", pixels, encoding=Encoding(compression="none"))
        write_photo(folder / f"{depth}.png", pixels)
    for name, camera in (("plain", CAMERAS[0]), ("lossless", CAMERAS[3])):
        mosaic = camera.black_level + picture[..., 1] * (camera.white_level - camera.black_level)
        write_dng(folder / f"{name}.dng", mosaic.astype(np.uint16), camera=camera, exposure=Exposure(1 / 60, 100, 8))
    found = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "float.png"}
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Maker", "Model", 6
    exif.get_ifd(0x8769).update({0x829A: 1 / 60, 0x829D: 8.0, 0x9003: "2020:01:02 03:04:05"})
    eight = Image.fromarray(depths["8"])
    for name, more in (("baseline.jpg", {}), ("progressive.jpg", {"progressive": True})):
        buffer = io.BytesIO()
        eight.save(buffer, "JPEG", quality=90, exif=exif, **more)
        found[name] = buffer.getvalue()
    buffer = io.BytesIO()
    pillow_heif.from_pillow(eight).save(buffer, quality=80, exif=exif.tobytes())
    return found | {"still.heic": buffer.getvalue()}


def look(looks: Onlooker, folder: Path, name: str, data: bytes) -> str:
    """What becomes of a file: one of the outcomes, and the reason if it is neither read nor refused."""
    path = folder / f"mutated{Path(name).suffix}"
    path.write_bytes(data)
    try:
        looks.capture(path)
        looks.preview(path, 96)
        looks.decode(path)
    except PhotoError as error:
        if isinstance(error.__cause__, ResidentError):
            words = {"crashed": "crashed", "took longer": "hung", "needed more": "memory"}
            return next(kind for word, kind in words.items() if word in str(error)) + f": {error}"
        return "refused" if error.__cause__ is None else f"stumbled: {error}"
    return "read"


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """The file, damaged in one way."""
    damage = (_flip, _flip, _cut, _zero, _swap, _double, _count, _count)[rng.integers(8)]
    return bytes(damage(bytearray(data), rng))


def _place(data: bytearray, rng: np.random.Generator) -> int:
    """Anywhere, or as often near either end."""
    near = min(STRUCTURE, len(data))
    start = (0, 0, len(data) - near)[rng.integers(3)]
    return int(rng.integers(len(data)) if rng.random() < 0.5 else start + rng.integers(near))


def _flip(data: bytearray, rng: np.random.Generator) -> bytearray:
    for _ in range(rng.integers(1, 9)):
        data[_place(data, rng)] ^= 1 << int(rng.integers(8))
    return data


def _cut(data: bytearray, rng: np.random.Generator) -> bytearray:
    return data[: _place(data, rng)]


def _part(data: bytearray, rng: np.random.Generator) -> slice:
    start = _place(data, rng)
    return slice(start, min(len(data), start + int(2 ** rng.uniform(1, 12))))


def _zero(data: bytearray, rng: np.random.Generator) -> bytearray:
    part = _part(data, rng)
    data[part] = bytes(part.stop - part.start)
    return data


def _swap(data: bytearray, rng: np.random.Generator) -> bytearray:
    one, other = sorted((_part(data, rng), _part(data, rng)), key=lambda part: part.start)
    if one.stop > other.start:
        return data[: one.start] + data[one.stop :]
    return data[: one.start] + data[other] + data[one.stop : other.start] + data[one] + data[other.stop :]


def _double(data: bytearray, rng: np.random.Generator) -> bytearray:
    part = _part(data, rng)
    return data[: part.stop] + data[part] + data[part.stop :]


def _count(data: bytearray, rng: np.random.Generator) -> bytearray:
    at, bytes_ = _place(data, rng), int(rng.choice([2, 4]))
    value = HUGE[rng.integers(len(HUGE))] & (256**bytes_ - 1)
    data[at : at + bytes_] = value.to_bytes(bytes_, ("little", "big")[rng.integers(2)])
    return data


def keep(folder: Path | None, name: str, data: bytes, became: str) -> None:
    """Say what became of a file, and keep it where a folder is given."""
    tqdm.write(f"{name}: {became}", file=sys.stderr)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def table(counts: dict[str, Counter[str]]) -> str:
    """A line a kind, and one for all."""
    lines = [f"{'':18}" + "".join(f"{outcome:>10}" for outcome in OUTCOMES)]
    for name, found in (*counts.items(), ("all", sum(counts.values(), Counter()))):
        lines.append(f"{name:18}" + "".join(f"{found[outcome]:10}" for outcome in OUTCOMES))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
