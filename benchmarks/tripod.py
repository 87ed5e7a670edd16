"""Brackets on a tripod, rendered from radiance maps of rooms: refusals, and what becomes of frames that did move."""

from __future__ import annotations

import zlib
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from alignment_baselines import Matrix, Picture
from known_motion import corner_error_px, move, random_motion

from deepfuse.alignment import AlignmentError, align
from deepfuse.simulation.camera.radiance import Radiance, read_radiance

ROOMS = (
    "lebombo", "aerodynamics_workshop", "autoshop_01", "brown_photostudio_01", "brown_photostudio_06", "circus_arena",
    "dancing_hall", "empty_warehouse_01", "pmndrs_lab", "sepulchral_chapel_rotunda", "st_fagans_interior", "vestibule",
    "studio_small_03", "peppermint_powerplant", "pmndrs_workshop", "christmas_photo_studio_07",
)  # fmt: skip
PLANS = {
    "3x3": (-3, 0, 3),
    "5x2": (-4, -2, 0, 2, 4),
    "7x2": (-6, -4, -2, 0, 2, 4, 6),
    "9x1": (-4, -3, -2, -1, 0, 1, 2, 3, 4),
    "9x2": (-8, -6, -4, -2, 0, 2, 4, 6, 8),
}
SIZE = (676, 476)  # before the margins are cut off
VIEW_DEGREES = 80.0
KEY = 0.18  # of the geometric mean, at 0 EV
BUMP_PX = (3.0, 12.0)


def print_tripod(folder: Path, jobs: int) -> None:
    """Refusals and silent errors by plan: nothing moved, the brightest frame alone did, all of them did."""
    cv2.setNumThreads(1)
    print(f"{'':10}{'moved':12}{'brackets':>9}{'refused':>9}{'over 2 px':>11}{'over 5 px':>11}")
    rooms = [folder / f"{name}.hdr" for name in ROOMS]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for plan in PLANS:
            for moved in ("none", "brightest", "all"):
                errors = list(pool.map(partial(worst_error_px, plan=plan, moved=moved), rooms))
                given = np.array([error for error in errors if error is not None])
                row = f"{len(errors) - len(given):9}{(given > 2).sum():11}{(given > 5).sum():11}"
                print(f"{plan:10}{moved:12}{len(errors):9}{row}", flush=True)


def worst_error_px(room: Path, *, plan: str, moved: str) -> float | None:
    """The largest mean error of the corners among the frames of one bracket; `None` if it was refused."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(zlib.crc32(f"{room.stem} {plan}".encode()))
    frames = bracket(room, PLANS[plan], rng)
    motions = camera_motions(rng, frames, moved)
    seen = move(frames, motions)
    try:
        found = align(seen)
    except AlignmentError:
        return None
    back = motions[found.reference]
    pairs = zip(found.homographies, motions, strict=True)
    return max(corner_error_px(h, back @ np.linalg.inv(motion), seen[0]) for h, motion in pairs)


def camera_motions(rng: np.random.Generator, frames: list[Picture], moved: str) -> list[Matrix]:
    """A motion a frame, from the reference's pixels to its own."""
    if moved == "all":
        return [random_motion(rng, frames[0], kind=2) for _ in frames]
    motions = [np.eye(3) for _ in frames]
    if moved == "brightest":
        angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(*BUMP_PX)
        motions[-1][:2, 2] = far * np.cos(angle), far * np.sin(angle)
    return motions


def bracket(room: Path, stops: tuple[int, ...], rng: np.random.Generator) -> list[Picture]:
    """Noisy clipped 8-bit frames of a room."""
    radiance = view(read_radiance(room))
    grey = np.exp(np.log(radiance @ np.array([0.2126, 0.7152, 0.0722]) + 1e-6).mean())
    return [expose(radiance * (KEY / grey * 2.0**ev), rng) for ev in stops]


def view(panorama: Radiance) -> Radiance:
    """What a camera sees of an equirectangular panorama, (H, W, 3)."""
    width, height = SIZE
    focal = width / 2 / np.tan(np.radians(VIEW_DEGREES / 2))
    x, y = np.meshgrid(np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2)
    across, down = np.arctan2(x, focal) / (2 * np.pi) + 0.5, np.arctan2(y, np.hypot(x, focal)) / np.pi + 0.5
    columns, rows = (across * panorama.shape[1]).astype(np.float32), (down * panorama.shape[0]).astype(np.float32)
    seen = cv2.remap(panorama, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP)
    return np.maximum(np.asarray(seen, np.float32), 0.0)


def expose(linear: Radiance, rng: np.random.Generator) -> Picture:
    """One frame: shot and read noise, clipped, sRGB, JPEG."""
    full = np.clip(linear, 0, 1)
    noisy = np.clip(full + rng.normal(size=full.shape) * np.sqrt(2e-5 * full + 1e-7), 0, 1)
    coded = np.where(noisy <= 0.0031308, 12.92 * noisy, 1.055 * noisy ** (1 / 2.4) - 0.055)
    packed = cv2.imencode(".jpg", np.rint(coded * 255).astype(np.uint8)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
    return np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1])
