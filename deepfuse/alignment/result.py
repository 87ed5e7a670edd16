"""What an alignment returns, and how it refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from deepfuse.color import Image, Mask
from deepfuse.errors import DeepfuseError

Matrix = NDArray[np.float64]
IfUnaligned = Literal["refuse", "drop", "as-is"]
IF_UNALIGNED: tuple[IfUnaligned, ...] = get_args(IfUnaligned)
Crop = Literal["common", "union", "none"]
CROPS: tuple[Crop, ...] = get_args(Crop)


@dataclass(frozen=True)
class Registration:
    """How one frame was registered, and what speaks for it.

    `frame` and `registered_to` are indices into the bracket. `inliers` counts feature matches where `method`
    is SIFT alone, and agreeing tiles of the picture elsewhere. `residual_px` is the median distance left at
    them, infinite where no motion was possible, `shift_px` the largest displacement of a corner against the frame
    it was matched with, NaN where that is not known; both in pixels of the full picture.
    """

    frame: int
    method: str
    inliers: int
    residual_px: float
    shift_px: float
    registered_to: int


@dataclass(frozen=True)
class Unplaced:
    """A frame that could not be laid on another one, `onto`: the reason in plain words, and what was `found`.

    `taken` says that it was taken where it is; else it was left out, or the bracket refused.
    """

    frame: int
    onto: int
    reason: str
    found: str
    taken: bool = False

    def told(self, names: Sequence[str] = ()) -> str:
        """The same as a sentence; `names` are what the frames are called, by their numbers if empty."""
        name = names or [f"frame {index}" for index in range(1 + max(self.frame, self.onto))]
        return f"{name[self.frame]} cannot be laid on {name[self.onto]}: {self.reason} ({self.found})"


@dataclass(frozen=True)
class Alignment:
    """A bracket registered to its best-exposed frame.

    `frames` are (height, width, 3) in the depth they came in, cropped to `crop` = (x, y, width, height) in
    pixels of the uncropped reference, whose index is `reference`; it reaches beyond that where it holds all
    frames. `homographies` (K, 3, 3) map pixel coordinates (x, y, 1) of each of them to the uncropped
    reference, pixel centres at whole numbers. `kept_area` is the share of the picture left by the crop, 0 to
    1, or more than 1; `evidence` holds one entry per frame that came in. `unplaced` are those that cannot be
    registered: the `dropped` ones are in neither `frames` nor `homographies`, the others are there where they
    were. `valid` say where each of `frames` is picture: (height, width), 1 or 0, `None` where it is everywhere.
    """

    frames: tuple[Image, ...]
    reference: int
    homographies: Matrix
    crop: tuple[int, int, int, int]
    kept_area: float
    evidence: tuple[Registration, ...]
    unplaced: tuple[Unplaced, ...] = ()
    valid: tuple[Mask | None, ...] = ()

    @property
    def dropped(self) -> tuple[int, ...]:
        """Indices of the frames that were left out."""
        return tuple(one.frame for one in self.unplaced if not one.taken)

    @property
    def as_is(self) -> tuple[int, ...]:
        """Indices of the frames that were taken where they are."""
        return tuple(one.frame for one in self.unplaced if one.taken)

    @property
    def kept(self) -> tuple[int, ...]:
        """For each of `frames`, the index of the frame that came in."""
        return tuple(index for index in range(len(self.evidence)) if index not in self.dropped)

    @property
    def base(self) -> int:
        """The place of the reference in `frames`."""
        return self.kept.index(self.reference)

    def warnings(self, names: Sequence[str] = ()) -> tuple[str, ...]:
        """What the user should know; `names` are what the frames are called, by their numbers if empty."""
        return tuple(
            f"{one.told(names)}; it is {'taken where it is' if one.taken else 'left out'}" for one in self.unplaced
        )

    def record(self) -> dict[str, Any]:
        """Everything but the pixels, as JSON values."""
        return {
            "reference": self.reference,
            "dropped": list(self.dropped),
            "as_is": list(self.as_is),
            "crop": list(self.crop),
            "kept_area": self.kept_area,
            "homographies": self.homographies.tolist(),
            "evidence": [_finite(asdict(registration)) for registration in self.evidence],
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Alignment | None:
        """An alignment without pixels, as `record` tells it; `None` where it lacks something.

        So do records of frames that were left out or taken where they are: they do not say why.
        """
        try:
            motions = np.array(record["homographies"], np.float64)
            evidence = tuple(Registration(**_with_nan(one)) for one in record["evidence"])
            reference, crop, kept_area = record["reference"], tuple(record["crop"]), record["kept_area"]
            whole = not record["dropped"] and not record["as_is"] and np.isfinite(motions).all()
        except (KeyError, TypeError, ValueError):
            return None
        if not whole or motions.shape != (len(evidence), 3, 3) or reference not in range(len(evidence)):
            return None
        return cls((), reference, motions, crop, kept_area, evidence)


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(value, float) and not isfinite(value) else value for name, value in values.items()}


def _with_nan(values: dict[str, Any]) -> dict[str, Any]:
    return {name: float("nan") if value is None else value for name, value in values.items()}


class AlignmentError(DeepfuseError):
    """The frames cannot be registered reliably; `evidence` says what was found, `unplaced` of which frames."""

    def __init__(self, message: str, evidence: Sequence[Registration] = (), unplaced: Sequence[Unplaced] = ()) -> None:
        super().__init__(message)
        self.evidence, self.unplaced = tuple(evidence), tuple(unplaced)

    def named(self, names: Sequence[str]) -> AlignmentError:
        """The same of frames that have names."""
        said = "; ".join(one.told(names) for one in self.unplaced) or str(self)
        return AlignmentError(said, self.evidence, self.unplaced)
