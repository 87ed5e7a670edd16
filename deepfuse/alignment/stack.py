"""From a bracket as shot to a bracket that lies on itself."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from deepfuse.alignment.chain import Attempt, Chain, Link, register_chain
from deepfuse.alignment.full_size import FullPair, finish, unless_still
from deepfuse.alignment.geometry import corner_shift_px, is_identity, to_full_size, translation, warp
from deepfuse.alignment.pair import Gate, Pair
from deepfuse.alignment.proxy import Proxy, make_proxy
from deepfuse.alignment.rectangle import common_rectangle
from deepfuse.alignment.result import Alignment, AlignmentError, Matrix, Registration
from deepfuse.color import Image
from deepfuse.frames import check_frames

MIN_SIDE_PX = 64  # a tile with its reach needs 48 (`tiles`), and one alone proves nothing
PROXIES_AT_ONCE = 2  # each needs a frame's luma as floats


def align(frames: Sequence[Image], *, min_inliers: int = 25, min_kept: float = 0.5) -> Alignment:
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
        TypeError: frames of another type, or of several.
        ValueError: fewer than two frames, unlike shapes, values out of range, or a bad threshold.
        AlignmentError: a frame is too small or cannot be registered reliably, or too little is kept.

    >>> import cv2
    >>> from deepfuse import align
    >>> noise = cv2.GaussianBlur(np.random.default_rng(0).random((300, 400, 3)), (0, 0), 3)
    >>> scene = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)
    >>> still, moved = scene[4:204, 7:307], scene[:200, :300]
    >>> [round(found.shift_px) for found in align([still, moved]).evidence]
    [0, 8]
    """
    frames = check_frames(frames)
    _check_size(frames[0].shape)
    _check_thresholds(min_inliers, min_kept)
    with ThreadPoolExecutor(PROXIES_AT_ONCE) as pool:
        proxies = list(pool.map(make_proxy, frames))
    chain = register_chain(proxies, Gate(min_inliers))
    scale = frames[0].shape[1] / proxies[0].size[0]
    if chain.failed:
        raise _refusal(chain, scale)
    homographies = _homographies(chain, frames, proxies)
    evidence = _evidence(chain, homographies, frames[0].shape, scale)
    return _assemble(frames, chain.reference, homographies, evidence, min_kept)


def _homographies(chain: Chain, frames: Sequence[Image], proxies: Sequence[Proxy]) -> Matrix:
    """Each frame's motion to the reference, found there, or where the two have too little in common over its link."""

    def step(target: int, link: Link, start: Matrix) -> Matrix | None:
        pair = Pair(proxies[target], proxies[link.frame], chain.gate)
        found = finish(start, FullPair(frames[target], frames[link.frame], pair))
        if found is None:
            found = finish(start, FullPair(frames[target], frames[link.frame], pair.alike))
        return found

    size = frames[0].shape[1], frames[0].shape[0]
    found = {chain.reference: np.eye(3)}
    for index, link in chain.links.items():
        if index == chain.reference:
            continue
        direct = step(chain.reference, link, link.homography)
        if direct is None:
            last = step(link.target, link, link.match.homography)
            last = to_full_size(link.match.homography, size, proxies[0].size) if last is None else last
            direct = unless_still(found[link.target] @ last, size)
        found[index] = direct / direct[2, 2]
    return np.stack([found[index] for index in range(len(frames))])


def _assemble(
    frames: Sequence[Image],
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


def _cut(frame: Image, homography: Matrix, crop: tuple[int, int, int, int]) -> Image:
    x, y, width, height = crop
    if is_identity(homography):
        return frame[y : y + height, x : x + width]
    return warp(frame, translation(-x, -y) @ homography, (width, height))


def _evidence(chain: Chain, homographies: Matrix, shape: tuple[int, ...], scale: float) -> tuple[Registration, ...]:
    found = []
    for index, homography in enumerate(homographies):
        link = chain.links[index]
        motion = np.linalg.inv(homographies[link.target]) @ homography
        shift = corner_shift_px(motion, shape[1], shape[0])
        found.append(_registration(index, (link.target, link.match), scale, shift_px=shift))
    return tuple(found)


def _registration(frame: int, attempt: Attempt, scale: float, *, shift_px: float = float("nan")) -> Registration:
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


def _check_size(shape: tuple[int, ...]) -> None:
    if min(shape[:2]) < MIN_SIDE_PX:
        raise AlignmentError(f"expected sides of {MIN_SIDE_PX} or more pixels, got {shape}")


def _check_thresholds(min_inliers: int, min_kept: float) -> None:
    if min_inliers < 8:
        raise ValueError(f"min_inliers: expected 8 or more, got {min_inliers}")
    if not 0.0 <= min_kept <= 1.0:
        raise ValueError(f"min_kept: expected a share from 0 to 1, got {min_kept}")
