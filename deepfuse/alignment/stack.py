"""From a bracket as shot to a bracket that lies on itself."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from deepfuse.alignment.chain import Attempt, Chain, register_chain
from deepfuse.alignment.full_size import FullPair, finish, unless_still
from deepfuse.alignment.geometry import corner_shift_px, is_identity, to_full_size, translation, warp
from deepfuse.alignment.ghosts import disagreeing_share
from deepfuse.alignment.pair import Gate, Pair
from deepfuse.alignment.proxy import Proxy, make_proxy, moved
from deepfuse.alignment.rectangle import common_rectangle
from deepfuse.alignment.result import Alignment, AlignmentError, Matrix, Pixels, Registration

DTYPES = ("uint8", "uint16", "float32")
MIN_SIDE_PX = 64
PROXIES_AT_ONCE = 2


def align(frames: Sequence[Pixels], *, min_inliers: int = 25, min_kept: float = 0.5) -> Alignment:
    """Register the frames of a bracket to the best-exposed one and crop them to what all of them show.

    Frames that already lie on the reference come back as they are, not resampled and not copied.

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

    >>> import cv2
    >>> from deepfuse import align
    >>> noise = cv2.GaussianBlur(np.random.default_rng(0).random((300, 400, 3)), (0, 0), 3)
    >>> scene = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)
    >>> still, moved = scene[4:204, 7:307], scene[:200, :300]
    >>> [round(found.shift_px) for found in align([still, moved]).evidence]
    [0, 8]
    """
    _check_frames(frames)
    _check_thresholds(min_inliers, min_kept)
    with ThreadPoolExecutor(PROXIES_AT_ONCE) as pool:
        proxies = list(pool.map(make_proxy, frames))
    chain = register_chain(proxies, Gate(min_inliers))
    scale = frames[0].shape[1] / proxies[0].size[0]
    if chain.failed:
        raise _refusal(chain, scale)
    homographies = _homographies(chain, frames, proxies)
    shares = _disagreeing_shares(chain, homographies, frames[0].shape, proxies)
    evidence = _evidence(chain, homographies, frames[0].shape, scale, shares)
    return _assemble(frames, chain.reference, homographies, evidence, min_kept)


def _homographies(chain: Chain, frames: Sequence[Pixels], proxies: Sequence[Proxy]) -> Matrix:
    """Each frame's motion to the reference, found there, or where the two have too little in common over its link."""

    def step(target: int, index: int, start: Matrix) -> Matrix | None:
        pair = Pair(proxies[target], proxies[index], chain.gate)
        return finish(start, FullPair(frames[target], frames[index], pair))

    size = frames[0].shape[1], frames[0].shape[0]
    found = {chain.reference: np.eye(3)}
    for index, link in chain.links.items():
        if index == chain.reference:
            continue
        direct = step(chain.reference, index, link.homography)
        if direct is None:
            last = step(link.target, index, link.match.homography)
            last = to_full_size(link.match.homography, size, proxies[0].size) if last is None else last
            direct = unless_still(found[link.target] @ last, size)
        found[index] = direct / direct[2, 2]
    return np.stack([found[index] for index in range(len(frames))])


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
        return frame[y : y + height, x : x + width]
    return warp(frame, translation(-x, -y) @ homography, (width, height))


def _disagreeing_shares(
    chain: Chain, homographies: Matrix, shape: tuple[int, ...], proxies: Sequence[Proxy]
) -> list[float | None]:
    """What moved in each frame against the reference, on the proxies."""
    reference, full = proxies[chain.reference], (shape[1], shape[0])
    motions = [to_full_size(homography, reference.size, full) for homography in homographies]
    return [
        None
        if index == chain.reference
        else disagreeing_share(reference, moved(proxy, unless_still(motion, reference.size), reference.size))
        for index, (proxy, motion) in enumerate(zip(proxies, motions, strict=True))
    ]


def _evidence(
    chain: Chain, homographies: Matrix, shape: tuple[int, ...], scale: float, shares: Sequence[float | None]
) -> tuple[Registration, ...]:
    found = []
    for index, share in enumerate(shares):
        link = chain.links[index]
        motion = np.linalg.inv(homographies[link.target]) @ homographies[index]
        shift = corner_shift_px(motion, shape[1], shape[0])
        found.append(_registration(index, (link.target, link.match), scale, shift_px=shift, disagreeing_share=share))
    return tuple(found)


def _registration(
    frame: int,
    attempt: Attempt,
    scale: float,
    *,
    shift_px: float = float("nan"),
    disagreeing_share: float | None = None,
) -> Registration:
    target, match = attempt
    residual = scale * match.residual_px
    return Registration(frame, match.method, match.inliers, residual, shift_px, target, disagreeing_share)


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
