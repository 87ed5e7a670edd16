"""What MEF-SSIM does not see in a fused picture: brightness and colour, order of lightness, clipping, halos.

Every measure takes the frames of one bracket in any order and the fused picture, all (H, W, 3) sRGB-encoded RGB in
uint8, uint16 or float32 from 0 to 1, and raises ValueError for fewer than two frames, other or differing shapes and
floats that leave 0..1, TypeError for any other dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import sqrt

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepfuse.color import NEUTRAL, Float, Image, check_range, luma, rgb_to_ycbcr, to_float
from deepfuse.metrics.windows import box_sum, central, products, quadratic_form, tile_mean
from deepfuse.threads import side_by_side

WINDOW_PX = 8
VALUES = 3 * WINDOW_PX**2
STRENGTH_EXPONENT = 4
MID_GREY = 0.5
SIGMA_GLOBAL = 0.2
SIGMA_LOCAL = 0.5
LUMINANCE_STABILISER = 0.01**2
CONTRAST_STABILISER = 0.03**2
ROUNDING = 1e-12  # of a sum of squares over a window, in float64

ORDER_AREA_PX = 5000
ORDER_TOLERANCE = 2 / 255

HALF_LEVEL = 0.5 / 255

HALO_SIDE_PX = 400
EDGE_SIGMA = 0.01
SCENE_SIGMA = 0.05

LEAST_CHROMA = 0.02
STRIP_PX = 256


def mef_ssim_c(frames: Sequence[Image], fused: Image) -> float:
    """MEF-SSIMc, a single-scale MEF-SSIM of colour patches that also compares their mean intensity; 1 is best.

    Args:
        frames: K ≥ 2 exposures of 8 pixels or more each way.
        fused: the fused picture.

    Returns:
        The mean over all valid windows, at most 1.

    Source: K. Ma, Z. Duanmu, H. Yeganeh, Z. Wang, "Multi-Exposure Image Fusion by Optimizing A Structural Similarity
    Index", IEEE TCI 4(1), 2018, doi:10.1109/TCI.2017.2786138. A patch of 8×8 pixels is one vector of 192 values: its
    mean is the intensity l, the norm of the rest the contrast c, and its direction the structure. Wanted are the
    largest contrast, the structure of Σ cᵏ⁴ sᵏ, and the mean of lᵏ weighted by
    exp(−(μₖ − .5)²/2σg² − (lₖ − .5)²/2σl²), where μₖ is the mean of frame k. The exponent 4, σg = .2 and σl = .5 are
    those of the same authors' patch-wise fusion (IEEE TIP 26(5), 2017, doi:10.1109/TIP.2017.2671921), the uniform
    window and the constants (.01)² and (.03)² those of SSIM (Wang et al., IEEE TIP 13(4), 2004). Structures that
    cancel exactly leave nothing wanted but the intensity.
    """
    _check(frames, fused)
    if min(fused.shape[:2]) < WINDOW_PX:
        raise ValueError(f"expected {WINDOW_PX} or more pixels each way, got {fused.shape[:2]}")
    pixels = torch.from_numpy(np.stack([to_float(picture) for picture in (*frames, fused)])).permute(3, 0, 1, 2)
    means = pixels[:, :-1].mean(dim=(0, 2, 3), dtype=torch.float64)[None, :, None, None]
    prior = torch.exp(-(means - MID_GREY).square() / (2 * SIGMA_GLOBAL**2))
    with torch.no_grad(), side_by_side() as run:
        quality = _color_quality(prior)
        return float(
            tile_mean(quality, pixels[:, :-1], pixels[:, -1:], window_px=WINDOW_PX, tile_px=(64, 512), run=run)
        )


def _color_quality(prior: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """MEF-SSIMc of each window: (3, K, H, W), (3, 1, H, W) → (1, h, w); `prior` weighs the frames, (1, K, 1, 1)."""

    def quality(frames: Tensor, fused: Tensor) -> Tensor:
        k = frames.shape[1]
        frames, fused = (x.to(torch.float64, memory_format=torch.contiguous_format) for x in (frames, fused))
        sums = _color_sum(frames, products(frames))
        sums_fused = _color_sum(fused, fused.square(), frames * fused)
        wanted, square = _wanted_structure(central(sums, k, VALUES), k)
        covariance = (wanted * (sums_fused[:, 2:] - sums[:, :k] * sums_fused[:, :1] / VALUES)).sum(1)
        square_fused = sums_fused[:, 1] - sums_fused[:, 0].square() / VALUES
        structure = (2 * covariance / VALUES + CONTRAST_STABILISER) / (
            (square + square_fused) / VALUES + CONTRAST_STABILISER
        )
        return structure * _intensity_likeness(sums[:, :k] / VALUES, sums_fused[:, 0] / VALUES, prior)

    return quality


def _color_sum(*channels: Tensor) -> Tensor:
    """Sums over each window and the three colours: any of (3, ·, H, W), in a row → (1, ·, h, w)."""
    return box_sum(torch.cat(channels, 1), WINDOW_PX).sum(0, keepdim=True)


def _wanted_structure(gram: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The wanted patch without its mean, as coefficients of the frames' (1, K, h, w), and its sum of squares."""
    contrast = gram[:, :k].clamp(min=0).sqrt()
    largest = contrast.amax(1, keepdim=True)
    direction = (contrast / largest.clamp(min=ROUNDING)) ** (STRENGTH_EXPONENT - 1)
    length = quadratic_form(direction, gram)[:, None]
    square = torch.where(length > ROUNDING, largest.square(), 0)
    return direction * (square / length.clamp(min=ROUNDING)).sqrt(), square[:, 0]


def _intensity_likeness(intensities: Tensor, fused: Tensor, prior: Tensor) -> Tensor:
    """SSIM's luminance term between the wanted mean intensity and the fused one, (1, h, w)."""
    weight = prior * torch.exp(-(intensities - MID_GREY).square() / (2 * SIGMA_LOCAL**2))
    wanted = (weight * intensities).sum(1) / weight.sum(1)
    return (2 * wanted * fused + LUMINANCE_STABILISER) / (wanted.square() + fused.square() + LUMINANCE_STABILISER)


def lightness_order_error(frames: Sequence[Image], fused: Image) -> float:
    """Share of pixel pairs whose order of lightness the fused picture reverses, 0 to 1; 0 is best.

    Lightness is the largest channel. Of the scene it is taken from the mean of the frames: every frame rises with
    radiance until it clips, so the mean does as long as one frame holds, and tells pixels apart that a single frame
    clips alike. Pictures are first averaged down to at most 5000 pixels, about 60 by 80. Pairs count whose lightness
    in the mean differs by more than 2 levels of 255; they are reversed if the fused one differs by more than that the
    other way. Without any such pair the error is 0.

    Source: S. Wang, J. Zheng, H.-M. Hu, B. Li, "Naturalness Preserved Enhancement Algorithm for Non-Uniform
    Illumination Images", IEEE TIP 22(9), 2013, doi:10.1109/TIP.2013.2261309, which counts ties as well.
    """
    _check(frames, fused)
    scale = sqrt(ORDER_AREA_PX / (fused.shape[0] * fused.shape[1]))
    scene = _mean(_reduced(frame, scale).max(-1) for frame in frames).ravel()
    result = _reduced(fused, scale).max(-1).ravel()
    order = np.argsort(scene)
    scene, result = scene[order], result[order]
    brighter = np.searchsorted(scene, scene + ORDER_TOLERANCE, side="right")  # the first that is clearly so
    reversals = sum(
        int(np.count_nonzero(result[first:] < result[i] - ORDER_TOLERANCE)) for i, first in enumerate(brighter)
    )
    pairs = int((len(scene) - brighter).sum())
    return reversals / pairs if pairs else 0.0


def clipped_share(frames: Sequence[Image], fused: Image) -> float:
    """Share of pixels that are clipped in the fused picture though not in every frame, 0 to 1; 0 is best.

    A pixel is clipped if any channel is within half an 8-bit level of either end of the range. Pixels clipped in every
    frame count neither way, and if there are no others the share is 0.
    """
    _check(frames, fused)
    avoidable = ~np.logical_and.reduce([_clipped(frame) for frame in frames])
    return float(_clipped(fused)[avoidable].mean()) if avoidable.any() else 0.0


def halo(frames: Sequence[Image], fused: Image) -> float:
    """Share of the change of luma across the scene's edges that runs the wrong way, 0 to 1; 0 is best.

    A halo is a slope beside an edge, towards it on the dark side and away from it on the bright side, that descends
    where the scene ascends or is level. So the luma of the fused picture, smoothed over 1 % of the longer side, is
    followed along the gradient of the mean of the frames, smoothed over 5 %: wide enough to reach beyond the edge.
    Descents count unless the mean of the frames, smoothed over 1 %, descends there too. All changes weigh as the wide
    gradient, so level ground hardly matters. Without any change the share is 0.

    The definition is this project's own. On when such profiles are seen as halos: M. Trentacoste et al., "Unsharp
    Masking, Countershading and Halos: Enhancements or Artifacts?", Computer Graphics Forum 31(2), 2012.
    """
    _check(frames, fused)
    scale = HALO_SIDE_PX / max(fused.shape[:2])
    scene = _mean(luma(_reduced(frame, scale)) for frame in frames)
    wide = _gradient(scene, SCENE_SIGMA)
    weighted_rise = (_gradient(luma(_reduced(fused, scale)), EDGE_SIGMA) * wide).sum(0)
    descends = (_gradient(scene, EDGE_SIGMA) * wide).sum(0) < 0
    change = float(np.abs(weighted_rise).sum())
    return float(np.abs(weighted_rise[(weighted_rise < 0) & ~descends]).sum()) / change if change else 0.0


def chroma_gain(frames: Sequence[Image], fused: Image) -> float:
    """Mean chroma of the fused picture over that of the best exposed frame at each pixel; 1 is kept, more is added.

    Chroma is the distance of (Cb, Cr) from neutral; best exposed is the frame whose luma is nearest to 0.5. Pixels
    count where that frame's chroma exceeds 0.02; without any the gain is 1.
    """
    _check(frames, fused)
    kept, wanted = 0.0, 0.0
    for top in range(0, len(fused), STRIP_PX):
        rows = slice(top, top + STRIP_PX)
        lumas, chromas = zip(*(_luma_and_chroma(frame[rows]) for frame in frames), strict=True)
        nearest = np.abs(np.stack(lumas) - MID_GREY).argmin(0)
        best = np.take_along_axis(np.stack(chromas), nearest[None], 0)[0]
        coloured = best > LEAST_CHROMA
        wanted += float(best[coloured].sum(dtype=np.float64))
        kept += float(_luma_and_chroma(fused[rows])[1][coloured].sum(dtype=np.float64))
    return kept / wanted if wanted else 1.0


def _check(frames: Sequence[Image], fused: Image) -> None:
    if len(frames) < 2:
        raise ValueError(f"expected 2 or more frames, got {len(frames)}")
    for picture in (*frames, fused):
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.shape != fused.shape or not picture.size:
            raise ValueError(f"expected pictures of one size (H, W, 3), got {picture.shape} beside {fused.shape}")
        check_range(picture)


def _reduced(image: Image, scale: float) -> Float:
    """The picture as float32, averaged down by `scale`, or as it is where that would enlarge it."""
    size = [max(1, round(side * min(1.0, scale))) for side in image.shape[1::-1]]
    return np.asarray(cv2.resize(to_float(image), size, interpolation=cv2.INTER_AREA), np.float32)


def _mean(pictures: Iterable[Float]) -> Float:
    return np.asarray(np.mean(list(pictures), axis=0), np.float32)


def _clipped(image: Image) -> NDArray[np.bool_]:
    """Pixels with a channel at either end of the range, (H, W)."""
    largest = 1.0 if image.dtype == np.float32 else float(np.iinfo(image.dtype).max)
    low, high = HALF_LEVEL * largest, (1 - HALF_LEVEL) * largest
    return np.asarray(((image <= low) | (image >= high)).any(-1))


def _gradient(picture: Float, sigma: float) -> Float:
    """Gradient (2, H, W) after smoothing over a share `sigma` of the longer side."""
    smooth = cv2.GaussianBlur(picture, (0, 0), sigma * max(picture.shape), borderType=cv2.BORDER_REFLECT)
    return np.stack([cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx, ksize=1) for dx in (0, 1)])


def _luma_and_chroma(image: Image) -> tuple[Float, Float]:
    """Luma and the distance of chroma from neutral, both (H, W)."""
    y, chroma = rgb_to_ycbcr(to_float(image))
    return y, np.hypot(chroma[..., 0] - NEUTRAL, chroma[..., 1] - NEUTRAL)
