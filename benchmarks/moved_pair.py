"""Two JPEGs for a benchmark: one scene at two exposures, by a camera that moved in between."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from deepfuse.color import Float

QUALITY = 95
OCTAVES = 9


def write_pair(folder: Path, megapixels: float) -> list[Path]:
    """Two exposures of one scene two stops apart, the second from a camera that moved."""
    folder.mkdir(exist_ok=True)
    paths = [folder / "00_ev-1.00.jpg", folder / "01_ev+1.00.jpg"]
    if not all(path.exists() for path in paths):
        height = round((megapixels * 1e6 / 1.5) ** 0.5)
        size = (round(1.5 * height), height)
        light, rng = scene(size), np.random.default_rng(1)
        turned = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), 0.2, 1.0)
        turned[:, 2] += np.array([11.3, -7.6])
        moved = cv2.warpAffine(light, turned, size, borderMode=cv2.BORDER_REFLECT)
        for path, seen, gain in zip(paths, (light, moved), (0.5, 2.0), strict=True):
            linear = seen * np.float32(gain) + rng.standard_normal(seen.shape, np.float32) * np.float32(0.002)
            encoded = np.clip(linear, 0, 1) ** np.float32(1 / 2.2) * 255
            cv2.imwrite(str(path), np.rint(encoded).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return paths


def scene(size: tuple[int, int]) -> Float:
    """Light (H, W, 3) of textures at all scales, with edges, more of brightness than of colour."""
    rng = np.random.default_rng(0)
    log = np.zeros((size[1], size[0], 3), np.float32)
    for octave in range(1, OCTAVES):
        rows, columns = 2**octave, 3 * 2**octave // 2
        coarse = rng.standard_normal((rows, columns, 1), np.float32)
        coarse = coarse + 0.3 * rng.standard_normal((rows, columns, 3), np.float32)
        method = cv2.INTER_NEAREST if octave == OCTAVES // 2 else cv2.INTER_CUBIC
        log += cv2.resize(coarse, size, interpolation=method) * np.float32(0.75**octave)
    return np.asarray(np.exp(log) * np.float32(0.15), np.float32)


def write_sets(folder: Path, pair: Sequence[Path], count: int) -> None:
    """The same pair in many folders, each time with another comment, so that no file is a copy of another."""
    for number in range(count):
        inside, comment = folder / f"{number:03}", f"set {number:03}".encode()
        inside.mkdir(parents=True)
        for path in pair:
            data = path.read_bytes()
            (inside / path.name).write_bytes(data[:2] + b"\xff\xfe\0" + bytes([len(comment) + 2]) + comment + data[2:])
