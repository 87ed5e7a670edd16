"""What a user chooses of a fused picture; without torch, which takes a second to import."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deepfuse.fusion.controls import Controls
from deepfuse.fusion.looks import default_look
from deepfuse.photo import DEFAULT_ENCODING, Depth, Encoding

if TYPE_CHECKING:
    from deepfuse.model.quality import Quality


@dataclass(frozen=True)
class FuseOptions:
    """How a bracket is fused and written.

    If they are `None`, `quality` is the first that the network has and `depth` that of the frames. `score` asks for the
    MEF-SSIM, `save_masks` for what `deghost` replaced. `controls` are those of the default look.

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
