"""The measures of a fused picture: scores, report, gate, params and docs read them here.

A new measure is one function, in a file of its own, and one row; if it is guarded, also its bounds in
`promote.max_worse` and `promote.reference.max_worse` of params.yaml.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from deepfuse.color import Image
from deepfuse.metrics.clipping import clipped_share, pinned_share
from deepfuse.metrics.colour import chroma_gain, colour_error, false_colour, hue_error
from deepfuse.metrics.ghost import ghost
from deepfuse.metrics.halo import halo
from deepfuse.metrics.lightness_order import lightness_order_error
from deepfuse.metrics.mef_ssim import mef_ssim, mef_ssim_single
from deepfuse.metrics.mef_ssim_c import mef_ssim_c, mef_ssim_c_luminance
from deepfuse.metrics.shadow_noise import shadow_noise


@dataclass(frozen=True)
class Metric:
    """A measure of a fused picture.

    Attributes:
        name: in files, tables and params.
        function: of K ≥ 2 frames of a bracket, in any order, and the picture fused of them, (H, W, 3) each.
        meaning: what its number is, in a few words.
        better: which way it gets better; "nearest" is nearest to `best`.
        best: the value that no picture surpasses.
        guarded: whether a challenger is refused if its mean gets worse by more than `promote.max_worse` allows.
    """

    name: str
    function: Callable[[Sequence[Image], Image], float]
    meaning: str
    better: Literal["higher", "lower", "nearest"]
    best: float
    guarded: bool

    @property
    def description(self) -> str:
        """What its number is, and which one is best.

        >>> METRICS[0].description
        'structure of all frames that is kept, in grey, over three scales; 1 is best'
        """
        return f"{self.meaning}; {self.best:g} is best"


HEADLINE = "mef_ssim"
"""The measure that a challenger must raise, and that is shown scene by scene."""

METRICS: tuple[Metric, ...] = (
    Metric(
        HEADLINE,
        mef_ssim,
        "structure of all frames that is kept, in grey, over three scales",
        better="higher",
        best=1,
        guarded=False,  # a challenger must raise it
    ),
    Metric(
        "mef_ssim_single",
        mef_ssim_single,
        "the same at full resolution alone",
        better="higher",
        best=1,
        guarded=False,  # the finest of the three scales
    ),
    Metric(
        "mef_ssim_c",
        mef_ssim_c,
        "structure in colour and brightness (MEF-SSIMc)",
        better="higher",
        best=1,
        guarded=True,
    ),
    Metric(
        "mef_ssim_c_luminance",
        mef_ssim_c_luminance,
        "the factor of MEF-SSIMc that compares brightness alone",
        better="higher",
        best=1,
        guarded=False,  # a factor of MEF-SSIMc
    ),
    Metric(
        "lightness_order_error",
        lightness_order_error,
        "pixel pairs whose order of lightness is reversed",
        better="lower",
        best=0,
        guarded=True,
    ),
    Metric(
        "clipped_share",
        clipped_share,
        "pixels that are clipped though not in every frame",
        better="lower",
        best=0,
        guarded=True,
    ),
    Metric(
        "halo",
        halo,
        "change across edges that runs against the scene's",
        better="lower",
        best=0,
        guarded=True,
    ),
    Metric(
        "pinned_share",
        pinned_share,
        "highlights that the darkest frame holds and the picture bleaches",
        better="lower",
        best=0,
        guarded=True,
    ),
    Metric(
        "colour_error",
        colour_error,
        "distance from the frames' colours at the fused brightness, in Oklab, times 100",
        better="lower",
        best=0,
        guarded=True,
    ),
    Metric(
        "hue_error",
        hue_error,
        "the part of that distance which is in hue",
        better="lower",
        best=0,
        guarded=True,
    ),
    Metric(
        "chroma_gain",
        chroma_gain,
        "chroma over that of the frames at the fused brightness, less is paler, more is stronger",
        better="nearest",
        best=1,
        guarded=True,
    ),
    Metric(
        "false_colour",
        false_colour,
        "share of the picture with a colour edge that no frame has",
        better="lower",
        best=0,
        guarded=True,
    ),
    Metric(
        "ghost",
        ghost,
        "share of the picture in which what moved is of no single frame",
        better="lower",
        best=0,
        guarded=False,  # motion is taken out of the frames before a network fuses them
    ),
    Metric(
        "shadow_noise",
        shadow_noise,
        "noise of flat shadows over that of the noisiest frame",
        better="lower",
        best=0,
        guarded=True,
    ),
)
