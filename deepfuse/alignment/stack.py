"""From a bracket as shot to a bracket that lies on itself."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from deepfuse.alignment.chain import Attempt, Chain, Link, register_chain
from deepfuse.alignment.checks import check_choices, check_size, check_thresholds, checked_masks
from deepfuse.alignment.cropping import MIN_FRAMES, Placed, with_enough_left
from deepfuse.alignment.full_size import FullPair, finish, unless_still
from deepfuse.alignment.geometry import corner_shift_px, to_full_size
from deepfuse.alignment.laying import lay
from deepfuse.alignment.majority import larger_group
from deepfuse.alignment.pair import Gate, Pair
from deepfuse.alignment.proxy import Proxy, make_proxy
from deepfuse.alignment.refusal import best_attempt, unplaced_frames
from deepfuse.alignment.result import (
    Alignment,
    AlignmentError,
    Crop,
    IfUnaligned,
    Matrix,
    Registration,
    Unplaced,
)
from deepfuse.color import Image, Mask
from deepfuse.frames import check_frames

MIN_KEPT = 0.5  # of the picture
PROXIES_AT_ONCE = 2  # each needs a frame's luma as floats


def align(
    frames: Sequence[Image],
    *,
    valid: Sequence[Mask | None] | None = None,
    min_inliers: int = 25,
    min_kept: float = MIN_KEPT,
    if_unaligned: IfUnaligned = "refuse",
    crop: Crop = "common",
) -> Alignment:
    """Register the frames of a bracket to the best-exposed one and crop them to what all of them show.

    Frames that already lie on the reference come back as they are, not resampled and not copied.

    Args:
        frames: two or more sRGB-encoded RGB pictures (height, width, 3), alike in shape and type, in any
            order of exposure: uint8, uint16, or float32 from 0 to 1.
        valid: for each frame, where it is picture: (height, width) of uint8, 1 or 0; all of it where `None`.
        min_inliers: feature matches that must support a motion, 8 or more; half as many tiles count as much.
        min_kept: share of the picture, 0 to 1, that the crop must keep.
        if_unaligned: what becomes of a frame that cannot be registered, or that moved so far that the crop keeps
            too little: it refuses the bracket, is left out as long as two frames are left, or taken where it is.
        crop: "common" is the largest rectangle that all frames show, without holes in `valid`; "none" keeps the
            reference's whole frame, "union" is the smallest rectangle that holds all frames: there each frame is
            picture only in part.

    Returns:
        The frames with their homographies, and the evidence for each.

    Raises:
        TypeError: frames of another type, or of several.
        ValueError: fewer than two frames, unlike shapes, values out of range, or a bad threshold.
        AlignmentError: the frames are too small, one cannot be registered reliably, or too little is kept.

    >>> import cv2
    >>> import numpy as np
    >>> from deepfuse import align
    >>> noise = cv2.GaussianBlur(np.random.default_rng(0).random((300, 400, 3)), (0, 0), 3)
    >>> scene = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)
    >>> still, moved = scene[4:204, 7:307], scene[:200, :300]
    >>> [round(found.shift_px) for found in align([still, moved]).evidence]
    [0, 8]
    """
    frames = check_frames(frames)
    check_size(frames[0].shape)
    known = checked_masks(frames, valid)
    check_thresholds(min_inliers, min_kept)
    check_choices(if_unaligned, crop)
    with ThreadPoolExecutor(PROXIES_AT_ONCE) as pool:
        proxies = list(pool.map(make_proxy, frames, known))
    chain, scale = register_chain(proxies, Gate(min_inliers)), frames[0].shape[1] / proxies[0].size[0]
    if chain.failed:
        chain = larger_group(chain, proxies)
    unplaced = unplaced_frames(chain, proxies)
    _check_tolerable(unplaced, chain, if_unaligned, scale)
    homographies = _homographies(chain, frames, proxies, known)
    evidence = _evidence(chain, homographies, frames[0].shape, scale)
    taken = if_unaligned == "as-is"
    homographies |= {one.frame: np.eye(3) for one in unplaced if taken}
    placed = Placed(chain.reference, homographies, tuple(replace(one, taken=taken) for one in unplaced))
    if crop == "common":
        placed = with_enough_left(placed, frames[0].shape, min_kept, if_unaligned, evidence)
    return _assemble(frames, known, placed, evidence, crop, min_kept)


def align_again(
    frames: Sequence[Image], earlier: Alignment, *, valid: Sequence[Mask | None] | None = None, crop: Crop = "common"
) -> Alignment:
    """Lay the same frames on each other as `align` did before, without looking for their motions again.

    Args:
        frames: those of then.
        earlier: what it returned; none of its frames was left out or taken where it was. Its pixels are not needed.
        valid: as then.
        crop: as then.

    Raises:
        ValueError: another number of frames.
    """
    if len(frames) != len(earlier.evidence):
        raise ValueError(f"expected {len(earlier.evidence)} frames as before, got {len(frames)}")
    frames = check_frames(frames)
    placed = Placed(earlier.reference, dict(enumerate(earlier.homographies)), ())
    return _assemble(frames, checked_masks(frames, valid), placed, earlier.evidence, crop, MIN_KEPT)


def _homographies(
    chain: Chain, frames: Sequence[Image], proxies: Sequence[Proxy], known: Sequence[Mask | None]
) -> dict[int, Matrix]:
    """Each frame's motion to the reference, found there, or where the two have too little in common over its link."""

    def step(target: int, link: Link, start: Matrix) -> Matrix | None:
        pair, masks = Pair(proxies[target], proxies[link.frame], chain.gate), (known[target], known[link.frame])
        found = finish(start, FullPair(frames[target], frames[link.frame], pair, masks))
        if found is None:
            found = finish(start, FullPair(frames[target], frames[link.frame], pair.alike, masks))
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
    return found


def _assemble(
    frames: Sequence[Image],
    known: Sequence[Mask | None],
    placed: Placed,
    evidence: tuple[Registration, ...],
    crop: Crop,
    min_kept: float,
) -> Alignment:
    kept = sorted(placed.homographies)
    motions = [placed.homographies[index] for index in kept]
    chosen, masks = [frames[index] for index in kept], [known[index] for index in kept]
    laid = lay(chosen, masks, motions, crop=crop, min_kept=min_kept)
    share = laid.crop[2] * laid.crop[3] / (frames[0].shape[0] * frames[0].shape[1])
    return Alignment(
        frames=laid.frames,
        reference=placed.reference,
        homographies=np.stack(motions),
        crop=laid.crop,
        kept_area=share,
        evidence=evidence,
        unplaced=placed.unplaced,
        valid=laid.valid,
    )


def _evidence(
    chain: Chain, homographies: dict[int, Matrix], shape: tuple[int, ...], scale: float
) -> tuple[Registration, ...]:
    """What speaks for each frame: its link, or the best of what was tried in vain."""
    found = {frame: _registration(frame, best_attempt(tried), scale) for frame, tried in chain.failed.items()}
    for index, link in chain.links.items():
        motion = np.linalg.inv(homographies[link.target]) @ homographies[index]
        shift = corner_shift_px(motion, shape[1], shape[0])
        found[index] = _registration(index, (link.target, link.match), scale, shift_px=shift)
    return tuple(found[index] for index in sorted(found))


def _registration(frame: int, attempt: Attempt, scale: float, *, shift_px: float = float("nan")) -> Registration:
    target, match = attempt
    return Registration(frame, match.method, match.inliers, scale * match.residual_px, shift_px, target)


def _check_tolerable(unplaced: Sequence[Unplaced], chain: Chain, if_unaligned: IfUnaligned, scale: float) -> None:
    """Refuse a bracket of which a frame has no place, unless it may be left out or taken where it is."""
    if not unplaced or if_unaligned == "as-is" or (if_unaligned == "drop" and len(chain.links) >= MIN_FRAMES):
        return
    failed = sorted(chain.failed.items())
    evidence = [_registration(frame, attempt, scale) for frame, tried in failed for attempt in tried]
    raise AlignmentError("; ".join(one.told() for one in unplaced), evidence, unplaced)
