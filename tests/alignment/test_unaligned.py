"""Frames that cannot be laid on the others: refused in plain words, left out, or taken where they are."""

from __future__ import annotations

import numpy as np
import pytest
from support.motions import IDENTITY, bracket, dead_leaves, expose, shift

from deepfuse.alignment import AlignmentError, align, majority, stack
from deepfuse.alignment.chain import Chain, best_exposed, register_chain
from deepfuse.alignment.pair import Gate, PairMatch
from deepfuse.alignment.proxy import Proxy, make_proxy
from deepfuse.alignment.refusal import unplaced_frames
from deepfuse.errors import DeepfuseError

OTHER = expose(dead_leaves(9), 0.0)


def test_unrelated_pictures_are_refused() -> None:
    with pytest.raises(
        AlignmentError,
        match=r"^frame 1 cannot be laid on frame 0: these two .* not seem to show the same scene "
        r"\(the best of \d+ tries found \d+ matches, 25 are needed\)$",
    ) as caught:
        align([expose(dead_leaves(1), 0.0), expose(dead_leaves(2), -2.0)])
    assert isinstance(caught.value, DeepfuseError)
    assert {found.frame for found in caught.value.evidence} == {1}
    assert any(found.method == "ecc" for found in caught.value.evidence)
    assert str(caught.value.named(["a.jpg", "b.jpg"])).startswith("b.jpg cannot be laid on a.jpg: these two frames")


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (np.zeros_like(OTHER), "it is nearly black"),
        (np.full_like(OTHER, 254), "it is nearly white"),
        (np.full_like(OTHER, 90), "one of these two frames shows too little"),
        (
            np.where(np.arange(360)[:, None] < 40, OTHER, 30).astype(np.uint8),
            "one of these two frames shows too little",
        ),
    ],
)
def test_what_is_wrong_with_a_frame_is_told(frame: np.ndarray, reason: str) -> None:
    with pytest.raises(AlignmentError, match=f"cannot be laid on frame [01]: {reason}"):
        align([expose(dead_leaves(1), 0.0), frame])


@pytest.mark.parametrize(
    ("method", "inliers", "reason", "found"),
    [
        ("sift after clahe", 405, "too much moves between these two frames", "405 matches, which the rest"),
        ("tiles, one of several in a repeating pattern", 20, "the picture repeats itself", "20 matches, 25 are needed"),
    ],
)
def test_what_is_wrong_with_a_pair_is_told(method: str, inliers: int, reason: str, found: str) -> None:
    tried = [(0, PairMatch("identity", IDENTITY, 3, 0.5)), (0, PairMatch(method, IDENTITY, inliers, 0.5))]
    proxies = [make_proxy(frame) for frame in bracket((0.0, -2.0), (IDENTITY, IDENTITY))]
    [told] = unplaced_frames(Chain(0, Gate(25), {}, {1: tried}), proxies)
    assert reason in told.reason
    assert found in told.found


def test_small_common_part_is_refused() -> None:
    frames = bracket((0.0, -2.0), (IDENTITY, shift(25.0, 20.0)))
    with pytest.raises(AlignmentError, match=r"frame 1 .*too little in common .*keep 8\d% .*not 95%") as caught:
        align(frames, min_kept=0.95)
    assert caught.value.evidence[1].shift_px == pytest.approx(np.hypot(25, 20), abs=1.0)


def test_a_frame_without_a_place_is_left_out_and_the_others_are_as_without_it() -> None:
    frames = bracket((0.0, -2.0), (IDENTITY, shift(7.0, -3.0)))
    found = align([frames[0], OTHER, frames[1]], if_unaligned="drop")
    alone = align(frames)
    assert (found.dropped, found.as_is, found.kept) == ((1,), (), (0, 2))
    assert len(found.evidence) == 3
    assert all(np.array_equal(a, b) for a, b in zip(found.frames, alone.frames, strict=True))
    assert np.array_equal(found.homographies, alone.homographies)
    [warning] = found.warnings(["a", "b", "c"])
    assert warning.startswith("b cannot be laid on ")
    assert warning.endswith("; it is left out")
    assert found.record()["dropped"] == [1]


@pytest.fixture
def chained_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames are chained once for each number of them, since nothing takes longer than to try in vain."""
    known: dict[int, Chain] = {}

    def chain(proxies: list[Proxy], gate: Gate) -> Chain:
        if len(proxies) not in known:
            known[len(proxies)] = register_chain(proxies, gate)
        return known[len(proxies)]

    for module in (stack, majority):
        monkeypatch.setattr(module, "register_chain", chain)


@pytest.mark.usefixtures("chained_once")
def test_the_frame_that_is_best_exposed_may_be_the_odd_one() -> None:
    frames = bracket((-1.0, -3.0), (IDENTITY, shift(7.0, -3.0)))
    best = np.clip(OTHER, 40, 200)
    assert best_exposed([make_proxy(frame) for frame in (best, *frames)]) == 0
    found = align([best, *frames], if_unaligned="drop")
    assert (found.dropped, found.reference, found.base) == ((0,), 1, 0)
    assert found.homographies[1][:2, 2] == pytest.approx([7.0, -3.0], abs=0.3)
    taken = align([best, *frames], if_unaligned="as-is")
    assert (taken.as_is, taken.reference) == ((0,), 1)
    assert np.array_equal(taken.homographies[1:], found.homographies), "the others are laid on each other"
    with pytest.raises(AlignmentError, match=r"^frame 0 cannot be laid on frame 1: [^;]*$") as caught:
        align([best, *frames])
    assert {one.frame for one in caught.value.evidence} == {0}


def test_a_frame_without_a_place_is_taken_where_it_is() -> None:
    frames = bracket((0.0, -2.0), (IDENTITY, shift(7.0, -3.0)))
    found = align([frames[0], OTHER, frames[1]], if_unaligned="as-is")
    assert (found.dropped, found.as_is, found.kept) == ((), (1,), (0, 1, 2))
    assert np.array_equal(found.homographies[1], np.eye(3))
    x, y, width, height = found.crop
    assert np.array_equal(found.frames[1], OTHER[y : y + height, x : x + width])
    assert found.warnings()[0].endswith("; it is taken where it is")


def test_a_frame_too_far_off_is_given_up_like_one_without_a_place() -> None:
    frames = bracket((0.0, -1.0, -2.0), (IDENTITY, shift(2.0, 1.0), shift(25.0, 20.0)))
    dropped, taken = (align(frames, min_kept=0.95, if_unaligned=mode) for mode in ("drop", "as-is"))
    assert (dropped.dropped, taken.as_is) == ((2,), (2,))
    assert dropped.kept_area == taken.kept_area > 0.95
    assert np.array_equal(taken.homographies[2], np.eye(3))


def test_two_frames_must_be_left() -> None:
    with pytest.raises(AlignmentError, match="frame 1 cannot be laid on frame 0"):
        align([expose(dead_leaves(1), 0.0), OTHER], if_unaligned="drop")
    frames = bracket((0.0, -2.0), (IDENTITY, shift(25.0, 20.0)))
    with pytest.raises(AlignmentError, match="too little in common"):
        align(frames, min_kept=0.95, if_unaligned="drop")


def test_a_wrong_word_is_named() -> None:
    with pytest.raises(ValueError, match="if_unaligned: expected one of refuse, drop, as-is, got leave"):
        align([OTHER, OTHER], if_unaligned="leave")  # type: ignore[arg-type]
