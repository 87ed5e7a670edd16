"""From a bracket as shot to a bracket that lies on itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfuse.alignment.chain import Attempt, Chain, register_chain
from deepfuse.alignment.full_size import FullPair, finish
from deepfuse.alignment.geometry import corner_shift_px, is_identity, translation, warp
from deepfuse.alignment.pair import Gate, Pair
from deepfuse.alignment.proxy import Proxy, make_proxy
from deepfuse.alignment.rectangle import common_rectangle
from deepfuse.alignment.result import Alignment, AlignmentError, Matrix, Pixels, Registration

DTYPES = ("uint8", "uint16", "float32")
MIN_SIDE_PX = 64


def align(frames: Sequence[Pixels], *, min_inliers: int = 25, min_kept: float = 0.5) -> Alignment:
    """Register the frames of a bracket to the best-exposed one and crop them to what all of them show.

    Frames that already lie on the reference come back as they are, not resampled.

    Args:
        frames: two or more sRGB-encoded RGB pictures (height, width, 3), alike in shape and type, in any
            order of exposure: uint8, uint16, or float32 from 0 to 1.
        min_inliers: feature matches that must support a motion, 8 or more; half as many tiles count as much.
        min_kept: share of the picture, 0 to 1, that the crop must keep.

    Returns:
        The frames with their homographies, and the evidence for each.

    Raises:
        TypeError: a frame is not an array of one of these types.
        ValueError: fewer than two frames, unlike shapes or types, values out of range, or a bad threshold.
        AlignmentError: a frame cannot be registered surely, or too little is kept.
    """
    _check_frames(frames)
    _check_thresholds(min_inliers, min_kept)
    proxies = [make_proxy(frame) for frame in frames]
    chain = register_chain(proxies, Gate(min_inliers))
    scale = frames[0].shape[1] / proxies[0].size[0]
    if chain.failed:
        raise _refusal(chain, scale)
    homographies = np.stack([_homography(chain, i, frames, proxies) for i in range(len(frames))])
    evidence = _evidence(chain, homographies, frames[0].shape, scale)
    return _assemble(frames, chain.reference, homographies, evidence, min_kept)


def _homography(chain: Chain, index: int, frames: Sequence[Pixels], proxies: Sequence[Proxy]) -> Matrix:
    if index == chain.reference:
        return np.eye(3)
    pair = Pair(proxies[chain.reference], proxies[index], chain.gate)
    return finish(chain.links[index].homography, FullPair(frames[chain.reference], frames[index], pair))


def _assemble(
    frames: Sequence[Pixels],
    reference: int,
    homographies: Matrix,
    evidence: tuple[Registration, ...],
    min_kept: float,
) -> Alignment:
    height, width = frames[0].shape[:2]
    crop = common_rectangle(homographies, width, height)
    kept = crop[2] * crop[3] / (width * height)
    if kept < min_kept:
        worst = max(evidence, key=lambda found: found.shift_px)
        raise AlignmentError(
            f"frame {worst.frame}: expected the crop to keep a share of {min_kept:.2f} or more, "
            f"got {kept:.2f} (moved by {worst.shift_px:.1f} px)",
            evidence,
        )
    warped = tuple(_cut(frame, h, crop) for frame, h in zip(frames, homographies, strict=True))
    return Alignment(warped, reference, homographies, crop, kept, evidence)


def _cut(frame: Pixels, homography: Matrix, crop: tuple[int, int, int, int]) -> Pixels:
    x, y, width, height = crop
    if is_identity(homography):
        return frame[y : y + height, x : x + width].copy()
    return warp(frame, translation(-x, -y) @ homography, (width, height))


def _evidence(chain: Chain, homographies: Matrix, shape: tuple[int, ...], scale: float) -> tuple[Registration, ...]:
    links = [chain.links[index] for index in range(len(homographies))]
    motions = [np.linalg.inv(homographies[link.target]) @ homographies[link.frame] for link in links]
    shifts = [corner_shift_px(motion, shape[1], shape[0]) for motion in motions]
    return tuple(
        _registration(link.frame, (link.target, link.match), scale, shift)
        for link, shift in zip(links, shifts, strict=True)
    )


def _registration(frame: int, attempt: Attempt, scale: float, shift_px: float = float("nan")) -> Registration:
    target, match = attempt
    return Registration(frame, match.method, match.inliers, scale * match.residual_px, shift_px, target)


def _refusal(chain: Chain, scale: float) -> AlignmentError:
    failed = sorted(chain.failed.items())
    evidence = [_registration(frame, attempt, scale) for frame, tried in failed for attempt in tried]
    return AlignmentError("; ".join(_reason(frame, tried, chain.gate) for frame, tried in failed), evidence)


def _reason(frame: int, tried: Sequence[Attempt], gate: Gate) -> str:
    target, best = max(tried, key=lambda attempt: attempt[1].inliers)
    return (
        f"frame {frame}: expected a motion of the camera that {gate.min_inliers} or more matches support and the "
        f"picture's tiles confirm, got none in {len(tried)} tries (the best had {best.inliers} matches, "
        f"by {best.method} to frame {target})"
    )


def _check_frames(frames: Sequence[Pixels]) -> None:
    if len(frames) < 2:
        raise ValueError(f"expected 2 or more frames, got {len(frames)}")
    for index, frame in enumerate(frames):
        if not isinstance(frame, np.ndarray) or frame.dtype.name not in DTYPES:
            got = str(getattr(frame, "dtype", type(frame).__name__))
            raise TypeError(f"frame {index}: expected an array of {', '.join(DTYPES)}, got {got}")
        if frame.ndim != 3 or frame.shape[2] != 3:
            raise ValueError(f"frame {index}: expected (height, width, 3), got {frame.shape}")
        if min(frame.shape[:2]) < MIN_SIDE_PX:
            raise AlignmentError(f"frame {index}: expected sides of {MIN_SIDE_PX} or more pixels, got {frame.shape}")
        if (frame.shape, frame.dtype) != (frames[0].shape, frames[0].dtype):
            expected = f"{frames[0].shape} {frames[0].dtype} as in frame 0"
            raise ValueError(f"frame {index}: expected {expected}, got {frame.shape} {frame.dtype}")
        if frame.dtype == np.float32 and not (frame.min() >= 0.0 and frame.max() <= 1.0):
            got = f"{frame.min()} to {frame.max()}"
            raise ValueError(f"frame {index}: expected values from 0 to 1, got {got}")


def _check_thresholds(min_inliers: int, min_kept: float) -> None:
    if min_inliers < 8:
        raise ValueError(f"min_inliers: expected 8 or more, got {min_inliers}")
    if not 0.0 <= min_kept <= 1.0:
        raise ValueError(f"min_kept: expected a share from 0 to 1, got {min_kept}")
