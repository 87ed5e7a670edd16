"""What a photo file says of itself before its pixels are decoded, and whether several files can be one bracket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deepfuse.bracket import Exposure, printable
from deepfuse.errors import BracketError
from deepfuse.photo.kinds import Kind

Depth = Literal["8-bit", "16-bit", "float"]


@dataclass(frozen=True)
class Header:
    """What a photo file says of itself.

    `width` and `height` are upright, `orientation` is the EXIF one that was undone for that (1 to 8), `camera` is
    empty where unknown, and `profile` names the colour profile that the pixels were converted from, empty for none.
    `frames` are those in one file, of which the first is used. `place` is how far it lies right of and below the
    corner of a larger picture, in pixels, where its file says so.
    """

    width: int
    height: int
    camera: str
    exposure: Exposure
    kind: Kind
    depth: Depth
    orientation: int = 1
    profile: str = ""
    frames: int = 1
    place: tuple[int, int] = (0, 0)

    @property
    def size(self) -> str:
        """Upright width × height, in pixels."""
        return f"{self.width}×{self.height}"

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height as stored."""
        return (self.height, self.width) if self.orientation > 4 else (self.width, self.height)

    @property
    def group(self) -> str:
        """RAW, or the depth: what may stand together in one bracket."""
        return "RAW" if self.kind == "RAW" else f"{self.depth} pictures"


def check_alike(paths: Sequence[Path], headers: Sequence[Header], *, apart: bool = False) -> None:
    """Make sure that photos can be one bracket: of one kind and depth, camera, size and orientation.

    Frames stored in one size must have one orientation: nobody turns a camera round within a bracket, so one tag is
    wrong. A frame that a viewer has turned upright is stored in another size and goes with those turned here. Frames
    that lie `apart`, at places of their own, may differ in size and orientation.

    Raises:
        BracketError: naming the files that differ from most.
    """
    stored = Counter(header.stored_size for header in headers).most_common(1)[0][0]
    traits: dict[str, Callable[[Header], str]] = {
        "kind": lambda header: header.group,
        "camera": lambda header: header.camera,
    }
    if not apart:
        traits["size"] = lambda header: header.size
        traits["orientation"] = lambda header: str(header.orientation) if header.stored_size == stored else ""
    for trait, of in traits.items():
        _check_one_value(trait, {printable(path.name): of(h) for path, h in zip(paths, headers, strict=True)})


def _check_one_value(trait: str, values: dict[str, str]) -> None:
    """Unknown values, which are empty, agree with any."""
    known = {name: value for name, value in values.items() if value}
    expected = Counter(known.values()).most_common(1)[0][0] if known else ""
    if others := [f"{value} ({name})" for name, value in known.items() if value != expected]:
        example = next(name for name, value in known.items() if value == expected)
        raise BracketError(f"expected frames of one {trait}, {expected} like {example}, got {', '.join(others)}")
