"""The manifest of a stage's output folder: every scene, in or refused, and why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfuse.bracket import Frame
from deepfuse.errors import DeepfuseError
from deepfuse.files import json_line, write_text

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FILE = "manifest.json"


@dataclass(frozen=True)
class Scene:
    """One scene: its frames from dark to bright, or the reason it failed.

    `moving`, from stage `align` on, is the share of the picture that moved, 0 to 1; `None` where the light changed, so
    that nobody can tell. `sha256` is that of its file, so that a manifest stands for all of its folder that later
    stages read: DVC is told of it alone.
    """

    scene: str
    frames: tuple[Frame, ...] = ()
    reason: str | None = None
    moving: float | None = None
    sha256: str = ""

    @property
    def ok(self) -> bool:
        """Whether the scene's frames are there."""
        return self.reason is None

    def file(self, folder: Path) -> Path:
        """The scene's frames in a stage's output folder: one TIFF, a page each, from dark to bright."""
        return folder / f"{self.scene}.tif"

    def alignment_file(self, folder: Path) -> Path:
        """How they were registered, in the folder of stage `align`; no scene's id makes it the manifest."""
        return folder / f"{self.scene}.alignment.json"


def write_manifest(folder: Path, scenes: list[Scene]) -> None:
    """Write `manifest.json` into a stage's output folder, a line for each scene."""
    records = _scenes().dump_python(tuple(scenes), mode="json")
    write_text(folder / FILE, "[\n" + ",\n".join(map(json_line, records)) + "\n]\n")


def record_of(scene: Scene) -> Any:
    """A scene as it stands in a manifest, as JSON values."""
    [record] = _scenes().dump_python((scene,), mode="json")
    return record


def read_manifest(folder: Path) -> tuple[Scene, ...]:
    """The scenes of a stage's output folder.

    Raises:
        DeepfuseError: no manifest there, or one that is damaged.
    """
    from pydantic import ValidationError

    path = folder / FILE
    try:
        return _scenes().validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise DeepfuseError(f"{path}: expected the manifest of a stage, got: {error}") from error


def report(scenes: list[Scene]) -> None:
    """Say how many scenes are in and why each other is out; no scene at all is an error."""
    failed = [scene for scene in scenes if not scene.ok]
    for scene in failed:
        print(f"refused: {scene.scene}: {scene.reason}")
    print(f"{len(scenes) - len(failed)} of {len(scenes)} scenes are in")
    if len(failed) == len(scenes):
        raise DeepfuseError(f"expected a usable scene, got none of {len(scenes)}")


@cache
def _scenes() -> TypeAdapter[tuple[Scene, ...]]:
    from pydantic import TypeAdapter  # belongs to the loop: `deepfuse score` imports this module and needs it not

    return TypeAdapter(tuple[Scene, ...])
