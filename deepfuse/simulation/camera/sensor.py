"""The sensor: what light falls on it, and the numbers it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfuse.simulation.camera.radiance import Radiance

Mosaic = NDArray[np.uint16]
Homography = NDArray[np.float64]
Matrix3 = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]

REC709_TO_XYZ = np.array(  # ITU-R BT.709-6 primaries, D65 white
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


@dataclass(frozen=True)
class Camera:
    """A sensor and its file format; every number is in the camera's own units.

    `black_level` and `white_level` are digital numbers (DN), `full_well_e` the electrons that reach the white
    level, `read_noise_e` a standard deviation in electrons, and `xyz_to_camera` a DNG ColorMatrix1 for D65
    (Adobe DNG Specification 1.4, chapter 6).
    """

    name: str
    bits: Literal[10, 12, 14]
    cfa: Literal["RGGB", "BGGR", "GRBG", "GBRG"]
    black_level: int
    white_level: int
    xyz_to_camera: Matrix3
    full_well_e: float
    read_noise_e: float
    compression: Literal["none", "lossless"] = "none"

    @property
    def rec709_to_camera(self) -> NDArray[np.float64]:
        """The (3, 3) matrix from linear Rec.709 to camera RGB, scaled so that white has G = 1."""
        matrix = np.array(self.xyz_to_camera) @ REC709_TO_XYZ
        return np.asarray(matrix / matrix[1].sum(), np.float64)

    @property
    def neutral(self) -> tuple[float, float, float]:
        """Camera RGB of white, G = 1: the DNG's AsShotNeutral."""
        red, green, blue = self.rec709_to_camera.sum(axis=1)
        return float(red), float(green), float(blue)


# Invented, each number within what real sensors from telephone to full frame have: all CFA orders, depths and packings.
CAMERAS: tuple[Camera, ...] = (
    Camera(
        name="Alder P10",
        bits=10,
        cfa="GRBG",
        black_level=64,
        white_level=1023,
        xyz_to_camera=((0.7913, -0.2481, -0.0779), (-0.4466, 1.2528, 0.2161), (-0.0946, 0.1832, 0.5679)),
        full_well_e=6_000.0,
        read_noise_e=2.5,
    ),
    Camera(
        name="Birch M12",
        bits=12,
        cfa="RGGB",
        black_level=256,
        white_level=4095,
        xyz_to_camera=((0.6845, -0.1964, -0.0712), (-0.5327, 1.3316, 0.2205), (-0.1379, 0.2306, 0.6424)),
        full_well_e=25_000.0,
        read_noise_e=4.0,
        compression="lossless",
    ),
    Camera(
        name="Cedar K12",
        bits=12,
        cfa="GBRG",
        black_level=128,
        white_level=3967,
        xyz_to_camera=((0.7524, -0.2266, -0.0688), (-0.4129, 1.2150, 0.2238), (-0.0732, 0.1545, 0.6091)),
        full_well_e=18_000.0,
        read_noise_e=6.0,
    ),
    Camera(
        name="Durian X14",
        bits=14,
        cfa="BGGR",
        black_level=512,
        white_level=15871,
        xyz_to_camera=((0.8198, -0.2831, -0.0614), (-0.5217, 1.3374, 0.2040), (-0.1052, 0.1993, 0.6920)),
        full_well_e=60_000.0,
        read_noise_e=3.0,
        compression="lossless",
    ),
)


def camera_named(name: str) -> Camera:
    """The simulated camera of that name.

    Raises:
        ValueError: there is none.
    """
    for camera in CAMERAS:
        if camera.name == name:
            return camera
    raise ValueError(f"expected a camera of {', '.join(camera.name for camera in CAMERAS)}, got '{name}'")


def expose(
    radiance: Radiance,
    *,
    camera: Camera,
    stops: float,
    rng: np.random.Generator,
    homography: Homography | None = None,
) -> Mosaic:
    """What the sensor reads from a scene.

    Args:
        radiance: (H, W, 3) linear Rec.709; white of 1.0 saturates green at 0 stops.
        camera: the sensor.
        stops: exposure relative to the reference; +3 gathers 8 times the light.
        rng: source of the noise; the same state gives the same picture.
        homography: (3, 3), p_frame ~ H @ p_reference in pixel coordinates (x, y, 1); edges are reflected.

    Returns:
        The Bayer mosaic in DN, even height and width: an odd one loses its last row or column.

    >>> white, rng = np.full((64, 64, 3), 0.5, np.float32), np.random.default_rng(0)
    >>> mosaic = expose(white, camera=camera_named("Durian X14"), stops=-1, rng=rng)
    >>> round(float(mosaic[::2, 1::2].mean()), -1)  # of green: 512 + .5 · 2⁻¹ · (15871 − 512)
    4350.0
    """
    _require_picture(radiance)
    seen = radiance if homography is None else _warp(radiance, homography)
    height, width = seen.shape[0] // 2 * 2, seen.shape[1] // 2 * 2
    light = _sample_cfa(seen[:height, :width], camera) * 2.0**stops
    return _digitise(light, camera, rng)


def _require_picture(radiance: Radiance) -> None:
    if radiance.ndim != 3 or radiance.shape[2] != 3 or min(radiance.shape) < 2:
        raise ValueError(f"expected radiance of shape (H, W, 3), H and W of 2 or more, got {radiance.shape}")
    if not np.isfinite(radiance).all():
        raise ValueError("expected finite radiance, got NaN or Inf")


def _warp(radiance: Radiance, homography: Homography) -> Radiance:
    height, width = radiance.shape[:2]
    # Linear: a cubic kernel rings around the sun and would give negative light.
    moved = cv2.warpPerspective(
        radiance, homography, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(moved, np.float32)


def _sample_cfa(radiance: Radiance, camera: Camera) -> NDArray[np.float64]:
    """Light behind each pixel's own filter, (H, W), 1.0 = white level; filters cannot see negative light."""
    light = np.empty(radiance.shape[:2])
    for position, letter in enumerate(camera.cfa):
        row, column = divmod(position, 2)
        response = camera.rec709_to_camera["RGB".index(letter)]
        light[row::2, column::2] = radiance[row::2, column::2] @ response
    return np.maximum(light, 0.0)


def _digitise(light: NDArray[np.float64], camera: Camera, rng: np.random.Generator) -> Mosaic:
    """DN from light (1.0 = white level): shot noise, read noise, clip (EMVA 1288 release 4.0, section 2)."""
    expected_e = np.minimum(light, 4.0) * camera.full_well_e  # far above saturation, and safe for Poisson
    electrons = rng.poisson(expected_e) + rng.normal(0.0, camera.read_noise_e, light.shape)
    dn = camera.black_level + electrons / camera.full_well_e * (camera.white_level - camera.black_level)
    return np.clip(np.rint(dn), 0, camera.white_level).astype(np.uint16)
