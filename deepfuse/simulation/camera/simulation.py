"""A folder of RAW files, as a camera on automatic bracketing would leave it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from deepfuse.bracket import Exposure
from deepfuse.simulation.camera.dng import write_dng
from deepfuse.simulation.camera.radiance import Radiance
from deepfuse.simulation.camera.sensor import Camera, Homography, expose


def simulate_bracket(
    radiance: Radiance,
    folder: Path,
    *,
    camera: Camera,
    stops: Sequence[float],
    seed: int,
    base_time_s: float = 1 / 60,
    iso: float = 100.0,
    f_number: float = 5.6,
    homographies: Sequence[Homography | None] | None = None,
) -> list[Path]:
    """Photograph a scene once per exposure.

    Args:
        radiance: (H, W, 3) linear Rec.709; white of 1.0 saturates green at 0 stops.
        folder: where the files go; made if missing.
        camera: the sensor.
        stops: exposure of each frame in stops, in the order of shooting; +3 is 8 times longer.
        seed: the noise of frame i depends on the seed and i alone.
        base_time_s: shutter time at 0 stops, in s.
        iso: written into the files; the sensor's gain is that of its full well, whatever the ISO.
        f_number: written into the files.
        homographies: one per frame, as in `expose`; `None` for a camera that stood still.

    Returns:
        The files, `00_ev-3.dng`, `01_ev+0.dng` and so on.

    Raises:
        PhotoError: a file cannot be written.
    """
    moves = [None] * len(stops) if homographies is None else list(homographies)
    if len(moves) != len(stops):
        raise ValueError(f"expected {len(stops)} homographies, one per frame, got {len(moves)}")
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{index:02d}_ev{stop:+g}.dng" for index, stop in enumerate(stops)]
    for index, (path, stop, move) in enumerate(zip(paths, stops, moves, strict=True)):
        rng = np.random.default_rng((seed, index))
        mosaic = expose(radiance, camera=camera, stops=stop, rng=rng, homography=move)
        exposure = Exposure(time_s=base_time_s * 2.0**stop, iso=iso, f_number=f_number)
        write_dng(path, mosaic, camera=camera, exposure=exposure)
    return paths
