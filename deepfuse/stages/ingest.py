"""Stage `ingest`: brackets as shot → 16-bit display-referred frames, dark to bright, and a manifest."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from deepfuse.bracket import RADIANCE_SUFFIX, BracketFiles, Frame, printable
from deepfuse.camera import Camera, camera_named, normalise_radiance, read_radiance, simulate_bracket
from deepfuse.color import Image, from_float, luma, to_float
from deepfuse.errors import BracketError
from deepfuse.grouping import find_brackets
from deepfuse.manifest import Scene, picture_name, report, write_manifest
from deepfuse.params import read_params
from deepfuse.photo import read_header, read_photos, write_photo
from deepfuse.stages.incremental import file_sha256, scene_cache

OUT = Path("data/frames")


def main() -> None:
    """Develop every bracket under the source; a bad one is a record with its reason."""
    params = read_params()
    camera = camera_named(params.ingest.radiance_camera)
    libraries = params.libraries.installed("rawpy", "opencv", "pillow", "tifffile", "imagecodecs")
    cache = scene_cache("ingest", params.ingest.model_dump(exclude={"source", "prefer", "frames"}), libraries)
    OUT.mkdir(parents=True, exist_ok=True)
    grouping = find_brackets(
        Path(params.ingest.source), prefer=params.ingest.prefer, frames=params.ingest.frames or None
    )
    scenes = [Scene(one.scene, reason=printable(one.why)) for one in grouping.refused]
    for group in tqdm(grouping.groups, desc="ingest", unit="scene"):
        bracket = group.bracket
        if group.unreadable:
            scenes.append(Scene(bracket.scene, reason=printable("; ".join(one.why for one in group.unreadable))))
            continue
        try:
            hashes = {printable(path.name): file_sha256(path) for path in bracket.files}
        except OSError as error:
            reason = f"{printable(error.filename)}: cannot be read: {error.strerror}"
            scenes.append(Scene(bracket.scene, reason=reason))
            continue
        make = partial(ingest, bracket, hashes, camera, params.ingest.radiance_stops)
        scenes.append(cache.scene(bracket.scene, hashes, OUT / bracket.scene, make))
    cache.prune()
    scenes.sort(key=lambda scene: scene.scene)
    write_manifest(OUT, scenes)
    print(f"{len(grouping.left_out)} photos are in no bracket: `deepfuse brackets` says why")
    report(scenes)


def ingest(
    bracket: BracketFiles, hashes: dict[str, str], camera: Camera, stops: Sequence[float], folder: Path
) -> Scene:
    """Develop one bracket into `folder`; a radiance map is first taken by the simulated camera."""
    if bracket.files[0].suffix.lower() != RADIANCE_SUFFIX:
        return develop(bracket.scene, list(bracket.files), hashes, folder)
    source = bracket.files[0]
    with tempfile.TemporaryDirectory() as temporary:
        seed = int(hashes[printable(source.name)][:8], 16)
        radiance = normalise_radiance(read_radiance(source))
        shots = simulate_bracket(radiance, Path(temporary), camera=camera, stops=stops, seed=seed)
        return develop(bracket.scene, shots, {shot.name: hashes[printable(source.name)] for shot in shots}, folder)


def develop(scene: str, files: list[Path], hashes: dict[str, str], folder: Path) -> Scene:
    """Write a bracket's frames from dark to bright: by exposure value, or by brightness where one is unknown."""
    if len(files) < 2:
        raise BracketError(f"scene {scene}: expected 2 or more exposures, got {len(files)} ({files[0]})")
    headers = [read_header(file) for file in files]
    pictures = [as_uint16(picture) for picture in read_photos(files)]
    if len(sizes := {picture.shape for picture in pictures}) > 1:
        raise BracketError(f"scene {scene}: expected frames of one size, got {sorted(sizes)}")
    evs = [header.exposure.ev for header in headers]
    brightness = [float(luma(to_float(picture)).mean()) for picture in pictures]
    darkness = [-b for b in brightness] if None in evs else [ev for ev in evs if ev is not None]
    frames = []
    for index, k in enumerate(sorted(range(len(files)), key=lambda k: (-darkness[k], brightness[k]))):
        write_photo(folder / picture_name(index), pictures[k])
        height, width, _ = pictures[k].shape
        name = printable(files[k].name)
        frames.append(Frame(name, hashes[name], headers[k].camera, headers[k].exposure, evs[k], width, height))
    return Scene(scene, tuple(frames))


def as_uint16(picture: Image) -> Image:
    """The picture in 16 bits."""
    return picture if picture.dtype == np.uint16 else from_float(to_float(picture), np.dtype(np.uint16))


if __name__ == "__main__":
    main()
