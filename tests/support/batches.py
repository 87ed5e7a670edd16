"""Brackets to make batches of, and what batches leave."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from support.pictures import expose, textured_radiance

from deepfuse.batch import Job
from deepfuse.job.options import FuseOptions
from deepfuse.model import SHIPPED, weights_sha256
from deepfuse.photo import write_photo


def shoot(folder: Path, seed: int) -> tuple[Path, ...]:
    """A bracket of three PNGs of 8 bits."""
    folder.mkdir(parents=True)
    radiance = textured_radiance(120, 160, seed)
    paths = tuple(folder / f"{index}.png" for index in range(3))
    for path, stops in zip(paths, (-3, 0, 3), strict=True):
        write_photo(path, (expose(radiance, stops) >> 8).astype(np.uint8))
    return paths


def job(tmp_path: Path, *, scene: str = "barn", options: FuseOptions | None = None) -> Job:
    files = shoot(tmp_path / "in" / scene, 1)
    (tmp_path / "out").mkdir()
    return Job(
        scene=scene,
        files=files,
        output=tmp_path / "out" / f"{scene}.png",
        options=options or FuseOptions(),
        model=SHIPPED,
        model_name="shipped",
        model_sha256=weights_sha256(SHIPPED),
        version="1",
        grouping={},
    )


def state(folder: Path) -> dict[str, tuple[int, str]]:
    """Each picture's time of change and SHA-256."""
    return {p.name: (p.stat().st_mtime_ns, sha256(p.read_bytes()).hexdigest()) for p in sorted(folder.glob("*.*"))
            if p.is_file() and p.stem != "index"}  # fmt: skip


def record(out: Path, scene: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((out / ".deepfuse" / f"{scene}.json").read_text())
    return values
