"""What is said of things that moved, and the frames without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from deepfuse.color import Float, Image
from deepfuse.motion.replacement import enlarged_mask

Why = Literal[
    "asked for", "nothing moved", "the light changed", "it holds most of what moved", "no other holds much more"
]


@dataclass(frozen=True)
class Elsewhere:
    """Something that moved and is not taken from the reference frame.

    Attributes:
        frame: the one that it is taken from.
        share: of the picture, 0 to 1.
        place: where it is, such as "upper left".
        lit: whether it is light that this frame alone shows; else the reference does not hold it.
    """

    frame: int
    share: float
    place: str
    lit: bool

    def text(self, names: Sequence[str], reference: int) -> str:
        """The same in words, with the names of the frames."""
        why = "light that it alone shows" if self.lit else f"{names[reference]} is clipped or too dark there"
        return f"{self.place} ({self.share:.1%} of the picture) what moved is taken from {names[self.frame]}: {why}"


@dataclass(frozen=True)
class Moved:
    """What moved between aligned frames.

    Attributes:
        regions: the number of things that moved.
        alphas: how much of each frame shows something else than the frames agree to show there: (h, w) from 0 to 1,
            reduced as the proxies, `None` where nothing does.
        reference: the frame that decides what is where.
        why: it is that one.
        elsewhere: what is taken from another frame all the same.
        warnings: why nobody can tell; then there are neither regions nor alphas.
    """

    regions: int
    alphas: tuple[Float | None, ...]
    reference: int
    why: Why
    elsewhere: tuple[Elsewhere, ...]
    warnings: tuple[str, ...]

    @property
    def share(self) -> float:
        """Share of the picture of which some frame shows something else, 0 to 1."""
        moved = [alpha for alpha in self.alphas if alpha is not None]
        return float(np.max(moved, axis=0).mean()) if moved else 0.0

    @property
    def known_share(self) -> float | None:
        """`share`, or `None` where the light changed, so that nobody can tell what moved."""
        return None if self.warnings else self.share

    @property
    def share_by_frame(self) -> tuple[float, ...]:
        """Share of each frame, 0 to 1, that shows something else."""
        return tuple(0.0 if alpha is None else float(alpha.mean()) for alpha in self.alphas)

    def record(self) -> dict[str, Any]:
        """What moved as JSON values; the shares are `None` where nobody can tell."""
        by_frame = None if self.warnings else [round(share, 5) for share in self.share_by_frame]
        share = None if self.warnings else round(self.share, 5)
        return {"share": share, "regions": self.regions, "by_frame": by_frame, "warnings": list(self.warnings)}

    def notes(self, names: Sequence[str]) -> tuple[str, ...]:
        """What a user should know: why nobody can tell, or what the reference does not hold."""
        lost = (thing.text(names, self.reference) for thing in self.elsewhere if not thing.lit)
        return (*self.warnings, *lost)


@dataclass(frozen=True)
class Deghosted(Moved):
    """Frames that agree; those into which nothing was put are the very arrays that came in.

    What moved is what was replaced: `alphas` say for each frame how much of it shows another one. Where `warnings` say
    that nobody can tell, nothing was done.
    """

    frames: tuple[Image, ...]

    def mask(self, index: int) -> Image:
        """How much of a frame was taken from another one: (H, W) of uint8, 255 is all."""
        height, width = self.frames[index].shape[:2]
        alpha = self.alphas[index]
        if alpha is None:
            return np.zeros((height, width), np.uint8)
        return enlarged_mask(alpha, (width, height))

    def record(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """What was done as JSON values; frames by their names, if given."""

        def named(frame: int) -> str | int:
            return names[frame] if names else frame

        return {
            "share": round(self.share, 5),
            "regions": self.regions,
            "replaced": [round(share, 5) for share in self.share_by_frame],
            "reference": named(self.reference),
            "why": self.why,
            "elsewhere": [
                asdict(thing) | {"frame": named(thing.frame), "share": round(thing.share, 5)}
                for thing in self.elsewhere
            ],
        }
