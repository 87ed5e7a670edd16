"""All frames show the moment of one reference, whole, without fringes, noise or grey holes; light is kept whole."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from support.movers import HEIGHT, WIDTH, Radiance, scene, shot

from deepfuse import fuse
from deepfuse.color import Image, to_float
from deepfuse.motion import content, detect_motion, remove_ghosts

BOX = (slice(70, 170), slice(60, 110))
LATER = (slice(70, 170), slice(90, 140))
DARK = (0.02, 0.012, 0.015)


def painted(radiance: Radiance, part: tuple[slice, slice], light: tuple[float, float, float]) -> Radiance:
    changed = radiance.copy()
    changed[part] = light
    return changed


def framed(radiance: Radiance, part: tuple[slice, slice], width_px: int = 6) -> Radiance:
    """A thing whose rim alone can be told from what is behind it."""
    changed, (rows, columns) = radiance.copy(), part
    cv2.rectangle(changed, (columns.start, rows.start), (columns.stop, rows.stop), (1.5, 1.2, 0.1), width_px)
    return changed


def test_a_thing_that_moved_is_whole_and_of_the_reference() -> None:
    """Two places of one thing, which overlap: both show what the reference does there."""
    moments = [painted(scene(), part, DARK) for part in (BOX, LATER)]
    frames = [shot(moments[0], -1), shot(moments[1], 1)]
    found = remove_ghosts(frames, 0)
    truth = fuse([shot(moments[found.reference], -1), shot(moments[found.reference], 1)])
    both = np.zeros((HEIGHT, WIDTH), bool)
    both[BOX] = both[LATER] = True
    assert np.abs(to_float(fuse(found.frames)) - to_float(truth))[both].mean() < 0.02
    assert found.record()["elsewhere"] == []


def test_what_a_rim_that_moved_encloses_is_taken_with_it() -> None:
    part = (slice(80, 120), slice(100, 140))
    frames = [shot(framed(scene(), part), 0), shot(scene(), 1)]
    found = remove_ghosts(frames, 0)
    assert (found.mask(1)[part] == 255).all()


def test_the_reference_is_the_frame_that_holds_what_moved() -> None:
    """In the preferred frame it is white, in the other one it is well exposed."""
    radiance = scene() * 0.3
    frames = [shot(painted(radiance, BOX, (0.9, 0.8, 0.7)), -1), shot(painted(radiance, LATER, (0.9, 0.8, 0.7)), 3)]
    found = detect_motion(frames, 1)
    assert (found.reference, found.why) == (0, "it holds most of what moved")
    asked = detect_motion(frames, 1, reference=1)
    assert (asked.reference, asked.why, asked.elsewhere) == (1, "asked for", ())
    assert asked.alphas[1] is None


def test_a_nearly_black_frame_lends_nothing() -> None:
    """It shows the background of what moved in a few levels; the bright frame holds the thing."""
    radiance = scene() * 0.5 + 0.2
    thing = painted(radiance, BOX, (0.05, 0.08, 0.05))
    frames = [shot(radiance, -6, dtype=np.uint8), shot(thing, 0.5, dtype=np.uint8)]
    found = remove_ghosts(frames, 0)
    assert found.reference == 1
    assert found.frames[1] is frames[1]


def test_a_dark_thing_before_clipped_light_has_no_rim() -> None:
    """What the dark frame shows round it beyond white stays, to the pixel beside the thing."""
    window = scene() * 0.4
    window[40:200, 40:240] = np.random.default_rng(5).uniform(4, 8, (160, 200, 1))
    thing = painted(window, BOX, (0.3, 0.2, 0.25))
    frames, still = [shot(window, -3), shot(thing, 0)], [shot(thing, -3), shot(thing, 0)]
    found = remove_ghosts(frames, 1, reference=1)
    mask = found.mask(0)
    rim = (mask > 0) & (cv2.dilate(_marked(BOX), np.ones((5, 5), np.uint8)) == 0)
    rim[:44], rim[196:], rim[:, :44], rim[:, 236:] = False, False, False, False
    assert rim.sum() > 500
    assert np.abs(to_float(found.frames[0]) - to_float(frames[0]))[rim].mean() < 0.01
    assert np.abs(to_float(found.frames[0]) - to_float(still[0]))[BOX].mean() < 0.03


def test_one_clipped_channel_makes_no_vivid_fringe() -> None:
    """A yellowish green that is clipped in one channel keeps about its hue where it is made darker."""
    shown = np.full((1, 1, 3), (0.9, 1.0, 0.8), np.float32)
    steep = np.array([0.12, 0.5, 0.1], np.float32)[None, None]
    here = content.unfringed(steep, shown)
    assert here[0, 0, 1] == pytest.approx(content.VIVID * 0.12 / 0.9, rel=0.05)
    white = np.ones((1, 1, 3), np.float32)
    np.testing.assert_array_equal(content.unfringed(steep, white), steep)


def test_a_hole_before_white_gets_what_is_round_it() -> None:
    """A dark thing of the dark frame where the reference is white: the sky goes on, in its colour."""
    sky = scene() * 0.2
    sky[20:220, 20:300] = (2.0, 2.6, 3.2)
    frames = [shot(painted(sky, (slice(90, 130), slice(140, 180)), (0.1, 0.1, 0.1)), -2.5), shot(sky, 1)]
    found = remove_ghosts(frames, 1, reference=1)
    inside, beside = (to_float(found.frames[0])[100:120, left : left + 20].mean(axis=(0, 1)) for left in (150, 230))
    np.testing.assert_allclose(inside, beside, atol=0.02)


def streaked(radiance: Radiance, first: int, last: int) -> Radiance:
    line = np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.line(line, (first, 150), (last, 140), 1.0, 4)
    return radiance + 3 * cv2.GaussianBlur(line, (0, 0), 1.0)[..., None] * np.array((1, 0.9, 0.7), np.float32)


@pytest.mark.parametrize("base", [0, 1, 2])
def test_light_that_one_frame_alone_shows_is_kept_whole(base: int) -> None:
    """The trail of a car in the longest exposure; a part of it in the next."""
    night = scene() * 0.02
    frames = [shot(night, -1), shot(streaked(night, 120, 180), 1), shot(streaked(night, 20, 300), 3)]
    found = remove_ghosts(frames, base)
    (trail,) = found.elsewhere if found.reference != 2 else (None,)
    assert trail is None or (trail.frame == 2 and trail.lit and trail.place == "middle centre")
    fused = to_float(fuse(found.frames)).max(axis=2)
    along = [fused[round(150 - 10 * (x - 20) / 280) - 1, x] for x in range(30, 290, 10)]
    assert min(along) > 0.7
    assert np.ptp(along) < 0.15


def test_what_is_taken_elsewhere_is_said_with_place_and_share() -> None:
    night = scene() * 0.02
    frames = [shot(night, -1), shot(night, 1), shot(streaked(night, 20, 300), 3)]
    (trail,) = detect_motion(frames, 0).elsewhere
    assert 0.01 < trail.share < 0.2
    text = trail.text(("a.jpg", "b.jpg", "c.jpg"), 0)
    assert (
        text
        == f"middle centre ({trail.share:.1%} of the picture) what moved is taken from c.jpg: light that it alone shows"
    )


def _marked(part: tuple[slice, slice]) -> Image:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[part] = 1
    return mask
