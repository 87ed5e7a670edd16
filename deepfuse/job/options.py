"""What a user chooses of a fused picture; without torch, which takes a second to import."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deepfuse.alignment import CROPS, IF_UNALIGNED, Crop, IfUnaligned
from deepfuse.fusion.controls import Controls
from deepfuse.fusion.looks import default_look
from deepfuse.photo import DEFAULT_ENCODING, Depth, Encoding
from deepfuse.photo.balance import BalanceChoice, check_balance
from deepfuse.photo.orientation import OrientationChoice, orientation_choice
from deepfuse.photo.rendering import PROFILES, ProfileChoice

if TYPE_CHECKING:
    from deepfuse.model.quality import Quality


@dataclass(frozen=True)
class FuseOptions:
    """How a bracket is fused and written.

    If they are `None`, `quality` is the first that the network has and `depth` that of the frames, at least 16 bits in
    a space wider than sRGB. `white_balance` of RAW is "as-shot", "daylight", "auto" or a colour temperature in kelvin;
    `profile` is the colour space of the picture: "keep", which is the frames' own, "srgb", "p3", "adobe-rgb",
    "prophoto" or "rec2020". `score` asks for the MEF-SSIM, `save_masks` for what `deghost` replaced. `controls` are
    those of the default look. `if_unaligned` says what becomes of a frame that cannot be aligned: it
    refuses the bracket ("refuse"), is left out ("drop") or taken where it is ("as-is"). `reference` is the frame whose
    moment the picture shows: "auto", its place among the files from 1 on, or the name of its file. `crop` is to what
    all frames show ("common"), to the frame that the others are laid on ("none"), or to what holds them all ("union").
    `orientation` is the EXIF one that counts for all frames: "auto", that of the reference or of most of them, "as-is",
    each file's own, or 1 to 8.

    >>> from deepfuse import Controls, FuseOptions
    >>> FuseOptions(align=False, controls=Controls(saturation=1.2)).controls.saturation
    1.2
    """

    align: bool = True
    quality: Quality | None = None
    depth: Depth | None = None
    score: bool = False
    encoding: Encoding = DEFAULT_ENCODING
    controls: Controls = field(default_factory=default_look)
    deghost: bool = True
    save_masks: bool = False
    white_balance: BalanceChoice = "as-shot"
    profile: ProfileChoice = "keep"
    if_unaligned: IfUnaligned = "refuse"
    reference: str = "auto"
    crop: Crop = "common"
    orientation: OrientationChoice = "auto"

    def __post_init__(self) -> None:
        """Refuse what there is not."""
        check_balance(self.white_balance)
        if self.profile not in PROFILES:
            raise ValueError(f"expected a profile of {', '.join(PROFILES)}, got {self.profile}")
        if self.reference != "auto" and not self.deghost:
            raise ValueError(
                f"expected ghosts to be removed as the reference, {self.reference}, shows what moved; got deghost off"
            )
        if self.if_unaligned not in IF_UNALIGNED:
            raise ValueError(f"expected if_unaligned to be one of {', '.join(IF_UNALIGNED)}, got {self.if_unaligned}")
        orientation_choice(str(self.orientation))
        if self.crop not in CROPS:
            raise ValueError(f"expected crop to be one of {', '.join(CROPS)}, got {self.crop}")
