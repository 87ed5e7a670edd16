"""Stage `ingest`: brackets as shot → 16-bit display-referred frames, dark to bright, and a manifest."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from tqdm import tqdm

from deepfuse.bracket import RADIANCE_SUFFIX, BracketFiles, Frame, printable
from deepfuse.color import as_uint16, mean_luma
from deepfuse.engine import each_scene
from deepfuse.errors import BracketError, DeepfuseError, PhotoError
from deepfuse.grouping import Group, Grouping, LeftOut, find_brackets
from deepfuse.heap import look_for_cycles_seldom
from deepfuse.imports import libraries_of
from deepfuse.incremental import CACHE, SceneCache, digests, known_digests, scene_cache
from deepfuse.manifest import Scene, report, write_manifest
from deepfuse.notes import open_notes
from deepfuse.params import Ingest, read_params
from deepfuse.photo import Limits, check_file, order_pages, read_bracket, writing_pages
from deepfuse.simulation.camera import camera_named, normalise_radiance, read_radiance, simulate_bracket
from deepfuse.workers import worker_count

OUT = Path("data/frames")
LOOKS = "looks.sqlite"
WORKER_BYTES = 0.5e9  # of a worker with its libraries and a small frame
BYTES_PER_FILE_BYTE = 40  # developing a compressed RAW; a guess at how many workers fit, `memory_gb` is the limit


@dataclass(frozen=True)
class Shot:
    """A frame that is written, before its place in the bracket is known."""

    page: int
    frame: Frame
    brightness: float
    flat: bool


def main() -> None:
    """Develop every bracket under the source; a bad one is a record with its reason."""
    params = read_params()
    camera_named(params.ingest.radiance_camera)
    libraries = params.libraries.installed(*libraries_of("ingest"))
    cache = scene_cache("ingest", params.ingest.model_dump(include={"radiance_stops", "radiance_camera"}), libraries)
    limits = params.ingest.limits
    grouping = group(params.ingest, cache.base_key)
    brackets = [group.bracket for group in grouping.groups if not faults(group)]
    OUT.mkdir(parents=True, exist_ok=True)
    results = each_scene(
        brackets,
        partial(ingest, cache=cache, params=params.ingest),
        refuse=given_up,
        kept=partial(kept, cache=cache, params=params.ingest),
        jobs=worker_count(len(brackets), WORKER_BYTES + BYTES_PER_FILE_BYTE * largest_file(brackets)),
        memory_gb=limits.memory_gb,
        seconds=lambda bracket: limits.seconds * len(bracket.files),
    )
    try:
        developed = list(tqdm(results, total=len(brackets), desc="ingest", unit="scene"))
    finally:
        cache.tidy(OUT)
    scenes = sorted([*developed, *refused(grouping)], key=lambda scene: scene.scene)
    write_manifest(OUT, scenes)
    print(f"{len(grouping.left_out)} photos are in no bracket: `deepfuse brackets` says why")
    report(scenes)


def group(params: Ingest, code: str) -> Grouping:
    """The brackets under the source; a photo that is as it was is not looked at again."""
    limits = limits_of(params)
    with open_notes(CACHE / LOOKS, [code, asdict(limits)]) as notes:
        return find_brackets(
            Path(params.source), prefer=params.prefer, frames=params.frames or None, limits=limits, recall=notes.recall
        )


def limits_of(params: Ingest) -> Limits:
    """Which files may be read."""
    bounds = params.limits
    return Limits.of_data(bounds.megapixels, bounds.file_gb, bounds.frames)


def faults(group: Group) -> tuple[LeftOut, ...]:
    """What cannot be read beside a bracket; copies of whole frames may be damaged."""
    return (*group.unreadable, *group.strays)


def refused(grouping: Grouping) -> list[Scene]:
    """Folders without a bracket, and brackets that a file lies beside that cannot be read: a frame, or none."""
    unreadable = [
        Scene(group.bracket.scene, reason=printable("; ".join(one.why for one in faults(group))))
        for group in grouping.groups
        if faults(group)
    ]
    return [*unreadable, *(Scene(one.scene, reason=printable(one.why)) for one in grouping.refused)]


def given_up(bracket: BracketFiles, why: str) -> Scene:
    """A bracket whose worker failed."""
    return Scene(bracket.scene, reason=f"{', '.join(printable(path.name) for path in bracket.files)}: {why}")


def largest_file(brackets: list[BracketFiles]) -> int:
    """The size in bytes of the largest file that is there."""
    return max((size_of(path) for bracket in brackets for path in bracket.files), default=0)


def size_of(path: Path) -> int:
    """The size in bytes of what lies there, 0 of nothing."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def kept(bracket: BracketFiles, *, cache: SceneCache, params: Ingest) -> Scene | None:
    """One bracket, if it need not be read and the cache has it."""
    try:
        check_bracket(bracket, limits_of(params))
    except DeepfuseError:
        return None
    found = known_digests(bracket.files)
    return cache.kept_scene(bracket.scene, by_name(bracket, found), OUT) if found else None


def ingest(bracket: BracketFiles, *, cache: SceneCache, params: Ingest) -> Scene:
    """One bracket, developed or taken from the cache, or refused."""
    limits = limits_of(params)
    try:
        check_bracket(bracket, limits)
        hashes = fingerprints(bracket)
    except DeepfuseError as error:
        return Scene(bracket.scene, reason=printable(str(error)))
    make = partial(make_frames, bracket, hashes, params, limits)
    return cache.scene(bracket.scene, hashes, OUT, make)


def check_bracket(bracket: BracketFiles, limits: Limits) -> None:
    """Refuse a bracket of too many photos, or of such as may not be read, before any of them is."""
    if (count := len(bracket.files)) > limits.frames:
        wanted = f"at most {limits.frames} exposures"
        raise BracketError(f"scene {bracket.scene}: expected {wanted}, got {count} ({bracket.files[0].parent})")
    for path in bracket.files:
        check_file(path, limits)


def is_radiance(bracket: BracketFiles) -> bool:
    """Whether the scene is a radiance map."""
    return bracket.files[0].suffix.lower() == RADIANCE_SUFFIX


def fingerprints(bracket: BracketFiles) -> dict[str, str]:
    """The SHA-256 of each file."""
    try:
        return by_name(bracket, digests(bracket.files))
    except OSError as error:
        raise PhotoError(f"{error.filename}: cannot be read: {error.strerror}") from error


def by_name(bracket: BracketFiles, found: list[str]) -> dict[str, str]:
    """The SHA-256 of each file under its name."""
    return {printable(path.name): sha256 for path, sha256 in zip(bracket.files, found, strict=True)}


def make_frames(bracket: BracketFiles, hashes: dict[str, str], params: Ingest, limits: Limits, folder: Path) -> Scene:
    """Develop one bracket into `folder`; a radiance map is first taken by the simulated camera."""
    if not is_radiance(bracket):
        return develop(bracket.scene, list(bracket.files), hashes, limits, folder)
    camera = camera_named(params.radiance_camera)
    sha256 = hashes[printable(bracket.files[0].name)]
    # Beside the frames, not in /tmp: what a killed worker leaves there is removed with its unfinished folder.
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        seed, stops = int(sha256[:8], 16), params.radiance_stops
        try:
            radiance = normalise_radiance(read_radiance(bracket.files[0]))
            shots = simulate_bracket(radiance, Path(temporary), camera=camera, stops=stops, seed=seed)
        except ValueError as error:
            raise BracketError(f"{bracket.files[0]}: {error}") from error
        return develop(bracket.scene, shots, {shot.name: sha256 for shot in shots}, limits, folder)


def develop(scene: str, files: list[Path], hashes: dict[str, str], limits: Limits, folder: Path) -> Scene:
    """Write a bracket's frames from dark to bright: by exposure value, or by brightness where one is unknown."""
    path, shots = Scene(scene).file(folder), []
    with writing_pages(path) as write:
        for page, (file, photo) in enumerate(zip(files, read_bracket(files, limits=limits), strict=True)):
            header, picture, name = photo.header, photo.pixels, printable(file.name)
            write(as_uint16(picture), photo.valid)
            height, width, _ = picture.shape
            frame = Frame(
                name, hashes[name], header.camera, header.exposure, header.exposure.ev, width, height, header.profile
            )
            shots.append(Shot(page, frame, mean_luma(picture), bool(picture.min() == picture.max())))
    if all(shot.flat for shot in shots):
        names = ", ".join(shot.frame.file for shot in shots)
        raise BracketError(f"scene {scene}: expected a picture, got frames without any detail ({names})")
    ordered = dark_to_bright(shots)
    order_pages(path, [shot.page for shot in ordered])
    return Scene(scene, tuple(shot.frame for shot in ordered))


def dark_to_bright(shots: list[Shot]) -> list[Shot]:
    """By exposure value, then brightness; by brightness alone where an exposure value is unknown."""
    unknown = any(shot.frame.ev is None for shot in shots)
    return sorted(shots, key=lambda shot: (0.0 if unknown else -(shot.frame.ev or 0.0), shot.brightness))


if __name__ == "__main__":
    look_for_cycles_seldom()
    main()
