"""How a picture was made: one record for the command line, a batch, a server and whatever shows a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from deepfuse.alignment import Alignment
from deepfuse.bracket import printable
from deepfuse.fusion.controls import Controls
from deepfuse.motion import Deghosted
from deepfuse.photo import Depth
from deepfuse.photo.balance import BalanceChoice

if TYPE_CHECKING:
    from deepfuse.model.quality import Quality


@dataclass(frozen=True)
class UsedModel:
    """A network as its user called it, and the SHA-256 of its weights in hexadecimal."""

    name: str
    sha256: str


@dataclass(frozen=True)
class PictureRecord:
    """How a picture was made of a bracket.

    Attributes:
        model: the network; `None` where the caller had it at hand and named none.
        alignment: how the frames were registered, without their pixels; `None` where they were taken as aligned.
        frames: the names of the files that were fused.
        deghosting: what moved, without the frames' pixels; `None` where it was left as it is.
        scored: whether the MEF-SSIM was asked for.
        mef_ssim: of the picture beside the aligned frames; `None` if it was not asked for, or no window fits in.
        quality: the network's.
        controls: the look.
        width_px: of the picture.
        height_px: of the picture.
        orientation: the EXIF one that was undone, 1 to 8.
        depth: that the picture is written in.
        profile: the name of the colour profile that it is written with.
        white_balance: that RAW frames were developed with; `None` for others.
        metadata_of: the name of the file whose camera, lens, place and date it carries.
        warnings: what the user should know.
        seconds: that each step took, by its name.
    """

    model: UsedModel | None
    alignment: Alignment | None
    frames: tuple[str, ...]
    deghosting: Deghosted | None
    scored: bool
    mef_ssim: float | None
    quality: Quality
    controls: Controls
    width_px: int
    height_px: int
    orientation: int
    depth: Depth
    profile: str
    white_balance: BalanceChoice | None
    metadata_of: str
    warnings: tuple[str, ...]
    seconds: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        """The same in JSON values; what was not asked for is left out."""
        values: dict[str, Any] = {}
        if self.model:
            values |= {"model": self.model.name, "model_sha256": self.model.sha256}
        if self.alignment:
            values["alignment"] = self.alignment.record()
        if self.deghosting:
            values["deghosting"] = self.deghosting.record(self.frames)
        if self.scored:
            values["mef_ssim"] = self.mef_ssim
        return values | {
            "quality": self.quality,
            "controls": asdict(self.controls),
            "width": self.width_px,
            "height": self.height_px,
            "orientation": self.orientation,
            "depth": self.depth,
            "profile": printable(self.profile),
            "white_balance": self.white_balance,
            "metadata_of": self.metadata_of,
            "warnings": list(self.warnings),
            "seconds": dict(self.seconds),
        }
